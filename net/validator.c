/* validator.c - the daemon's end of the process that checks DNSSEC: what is asked, and whether it can be */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/helper.h"
#include "base/log.h"
#include "base/watch.h"
#include "net/validator.h"

#ifdef HAVE_UNBOUND

#define FLYING_MAX	128	/* questions that the process has at once */
#define TYPE_SOA	6
#define TRY_MS		2500	/* for the first proof that it works:
				 * less than packets are held */
#define AGAIN_S		10	/* where it does not */
#define BOGUS_MAX	8	/* in a row: is it the resolvers? */

struct validator_question {
	TAILQ_ENTRY(validator_question) entry;
	bool		 flying;
	uint32_t	 ticket;
	uint16_t	 type;
	char		 name[VALIDATOR_NAME_MAX];
	struct event	*late;
	validator_fn	 fn;
	void		*arg;
};
TAILQ_HEAD(questions, validator_question);

static struct validator {
	struct helper	     helper;
	struct validate_work work;
	enum validator_state state;
	char		     why[VALIDATOR_WHY_MAX];
	struct event_base   *base;
	struct event	    *readable, *timer;
	struct questions     waiting, flying;
	unsigned	     nflying, nbogus;
	bool		     moves;
	uint32_t	     ticket;
	/* The question whether it works: one about the anchor's own zone. */
	uint32_t	     proof;		/* 0: none under way */
	char		     zone[VALIDATOR_NAME_MAX];
	struct validate_request config;
} v = { .helper.fd = -1 };

static TAILQ_HEAD(, validator_watch) watchers =
    TAILQ_HEAD_INITIALIZER(watchers);

static void validator_send(void);

bool
validator_built(void)
{
	return true;
}

enum validator_state
validator_state(void)
{
	return v.state;
}

void
validator_watch(struct validator_watch *w)
{
	TAILQ_INSERT_TAIL(&watchers, w, entry);
}

void
validator_unwatch(struct validator_watch *w)
{
	TAILQ_REMOVE(&watchers, w, entry);
}

static void
validator_set(enum validator_state state)
{
	struct validator_watch *w;

	v.state = state;
	TAILQ_FOREACH(w, &watchers, entry)
		w->fn(w->arg);
}

const char *
validator_why(void)
{
	return v.why;
}

/* --- questions ------------------------------------------------------------ */

static void
question_remove(struct validator_question *q)
{
	TAILQ_REMOVE(q->flying ? &v.flying : &v.waiting, q, entry);
	v.nflying -= q->flying;
	watch_end(q->late);
	free(q);
}

static void
question_end(struct validator_question *q, const struct validator_answer *a)
{
	validator_fn fn = q->fn;
	void	    *arg = q->arg;

	question_remove(q);
	fn(arg, a);
}

static void
question_late(void *arg)
{
	struct validator_answer a = { .verdict = VALIDATOR_SILENT, .why = "" };

	question_end(arg, &a);
	validator_send();
}

/* The end of a question that waited for whether it works. */
static void
question_unchecked(void *arg)
{
	struct validator_answer a = { .verdict = VALIDATOR_UNCHECKED,
		.why = v.why };

	question_end(arg, &a);
}

/* Not from within whatever was called: who asked may be gone then. */
static void
question_give_up(struct validator_question *q)
{
	watch_end(q->late);
	q->late = watch_timer(v.base, question_unchecked, q);
	event_active(q->late, EV_TIMEOUT, 0);
}

