/* xfrm.h - the kernel's own ESP as data plane of the engine (Linux XFRM through netlink) */
#ifndef OE_XFRM_H
#define OE_XFRM_H

#include <stdint.h>

#include "oe/engine.h"

struct xfrm;

/*
 * As root: sees whether the kernel has ESP (loads its modules), and takes away
 * what a killed predecessor left.  mark is put on encrypted packets, so that
 * they are routed past the TUN.  NULL, with the reason in why (static text), if
 * this kernel cannot.
 */
struct xfrm *xfrm_open(uint32_t mark, const char **why);
/* Removes all that is ours. NULL is allowed. */
void	xfrm_close(struct xfrm *x);

/* What the engine asks; its argument is the struct xfrm. */
extern const struct oe_kernel xfrm_kernel;

#endif
