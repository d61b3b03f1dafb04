/* ike1.h - IKEv1: Main Mode and Quick Mode in both roles (RFC 2407, 2408, 2409, 3526, 3706, 3947) */
#ifndef OE_IKE1_IKE1_H
#define OE_IKE1_IKE1_H

#include <json-c/json.h>
#include <openssl/evp.h>

#include "oe/keying.h"

struct ike;

struct ike_config {
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
struct ike *ike_new(const struct ike_config *c, const struct keying_ops *ops, void *arg);
/* Frees all without a word to peers: call ike_shutdown() first. */
void	ike_free(struct ike *e);
/* Sends deletes for everything, once each. */
void	ike_shutdown(struct ike *e, uint64_t now);
/*
 * Asks the peer of conn's SAs, now and twice again within 1.5 s, whether it is
 * alive (RFC 3706 §5.5: R-U-THERE at any time); silence is told by
 * ops->peer_silent.  A Phase 1 that it has not answered so far is asked for
 * once more instead.  0, or -1 if there is no Phase 1 SA to ask by or the peer does
 * not know the question.
 */
int	ike_probe(struct ike *e, uint64_t now, void *conn);
/* ESP of conn's peer, which is behind a NAT, came from another address (network
 * order) or port than before, and was good: IKE goes there too. */
void	ike_moved(struct ike *e, void *conn, uint32_t peer, uint16_t port);
/*
 * Tells path->peer that nobody here knows the SPI of its ESP (RFC 2408 §3.14.1):
 * authenticated where a Phase 1 SA is up, else as a hint that it may check.
 * The caller limits the rate.
 */
void	ike_invalid_spi(struct ike *e, uint64_t now,
	    const struct keying_path *path, uint32_t spi);

/*
 * Starts keying conn, or rekeys it; a live Phase 1 SA with the same path and
 * identities is used again.  Copies what r points to.  0, or -1
 * (without a call to failed) if limits are reached.
 */
int	ike_request(struct ike *e, uint64_t now, const struct keying_request *r, void *conn);
/* Forgets conn: no more calls about it. Sends deletes for its SAs if tell. */
void	ike_forget(struct ike *e, uint64_t now, void *conn, bool tell);
/* Sends (again) a delete for one inbound SPI; 0, or -1 if no Phase 1 SA is left for it. */
int	ike_delete_child(struct ike *e, uint64_t now, uint32_t spi_in);

/*
 * One datagram that came to one of our IKE ports; hostile.  On a path with
 * port 4500 at either end, datagrams carry the non-ESP marker here and in
 * ops->send (RFC 3948 §2.2), and a lone 0xff is a NAT-keepalive: a socket on
 * port 4500 gives to ike_packet() what begins with four zero bytes, the rest
 * is ESP.  Behind a NAT, paths move from port 500 to 4500 by themselves.
 */
void	ike_packet(struct ike *e, uint64_t now, const struct keying_path *path,
	    const uint8_t *buf, size_t len);
/* An ICMP error about one of our datagrams to path; forged as likely as not. */
void	ike_icmp(struct ike *e, uint64_t now, const struct keying_path *path);

/* Before ike_peer_keys(token): the identity to show to this peer instead of my_id. */
void	ike_peer_identity(struct ike *e, uint64_t token, const struct keying_id *my_id);
/* Answers to peer_lookup and child_ask. A token is good once; a stale one is ignored. */
void	ike_peer_keys(struct ike *e, uint64_t now, uint64_t token,
	    const struct pubkey *keys, size_t nkeys, const uint8_t *psk, size_t psk_len);
/* conn NULL: refused (the peer gets an authenticated notify). */
void	ike_authorize(struct ike *e, uint64_t now, uint64_t token, void *conn);

/* When ike_tick() wants to be called next; UINT64_MAX: never. */
uint64_t ike_next(const struct ike *e);
void	ike_tick(struct ike *e, uint64_t now);

/* Phase 1 SAs for "rsipctl sa", counters for "rsipctl status"; new objects. */
json_object *ike_sa_json(const struct ike *e, uint64_t now);
json_object *ike_status_json(const struct ike *e);

#endif
