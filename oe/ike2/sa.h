/* sa.h - what the parts of the IKEv2 engine share: the engine, its IKE SAs, their children, and a request of ours */
#ifndef OE_IKE2_SA_H
#define OE_IKE2_SA_H

#include <sys/queue.h>

#include "base/hash.h"
#include "base/ratelimit.h"
#include "oe/ike/budget.h"
#include "oe/ike/dh.h"
#include "oe/ike/exchange.h"
#include "oe/ike2/fragment.h"
#include "oe/ike2/ike2.h"
#include "oe/ike2/keys.h"

#define IKE2_RETRY_FIRST	500	/* milliseconds; doubled each
					 * time but the first */
#define IKE2_RETRY_MOST		4000
#define IKE2_INIT_TRIES		3	/* of one IKE_SA_INIT; then one with
					 * another SPI (RFC 3104 §6.1) */
#define IKE2_INIT_ROUNDS	3	/* COOKIE and INVALID_KE_PAYLOAD
					 * answered in one attempt */
#define IKE2_PROBE_EVERY	500	/* a liveness check that
					 * somebody waits for ... */
#define IKE2_PROBE_TRIES	3	/* ... is repeated so often */
#define IKE2_HALF_OPEN_TIME	30000	/* from IKE_SA_INIT to
					 * the end of IKE_AUTH */
#define IKE2_EXPONENT_TIME	3600000	/* from the first answer with an
					 * exponent to another one */
#define IKE2_EXPONENTS		6	/* groups that we have */
#define IKE2_REFUSED_WAIT	500	/* for a better answer than one that
					 * anybody may have sent */
#define IKE2_ASK_TIME		10000	/* a question about a child may take,
					 * less than peers wait */
#define IKE2_LINGER		5000	/* a dead SA repeats its last answer */
#define IKE2_CHILDLESS_TIME	60000	/* an SA is kept that serves nothing */
#define IKE2_TEMPORARY_WAIT	1000	/* after TEMPORARY_FAILURE, up to ten
					 * times that (§2.25) */
#define IKE2_TEMPORARY_TIME	180000	/* of those: no state in common */
#define IKE2_LATE_TIME		30000	/* an answer to IKE_AUTH, when nobody
					 * waits for it */
#define IKE2_GROUPS_KEPT	256	/* peers whose group is remembered */
#define IKE2_CHILDREN_MAX	32	/* of an IKE SA */
#define IKE2_EARLY_MAX		4	/* deletes remembered
					 * while a child is made */
#define IKE2_INNER_MAX		8192	/* octets that we put into one SK */

enum ike2_job {				/* what a request of ours is for */
	IKE2_JOB_NONE,
	IKE2_JOB_INIT,
	IKE2_JOB_AUTH,
	IKE2_JOB_CHILD,			/* makes or rekeys a child */
	IKE2_JOB_REKEY,			/* the IKE SA itself */
	IKE2_JOB_DELETE_CHILD,
	IKE2_JOB_DELETE_SA,
	IKE2_JOB_PROBE,			/* an empty one */
	IKE2_JOB_INFORM,		/* a notify that needs no
					 * more than to arrive */
};

struct ike2_request {	/* the one that waits for an answer: our window is 1 */
	enum ike2_job	    job;
	uint8_t		    exchange;
	uint32_t	    msgid;
	struct ike2_child  *child;	/* JOB_CHILD, JOB_DELETE_CHILD;
					 * NULL: it is gone */
	struct ike2_packets packets;
	uint8_t		   *inner;	/* to be cut finer, should it be
					 * lost; NULL: no need */
	size_t		    inner_len;
	uint8_t		    first;
	unsigned	    tries;
	uint64_t	    at, until;
};

enum ike2_state {
	IKE2_INIT_SENT,			/* initiator */
	IKE2_AUTH_SENT,
	IKE2_INIT_GOT,			/* responder: IKE_AUTH is awaited */
	IKE2_AUTH_GOT,			/* the shell looks for
					 * keys, or decides */
	IKE2_UP,
	IKE2_CLOSING,			/* our delete is on its way */
	IKE2_GONE,			/* repeats its last
					 * answer until expires */
	IKE2_DEAD,			/* to be freed by the next tick */
};

struct ike2_exponent;

