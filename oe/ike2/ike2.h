/* ike2.h - IKEv2 as an engine behind the keying door (RFC 7296, 7383, 7427, 7619) */
#ifndef OE_IKE2_IKE2_H
#define OE_IKE2_IKE2_H

#include <openssl/evp.h>

#include "oe/keying.h"

struct ike2;

struct ike2_config {
	EVP_PKEY *key;			/* ours: RSA, ECDSA or Ed25519; NULL: we
					 * prove nothing but pre-shared keys */
	struct keying_id my_id;		/* as responder; requests
					 * bring their own */
	bool	 legacy;		/* peers' signatures with SHA-1
					 * (method 1) will do */
	unsigned half_open_max;		/* that others began and did
					 * not finish, 0: 1024 */
	/* Of IPv6 an address is its /64 (addr_same_network()). */
	unsigned half_open_per_address;	/* 0: 16 */
	unsigned cookie_from;		/* so many half open: strangers must
					 * show a cookie (§2.6), 0: 32; from
					 * half of an address's places on
					 * whoever comes from there */
	/* IKE SAs of who proves nothing (RFC 7619 §3.2), of all
	 * and of one address. */
	unsigned anonymous_max;		/* 0: 1024 */
	unsigned anonymous_per_address;	/* 0: 16 */
	unsigned sa_max;		/* IKE SAs, for each role, 0: 4096 */
	unsigned sa_per_address;	/* that others began, 0: 1024 */
	uint32_t ike_lifetime;		/* seconds, 0: 3600 */
	uint32_t child_lifetime;	/* seconds, 0: 1200 */
	uint32_t child_kilobytes;	/* of traffic, 0: no limit */
	unsigned dpd_delay;		/* seconds of silence before a
					 * liveness check, 0: never */
	bool	 no_esn;		/* 64-bit sequence numbers
					 * are beyond our ESP */
	unsigned esp;			/* ciphers of ESP (offer.h), 0: all */
	bool	 transport;		/* transport mode is not */
	bool	 no_natt;		/* no NAT detection (§2.23) */
	bool	 encapsulate;		/* ESP in UDP where no NAT is, too */
	uint32_t keepalive;		/* seconds between
					 * NAT-keepalives, 0: 20 */
	unsigned give_up;		/* milliseconds an unanswered request
					 * may take, 0: 20000 */
	unsigned datagram_max;		/* octets of an IP datagram with a
					 * message, 0: 1280 */
	uint16_t ke;			/* group of the KE payload that requests
					 * begin with, 0: 31 */
	uint64_t (*spent)(void);	/* microseconds of processor time so
					 * far; NULL: the thread's */
};

/* Copies c and holds its key; ops and arg must outlive the engine. NULL
 * after one log line. */
struct ike2 *ike2_new(const struct ike2_config *c, const struct keying_ops *ops,
	    void *arg);
extern const struct keying_engine ike2_engine;	/* e is a struct ike2 * */

#endif
