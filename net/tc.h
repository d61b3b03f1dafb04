/* tc.h - eBPF programs on interfaces, by the kernel's traffic control */
#ifndef NET_TC_H
#define NET_TC_H

#include <stdbool.h>
#include <stdint.h>

/* Where a program of ours stands: one to each side of an interface. */
struct tc_place {
	unsigned ifindex;
	bool	 egress;	/* else ingress */
	uint16_t priority;	/* tells it from others'; is its handle, too */
	uint16_t protocol;	/* ETH_P_*, host order; 0: all packets */
};

/*
 * Puts the program behind fd there, in place of one that a process which was
 * killed left, and makes the interface ready for it.  Needs CAP_NET_ADMIN.
 * 0, or -1 with errno.
 */
int	tc_add(const struct tc_place *p, int fd, const char *name);
/* Takes it away, or what such a process left; without an interface nothing.
 * What made the interface ready stays: others may use it, and it does nothing
 * by itself. */
void	tc_del(const struct tc_place *p);

#endif