static int
process_send(struct validate_request *r, size_t len)
{
	return send(v.helper.fd, r, len, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	    (ssize_t)len ? 0 : -1;
}

static int
process_ask(const char *name, uint16_t type, uint32_t ticket)
{
	struct validate_request r = { .wish = VALIDATE_ASK, .ticket = ticket,
		.type = type };

	snprintf(r.name, sizeof(r.name), "%s", name);
	return process_send(&r, offsetof(struct validate_request, anchors));
}

/* Sends questions that wait, as far as there is room. */
static void
validator_send(void)
{
	struct validator_question *q;

	while (v.state == VALIDATOR_WORKS && v.nflying < FLYING_MAX &&
	    (q = TAILQ_FIRST(&v.waiting)) != NULL) {
		q->ticket = ++v.ticket;
		if (process_ask(q->name, q->type, q->ticket) == -1)
			return;		/* with the next answer */
		TAILQ_REMOVE(&v.waiting, q, entry);
		TAILQ_INSERT_TAIL(&v.flying, q, entry);
		q->flying = true;
		v.nflying++;
	}
}

struct validator_question *
validator_ask(const char *name, uint16_t type, unsigned timeout,
    validator_fn fn, void *arg)
{
	struct validator_question *q;

	if (v.state == VALIDATOR_OFF || (q = calloc(1, sizeof(*q))) == NULL)
		return NULL;
	snprintf(q->name, sizeof(q->name), "%s", name);
	q->type = type;
	q->fn = fn;
	q->arg = arg;
	q->late = watch_timer(v.base, question_late, q);
	watch_after(q->late, timeout);
	TAILQ_INSERT_TAIL(&v.waiting, q, entry);
	if (v.state == VALIDATOR_CANNOT)
		question_give_up(q);
	else
		validator_send();
	return q;
}

void
validator_cancel(struct validator_question *q)
{
	if (q == NULL)
		return;
	question_remove(q);
	validator_send();
}

/* --- whether it works ----------------------------------------------------- */

static void
validator_cannot(const char *why)
{
	struct validator_question *q;
	bool			   said = v.state == VALIDATOR_CANNOT &&
	    strcmp(v.why, why) == 0;

	validator_set(VALIDATOR_CANNOT);
	snprintf(v.why, sizeof(v.why), "%s", why);
	if (!said)
		log_warn("DNSSEC cannot be checked here (%s): unless a "
		    "resolver is trusted, no key counts for paranoid "
		    "destinations, and for others as one that is not signed",
		    why);
	while ((q = TAILQ_FIRST(&v.flying)) != NULL) {
		TAILQ_REMOVE(&v.flying, q, entry);
		TAILQ_INSERT_TAIL(&v.waiting, q, entry);
		q->flying = false;
		v.nflying--;
	}
	TAILQ_FOREACH(q, &v.waiting, entry)
		question_give_up(q);
}

static void
validator_works(void)
{
	if (v.state != VALIDATOR_WORKS)
		log_info("DNSSEC is checked on this host, from the keys of "
		    "\"%s\" on", v.zone);
	validator_set(VALIDATOR_WORKS);
	v.why[0] = '\0';
	v.nbogus = 0;
	event_del(v.timer);
	validator_send();
}

/* Anew: what was cached may be of another network, or wrong. */
static void
validator_prove(void)
{
	struct validator_question *q;

	while ((q = TAILQ_LAST(&v.flying, questions)) != NULL) {
		TAILQ_REMOVE(&v.flying, q, entry);
		TAILQ_INSERT_HEAD(&v.waiting, q, entry);
		q->flying = false;
		v.nflying--;
	}
	v.nbogus = 0;
	v.proof = ++v.ticket;
	watch_after(v.timer, v.state == VALIDATOR_CANNOT ? AGAIN_S * 1000 :
	    TRY_MS);
	/* What cannot be sent is not answered, and asked again. */
	if (process_send(&v.config, sizeof(v.config)) == 0)
		(void)process_ask(v.zone, TYPE_SOA, v.proof);
}

static void
validator_proof(const struct validate_reply *r)
{
	char why[VALIDATOR_WHY_MAX];

	v.moves = false;
	v.proof = 0;
	if (r->verdict == VALIDATOR_SECURE) {
		validator_works();
		return;
	}
	snprintf(why, sizeof(why), "%s", r->verdict == VALIDATOR_INSECURE ?
	    "the trust anchor is of no zone" : *r->why != '\0' ? r->why :
	    "the resolvers bring no signatures");
	watch_after(v.timer, AGAIN_S * 1000);
	validator_cannot(why);
}

static void
validator_timer(void *arg)
{
	(void)arg;
	if (v.state == VALIDATOR_CANNOT) {
		validator_prove();
		return;
	}
	v.moves = false;
	watch_after(v.timer, AGAIN_S * 1000);
	/* An answer that comes yet will do. */
	validator_cannot("no resolver answers what is asked with DNSSEC");
}

/* --- the process ---------------------------------------------------------- */

static void
process_reply(const struct validate_reply *r, const uint8_t *msg)
{
	struct validator_answer	   a = { .verdict = r->verdict,
		.msg = r->len > 0 ? msg : NULL, .len = r->len,
		.why = r->why };
	struct validator_question *q;

	if (r->hello) {
		/* Killed, and started again; or for the first time. */
		if (v.config.nservers > 0)
			validator_prove();
		return;
	}
	if (v.proof != 0 && r->ticket == v.proof) {
		validator_proof(r);
		return;
	}
	TAILQ_FOREACH(q, &v.flying, entry) {
		if (q->ticket == r->ticket)
			break;
	}
	if (q == NULL)
		return;
	v.nbogus = r->verdict == VALIDATOR_BOGUS ? v.nbogus + 1 : 0;
	question_end(q, &a);
	if (v.nbogus == BOGUS_MAX)
		validator_again();
	else
		validator_send();
}

static void
process_readable(int fd, void *arg)
{
	static struct {
		struct validate_reply r;
		uint8_t		      msg[VALIDATE_MESSAGE_MAX];
	} in;
	struct iovec iov[] = { { &in.r, sizeof(in.r) },
		{ in.msg, sizeof(in.msg) } };
	ssize_t	     n;

	(void)arg;
	n = readv(fd, iov, 2);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		event_del(v.readable);
		event_del(v.timer);
		validator_cannot("the process that checks it has ended: "
		    "start the daemon again");
		return;
	}
	/* Whoever got hold of the process can say what DNS says, no more. */
	if ((size_t)n < sizeof(in.r) ||
	    (size_t)n - sizeof(in.r) != in.r.len ||
	    in.r.verdict > VALIDATOR_FAILED)
		return;
	in.r.why[sizeof(in.r.why) - 1] = '\0';
	process_reply(&in.r, in.msg);
}

