/* table.h - what the parts of the IKEv1 engine share: Phase 1 and Phase 2 state */
#ifndef OE_IKE1_TABLE_H
#define OE_IKE1_TABLE_H

#include <sys/queue.h>

#include "base/hash.h"
#include "base/ratelimit.h"
#include "oe/ike/dh.h"
#include "oe/ike/sign.h"
#include "oe/ike1/id.h"
#include "oe/ike1/ike1.h"
#include "oe/ike1/isakmp.h"
#include "oe/ike1/proposal.h"

#define IKE1_NONCE_LEN		32
#define IKE1_NONCE_MIN		8	/* RFC 2409 §5 */
#define IKE1_NONCE_MAX		256
#define IKE1_RETRY_FIRST		500	/* milliseconds; doubled each time, but for ... */
#define IKE1_RETRY_EVEN		4	/* ... the first: a loss is no jam yet */
#define IKE1_RETRY_HELLO		1000	/* between first messages, after two ... */
#define IKE1_RETRY_FAR		3000	/* ... and once in five: each has a cookie of its
					 * own, so that an answer must come before the next */
#define IKE1_RETRY_MOST		4000	/* a peer that comes back is met this soon */
#define IKE1_GIVE_UP		20000
#define IKE1_CHILDREN_MAX	32	/* Phase 2 SAs and negotiations a Phase 1 SA */
#define IKE1_REKEY_PERCENT	85	/* of the lifetime: "soft" */
#define IKE1_REKEY_LATE_PERCENT	95	/* the responder's, should the initiator not */
#define IKE1_LINGER		5000	/* milliseconds a replaced Phase 1 SA stays */
#define IKE1_HALF_OPEN_TIME	30000	/* milliseconds from message 3 to the end of Phase 1 */
#define IKE1_CHILDLESS_TIME	60000	/* milliseconds an SA is kept that serves nothing */
#define IKE1_MSGIDS_MAX		2048	/* exchanges of one Phase 1 SA */
#define IKE1_OFFERS_MAX		1024	/* different SA payloads; an index fits the cookie */
#define IKE1_OFFERS_PROVED	128	/* of these, of peers that proved their identity */
#define IKE1_OFFER_ANSWER_MAX	512
#define IKE1_NEVER		UINT64_MAX

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
	bool		 proved;	/* a peer that proved its identity offers it */
	bool		 own;		/* and so would we */
	uint64_t	 used;
	struct ike1_suite suite;
	uint8_t		 answer[IKE1_OFFER_ANSWER_MAX];
	size_t		 answer_len;
	size_t		 len;
	uint8_t		 body[];
};

/* The message that waits for an answer. */
struct ike1_retry {
	uint8_t *buf;			/* NULL: none */
	size_t	 len;
	unsigned tries;
	uint64_t at, until;
};

enum ike1_state {
	IKE1_MM_SENT_SA,			/* initiator */
	IKE1_MM_SENT_KE,
	IKE1_MM_SENT_AUTH,
	IKE1_MM_GOT_SA,			/* responder: message 3 is being read */
	IKE1_MM_WAIT_PSK,		/* the shell looks for a pre-shared key */
	IKE1_MM_GOT_KE,
	IKE1_MM_WAIT_KEYS,		/* the shell looks for the peer's keys */
	IKE1_MM_UP,
	IKE1_MM_DEAD,			/* to be freed by the next ike1_tick() */
};

