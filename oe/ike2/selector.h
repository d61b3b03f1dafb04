/* selector.h - traffic selectors: ranges of addresses and ports of both families (RFC 7296 §2.9, §3.13) */
#ifndef OE_IKE2_SELECTOR_H
#define OE_IKE2_SELECTOR_H

#include "base/cursor.h"
#include "oe/keying.h"

/*
 * The body of a TSi or TSr payload.  A selector of a type that we do not
 * know, with OPAQUE ports or beyond KEYING_SELECTORS_MAX is passed over:
 * the peer then gets less than it asked for.  So is one that another of the
 * same addresses has within it: it says nothing.  0, or -1: malformed.  n
 * may be 0 after success.
 */
int	ike2_selectors_read(struct keying_selectors *s, const uint8_t *body,
	    size_t len);
void	ike2_selectors_write(struct writer *w,
	    const struct keying_selectors *s);

#endif
