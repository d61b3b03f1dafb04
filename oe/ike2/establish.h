/* establish.h - IKE_AUTH in both roles */
#ifndef OE_IKE2_ESTABLISH_H
#define OE_IKE2_ESTABLISH_H

#include "oe/ike2/sa.h"

/* Initiator: sends IKE_AUTH, 0 or -1; takes its answer. */
int	ike2_auth_start(struct ike2_sa *sa, uint64_t now);
void	ike2_auth_answer(struct ike2_sa *sa, uint64_t now,
	    const struct ike2_chain *m);
/* Nobody waits for the answer any more; it may still come. */
void	ike2_auth_late(struct ike2_sa *sa, uint64_t now);
/* What the peer believes to be up is not what was asked for: it is told, and
 * all of it ends (RFC 7296 §2.21.2). */
void	ike2_auth_disown(struct ike2_sa *sa, uint64_t now,
	    enum keying_failure f, const char *detail);
/* Responder: a decrypted IKE_AUTH, whose payloads begin with type
 * first; then keys for the identity in it, and whether its child may be
 * (conn NULL: not). */
void	ike2_auth_request(struct ike2_sa *sa, uint64_t now, uint8_t first,
	    const uint8_t *inner, size_t len);
void	ike2_auth_keys(struct ike2_sa *sa, uint64_t now,
	    const struct keying_credentials *c);
void	ike2_auth_authorized(struct ike2_sa *sa, uint64_t now,
	    struct ike2_child *c, void *conn);

#endif