int
validator_start(const char *daemon, const char *folder)
{
	struct helper_work w = { .name = "rsip-validate",
		.does = "checks DNSSEC", .type = SOCK_SEQPACKET,
		.serve = validate_serve, .arg = &v.work };

	TAILQ_INIT(&v.waiting);
	TAILQ_INIT(&v.flying);
	snprintf(v.work.daemon, sizeof(v.work.daemon), "%s", daemon);
	snprintf(v.work.folder, sizeof(v.work.folder), "%s",
	    folder != NULL ? folder : "");
	if (helper_start(&v.helper, &w) == -1)
		return -1;
	v.state = VALIDATOR_TRIES;
	return 0;
}

void
validator_stop(void)
{
	struct validator_question *q;

	if (v.state == VALIDATOR_OFF)
		return;
	while ((q = TAILQ_FIRST(&v.flying)) != NULL ||
	    (q = TAILQ_FIRST(&v.waiting)) != NULL)
		question_remove(q);
	watch_end(v.readable);
	watch_end(v.timer);
	v.readable = v.timer = NULL;
	helper_stop(&v.helper);
	v.state = VALIDATOR_OFF;
}

/* The zone of the first anchor; false: others are of another, and
 * libunbound follows one. */
static bool
anchor_zone(const char *text, char out[VALIDATOR_NAME_MAX])
{
	size_t n, line;
	bool   first = true;

	out[0] = '.';
	out[1] = '\0';
	for (; *text != '\0'; text += line + (text[line] == '\n')) {
		line = strcspn(text, "\n");
		n = strcspn(text, " \t\n");
		if (n == 0 || n >= VALIDATOR_NAME_MAX || *text == ';' ||
		    *text == '#')
			continue;
		if (!first && (strncmp(out, text, n) != 0 || out[n] != '\0'))
			return false;
		snprintf(out, VALIDATOR_NAME_MAX, "%.*s", (int)n, text);
		first = false;
	}
	return true;
}

void
validator_configure(struct event_base *base, const struct validator_config *c)
{
	static struct validate_request r;

	if (v.state == VALIDATOR_OFF)
		return;
	memset(&r, 0, sizeof(r));	/* what is between its members, too */
	r.wish = VALIDATE_CONFIGURE;
	r.follow = c->follow;
	if (v.base == NULL) {
		v.base = base;
		v.readable = watch_fd(base, v.helper.fd, process_readable,
		    NULL);
		v.timer = watch_timer(base, validator_timer, NULL);
	}
	r.nservers = c->nservers < VALIDATOR_SERVERS_MAX ? c->nservers :
	    VALIDATOR_SERVERS_MAX;
	memcpy(r.servers, c->servers, r.nservers * sizeof(*c->servers));
	snprintf(r.anchors, sizeof(r.anchors), "%s", c->anchors);
	r.ports = v.config.ports;
	if (!anchor_zone(r.anchors, v.zone))
		r.follow = false;
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	if (memcmp(&r, &v.config, sizeof(r)) == 0)
		return;
	memcpy(&v.config, &r, sizeof(r));
	validator_again();
}

void
validator_again(void)
{
	if (v.state == VALIDATOR_OFF || v.config.nservers == 0)
		return;
	if (v.state != VALIDATOR_TRIES)
		validator_set(VALIDATOR_TRIES);
	validator_prove();
}

void
validator_ports(uint16_t lo, uint16_t hi)
{
	const struct validator_ports to = { lo, hi };

	if (to.lo == v.config.ports.lo && to.hi == v.config.ports.hi)
		return;
	v.config.ports = to;
	v.moves = (v.state == VALIDATOR_TRIES || v.state == VALIDATOR_WORKS) &&
	    v.config.nservers > 0;
	validator_again();
}

bool
validator_moves(void)
{
	return v.moves;
}

#else

bool
validator_built(void)
{
	return false;
}

int
validator_start(const char *daemon, const char *folder)
{
	(void)daemon;
	(void)folder;
	log_error("this program was built without libunbound");
	return -1;
}

void
validator_stop(void)
{
}

void
validator_configure(struct event_base *base, const struct validator_config *c)
{
	(void)base;
	(void)c;
}

void
validator_again(void)
{
}

void
validator_ports(uint16_t lo, uint16_t hi)
{
	(void)lo;
	(void)hi;
}

bool
validator_moves(void)
{
	return false;
}

enum validator_state
validator_state(void)
{
	return VALIDATOR_OFF;
}

void
validator_watch(struct validator_watch *w)
{
	(void)w;
}

void
validator_unwatch(struct validator_watch *w)
{
	(void)w;
}

const char *
validator_why(void)
{
	return "";
}

struct validator_question *
validator_ask(const char *name, uint16_t type, unsigned timeout,
    validator_fn fn, void *arg)
{
	(void)name;
	(void)type;
	(void)timeout;
	(void)fn;
	(void)arg;
	return NULL;
}

void
validator_cancel(struct validator_question *q)
{
	(void)q;
}

#endif
