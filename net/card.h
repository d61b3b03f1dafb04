/* card.h - what the kernel says of an interface before a program is put at its card, where packets have no buffer yet (XDP) */
#ifndef NET_CARD_H
#define NET_CARD_H

#include <stdbool.h>
#include <stdint.h>

/* What a driver can do there: NETDEV_XDP_ACT_* of linux/netdev.h. */
#define CARD_XDP_RECEIVES	1u	/* a program of its own */
#define CARD_XDP_REDIRECTS	2u	/* to another interface */
#define CARD_XDP_SENDS		4u	/* what others redirect to it; of many
					 * only while a program stands there */

/* Whom to ask; works without privileges once it is open. */
struct card_asker {
	int	 fd;		/* -1: not open */
	uint16_t family;
};

/* 0, or -1 where the kernel does not say (before Linux 6.3) and a->fd is -1. */
int	card_open(struct card_asker *a);
void	card_close(struct card_asker *a);
/* 0 with CARD_XDP_*, or -1 with errno. */
int	card_xdp(const struct card_asker *a, unsigned ifindex,
	    uint64_t *features);

/*
 * Is it a device on a bus, and not the end of something that another kernel on
 * the same machine hands segments of 64 KiB through?  Not known is false.
 */
bool	card_is_hardware(const char *ifname);
/* Are VLAN tags taken off, so that a program there does not see them?  Not
 * known is true. */
bool	card_takes_tags(const char *ifname);
/* Does something other than the kernel's usual queues order what leaves?  Not
 * known is true. */
bool	card_is_shaped(unsigned ifindex);

/* What comes there, of any interface, is not joined (GRO) from here on.  0, or
 * -1 with errno. */
int	card_keep_apart(const char *ifname);

#endif
