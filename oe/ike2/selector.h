/* selector.h - traffic selectors: ranges of addresses and ports of both families (RFC 7296 §2.9, §3.13) */
#ifndef OE_IKE2_SELECTOR_H
#define OE_IKE2_SELECTOR_H

#include "base/cursor.h"
#include "net/addr.h"

#define IKE2_SELECTORS_MAX	16	/* a payload; further ones are narrowed away */

struct ike2_selector {
	struct addr from, to;		/* of one family, both within */
	uint8_t	 protocol;		/* 0: any */
	uint16_t port_from, port_to;	/* host order, both within; of ICMP type and code */
};

struct ike2_selectors {
	unsigned n;
	struct ike2_selector ts[IKE2_SELECTORS_MAX];
};

/* All of the addresses of a prefix: any protocol, any port. */
struct ike2_selector ike2_selector_prefix(const struct prefix *p);
/* One address, protocol and port; 0: any. */
struct ike2_selector ike2_selector_host(const struct addr *a, uint8_t protocol,
	    uint16_t port);
bool	ike2_selector_equal(const struct ike2_selector *a,
	    const struct ike2_selector *b);
/* Is all of b in a? */
bool	ike2_selector_covers(const struct ike2_selector *a,
	    const struct ike2_selector *b);
/* Does it speak of exactly the addresses of a prefix?  Then *p is that. */
bool	ike2_selector_is_prefix(const struct ike2_selector *s, struct prefix *p);

/*
 * The body of a TSi or TSr payload.  A selector of a type that we do not know, with
 * OPAQUE ports or beyond the limit is passed over: the peer then gets less than it
 * asked for.  0, or -1: malformed.  n may be 0 after success.
 */
int	ike2_selectors_read(struct ike2_selectors *s, const uint8_t *body,
	    size_t len);
void	ike2_selectors_write(struct writer *w, const struct ike2_selectors *s);

/*
 * What of asked lies within allowed, in asked's order (§2.9); out may be either.
 * False: nothing.
 */
bool	ike2_selectors_narrow(struct ike2_selectors *out,
	    const struct ike2_selectors *asked,
	    const struct ike2_selectors *allowed);
/* Lies each of part within one of all?  For an answer, which must be a subset. */
bool	ike2_selectors_within(const struct ike2_selectors *part,
	    const struct ike2_selectors *all);

#endif
