/* arrival.h - packets of IPv6 that come by a device of this host get a mark, which the kernel's policies can look at */
#ifndef NET_ARRIVAL_H
#define NET_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

/* In the upper half of a mark; the lower half stays what it was: "OI". */
#define ARRIVAL_MARK	0x4f490000u
#define ARRIVAL_MASK	0xffff0000u

/*
 * A small program (BPF, at the device's ingress) does it, as neither a TUN nor
 * a policy of IPv6 can say where a packet came from.  As root; never NULL.
 */
struct arrival *arrival_open(void);
/* The devices keep what they have. */
void	arrival_close(struct arrival *a);
/* Marks what comes by a device from now on, or not any more.  0, or -1 with
 * errno: this kernel cannot. */
int	arrival_mark(const struct arrival *a, const char *ifname, bool set);

#endif
