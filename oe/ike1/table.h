/* table.h - the IKEv1 engine's Phase 1 and Phase 2 SAs: made, found, ended */
#ifndef OE_IKE1_TABLE_H
#define OE_IKE1_TABLE_H

#include <sys/queue.h>

#include "base/hash.h"
#include "oe/ike/budget.h"
#include "oe/ike/dh.h"
#include "oe/ike/exchange.h"
#include "oe/ike1/isakmp.h"
#include "oe/ike1/keys.h"
#include "oe/ike1/options.h"
#include "oe/ike1/proposal.h"

#define IKE1_NONCE_LEN		32
#define IKE1_NONCE_MIN		8	/* RFC 2409 §5 */
#define IKE1_NONCE_MAX		256
#define IKE1_CHILDREN_MAX	32	/* Phase 2 SAs and negotiations a Phase
					 * 1 SA */
#define IKE1_REKEY_PERCENT	85	/* of the lifetime: "soft" */
#define IKE1_REKEY_LATE_PERCENT	95	/* the responder's, should the initiator
					 * not */
#define IKE1_LINGER		5000	/* milliseconds a replaced Phase 1 SA
					 * stays */
#define IKE1_HALF_OPEN_TIME	30000	/* milliseconds from message 3 to the
					 * end of Phase 1 */
#define IKE1_CHILDLESS_TIME	60000	/* milliseconds an SA is kept that
					 * serves nothing */
#define IKE1_MSGIDS_MAX		2048	/* exchanges of one Phase 1 SA */
#define IKE1_OFFERS_MAX		1024	/* different SA payloads; an index fits
					 * the cookie */
#define IKE1_OFFERS_PROVED	128	/* of these, of peers that proved their
					 * identity */
#define IKE1_OFFER_ANSWER_MAX	512

/* The exchanges that an SA has seen. */
struct ike1_msgids {
	uint64_t *table;		/* open addressing; 0: free */
	unsigned  size, n;
};

/* What an initiator offers, and our answer. */
struct ike1_offer {
	UT_hash_handle	 hh;
	uint8_t		 digest[32];
	unsigned	 index;
	bool		 proved; /* a peer that proved its identity offers it */
	bool		 own;		/* and so would we */
	uint64_t	 used;
	struct ike1_suite suite;
	uint8_t		 answer[IKE1_OFFER_ANSWER_MAX];
	size_t		 answer_len;
	size_t		 len;
	uint8_t		 body[];
};

enum ike1_state {
	IKE1_MM_SENT_SA,			/* initiator */
	IKE1_MM_SENT_KE,
	IKE1_MM_SENT_AUTH,
	IKE1_MM_GOT_SA,			/* responder: message 3 is being read */
	IKE1_MM_WAIT_PSK,	/* the shell looks for a pre-shared key */
	IKE1_MM_GOT_KE,
	IKE1_MM_WAIT_KEYS,	/* the shell looks for the peer's keys */
	IKE1_MM_UP,
	IKE1_MM_DEAD,		/* to be freed by the next ike1_tick() */
};

struct ike1_sa {
	UT_hash_handle	    hh;
	struct { uint64_t cookie; struct addr peer; } key;
	TAILQ_ENTRY(ike1_sa) entry;
	struct ike1	   *ike;
	enum ike1_state	    state;
	bool		    initiator;
	bool		    initial_contact, departed, modern; /* as the request
					* says */
	struct ike_half	    half; /* counted against the responder's limits */
	bool		    dpd;	/* the peer can (RFC 3706) */
	uint16_t	    refused;	/* by this notify, perhaps forged; 0:
					 * none */
	bool		    icmp;	/* a hint that came unauthenticated */
	bool		    natt;	/* the peer can (RFC 3947) */
	bool		    nat_here, nat_there; /* who is behind one */
	bool		    renewal;	/* takes the place of one that is about
					 * to end */
	uint64_t	    cookie_i, cookie_r;
	struct keying_path  path;
	struct keying_path  came;	/* of the message being read */
	struct keying_id    my_id, peer_id;
	struct pubkey	    keys[KEYING_KEYS_MAX];
	size_t		    nkeys;
	int		    key_used;	/* which of keys verified, -1: none */
	uint8_t		   *psk;
	size_t		    psk_len;
	bool		    psk_confirmed;	/* the secret belongs
						 * to peer_id */
	struct ike1_suite    suite;
	uint8_t		   *sai;	/* the initiator's SA body, for HASH_I
					 * and HASH_R */
	size_t		    sai_len;
	struct ike_dh	   *dh;
	uint8_t		    peer_ke[IKE_KE_MAX];
	uint8_t		    ni[IKE1_NONCE_MAX], nr[IKE1_NONCE_MAX];
	size_t		    ni_len, nr_len;
	struct ike1_keys	    k;
	uint8_t		    iv[IKE1_BLOCK_MAX];	/* Phase 1's chain; then its
						 * last block */
	struct ike_retry    retry;
	struct ike_answered answered;
	uint8_t		   *pending;	/* decrypted message 5 while keys are
					 * looked up */
	size_t		    pending_len;
	uint8_t		    pending_first;	/* type of its first payload */
	uint64_t	    token;
	uint64_t	    created, up_at, expires;
	uint64_t	    renew_at;	/* when to begin the next Phase 1 */
	uint64_t	    keepalive_at;
	uint64_t	    bytes;	/* sent and received encrypted */
	uint64_t	    heard;	/* last authenticated message */
	uint32_t	    dpd_seq;
	unsigned	    dpd_tries;
	uint64_t	    dpd_at;
	uint64_t	    probed_at;	/* somebody waits for an answer since;
					 * 0: nobody */
	struct ike1_msgids   msgids;
	uint64_t	    childless_at;	/* when to look whether it
						 * serves anything */
	unsigned	    nchildren;
};

