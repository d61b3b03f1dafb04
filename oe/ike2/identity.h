/* identity.h - IDi and IDr payloads (RFC 7296 §3.5, RFC 7619 §2.2) */
#ifndef OE_IKE2_IDENTITY_H
#define OE_IKE2_IDENTITY_H

#include "base/cursor.h"
#include "oe/keying.h"

/* Octets, of one that we know. */
#define IKE2_ID_BODY_MAX	(4 + KEYING_NAME_MAX)

/*
 * A payload's body.  0; -1: malformed, a name that is none, or a type that
 * nobody here can have, such as a distinguished name.
 */
int	ike2_id_read(struct keying_id *id, const uint8_t *body, size_t len);
/* 0, or -1: a payload cannot say it (KEYING_ID_ANYONE, a prefix). */
int	ike2_id_write(struct writer *w, const struct keying_id *id);

#endif
