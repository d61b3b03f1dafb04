/* validator.h - DNSSEC on this host: questions for a process of its own that trusts no resolver (RFC 4033 to 4035; RFC 5011) */
#ifndef NET_VALIDATOR_H
#define NET_VALIDATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "net/validate.h"

struct event_base;
struct validator_question;

/*
 * libunbound works in a process that has no rights, sees no files but those of
 * its own folder, and knows neither keys nor packets.  All of a daemon's
 * engines ask the same one.
 */
enum validator_state {
	VALIDATOR_OFF,		/* not started */
	VALIDATOR_TRIES,	/* whether the resolvers bring what it takes */
	VALIDATOR_WORKS,
	VALIDATOR_CANNOT,	/* validator_why() */
};

struct validator_answer {
	enum validator_verdict verdict;
	const uint8_t *msg;	/* a whole message; NULL: none */
	size_t	       len;
	const char    *why;	/* the answer is bogus; "": nothing known */
};

/* Is the program built with it? */
bool	validator_built(void);
/*
 * Forks the process; before threads and priv_drop().  daemon: whose user it
 * becomes; folder: what stays of it, made if absent; NULL: nothing does.  0, or
 * -1 after one log line.
 */
int	validator_start(const char *daemon, const char *folder);
void	validator_stop(void);

/* The resolvers to ask, and the anchors, copied: nothing happens where they are
 * the same as before.  Questions under way wait for what comes of it. */
void	validator_configure(struct event_base *base,
	    const struct validator_config *c);
/* The network may be another: what works is found out again. */
void	validator_again(void);
/* Questions come from source ports lo to hi (host order) from now on, those
 * under way once more; hi 0: from any. */
void	validator_ports(uint16_t lo, uint16_t hi);
/* Until the first is answered from there some from elsewhere may be about. */
bool	validator_moves(void);

enum validator_state validator_state(void);
/* Calls fn whenever that may have changed, until validator_unwatch(). */
struct validator_watch {
	TAILQ_ENTRY(validator_watch) entry;
	void (*fn)(void *arg);
	void *arg;
};
void	validator_watch(struct validator_watch *w);
void	validator_unwatch(struct validator_watch *w);
/* Why VALIDATOR_CANNOT, in words; else "". */
const char *validator_why(void);

/* Called once, never before validator_ask() returns; the answer is borrowed. */
typedef void (*validator_fn)(void *arg, const struct validator_answer *a);
/* timeout: milliseconds.  NULL: VALIDATOR_OFF, or out of memory. */
struct validator_question *validator_ask(const char *name, uint16_t type,
	    unsigned timeout, validator_fn fn, void *arg);
/* Without a call. NULL is allowed. */
void	validator_cancel(struct validator_question *q);

#endif
