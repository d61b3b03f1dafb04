/* keying.h - the door between OE connections and the engine that keys them (IKEv1 today, IKEv2 beside it) */
#ifndef OE_KEYING_H
#define OE_KEYING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oe/esp/params.h"
#include "oe/pubkey.h"

/* Addresses in network order, ports in host order, times in milliseconds of "now". */

enum keying_id_type {			/* RFC 2407 §4.6.2.1 */
	KEYING_ID_IPV4 = 1,
	KEYING_ID_FQDN = 2,
	KEYING_ID_USER_FQDN = 3,
	KEYING_ID_IPV4_SUBNET = 4,
};
#define KEYING_NAME_MAX 255
struct keying_id {			/* Phase 1 identity */
	uint8_t	 type;
	uint32_t addr;			/* IPV4, IPV4_SUBNET */
	uint32_t mask;			/* IPV4_SUBNET */
	char	 name[KEYING_NAME_MAX + 1]; /* FQDN, USER_FQDN: lower case, no final dot */
};
/* "198.51.100.1", "@x1.example", "user@example": into one of four rotating static buffers. */
const char *keying_id_text(const struct keying_id *id);
bool	keying_id_equal(const struct keying_id *a, const struct keying_id *b);

struct keying_selector {		/* one side of Phase 2 */
	uint32_t net, mask;		/* /32 for OE */
	uint8_t	 protocol;		/* 0: any */
	uint16_t port;			/* 0: any */
};

#define KEYING_PORT 500		/* UDP (RFC 2408 §2.5.1) */
#define KEYING_PORT_NATT 4500	/* behind a NAT (RFC 3947 §4) */
struct keying_path {			/* where messages go */
	uint32_t local, peer;
	uint16_t local_port, peer_port;
};

/* How a negotiation ended without keys (draft -17 §3.2.5; RFC 4322 §3.2). */
enum keying_failure {
	KEYING_SILENCE,			/* no answer, perhaps with ICMP errors: short lifespan */
	KEYING_ICMP,
	KEYING_PHASE1_REFUSED,		/* authenticated by nothing: treated as silence */
	KEYING_PHASE2_REFUSED,		/* or Phase 2 silence: normal lifespan */
	KEYING_SIGNATURE,		/* no key given verifies: rest of the DNS TTL */
	KEYING_IDENTITY,		/* the peer is another than was asked for */
	KEYING_LOCAL,			/* our own resources: memory, SPIs, half-open limits */
};
const char *keying_failure_text(enum keying_failure f);

struct keying_child {			/* a pair of Phase 2 SAs, ready for the SAD */
	struct esp_params in, out;	/* keys: wipe after use */
	struct keying_selector src, dst;/* ours, theirs */
	struct keying_path path;
	struct keying_id peer_id;
	uint64_t soft, hard;		/* "now" at which to rekey and to stop */
	uint64_t soft_bytes, hard_bytes;/* 0: no limit */
	bool	 initiator;
	bool	 nat_there;		/* the peer is behind a NAT: its address may change */
	uint32_t mtu;			/* 0: unknown */
	struct pubkey peer_key;		/* which key verified; len 0 with a pre-shared key */
};

/* What the initiator needs to know. */
#define KEYING_KEYS_MAX 8
struct keying_request {
	struct keying_path path;	/* local_port 0: 500 */
	struct keying_id my_id;
	struct keying_id peer_id;	/* type 0: whatever it proves with the keys below */
	const struct pubkey *keys;	/* any that verifies will do (roll-over) */
	size_t	 nkeys;
	const uint8_t *psk;		/* configured tunnels: pre-shared key instead of RSA */
	size_t	 psk_len;
	struct keying_selector src, dst;
	bool	 initial_contact;	/* send INITIAL-CONTACT with the first Phase 1 */
	bool	 departed;		/* the peer said goodbye: an ICMP error is believed */
};

/*
 * What the keying engine calls.  conn is the pointer given with a request, or
 * returned by the responder's answers.  Calls may be made from inside the
 * engine's functions; none of them may free the engine.
 */
struct keying_ops {
	/* Sends one datagram; raw IKE bytes, no UDP header. */
	void (*send)(void *arg, const struct keying_path *path, const uint8_t *buf, size_t len);
	/* An SPI for inbound traffic: leased (RFC 3104) or drawn at random >= 256. 0, or -1. */
	int  (*spi_get)(void *arg, uint32_t *spi);
	void (*spi_put)(void *arg, uint32_t spi);
	/* An initiator cookie: leased, or random. A new one for each first message and each retry of it. */
	int  (*cookie_get)(void *arg, uint64_t *cookie);

	/* Responder: which keys may this identity use? Answer, now or later, with
	 * keying engine's *_peer_keys(token).  A pre-shared key is asked for
	 * twice: first by the peer's address (RFC 2409 §5.4), then for the
	 * identity it claims; the answer must be the same secret. */
	void (*peer_lookup)(void *arg, uint64_t token, const struct keying_id *id,
	    const struct keying_path *path);
	/* Responder: may this peer have these selectors (src ours, dst theirs)?
	 * Answer with *_authorize(token). */
	void (*child_ask)(void *arg, uint64_t token, const struct keying_id *id,
	    const struct keying_path *path, const struct keying_selector *src,
	    const struct keying_selector *dst);

	/* Keys are there. conn: the request's, or what *_authorize() was given. A
	 * rekey gives the same conn again. inbound must be usable on return. */
	void (*child_up)(void *arg, void *conn, const struct keying_child *c);
	/* The responder may now send (initiator's last message came, or traffic did). */
	void (*child_confirmed)(void *arg, void *conn, uint32_t spi_in);
	/* The peer deleted it, or its hard lifetime passed. spi_in names it. */
	void (*child_down)(void *arg, void *conn, uint32_t spi_in, bool by_peer);
	void (*failed)(void *arg, void *conn, enum keying_failure f, const char *detail);
	/* The peer, asked by *_probe(), said nothing: it has lost its Phase 1 SA, or
	 * is gone.  What conn has stays; it is to be keyed anew. */
	void (*peer_silent)(void *arg, void *conn);
	/* Somebody says that it does not know our outbound SPI (host order): a
	 * hint, or, where an authenticated peer says it, a fact. */
	void (*invalid_spi)(void *arg, uint32_t peer, uint32_t spi_out,
	    bool authenticated);
	/* An authenticated INITIAL-CONTACT: forget older SAs of this peer. */
	void (*initial_contact)(void *arg, const struct keying_id *id, uint32_t peer);
};

#endif
