/* keying.h - the door between OE connections and what keys them: what an engine offers, and what it calls */
#ifndef OE_KEYING_H
#define OE_KEYING_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "oe/esp/params.h"
#include "oe/pubkey.h"

/*
 * Nothing here is of one version of IKE: what is asked for, what came of it and
 * how it failed are said as facts.  Ports and SPIs in host order, times in
 * milliseconds of "now".
 */

struct report;

enum keying_id_type {
	KEYING_ID_ANYONE,		/* in a request: whoever proves a key */
	KEYING_ID_ADDR,
	KEYING_ID_FQDN,
	KEYING_ID_USER_FQDN,
	KEYING_ID_PREFIX,
	KEYING_ID_KEY,	/* octets that only who agreed on them knows the sense
			 * of (RFC 7296 §3.5, ID_KEY_ID) */
	KEYING_ID_NULL,	/* the peer does not say (RFC 7619 §2.2); name tells
			 * such from each other */
};
#define KEYING_NAME_MAX 255
struct keying_id {
	uint8_t	    type;
	uint8_t	    plen;		/* PREFIX */
	struct addr addr;		/* ADDR, PREFIX */
	char	    name[KEYING_NAME_MAX + 1];	/* FQDN, USER_FQDN: lower case,
						 * no final dot */
};
/* "198.51.100.1", "@x1.example", "user@example": into one of four rotating
 * static buffers. */
const char *keying_id_text(const struct keying_id *id);
bool	keying_id_equal(const struct keying_id *a, const struct keying_id *b);
/* An address as identity. */
struct keying_id keying_id_addr(const struct addr *a);

/* A part of one side of what a pair of SAs carries; the ends of ranges are
 * within. */
struct keying_selector {
	struct addr from, to;		/* of one family */
	uint8_t	 protocol;		/* 0: any */
	uint16_t port_from, port_to;	/* 0, UINT16_MAX: any */
};
#define KEYING_SELECTORS_MAX 16
struct keying_selectors {		/* one side: any of these */
	unsigned n;
	struct keying_selector ts[KEYING_SELECTORS_MAX];
};
/* All of a prefix's addresses, any protocol and port. */
struct keying_selector keying_selector_prefix(const struct prefix *p);
/* One address, protocol and port; 0: any. */
struct keying_selector keying_selector_host(const struct addr *a,
	    uint8_t protocol, uint16_t port);
/* Are its addresses those of a prefix?  Then *p is that. */
bool	keying_selector_is_prefix(const struct keying_selector *s,
	    struct prefix *p);
/* The one port of a selector, 0: any; -1: something between. */
int	keying_selector_port(const struct keying_selector *s);
bool	keying_selector_equal(const struct keying_selector *a,
	    const struct keying_selector *b);
bool	keying_selectors_equal(const struct keying_selectors *a,
	    const struct keying_selectors *b);
/* Is all of b within a? */
bool	keying_selector_covers(const struct keying_selector *a,
	    const struct keying_selector *b);
/* Adds one, unless one that is there has it within; those within it go.  Beyond
 * KEYING_SELECTORS_MAX nothing is added. */
void	keying_selectors_add(struct keying_selectors *s,
	    const struct keying_selector *one,
	    bool (*has)(const struct keying_selector *,
	    const struct keying_selector *));
/*
 * What of asked lies within allowed, in asked's order, none of it within
 * another (RFC 7296 §2.9); out may be either.  False: nothing.
 */
bool	keying_selectors_narrow(struct keying_selectors *out,
	    const struct keying_selectors *asked,
	    const struct keying_selectors *allowed);
/* Lies each of part within one of all?  For an answer, which must be a
 * subset. */
bool	keying_selectors_within(const struct keying_selectors *part,
	    const struct keying_selectors *all);
/* Are all of one prefix's addresses?  Then *p is that. */
bool	keying_selectors_prefix(const struct keying_selectors *s,
	    struct prefix *p);
/* A side that consists of one. */
struct keying_selectors keying_selectors_of(const struct keying_selector *s);

#define KEYING_PORT 500		/* UDP (RFC 2408 §2.5.1) */
#define KEYING_PORT_NATT 4500	/* behind a NAT (RFC 3947 §4) */
struct keying_path {			/* where messages go */
	struct addr local, peer;
	uint16_t local_port, peer_port;
};