struct ike1_sa {
	UT_hash_handle	    hh;
	struct { uint64_t cookie; struct addr peer; } key;
	TAILQ_ENTRY(ike1_sa) entry;
	TAILQ_ENTRY(ike1_sa) half_entry;
	struct ike1	   *ike;
	enum ike1_state	    state;
	bool		    initiator;
	bool		    initial_contact, departed;	/* as the request says */
	bool		    half_open;	/* counted against the responder's limits */
	bool		    dpd;	/* the peer can (RFC 3706) */
	uint16_t	    refused;	/* by this notify, perhaps forged; 0: none */
	bool		    icmp;	/* a hint that came unauthenticated */
	bool		    natt;	/* the peer can (RFC 3947) */
	bool		    nat_here, nat_there; /* who is behind one */
	bool		    renewal;	/* takes the place of one that is about to end */
	uint64_t	    cookie_i, cookie_r;
	struct keying_path  path;
	struct keying_path  came;	/* of the message being read */
	struct keying_id    my_id, peer_id;
	struct pubkey	    keys[KEYING_KEYS_MAX];
	size_t		    nkeys;
	int		    key_used;	/* which of keys verified, -1: none */
	uint8_t		   *psk;
	size_t		    psk_len;
	bool		    psk_confirmed;	/* it belongs to peer_id */
	struct ike1_suite    suite;
	uint8_t		   *sai;	/* the initiator's SA body, for HASH_I and HASH_R */
	size_t		    sai_len;
	struct ike_dh	   *dh;
	uint8_t		    peer_ke[IKE_KE_MAX];
	uint8_t		    ni[IKE1_NONCE_MAX], nr[IKE1_NONCE_MAX];
	size_t		    ni_len, nr_len;
	struct ike1_keys	    k;
	uint8_t		    iv[IKE1_BLOCK_MAX];	/* Phase 1's chain; then its last block */
	struct ike1_retry    retry;
	uint8_t		    seen[32];	/* digest of the message answered last */
	uint8_t		   *answer;	/* and the answer */
	size_t		    answer_len;
	uint8_t		   *pending;	/* decrypted message 5 while keys are looked up */
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
	uint64_t	    probed_at;	/* somebody waits for an answer since; 0: nobody */
	struct ike1_msgids   msgids;
	uint64_t	    childless_at;	/* when to look whether it serves anything */
	unsigned	    nchildren;
};

enum ike1_child_state {
	IKE1_QM_WAIT_SA,			/* initiator, Phase 1 is not up yet */
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
	bool		    again;	/* a stale Phase 1 SA was given up for it */
	uint64_t	    since;	/* asked for */
	bool		    commit;	/* the peer will say CONNECTED (RFC 2408 §3.1) */
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
	struct ike1_retry    retry;
	uint8_t		    seen[32];
	uint8_t		   *answer;
	size_t		    answer_len;
	uint64_t	    token;
	uint64_t	    deadline;	/* a responder's half-done exchange */
	uint64_t	    hard;
	struct keying_id    peer_id;	/* kept when sa is gone */
	struct addr	    peer;
};

struct ike1 {
	struct ike1_config	 c;
	const struct keying_ops *ops;
	void			*arg;
	struct ike1_sa		*by_cookie;
	TAILQ_HEAD(ike1_sas, ike1_sa) sas;
	TAILQ_HEAD(ike1_half, ike1_sa) half;	/* responder's unfinished ones */
	TAILQ_HEAD(ike1_children, ike1_child) children;
	unsigned		 nsas[2];	/* living ones, by "initiator" */
	unsigned		 half_open;
	struct ike1_offer	*by_offer, *offers[IKE1_OFFERS_MAX];
	unsigned		 noffers, nproved;
	struct {
		TAILQ_HEAD(, ike1_waiting) waiting;
		unsigned n;
		int64_t	 credit;	/* microseconds */
		uint64_t at;		/* of the last refill */
		bool	 serving;
	} work;
	uint64_t		 next;		/* no timer is earlier */
	uint64_t		 next_token;
	uint8_t			 cookie_key[32];
	struct ratelimit	 complain;	/* log lines a stranger can cause */
	struct {
		uint64_t received, malformed, unknown, half_open_refused,
		    half_open_evicted, phase1_evicted,
		    phase1_up, phase1_failed, phase2_up, phase2_failed,
		    auth_failed, retransmits, duplicates, replays,
		    work_us, work_waited, work_lost;
	} count;
};

/* ike.c */
void	ike1_timer(struct ike1 *e, uint64_t at);
void	ike1_send(struct ike1_sa *sa, const uint8_t *buf, size_t len);
void	ike1_send_path(struct ike1 *e, const struct keying_path *path,
	    const uint8_t *buf, size_t len);
void	ike1_retry_set(struct ike1 *e, struct ike1_retry *r, uint64_t now,
	    const uint8_t *buf, size_t len);
void	ike1_retry_clear(struct ike1_retry *r);
void	ike1_remember(uint8_t **to, size_t *to_len, const uint8_t *buf, size_t len);
/* A message without its marker, hostile. */
void	ike1_message(struct ike1 *e, uint64_t now, const struct keying_path *path,
	    const uint8_t *buf, size_t len);
