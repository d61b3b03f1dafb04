/* tun.h - TUN devices */
#ifndef NET_TUN_H
#define NET_TUN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Opens (makes) a TUN device with net/gso.h's header before each packet and no
 * other, non-blocking and close-on-exec; offload tells whether the kernel gives
 * and takes large TCP segments.  A "%d" in name is replaced in place.  The
 * device goes away with the descriptor.  Returns the descriptor, or -1 after
 * one log line.
 */
int	tun_open_gso(char *name, size_t cap, bool *offload);
/*
 * The same with n queues, a descriptor each: the kernel puts what is of a flow
 * where packets of its flow were last written, else into any.  0,
 * or -1 after one log line, and none is open.
 */
int	tun_open_queues(char *name, size_t cap, int *fds, unsigned n,
	    bool *offload);
/*
 * Before it is up: the kernel's IPv6 may use the device, which gets no address
 * of its own and believes no router.  False where this host has no IPv6, or its
 * operator wants none.
 */
bool	tun_ipv6(const char *name);
/*
 * n is what read() returned: has somebody taken the device away?  The
 * descriptor is ready for ever then, with nothing to read.
 */
bool	tun_is_gone(ssize_t n);

#endif
