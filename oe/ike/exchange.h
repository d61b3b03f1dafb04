/* exchange.h - what exchanges of either version need: sending, repeating, answering again, timers */
#ifndef OE_IKE_EXCHANGE_H
#define OE_IKE_EXCHANGE_H

#include "base/ratelimit.h"
#include "oe/keying.h"

#define IKE_NEVER	UINT64_MAX
#define IKE_MESSAGE_MAX	32768		/* octets; ours never come near */
#define IKE_MARKER_LEN	4		/* RFC 3948 §2.2 */

struct ike_exchanges {			/* of one engine */
	const struct keying_ops *ops;
	void		*arg;
	unsigned	 give_up;	/* milliseconds an unanswered request
					 * may take */
	uint64_t	 next;		/* no timer is earlier */
	uint64_t	 next_token;
	uint64_t	 retransmits;	/* so far */
	struct ratelimit complain;	/* log lines a stranger can cause */
};
/* give_up 0: 20 s. */
void	ike_exchanges_init(struct ike_exchanges *x, unsigned version,
	    const struct keying_ops *ops, void *arg, unsigned give_up);

/* Wakes the engine then, or earlier. */
void	ike_timer(struct ike_exchanges *x, uint64_t at);
/* For a question to those who keep connections. */
uint64_t ike_token(struct ike_exchanges *x);
/* Logs what is wrong with what a peer sent, as often as strangers may make
 * us. */
void	ike_complain(struct ike_exchanges *x, uint64_t now,
	    const struct keying_path *path, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

/* Do messages on this path carry the non-ESP marker (RFC 3948 §2.2)? */
bool	ike_is_marked(const struct keying_path *path);
/* Sends a message of at most IKE_MESSAGE_MAX octets, behind the marker where
 * the path has one. */
void	ike_send(struct ike_exchanges *x, const struct keying_path *path,
	    const uint8_t *buf, size_t len);
/*
 * The message in a datagram of that path, without its marker.  NULL: there is
 * none; *len is then 0 of a NAT-keepalive, else unchanged.
 */
const uint8_t *ike_unmark(const struct keying_path *path, const uint8_t *buf,
	    size_t *len);

/* Replaces a copy, wiping the old one; len 0 or no memory: none, NULL. */
void	ike_keep(uint8_t **to, size_t *to_len, const uint8_t *buf, size_t len);

struct ike_retry {			/* a message that waits for an answer */
	uint8_t *buf;			/* NULL: none */
	size_t	 len;
	unsigned tries;
	uint64_t at, until;
};
/* Copies it; it is to be sent again every half second at first, then more
 * rarely, until give_up is over. */
void	ike_retry_set(struct ike_exchanges *x, struct ike_retry *r,
	    uint64_t now, const uint8_t *buf, size_t len);
void	ike_retry_clear(struct ike_retry *r);
/* At r->at: sets the next time; false when there is to be none. */
bool	ike_retry_again(struct ike_exchanges *x, struct ike_retry *r,
	    uint64_t now);

/* The request answered last: one that comes again gets the same answer, and no
 * work is done twice (RFC 2408 §3.1, RFC 7296 §2.1). */
struct ike_answered {
	uint8_t	 request[32];		/* digest; zero: none */
	uint8_t *buf;			/* the answer; NULL: none yet */
	size_t	 len;
};
void	ike_answered_request(struct ike_answered *a, const uint8_t *buf,
	    size_t len);
void	ike_answered_with(struct ike_answered *a, const uint8_t *buf,
	    size_t len);
bool	ike_answered_is(const struct ike_answered *a, const uint8_t *buf,
	    size_t len);
void	ike_answered_clear(struct ike_answered *a);

/* SHA2-256, or what equals nothing. */
void	ike_digest(const uint8_t *buf, size_t len, uint8_t out[32]);

#endif