struct ike2_init {			/* needed until IKE_AUTH is over */
	uint8_t *mine, *theirs;		/* IKE_SA_INIT messages as last
					 * sent, without marker */
	size_t	 mine_len, theirs_len;
	struct ike_dh *dh;		/* initiator's */
	struct ike2_exponent *exponent;	/* responder's, until
					 * there are keys */
	uint16_t group;
	uint8_t	 cookie[64];		/* that the responder wants to see */
	size_t	 cookie_len;
	uint8_t	 offer[IKE2_OFFER_MAX];
	size_t	 offer_len;
	unsigned rounds;
	uint16_t refused;	/* a notify that anybody may have sent */
	bool	 icmp;
	uint64_t refused_at;		/* when it is believed */
	struct pubkey keys[KEYING_KEYS_MAX];	/* what proves the
						 * peer, initiator */
	size_t	 nkeys;
	uint8_t *psk;
	size_t	 psk_len;
	bool	 nothing;
	bool	 initial_contact, departed;
	bool	 stranger;	/* responder: nobody knows a key of who
				 * signs, so it may prove nothing */
	bool	 opportunistic;		/* the peer says that
					 * it takes strangers */
	struct keying_id want_id;	/* ANYONE: whoever proves as above */
	unsigned hashes;		/* that the peer takes */
	uint8_t	*pending;		/* IKE_AUTH, decrypted,
					 * while others think */
	size_t	 pending_len;
	uint8_t	 pending_first;
};

struct ike2_child;
struct ike2_sa;

struct ike2_rekey {			/* of an IKE SA, by us,
					 * until it is over */
	struct ike2_sa *sa;		/* the new one, ours;
					 * INIT_SENT until then */
	struct ike2_sa *rival;		/* one that the peer made
					 * meanwhile (§2.8.2) */
	struct ike2_nonce rival_low;	/* the lower nonce of that */
	struct ike_dh  *dh;
	struct ike2_terms terms;
	struct ike2_nonce ni, nr;
	uint8_t		offer[IKE2_OFFER_MAX];
	size_t		offer_len;
	unsigned	rounds;		/* INVALID_KE_PAYLOAD answered */
};

struct ike2_sa {
	UT_hash_handle	    hh;		/* by spi */
	UT_hash_handle	    hh_init;	/* responder, until it
					 * is up: by init_key */
	TAILQ_ENTRY(ike2_sa) entry;
	struct ike2	   *ike;
	enum ike2_state	    state;
	bool		    initiator;	/* the original initiator of
					 * this IKE SA (§2.2) */
	bool		    half_open;	/* of others, and in by_init */
	struct ike_half	    half;	/* counted against the
					 * responder's limits */
	uint64_t	    spi, peer_spi;
	struct {
		uint64_t    spi_i;
		struct addr peer;
		uint8_t	    zero[5];
		uint16_t    port;
	}		    init_key;
	struct keying_path  path, came;	/* came: of the message being read */
	bool		    fragments;	/* both can (RFC 7383) */
	bool		    nat_here, nat_there;
	bool		    feigned;	/* the NAT here is our word alone */
	struct keying_id    my_id, peer_id;
	struct addr	    inner;	/* that the peer lends us;
					 * none: it does not */
	struct keying_proof proof;	/* the peer's */
	struct ike2_suite   suite;
	struct ike2_keys    keys;
	struct ike2_nonce   ni, nr;
	struct ike2_init   *init;	/* NULL once it is up */
	struct ike2_rekey  *rekey;	/* NULL: none is under way */
	struct ike2_request out;
	uint32_t	    out_next;	/* our next request's Message ID */
	uint32_t	    in_next;	/* the peer's */
	bool		    in_busy;	/* in_next is being answered */
	struct ike2_packets answer;	/* to in_next - 1 */
	/* Of requests, of answers. */
	struct ike2_reassembly in_parts, out_parts;
	TAILQ_HEAD(ike2_sa_children, ike2_child) children;
	unsigned	    nchildren;
	bool		    replaced;	/* another IKE SA has its children */
	bool		    full;	/* the peer takes no
					 * more children on it */
	uint64_t	    created, up_at, expires, renew_at, heard;
	uint64_t	    wait_until;	/* the peer is busy
					 * (TEMPORARY_FAILURE) */
	uint64_t	    busy_since;	/* and nothing else; 0: it is not */
	uint64_t	    childless_at, keepalive_at;
	bool		    probe;	/* one is wanted */
	bool		    probe_asked;	/* by somebody who waits */
	bool		    close;	/* to be deleted when
					 * the window is free */
	bool		    late;	/* AUTH_SENT, and nobody waits any
					 * more: what the peer has made of it
					 * is taken back */
	/* The peer deleted what it has ... */
	uint32_t	    early[IKE2_EARLY_MAX];
	unsigned	    nearly;	/* ... not told us of yet */
	uint32_t	    unknown_spi;	/* to be told to the
						 * peer; 0: none */
	uint64_t	    token;
};