/* Its time is over: deletes it, and says so unless that does harm. */
void	ike1_sa_expired(struct ike1_sa *sa, uint64_t now);
/* Does a Phase 2 SA still belong to the peer that sa leads to? */
bool	ike1_sa_in_use(const struct ike1_sa *sa);
void	ike1_digest(const uint8_t *buf, size_t len, uint8_t out[32]);
void	ike1_complain(struct ike1 *e, uint64_t now, const struct keying_path *path,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* table.c */
struct ike1_sa *ike1_sa_new(struct ike1 *e, uint64_t now, const struct keying_path *path,
	    bool initiator);
void	ike1_sa_free(struct ike1_sa *sa);
void	ike1_sa_hash(struct ike1_sa *sa);		/* (again) under cookie_i */
struct ike1_sa *ike1_sa_find(struct ike1 *e, uint64_t cookie_i,
	    const struct addr *peer);
/* The newest Phase 1 SA that is up and leads to this peer. */
struct ike1_sa *ike1_sa_for_peer(const struct ike1 *e, const struct addr *peer,
	    const struct keying_id *id);
/* A responder's SA came up: the limits of its peer and of its address. */
void	ike1_sa_limits(struct ike1_sa *sa, uint64_t now);
/* Marks dead; ike1_tick() frees, as callers still hold it. */
void	ike1_sa_kill(struct ike1_sa *sa, uint64_t now);
void	ike1_sa_failed(struct ike1_sa *sa, uint64_t now, enum keying_failure f,
	    const char *detail);
struct ike1_child *ike1_child_new(struct ike1 *e, struct ike1_sa *sa, bool initiator);
void	ike1_child_free(struct ike1_child *c);
void	ike1_child_kill(struct ike1_child *c);
/* Kills it after telling its connection. */
void	ike1_child_gone(struct ike1_child *c, bool by_peer);
/* INITIAL-CONTACT over sa: what the same peer had before is gone (RFC 2407 §4.6.3.3). */
void	ike1_peer_restarted(struct ike1_sa *sa, uint64_t now);
/* Phase 2 negotiations over sa that the peer has not answered with a word begin
 * again over a new SA, once each, and sa ends; false: there are none. */
bool	ike1_children_again(struct ike1_sa *stale, uint64_t now);
/* DPD over sa found the peer dead: all of it goes (RFC 3706 §5.5). */
void	ike1_peer_dead(struct ike1_sa *sa, uint64_t now);
/* A probe over sa was not answered: its connections are told, and decide. */
void	ike1_peer_silent(struct ike1_sa *sa, uint64_t now);

/* ike.c */
/* Encrypts what a builder holds (all after the header) with an IV that moves on. */
size_t	ike1_seal(struct ike1_sa *sa, struct isakmp_builder *b, uint8_t *iv);
/* Decrypts in place; iv moves on. 0, or -1. */
int	ike1_open(struct ike1_sa *sa, uint8_t *iv, uint8_t *buf, size_t len);
/* IV of a new Phase 2 or informational exchange (RFC 2409 App. B). */
int	ike1_phase2_iv(const struct ike1_sa *sa, uint32_t msgid, uint8_t *iv);
uint32_t ike1_msgid(void);

/* natt.c */
#define NATT_PORT	KEYING_PORT_NATT
#define NATT_MARKER_LEN	4
/* Do messages on this path carry the non-ESP marker (RFC 3948 §2.2)? */
bool	natt_marked(const struct keying_path *path);
void	natt_put_vendor_id(struct isakmp_builder *b);
bool	natt_is_vendor_id(const struct isakmp_part *p);
/* The two NAT-D payloads of messages 3 and 4. */
void	natt_put(const struct ike1_sa *sa, struct isakmp_builder *b);
/* Compares the peer's with what we see. */
void	natt_detect(struct ike1_sa *sa, const struct isakmp_message *m);
/* Initiator: to port 4500 from message 5 on, if there is a NAT (RFC 3947 §4). */
void	natt_float(struct ike1_sa *sa);
/* An authenticated message came this way: answer to where it came from. */
void	natt_moved(struct ike1_sa *sa);
/* Its peer's ESP came from there (ike1_moved()). */
void	natt_follow(struct ike1_sa *sa, const struct addr *peer,
	    uint16_t port);
void	natt_tick(struct ike1_sa *sa, uint64_t now);

/* admit.c */
/* A message 1 from a stranger: answered, and forgotten. */
void	admit_first(struct ike1 *e, uint64_t now, const struct keying_path *path,
	    const struct isakmp_header *h, const uint8_t *buf, size_t len);
/* A message 3, which must bring a cookie of ours: makes the SA. */
void	admit_third(struct ike1 *e, uint64_t now, const struct keying_path *path,
	    const struct isakmp_header *h, const uint8_t *buf, size_t len);

/* offer.c */
void	offers_init(struct ike1 *e);
void	offers_free(struct ike1 *e);
/* The body of an SA payload; NULL if none of it is acceptable. */
struct ike1_offer *offer_get(struct ike1 *e, uint64_t now, const uint8_t *body,
	    size_t len);
struct ike1_offer *offer_at(struct ike1 *e, unsigned index);
/* A peer that proved its identity made this offer: strangers cannot displace it. */
void	offer_prove(struct ike1 *e, uint64_t now, const uint8_t *body, size_t len);

/* work.c */
/* Around public-key operations that a peer caused: their cost counts. */
uint64_t work_begin(const struct ike1 *e);
void	work_end(struct ike1 *e, uint64_t begun);
/* May there be some now? If not, work_wait() keeps the message for later. */
bool	work_ready(struct ike1 *e, uint64_t now);
void	work_wait(struct ike1 *e, uint64_t now, const struct keying_path *path,
	    const uint8_t *buf, size_t len);
/* Serves one of those that wait; when it wants to be called next. */
uint64_t work_tick(struct ike1 *e, uint64_t now);
void	work_free(struct ike1 *e);

/* msgid.c */
/* Notes that an exchange began; false if there was one of this id, or too many. */
bool	msgid_use(struct ike1_sa *sa, uint64_t now, uint8_t exchange, uint32_t id);
/* A fresh id for an exchange of ours. */
uint32_t msgid_new(struct ike1_sa *sa, uint64_t now, uint8_t exchange);
void	msgids_free(struct ike1_msgids *s);

/* phase1.c */
void	phase1_start(struct ike1_sa *sa, uint64_t now);
void	phase1_retry_first(struct ike1_sa *sa, uint64_t now);
struct isakmp_header phase1_header(const struct ike1_sa *sa, bool encrypted);
void	phase1_put_vendor_ids(struct isakmp_builder *b, bool natt, bool dpd);
void	phase1_note_vendor_ids(const struct ike1 *e, const struct isakmp_message *m,
	    bool *natt, bool *dpd);
/* Sends a message and keeps it: the initiator to repeat it, the responder to
 * answer a repeated request with it. */
void	phase1_send(struct ike1_sa *sa, uint64_t now, const uint8_t *buf,
	    size_t len, const uint8_t *request, size_t request_len);
void	phase1_message(struct ike1_sa *sa, uint64_t now, const struct isakmp_header *h,
	    const uint8_t *buf, size_t len);
void	phase1_keys_found(struct ike1_sa *sa, uint64_t now);

/* phase2.c */
void	phase2_start(struct ike1_child *c, uint64_t now);
void	phase2_message(struct ike1_sa *sa, uint64_t now, const struct isakmp_header *h,
	    const uint8_t *buf, size_t len);
/* The peer has its half. */
void	phase2_confirmed(struct ike1_child *c, uint64_t now);
void	phase2_authorized(struct ike1_child *c, uint64_t now, void *conn);
void	phase2_failed(struct ike1_child *c, uint64_t now, enum keying_failure f,
	    const char *detail);

/* info.c */
void	info_message(struct ike1_sa *sa, uint64_t now, const struct isakmp_header *h,
	    const uint8_t *buf, size_t len);
void	info_delete_child(struct ike1_sa *sa, uint64_t now, uint32_t spi_in);
void	info_delete_sa(struct ike1_sa *sa, uint64_t now);
void	info_notify(struct ike1_sa *sa, uint64_t now, uint16_t type, uint8_t protocol,
	    const void *spi, size_t spi_len, const void *data, size_t data_len);
void	info_dpd(struct ike1_sa *sa, uint64_t now);
/* R-U-THERE at once; see ike1_probe(). */
void	info_probe(struct ike1_sa *sa, uint64_t now);
/* The engine's invalid_spi. */
int	ike1_invalid_spi(void *engine, uint64_t now,
	    const struct keying_path *path, uint32_t spi, bool hint);
/* An Informational that belongs to no SA: at most a hint. */
void	info_stray(struct ike1 *e, const struct keying_path *path,
	    const struct isakmp_header *h, const uint8_t *buf, size_t len);

/* show.c: what the engine reports */
void	ike1_report_sas(const void *engine, uint64_t now, json_object *table);
void	ike1_report(const void *engine, struct report *r);

#endif
