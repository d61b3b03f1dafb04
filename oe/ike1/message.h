/* message.h - messages of a Phase 1 SA: sealed, opened, sent (RFC 2409 App. B) */
#ifndef OE_IKE1_MESSAGE_H
#define OE_IKE1_MESSAGE_H

#include "oe/ike1/table.h"

/* Encrypts what a builder holds (all after the header) with an IV that moves
 * on. The message's length, or 0. */
size_t	message_seal(struct ike1_sa *sa, struct isakmp_builder *b, uint8_t *iv);
/* Decrypts in place; iv moves on. 0, or -1. */
int	message_open(struct ike1_sa *sa, uint8_t *iv, uint8_t *buf, size_t len);
/* IV of a new Phase 2 or informational exchange (RFC 2409 App. B). 0, or -1. */
int	message_iv(const struct ike1_sa *sa, uint32_t msgid, uint8_t *iv);
/* To where the SA's messages go. */
void	message_send(struct ike1_sa *sa, const uint8_t *buf, size_t len);

#endif