enum ike2_child_state {
	IKE2_CHILD_WANTED,		/* waits for its turn */
	IKE2_CHILD_SENT,
	IKE2_CHILD_ASKED,		/* responder: the shell decides */
	IKE2_CHILD_UP,
	IKE2_CHILD_DELETING,		/* ours, said or to be said */
	IKE2_CHILD_DEAD,
};

struct ike2_child {
	TAILQ_ENTRY(ike2_child) entry;
	struct ike2	   *ike;
	struct ike2_sa	   *sa;	/* NULL: its IKE SA is gone, it lives on */
	enum ike2_child_state state;
	bool		    initiator;	/* of the exchange that made it */
	bool		    first;	/* in IKE_AUTH */
	bool		    announced;
	bool		    confirmed;
	bool		    redundant;	/* lost against another of the
					 * same rekey (§2.8.1) */
	bool		    unsure;	/* the peer may not know yet of
					 * what it replaces */
	bool		    told;	/* a message of ours has its delete */
	void		   *conn;
	uint32_t	    spi_in, spi_out;
	uint32_t	    rekeys;	/* spi_in of the one that it
					 * replaces; 0: none */
	struct ike2_terms   terms;
	struct ike2_suite   suite;
	struct ike_dh	   *dh;
	struct ike2_nonce   ni, nr;	/* of its own exchange */
	uint8_t		    offer[IKE2_OFFER_MAX];
	size_t		    offer_len;
	struct ike2_choice  choice;	/* responder's */
	uint8_t		    peer_ke[IKE_KE_MAX];
	size_t		    peer_ke_len;
	struct keying_selectors ours, theirs;
	enum keying_inner   want_inner;
	bool		    inner_asked;	/* in IKE_AUTH, by
						 * who begins it */
	struct addr	    inner;	/* that is ours, and
					 * the peer's to lend */
	struct addr	    lent;	/* the other way round */
	enum keying_mode    mode;
	unsigned	    rounds;	/* INVALID_KE_PAYLOAD answered */
	uint64_t	    since, hard;
};

struct ike2 {
	struct ike2_config	 c;
	struct ike_exchanges	 x;
	/* ike2_exchange_next(), for those that it calls themselves. */
	void (*next)(struct ike2_sa *sa, uint64_t now);
	struct ike2_sa		*by_spi, *by_init;
	TAILQ_HEAD(ike2_sas, ike2_sa) sas;
	TAILQ_HEAD(ike2_orphans, ike2_child) orphans;
	unsigned		 nsas[2];	/* living ones,
						 * by "initiator" */
	uint8_t			 secret[2][32];	/* for cookies: this
						 * one, the one before */
	uint8_t			 secret_no;
	uint64_t		 secret_at;	/* of the next */
	struct ratelimit	 clear;		/* answers in the clear */
	struct ike_budget	 budget;	/* of work that
						 * peers cause */
	struct ike2_exponent	*ready[IKE2_EXPONENTS];	/* to answer with;
							 * no gaps */
	/* The group that a peer took last, by a hash of its address. */
	struct { struct addr peer; uint16_t group; } groups[IKE2_GROUPS_KEPT];
	/* A chain that is being built. */
	uint8_t			 inner[IKE2_INNER_MAX];
	/* What was in an SK. */
	uint8_t			 opened[IKE2_MESSAGE_MAX];
	struct {
		uint64_t received, malformed, unknown, refused, cookies,
		    half_open_refused, half_open_evicted, up, failed, children,
		    children_failed, auth_failed, retransmits, duplicates,
		    bad_icv;
	} count;
};

#endif
