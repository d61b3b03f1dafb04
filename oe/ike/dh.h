/* dh.h - Diffie-Hellman exchanges, by the groups' IANA numbers, which both versions share (RFC 2409 §6, RFC 3526, RFC 5903, RFC 8031) */
#ifndef OE_IKE_DH_H
#define OE_IKE_DH_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#define IKE_KE_MAX	512		/* octets of a public value: group 16 */

struct ike_dh;				/* one side of one exchange */

/* Octets of public values; 0: we do not have the group (2, 5, 14, 15, 16, 19,
 * 20, 31). */
size_t	ike_group_len(unsigned group);
const char *ike_group_name(unsigned group);

/* Makes a key pair.  NULL: unknown group, or no memory.  ike_dh_free() wipes;
 * NULL is allowed. */
struct ike_dh *ike_dh_new(unsigned group);
/* Of a pair that somebody else made, which becomes its own. */
struct ike_dh *ike_dh_of(unsigned group, EVP_PKEY *pair);
void	ike_dh_free(struct ike_dh *dh);
/* Our public value as the wire has it: ike_group_len() octets, good as long as
 * dh. */
const uint8_t *ike_dh_public(const struct ike_dh *dh);
/*
 * The shared secret, of the length that the group fixes (at most IKE_KE_MAX),
 * which the caller wipes.  Its length, or -1 if the peer's value is none of the
 * group, or fixes the secret (RFC 2412 §5; RFC 5903 §4; RFC 6989 §2; RFC 8031
 * §2).
 */
int	ike_dh_derive(struct ike_dh *dh, const uint8_t *peer, size_t len,
	    uint8_t *out);
/* Pairs made and secrets derived by this process so far: what it had to do of
 * public-key operations for them. */
uint64_t ike_dh_operations(void);

#endif
