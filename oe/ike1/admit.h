/* admit.h - strangers' messages 1 and 3: cookies without state, then limits (RFC 2408 §2.5.3) */
#ifndef OE_IKE1_ADMIT_H
#define OE_IKE1_ADMIT_H

#include "oe/ike1/table.h"

/* A message 1 from a stranger: answered, and forgotten. */
void	admit_first(struct ike1 *e, uint64_t now,
	    const struct keying_path *path, const struct isakmp_header *h,
	    const uint8_t *buf, size_t len);
/* A message 3, which must bring a cookie of ours: makes the SA. */
void	admit_third(struct ike1 *e, uint64_t now,
	    const struct keying_path *path, const struct isakmp_header *h,
	    const uint8_t *buf, size_t len);

#endif
