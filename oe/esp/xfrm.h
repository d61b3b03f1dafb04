/* xfrm.h - the data plane in the kernel: Linux XFRM through netlink, and what it lets in in the clear */
#ifndef OE_ESP_XFRM_H
#define OE_ESP_XFRM_H

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/ip.h"

struct esp_params;
struct esp_plane;
struct xfrm;

/* What the data plane asks of whoever has the sockets. */
struct xfrm_shell {
	/* Takes a packet to the network, through the kernel's policies. */
	packet_fn send;
	/*
	 * What comes on a pair of SAs, from wherever, is the kernel's from here
	 * on; on false: not any more, once for each time that it was.  0, or
	 * -1: of ESP in UDP (RFC 3948) no more is to be had.
	 */
	int	(*take)(void *arg, const struct esp_params *in,
		    const struct esp_params *out, bool on);
	/* fn is to be called whenever fd can be read, which is the shell's to
	 * close, at its own end.  NULL: the kernel has no peer that may move,
	 * and nothing is elsewhere. */
	void	(*watch)(void *arg, int fd, void (*fn)(int fd, void *arg),
		    void *fn_arg);
	/* ESP in UDP with that SPI, authentic and no replay, came to dst from
	 * another place than its pair's peer was known at. */
	void	(*elsewhere)(void *arg, uint32_t spi, const struct addr *dst,
		    const struct addr *peer, uint16_t port);
	void	 *arg;
};

/*
 * Takes away what a killed predecessor left.  mark is put on encrypted packets,
 * so that they are routed past the TUN.  NULL if this kernel has no XFRM.
 */
struct xfrm *xfrm_open(uint32_t mark);
/* Removes all that is ours. NULL is allowed. */
void	xfrm_close(struct xfrm *x);

/*
 * NULL: the kernel has ESP and policies, by a trial of each for that family;
 * or what it lacks, in words.  As root, since that may load its modules.
 */
const char *xfrm_lacks(struct xfrm *x, int family);

/* Pairs over IPv6 are left to another plane. */
void	xfrm_set_ipv4_only(struct xfrm *x);

/* The data plane (dataplane.h), which ends with xfrm_close(). */
struct esp_plane *xfrm_plane(struct xfrm *x, const struct xfrm_shell *shell);

/*
 * Packets from a prefix that come in the clear, for this host and (forward) for
 * networks behind it: refused (block) or taken.  The longest prefix decides.
 * IPv4's interfaces with the setting disable_policy are exempt.  0, or -1 with
 * errno.
 */
int	xfrm_guard(struct xfrm *x, const struct prefix *from, bool block,
	    bool forward);
/*
 * Before any of IPv6: taken is what has a mark (that is exempt, as the setting
 * is of no use there), and what neighbours, routers and multicast listeners
 * say.  0, or -1 with errno.
 */
int	xfrm_guard_leave(struct xfrm *x, uint32_t mark, uint32_t mask,
	    bool forward);
/* Forgets all of these. */
void	xfrm_guard_clear(struct xfrm *x);

#endif
