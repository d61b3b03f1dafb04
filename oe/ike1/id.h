/* id.h - Identification payloads (RFC 2407 §4.6.2) */
#ifndef OE_IKE1_ID_H
#define OE_IKE1_ID_H

#include "base/cursor.h"
#include "oe/keying.h"

/* Writes the body: Phase 1 identities with protocol and port 0 (RFC 3104
 * §3). */
void	ike1_id_write(struct writer *w, const struct keying_id *id);
/* Reads one; names are checked and made lower case. 0, or -1. */
int	ike1_id_read(struct keying_id *id, const uint8_t *body, size_t len);

/* Can IKEv1 say it?  One prefix, and one port or all. */
bool	ike1_selector_fits(const struct keying_selectors *s);
/* Phase 2: always ID_IPV4_ADDR_SUBNET (draft -17 §4.6.2); reading takes
 * ID_IPV4_ADDR too. */
void	ike1_selector_write(struct writer *w, const struct keying_selector *s);
int	ike1_selector_read(struct keying_selector *s, const uint8_t *body,
	    size_t len);

#endif