/* How one end shows who it is. */
enum keying_how {
	KEYING_BY_KEY,			/* a signature */
	KEYING_BY_PSK,
	KEYING_BY_NOTHING,		/* no proof at all (RFC 7619) */
};

/* What one end takes as the other's proof; borrowed. */
struct keying_credentials {
	const struct pubkey *keys; /* any that verifies will do (roll-over) */
	size_t	 nkeys;
	const uint8_t *psk;		/* NULL: no pre-shared key will do */
	size_t	 psk_len;
	bool	 nothing;		/* whoever answers will do */
};
#define KEYING_KEYS_MAX 8		/* of these are looked at */

struct keying_proof {			/* what the other end has shown */
	enum keying_how how;
	struct pubkey key;	/* KEYING_BY_KEY: the one that verified */
};

/* What an inner packet stands in (RFC 4301 §3.2). */
enum keying_mode { KEYING_TUNNEL, KEYING_TRANSPORT };

/* How a negotiation ended without keys (draft -17 §3.2.5; RFC 4322 §3.2). */
enum keying_failure {
	/* No answer, perhaps with ICMP errors: short lifespan. */
	KEYING_SILENCE,
	KEYING_ICMP,
	/* The peer, or a forger, says no: treated as silence. */
	KEYING_PEER_REFUSED,
	/* The IKE SA that it was for ended first, or with the question: who
	 * proved itself there has refused nothing, and is asked anew. */
	KEYING_LOST,
	/* The peer has shown who it is, and wants no such SAs or, by IKEv1,
	 * says nothing more: normal lifespan. */
	KEYING_CHILD_REFUSED,
	/* No key given verifies: rest of the DNS TTL. */
	KEYING_SIGNATURE,
	/* The peer is another than was asked for. */
	KEYING_IDENTITY,
	/* The peer does not take what we show for ourselves, as it, or whoever
	 * answers in its place, says: short lifespan. */
	KEYING_OUR_PROOF,
	/* The peer speaks none of the versions that may be used. */
	KEYING_VERSION,
	/* Our own resources: memory, SPIs, half-open limits. */
	KEYING_LOCAL,
};
const char *keying_failure_text(enum keying_failure f);

struct keying_child {		/* a pair of ESP SAs, ready for the SAD */
	struct esp_params in, out;	/* keys: wipe after use */
	struct keying_selectors ours, theirs;
	struct keying_path path;
	struct keying_id peer_id;
	struct keying_proof proof;	/* the peer's */
	uint64_t soft, hard;	/* "now" at which to rekey and to stop */
	uint64_t soft_bytes, hard_bytes;/* 0: no limit */
	unsigned version;		/* of IKE */
	uint64_t nonce;		/* of the initiator of the IKE SA: how it
				 * begins; 0: not said */
	enum keying_mode mode;
	bool	 encapsulated;	/* in UDP, between the ports in in and out */
	struct addr inner; /* that the peer has lent us; none: it has not */
	bool	 initiator;
	bool	 nat_there;	/* the peer is behind a NAT: its address may
				 * change */
	uint32_t mtu;			/* 0: unknown */
};

/* Is the peer to lend us an address (RFC 7296 §2.19)?  Where it does, ours is
 * that address. */
enum keying_inner {
	KEYING_INNER_NO,
	KEYING_INNER_BEHIND_NAT,	/* where a NAT is found; else as NO */
	KEYING_INNER_LIKELY,	/* and where the peer says that it takes
				 * strangers; refused, all is as with NO */
	KEYING_INNER_YES,
};

struct keying_request {			/* what the initiator needs to know */
	struct keying_path path;	/* ports 0: 500 */
	struct keying_id my_id;
	struct keying_id peer_id; /* type 0: whatever it proves as below */
	struct keying_credentials peer;	/* a pre-shared key is ours as well */
	unsigned version;		/* of IKE; 0: as the door thinks best */
	bool	 modern;	/* none of "legacy", whatever may be else */
	enum keying_mode mode;
	struct keying_selectors ours, theirs;	/* the first is wanted most (RFC
						 * 7296 §2.9) */
	enum keying_inner inner;
	unsigned patience;	/* milliseconds until it is given up; 0: the
				 * engine's */
	bool	 initial_contact;	/* no SAs with this
					 * peer are known yet */
	bool	 departed;	/* the peer said goodbye: an ICMP error is
				 * believed */
};

