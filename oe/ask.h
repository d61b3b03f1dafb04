/* ask.h - one DNS question to one resolver, from a socket of its own (RFC 5452 §9.2) */
#ifndef OE_ASK_H
#define OE_ASK_H

#include "oe/record.h"

struct event_base;
struct ask;

/* What is asked, and how each resolver is asked. */
struct ask_question {
	struct event_base *base;
	char	 name[KEYING_NAME_MAX + 1];
	uint16_t type;
	unsigned timeout;		/* of the first try,
					 * milliseconds; each next twice */
	unsigned tries;
	unsigned rsa_min_bits;
	/* NULL: OE's records are read into the answer.  Else this reads the
	 * message, and what it returns is the answer's status; it is not called
	 * for what DNSSEC refuses. */
	enum record_status (*read)(void *arg, const uint8_t *msg, size_t len);
	void	*read_arg;
	uint32_t mark;			/* of the socket (SO_MARK); 0: none */
};

typedef void (*ask_fn)(void *arg, unsigned tag, const struct record_answer *a);
/* Asks server; q must live as long.  Calls fn once, never
 * before this returns, and borrows it the answer until it returns; it may free
 * the ask. */
struct ask *ask_new(const struct ask_question *q, const struct addr *server,
	    ask_fn fn, void *arg, unsigned tag);
/* Without a call, if there was none yet.  NULL is allowed. */
void	ask_free(struct ask *a);

#endif
