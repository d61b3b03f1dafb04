/* xfrm.h - Linux XFRM through netlink: the kernel's ESP for the engine, and what may come in the clear */
#ifndef OE_XFRM_H
#define OE_XFRM_H

#include <stdint.h>

#include "oe/shell.h"

struct xfrm;

/*
 * Takes away what a killed predecessor left.  mark is put on encrypted packets,
 * so that they are routed past the TUN.  NULL if this kernel has no XFRM.
 */
struct xfrm *xfrm_open(uint32_t mark);
/* Removes all that is ours. NULL is allowed. */
void	xfrm_close(struct xfrm *x);

/* Does the kernel have ESP?  As root, since that may load its modules. */
bool	xfrm_has_esp(struct xfrm *x);

/*
 * Packets from a prefix (network order) that come in the clear, for this host
 * and (forward) for networks behind it: refused (block) or taken.  The longest
 * prefix decides.  Interfaces with the setting disable_policy are exempt.
 * 0, or -1 with errno.
 */
int	xfrm_guard(struct xfrm *x, uint32_t net, unsigned plen, bool block,
	    bool forward);
/* Forgets all of these. */
void	xfrm_guard_clear(struct xfrm *x);

/* What the engine asks; its argument is the struct xfrm. */
extern const struct oe_kernel xfrm_kernel;

#endif
