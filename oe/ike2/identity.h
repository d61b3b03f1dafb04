/* identity.h - IDi and IDr payloads (RFC 7296 §3.5, RFC 7619 §2.2) */
#ifndef OE_IKE2_IDENTITY_H
#define OE_IKE2_IDENTITY_H

#include "base/cursor.h"
#include "net/addr.h"

enum ike2_id_type {
	IKE2_ID_IPV4_ADDR = 1,
	IKE2_ID_FQDN = 2,
	IKE2_ID_RFC822_ADDR = 3,
	IKE2_ID_IPV6_ADDR = 5,
	IKE2_ID_DER_ASN1_DN = 9,	/* these two are read, and nobody here has one */
	IKE2_ID_KEY_ID = 11,
	IKE2_ID_NULL = 13,
};

#define IKE2_ID_NAME_MAX	255
#define IKE2_ID_BODY_MAX	(4 + IKE2_ID_NAME_MAX)	/* of one that we know */

struct ike2_id {
	uint8_t	    type;		/* 0: none */
	struct addr addr;		/* IPV4_ADDR, IPV6_ADDR */
	char	    name[IKE2_ID_NAME_MAX + 1];	/* FQDN, RFC822: lower case, no final dot */
};

/*
 * A payload's body.  0; -1: malformed, a name that is none, or a type that nobody
 * here can have, such as a distinguished name.
 */
int	ike2_id_read(struct ike2_id *id, const uint8_t *body, size_t len);
void	ike2_id_write(struct writer *w, const struct ike2_id *id);
bool	ike2_id_equal(const struct ike2_id *a, const struct ike2_id *b);
/* The identity that an address is. */
struct ike2_id ike2_id_addr(const struct addr *a);

#endif