enum ike1_child_state {
	IKE1_QM_WAIT_SA,		/* initiator, Phase 1 is not up yet */
	IKE1_QM_SENT_1,
	IKE1_QM_WAIT_POLICY,		/* responder: the shell decides */
	IKE1_QM_SENT_2,
	IKE1_QM_UP,
	IKE1_QM_DEAD,
};

struct ike1_child {
	TAILQ_ENTRY(ike1_child) entry;
	struct ike1	   *ike;
	struct ike1_sa	   *sa;		/* NULL: its Phase 1 SA is gone */
	enum ike1_child_state state;
	bool		    initiator;
	bool		    announced;	/* child_up() was called */
	bool		    confirmed;
	bool		    again; /* a stale Phase 1 SA was given up for it */
	uint64_t	    since;	/* asked for */
	bool		    commit;	/* the peer will say CONNECTED (RFC 2408
					 * §3.1) */
	void		   *conn;
	uint32_t	    msgid;
	uint8_t		    iv[IKE1_BLOCK_MAX];
	struct ike_dh	   *dh;
	uint8_t		    peer_ke[IKE_KE_MAX];
	uint8_t		    ni[IKE1_NONCE_MAX], nr[IKE1_NONCE_MAX];
	size_t		    ni_len, nr_len;
	struct ike1_esp_suite suite;
	uint32_t	    spi_in, spi_out;
	struct keying_selector ours, theirs;
	uint8_t		   *sa_body;	/* what we offered, or shall answer */
	size_t		    sa_body_len;
	struct ike_retry    retry;
	struct ike_answered answered;
	uint64_t	    token;
	uint64_t	    deadline;	/* a responder's half-done exchange */
	uint64_t	    hard;
	struct keying_id    peer_id;	/* kept when sa is gone */
	struct addr	    peer;
};

struct ike1 {
	struct ike1_config	 c;
	struct ike_exchanges	 x;
	struct ike_budget	 budget;
	struct ike1_sa		*by_cookie;
	TAILQ_HEAD(ike1_sas, ike1_sa) sas;
	TAILQ_HEAD(ike1_children, ike1_child) children;
	unsigned		 nsas[2]; /* living ones, by "initiator" */
	struct ike1_offer	*by_offer, *offers[IKE1_OFFERS_MAX];
	unsigned		 noffers, nproved;
	struct {
		uint64_t received, malformed, unknown, half_open_refused,
		    half_open_evicted, phase1_evicted,
		    phase1_up, phase1_failed, phase2_up, phase2_failed,
		    auth_failed, duplicates, replays;
	} count;
};

/* NULL at the limit of its role. */
struct ike1_sa *ike1_sa_new(struct ike1 *e, uint64_t now,
	    const struct keying_path *path, bool initiator);
void	ike1_sa_free(struct ike1_sa *sa);
/* May this key prove a peer: of RSA, of which alone Main Mode's signatures are
 * (RFC 2409 §5.1), and long enough? */
bool	ike1_key_fits(const struct ike1 *e, const struct pubkey *k);
/* Keeps those of a peer's keys that fit. */
void	ike1_sa_set_keys(struct ike1_sa *sa,
	    const struct keying_credentials *c);
void	ike1_sa_hash(struct ike1_sa *sa);	/* (again) under cookie_i */
struct ike1_sa *ike1_sa_find(struct ike1 *e, uint64_t cookie_i,
	    const struct addr *peer);
/* The newest Phase 1 SA that is up and leads to this peer; of one, and of what
 * a Phase 2 SA belongs to. */
struct ike1_sa *ike1_sa_for_peer(const struct ike1 *e, const struct addr *peer,
	    const struct keying_id *id);
struct ike1_sa *ike1_sa_newest(const struct ike1_sa *sa);
struct ike1_sa *ike1_child_leader(const struct ike1_child *c);
/* Does a Phase 2 SA still belong to the peer that sa leads to? */
bool	ike1_sa_in_use(const struct ike1_sa *sa);
/* Half of a lifetime in kilobytes is over: the rest is for the renewal. */
bool	ike1_sa_used_up(const struct ike1_sa *sa);
/* Marks dead; the next tick frees, as callers still hold it. */
void	ike1_sa_kill(struct ike1_sa *sa, uint64_t now);
/* Kills it after telling those who wait for it. */
void	ike1_sa_failed(struct ike1_sa *sa, uint64_t now, enum keying_failure f,
	    const char *detail);

/* A Phase 2 negotiation under sa; NULL: no memory.  Freeing it tells nobody. */
struct ike1_child *ike1_child_new(struct ike1 *e, struct ike1_sa *sa,
	    bool initiator);
void	ike1_child_free(struct ike1_child *c);
/* Is it of the peer that sa leads to? */
bool	ike1_child_is_of(const struct ike1_child *c, const struct ike1_sa *sa);
/* And older than sa? */
bool	ike1_child_is_older(const struct ike1_child *c,
	    const struct ike1_sa *sa);
void	ike1_child_kill(struct ike1_child *c);
/* Kills it after telling its connection: a pair that was up; anything else. */
void	ike1_child_gone(struct ike1_child *c, bool by_peer);
void	ike1_child_failed(struct ike1_child *c, enum keying_failure f,
	    const char *detail);
/* INITIAL-CONTACT over sa: what the same peer had before is gone (RFC 2407
 * §4.6.3.3). */
void	ike1_peer_restarted(struct ike1_sa *sa, uint64_t now);

#endif
