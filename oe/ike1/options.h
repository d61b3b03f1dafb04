/* options.h - how an IKEv1 engine is to behave */
#ifndef OE_IKE1_OPTIONS_H
#define OE_IKE1_OPTIONS_H

#include <openssl/evp.h>

#include "oe/keying.h"

#define IKE1_VERSION 1

struct ike1_config {
	EVP_PKEY *key;		/* our RSA key; NULL: pre-shared keys only */
	struct keying_id my_id;	/* as responder; requests bring their own */
	bool	 legacy; /* 3DES, MD5, SHA1, groups 2 and 5 (draft -17 §4.6) */
	unsigned rsa_min_bits;		/* of peers' keys */
	uint32_t phase1_lifetime;	/* seconds, 0: 3600, below usual peers'
					 * (RFC 3104 App. E) */
	uint32_t phase2_lifetime;	/* seconds, 0: 1200 */
	/* Exchanges that wait for message 5, of all, of one address, and of one
	 * port there. */
	unsigned half_open_max;		/* 0: 1024 */
	unsigned half_open_per_address;	/* 0: 128 */
	unsigned half_open_per_port;	/* 0: 8 */
	unsigned sa_max;	/* Phase 1 SAs, for each role, 0: 4096 */
	unsigned sa_per_address;	/* that others began, 0: 1024 */
	unsigned sa_per_peer;		/* of one identity there, 0: 4 */
	unsigned dpd_delay;		/* seconds, 0: no dead peer detection */
	uint32_t phase2_kilobytes;	/* of traffic, 0: no limit */
	bool	 esn; /* offer 64-bit sequence numbers; accepted in any case */
	bool	 no_natt;		/* no NAT traversal */
	bool	 encapsulate;	/* ESP in UDP where no NAT is, too */
	uint32_t keepalive;	/* seconds between NAT-keepalives, 0: 20 */
	unsigned give_up;	/* milliseconds an unanswered request may take,
				 * 0: 20000 */
	uint64_t (*spent)(void);	/* microseconds of processor time so
					 * far; NULL: the thread's */
};

#endif
