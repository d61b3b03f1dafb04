/* message.h - messages of a Phase 1 SA: sealed, opened, sent (RFC 2409 App. B) */
#ifndef OE_IKE1_MESSAGE_H
#define OE_IKE1_MESSAGE_H

#include "oe/ike1/table.h"

/*
 * Begins a message of an exchange: under a message id, which is not 0, it has a
 * HASH payload first, which message_seal_hashed() fills in.
 */
void	message_begin(struct isakmp_builder *b, uint8_t *buf, size_t cap,
	    const struct ike1_sa *sa, uint8_t exchange, uint8_t flags,
	    uint32_t msgid);
/* Encrypts what a builder holds (all after the header) with an IV that moves
 * on. The message's length, or 0. */
size_t	message_seal(struct ike1_sa *sa, struct isakmp_builder *b, uint8_t *iv);
/* Decrypts what comes after the header into text, of len octets, and splits it;
 * iv moves on. 0, or -1: also if it is not encrypted. */
int	message_open(struct ike1_sa *sa, uint8_t *iv,
	    const struct isakmp_header *h, const uint8_t *buf, size_t len,
	    uint8_t *text, struct isakmp_message *m);

/* What HASH(1), (2) or (3) is made over beside what follows it (RFC 2409 §5.5);
 * Informational exchanges have the first (§5.7), which takes no nonce. */
struct message_hash {
	unsigned	 step;
	uint32_t	 msgid;
	struct ike_chunk ni, nr;
};
/* As the two above, of a message that begins with a HASH payload. */
size_t	message_seal_hashed(struct ike1_sa *sa, struct isakmp_builder *b,
	    uint8_t *iv, const struct message_hash *k);
int	message_open_hashed(struct ike1_sa *sa, uint8_t *iv,
	    const struct message_hash *k, const struct isakmp_header *h,
	    const uint8_t *buf, size_t len, uint8_t *text,
	    struct isakmp_message *m);
/* The KE payload of a group and the nonce, one each and as long as they may be:
 * found, or copied. */
bool	message_find_ke(const struct isakmp_message *m, unsigned group,
	    const struct isakmp_part **ke, const struct isakmp_part **nonce);
bool	message_take_ke(const struct isakmp_message *m, unsigned group,
	    uint8_t ke[IKE_KE_MAX], uint8_t nonce[IKE1_NONCE_MAX],
	    size_t *nonce_len);
/* IV of a new Phase 2 or informational exchange (RFC 2409 App. B). 0, or -1. */
int	message_iv(const struct ike1_sa *sa, uint32_t msgid, uint8_t *iv);
/* To where the SA's messages go. */
void	message_send(struct ike1_sa *sa, const uint8_t *buf, size_t len);

#endif
