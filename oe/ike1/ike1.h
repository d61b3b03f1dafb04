/* ike1.h - IKEv1: Main Mode and Quick Mode in both roles (RFC 2407, 2408, 2409, 3526, 3706, 3947) */
#ifndef OE_IKE1_IKE1_H
#define OE_IKE1_IKE1_H

#include <openssl/evp.h>

#include "oe/keying.h"

struct ike1;

struct ike1_config {
	EVP_PKEY *key;			/* our RSA key; NULL: pre-shared keys only */
	struct keying_id my_id;		/* as responder; requests bring their own */
	bool	 legacy;		/* 3DES, MD5, SHA1, groups 2 and 5 (draft -17 §4.6) */
	unsigned rsa_min_bits;		/* of peers' keys */
	uint32_t phase1_lifetime;	/* seconds, 0: 3600, below usual peers' (RFC 3104 App. E) */
	uint32_t phase2_lifetime;	/* seconds, 0: 1200 */
	/* Exchanges that wait for message 5, of all, of one address, and of one port there. */
	unsigned half_open_max;		/* 0: 1024 */
	unsigned half_open_per_address;	/* 0: 128 */
	unsigned half_open_per_port;	/* 0: 8 */
	unsigned sa_max;		/* Phase 1 SAs, for each role, 0: 4096 */
	unsigned sa_per_address;	/* that others began, 0: 1024 */
	unsigned sa_per_peer;		/* of one identity there, 0: 4 */
	unsigned dpd_delay;		/* seconds, 0: no dead peer detection */
	uint32_t phase2_kilobytes;	/* of traffic, 0: no limit */
	bool	 esn;			/* offer 64-bit sequence numbers; accepted in any case */
	bool	 no_natt;		/* no NAT traversal */
	uint32_t keepalive;		/* seconds between NAT-keepalives, 0: 20 */
	unsigned give_up;		/* milliseconds an unanswered request may take, 0: 20000 */
	uint64_t (*spent)(void);	/* microseconds of processor time so far; NULL: the thread's */
};

/* Copies c and holds its key; ops and arg must outlive the engine. NULL after one log line. */
struct ike1 *ike1_new(const struct ike1_config *c, const struct keying_ops *ops,
	    void *arg);
extern const struct keying_engine ike1_engine;	/* e is a struct ike1 * */

#endif