struct keying_ask {		/* what an initiator wants of us; borrowed */
	const struct keying_id *peer_id;
	const struct keying_proof *proof;
	const struct keying_path *path;
	const struct keying_selectors *ours, *theirs;
	enum keying_mode mode;
	bool	 less;		/* than all is an answer, by narrow */
	bool	 wants_inner;	/* an address that we lend it, of what it
				 * calls its own (RFC 7296 §2.19) */
};

/*
 * What an engine calls.  conn is the pointer given with a request or with an
 * answer to child_ask.  Calls may be made from inside the engine's functions,
 * and may call these; none of them may free the engine.
 */
struct keying_ops {
	/* Sends one datagram; raw IKE bytes, no UDP header. */
	void (*send)(void *arg, const struct keying_path *path,
	    const uint8_t *buf, size_t len);
	/* An SPI for inbound traffic: leased (RFC 3104) or drawn at random >=
	 * 256. 0, or -1. */
	int  (*spi_get)(void *arg, uint32_t *spi);
	void (*spi_put)(void *arg, uint32_t spi);
	/* The first half of what names an IKE SA that we begin (cookie, SPI):
	 * leased, or random. 0, or -1. */
	int  (*cookie_get)(void *arg, uint64_t *cookie);

	/* Responder: what may prove this identity?  Answer, now or later, with
	 * the engine's peer_keys.  IKEv1 asks for a pre-shared key twice: first
	 * by the peer's address (RFC 2409 §5.4), then for the identity it
	 * claims; the answer must be the same secret. */
	void (*peer_lookup)(void *arg, uint64_t token,
	    const struct keying_id *id, enum keying_how claims,
	    const struct keying_path *path);
	/* Responder: may this peer have these SAs?  Answer with the engine's
	 * authorize. */
	void (*child_ask)(void *arg, uint64_t token,
	    const struct keying_ask *a);

	/* Keys are there. conn: the request's, or the one that was authorized.
	 * A rekey gives the same conn again. inbound must be usable on
	 * return. */
	void (*child_up)(void *arg, void *conn, const struct keying_child *c);
	/* The responder may now send (initiator's last message came, or traffic
	 * did). */
	void (*child_confirmed)(void *arg, void *conn, uint32_t spi_in);
	/* The peer deleted it, or its hard lifetime passed. spi_in names it. */
	void (*child_down)(void *arg, void *conn, uint32_t spi_in,
	    bool by_peer);
	void (*failed)(void *arg, void *conn, unsigned version,
	    enum keying_failure f, const char *detail);
	/* The peer, asked by the engine's probe, said nothing: it has lost its
	 * IKE SA, or is gone.  What conn has stays; it is to be keyed anew. */
	void (*peer_silent)(void *arg, void *conn);
	/* Somebody says that it does not know our outbound SPI: a hint, or,
	 * where the peer itself says it (who; NULL: nobody knows), a fact. */
	void (*invalid_spi)(void *arg, const struct addr *peer,
	    uint32_t spi_out, const struct keying_id *who);
	/* An authenticated INITIAL-CONTACT: forget older SAs of this peer. */
	void (*initial_contact)(void *arg, const struct keying_id *id,
	    const struct addr *peer);
};

/*
 * What an engine offers; e is what its own function made.  Every entry may call
 * the ops of its maker.
 */
struct keying_engine {
	unsigned version;		/* of IKE; 0: it is a door to several */
	/* Frees all without a word to peers: call shutdown first. NULL is
	 * allowed. */
	void (*free)(void *e);
	/* Sends deletes for everything, once each. */
	void (*shutdown)(void *e, uint64_t now);

