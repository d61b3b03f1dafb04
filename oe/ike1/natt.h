/* natt.h - NAT traversal of a Phase 1 SA: detection, the move to port 4500, keepalives (RFC 3947, RFC 3948) */
#ifndef OE_IKE1_NATT_H
#define OE_IKE1_NATT_H

#include "oe/ike1/table.h"

/* The vendor ID of RFC 3947: writes it; is p's body one? */
void	natt_put_vendor_id(struct isakmp_builder *b);
bool	natt_is_vendor_id(const struct isakmp_part *p);
/* The two NAT-D payloads of messages 3 and 4. */
void	natt_put(const struct ike1_sa *sa, struct isakmp_builder *b);
/* Compares the peer's with what we see. */
void	natt_detect(struct ike1_sa *sa, const struct isakmp_message *m);
/* Initiator: to port 4500 from message 5 on, if there is a NAT (RFC 3947
 * §4). */
void	natt_float(struct ike1_sa *sa);
/* An authenticated message came this way: answer to where it came from. */
void	natt_moved(struct ike1_sa *sa);
/* The peer's ESP came from there (the engine's "moved"). */
void	natt_follow(struct ike1_sa *sa, const struct addr *peer, uint16_t port);
/* Sends a keepalive where the mapping needs one by now (RFC 3948 §4). */
void	natt_tick(struct ike1_sa *sa, uint64_t now);

#endif
