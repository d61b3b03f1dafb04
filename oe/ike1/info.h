/* info.h - Informational exchanges that come, and dead peer detection (RFC 2409 §5.7, RFC 3706) */
#ifndef OE_IKE1_INFO_H
#define OE_IKE1_INFO_H

#include "oe/ike1/table.h"

/* An Informational under sa's keys: notifies, deletes,
 * R-U-THERE and its answer. */
void	info_message(struct ike1_sa *sa, uint64_t now,
	    const struct isakmp_header *h, const uint8_t *buf, size_t len);
/* An Informational that belongs to no SA: at most a hint. */
void	info_stray(struct ike1 *e, const struct keying_path *path,
	    const struct isakmp_header *h, const uint8_t *buf, size_t len);
/* At sa->dpd_at: asks, if nothing was heard, or finds the peer dead. */
void	info_dpd(struct ike1_sa *sa, uint64_t now);
/* R-U-THERE at once; see the engine's probe. */
void	info_probe(struct ike1_sa *sa, uint64_t now);

#endif