	/*
	 * Starts keying conn, or rekeys it; a live IKE SA with the same path
	 * and identities is used again.  Copies what r points to.  0, or -1
	 * (without a call to failed) if limits are reached, or if this version
	 * of IKE cannot do what r asks.
	 */
	int  (*request)(void *e, uint64_t now, const struct keying_request *r,
	    void *conn);
	/* Forgets conn: no more calls about it. Sends deletes for its SAs if
	 * tell. */
	void (*forget)(void *e, uint64_t now, void *conn, bool tell);
	/* Sends (again) a delete for one inbound SPI; 0, or -1: no IKE SA is
	 * left for it. */
	int  (*delete_child)(void *e, uint64_t now, uint32_t spi_in);
	/*
	 * Asks the peer of conn's SAs, now and twice again within 1.5 s,
	 * whether it is alive; silence is told by peer_silent.  A negotiation
	 * that it has not answered so far is repeated at once instead.  0, or
	 * -1: there is no IKE SA to ask by, or the peer does not know the
	 * question.
	 */
	int  (*probe)(void *e, uint64_t now, void *conn);
	/* ESP of conn's peer, which is behind a NAT, came from another address
	 * or port than before, and was good: IKE goes there too. */
	void (*moved)(void *e, void *conn, const struct addr *peer,
	    uint16_t port);
	/*
	 * Tells path->peer that nobody here knows the SPI of its ESP:
	 * authenticated where an IKE SA is up (0), else (-1) as a hint that it
	 * may check, if hint.  The caller limits the rate.
	 */
	int  (*invalid_spi)(void *e, uint64_t now,
	    const struct keying_path *path, uint32_t spi, bool hint);

	/* Before the answer to peer_lookup: the identity to show to this peer
	 * instead of the engine's own. */
	void (*peer_identity)(void *e, uint64_t token,
	    const struct keying_id *my_id);
	/* The answer to peer_lookup; nothing in c: refused.  A token is good
	 * once; a stale one is ignored. */
	void (*peer_keys)(void *e, uint64_t now, uint64_t token,
	    const struct keying_credentials *c);
	/* Before the answer to child_ask: a part of what it wants of us, and of
	 * what it called its own, is all that it gets (RFC 7296 §2.9).  inner:
	 * the latter is this address, which we lend it; NULL: none is lent. */
	void (*narrow)(void *e, uint64_t token,
	    const struct keying_selectors *ours,
	    const struct keying_selectors *theirs, const struct addr *inner);
	/* The answer to child_ask.  conn NULL: refused, and the peer is told
	 * so. */
	void (*authorize)(void *e, uint64_t now, uint64_t token, void *conn);

	/*
	 * One datagram that came to one of our IKE ports; hostile.  On a path
	 * with port 4500 at either end, datagrams carry the non-ESP marker here
	 * and in ops->send (RFC 3948 §2.2), and a lone 0xff is a NAT-keepalive:
	 * a socket on port 4500 gives what begins with four zero bytes, the
	 * rest is ESP. Behind a NAT, paths move from port 500 to 4500 by
	 * themselves.
	 */
	void (*packet)(void *e, uint64_t now, const struct keying_path *path,
	    const uint8_t *buf, size_t len);
	/* An ICMP error about one of our datagrams to path; forged as likely as
	 * not. */
	void (*icmp)(void *e, uint64_t now, const struct keying_path *path);

	/* When tick wants to be called next; UINT64_MAX: never. */
	uint64_t (*next)(const void *e);
	void (*tick)(void *e, uint64_t now);

	/* Adds IKE SAs to the table of "rsipctl sa", whose keys oe/report.c
	 * has, and writes what it has counted. */
	void (*report_sas)(const void *e, uint64_t now, json_object *table);
	void (*report)(const void *e, struct report *r);
};

/* Functions of an engine are called own_free() and so on, the last two
 * shown_report_sas() and shown_report(); then what is not every engine's. */
#define KEYING_ENGINE(v, own, shown, ...)				\
	{ .version = (v), .free = own##_free, .shutdown = own##_shutdown, \
	    .request = own##_request, .forget = own##_forget,		\
	    .delete_child = own##_delete_child, .probe = own##_probe,	\
	    .moved = own##_moved, .invalid_spi = own##_invalid_spi,	\
	    .peer_identity = own##_peer_identity,			\
	    .peer_keys = own##_peer_keys, .authorize = own##_authorize,	\
	    .packet = own##_packet, .icmp = own##_icmp,			\
	    .next = own##_next, .tick = own##_tick,			\
	    .report_sas = shown##_report_sas, .report = shown##_report,	\
	    __VA_ARGS__ }

#endif
