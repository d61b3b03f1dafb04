/* xfrm_sa.h - SAs and policies of the kernel, by messages to it (Linux XFRM through netlink) */
#ifndef OE_ESP_XFRM_SA_H
#define OE_ESP_XFRM_SA_H

#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"
#include "oe/esp/params.h"

/*
 * fd is a socket of NETLINK_XFRM (netlink_open()).  What returns an int: 0, or
 * -1 with errno.
 */

/* Upper half of every reqid of ours: "OE". */
#define XFRM_REQID_BASE	0x4f450000u
#define XFRM_REQID_MASK	0xffff0000u
/* Policies of ours: behind what an operator's IPsec puts there. */
#define XFRM_PRIORITY	2000

xfrm_address_t xfrm_address(const struct addr *a);
/* What is from src to dst; what else a selector has stays as it is. */
void	xfrm_select(struct xfrm_selector *s, const struct prefix *src,
	    const struct prefix *dst);

/* Fills in, of one that is all zero, the SA that a policy wants: ESP from src
 * (NULL: whatever it has) to dst, with any algorithm. */
void	xfrm_template(struct xfrm_user_tmpl *t, const struct addr *src,
	    const struct addr *dst, uint32_t reqid, bool transport);

/* What an SA has beside what was negotiated. */
struct xfrm_tag {
	uint32_t reqid;
	int	 inner;			/* family of what is inside */
	uint32_t mark;			/* put on what comes out; 0: none */
	uint32_t if_id;			/* of its xfrm interface; 0: none */
	bool	 follows;		/* of ESP in UDP: the kernel says where
					 * it is heard, if not from p->src */
};
int	xfrm_sa_add(int fd, const struct esp_params *p,
	    const struct xfrm_tag *tag);
void	xfrm_sa_remove(int fd, const struct addr *dst, uint32_t spi);
/* Fills in what the kernel has counted; nothing if it has no such SA. */
void	xfrm_sa_usage(int fd, const struct esp_params *p,
	    struct esp_counters *c);

/* Does it say so seldom, however much is heard?  Older kernels than Linux 5.17
 * would at each packet. */
bool	xfrm_sa_tells_seldom(int fd, const struct esp_params *p);

/* The other end of an SA with ESP in UDP is elsewhere. */
struct xfrm_move {
	const struct addr *dst;		/* NULL: not at another address */
	uint16_t	   sport, dport;	/* host order */
	uint32_t	   ahead;	/* numbers that are passed over */
};
/*
 * Without dst it is the SA that it was, with other ports.  With dst there is
 * another one beside it, with its keys and numbers, which goes on so far ahead:
 * what is sent on the old one until that is removed must be less.  -1 too where
 * there are not so many numbers left (ERANGE).
 */
int	xfrm_sa_move(int fd, const struct esp_params *p,
	    const struct xfrm_move *m);

/* An authentic packet came from there on an inbound SA of ESP in UDP that
 * follows. */
struct xfrm_mapping {
	struct addr dst, peer;
	uint32_t    spi, reqid;		/* host order */
	uint16_t    port;
};
/* Of a message to XFRMNLGRP_MAPPING; false: it is none. */
bool	xfrm_mapping_read(struct xfrm_mapping *out, const struct nlmsghdr *nlh);

struct xfrm_rule {
	struct xfrm_selector  sel;
	struct xfrm_mark      mark;	/* of the packet; no mask: any */
	uint32_t	      if_id;	/* 0: not at an xfrm interface */
	uint32_t	      priority;
	uint8_t		      dir;	/* XFRM_POLICY_* */
	bool		      block;
	struct xfrm_user_tmpl tmpl;	/* no reqid: in the clear */
};
/* Replaces an equal one. */
int	xfrm_rule_put(int fd, const struct xfrm_rule *r);
/* By its selector, mark, direction and interface. */
void	xfrm_rule_delete(int fd, const struct xfrm_rule *r);

/* All policies (XFRM_MSG_GETPOLICY) or SAs (XFRM_MSG_GETSA); fn must not use
 * fd. */
void	xfrm_dump(int fd, unsigned type, mnl_cb_t fn, void *arg);

#endif
