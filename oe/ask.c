/* ask.c - one DNS question to one resolver from a socket of its own */
#include "config.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/resolver.h"
#include "oe/ask.h"

#define DNS_CLASS_IN	1
#define DNS_TYPE_OPT	41
#define DNS_QUERY_MAX	(12 + KEYING_NAME_MAX + 2 + 4 + 11)
#define DNS_RD		0x0100
#define DNS_AD		0x0020
#define DNS_CD		0x0010
#define DNS_RCODE	0x000f
#define DNS_FORMERR	1
#define DNS_NOTIMP	4

struct ask {
	const struct ask_question *question;
	struct addr	     server;
	ask_fn		     fn;
	void		    *arg;
	unsigned	     tag;
	struct resolver	    *resolver;
	struct event	     unsent;		/* what ends a question
						 * that cannot be asked */
	bool		     plain;		/* asked again without EDNS */
	bool		     unchecked;		/* asked again with
						 * CD: was it DNSSEC? */
	unsigned	     rcode;
	struct record_answer answer;
};

static void	ask_answered(void *arg, uint64_t ticket,
		    const struct resolver_answer *answer);

static size_t
ask_write(const struct ask *a, uint8_t *out, size_t cap)
{
	const char   *name = a->question->name;
	struct writer w;
	uint16_t      id;
	size_t	      n;

	random_bytes(&id, sizeof(id));
	writer_init(&w, out, cap);
	writer_u16(&w, id);
	/* AD asks the resolver to say whether it validated (RFC 6840 §5.7). DO
	 * is not set: the signatures themselves are of no use to us. */
	writer_u16(&w, DNS_RD | (a->unchecked ? DNS_CD : DNS_AD));
	writer_u16(&w, 1);
	writer_u32(&w, 0);
	writer_u16(&w, a->plain ? 0 : 1);
	for (; *name != '\0'; name += n + (name[n] == '.')) {
		n = strcspn(name, ".");
		if (n == 0 || n > 63)
			return 0;
		writer_u8(&w, (uint8_t)n);
		writer_put(&w, name, n);
	}
	writer_u8(&w, 0);
	writer_u16(&w, a->question->type);
	writer_u16(&w, DNS_CLASS_IN);
	if (!a->plain) {
		writer_u8(&w, 0);
		writer_u16(&w, DNS_TYPE_OPT);
		writer_u16(&w, RESOLVER_UDP_SIZE);
		writer_u32(&w, 0);
		writer_u16(&w, 0);
	}
	return w.bad ? 0 : w.len;
}

static void
ask_read(struct ask *a, const uint8_t *msg, size_t len)
{
	const struct ask_question *q = a->question;

	a->rcode = load_u16(msg + 2) & DNS_RCODE;
	if (q->read == NULL)
		record_parse(&a->answer, msg, len, q->name, q->type,
		    q->rsa_min_bits);
	else
		a->answer.status = a->unchecked ? RECORD_FAILED :
		    q->read(q->read_arg, msg, len);
}

/* Opens a channel, and with it a socket, for this question alone: its port is
 * as hard to guess as its ID, and no answer to another fits it. */
static void
ask_send(struct ask *a)
{
	const struct ask_question *q = a->question;
	struct resolver_options	   o = { .servers = &a->server, .nservers = 1,
		.timeout = q->timeout, .tries = q->tries, .mark = q->mark,
		.messages = true };
	uint8_t			   query[DNS_QUERY_MAX];
	size_t			   n = ask_write(a, query, sizeof(query));

	resolver_free(a->resolver);
	a->resolver = n == 0 ? NULL :
	    resolver_new(q->base, &o, ask_answered, a);
	if (a->resolver != NULL &&
	    resolver_ask_message(a->resolver, query, n, 0) == 0)
		return;
	resolver_free(a->resolver);
	a->resolver = NULL;
	memset(&a->answer, 0, sizeof(a->answer));
	a->answer.status = RECORD_FAILED;
	event_active(&a->unsent, EV_TIMEOUT, 0);
}

/*
 * SERVFAIL is what a validating resolver says of bogus data and of a server
 * that is lame.  With CD set it gives what it would not vouch for
 * (RFC 4035 §3.2.2): whoever answers now was refused for DNSSEC's sake.
 */
static bool
ask_again(struct ask *a)
{
	if (!a->plain && (a->rcode == DNS_FORMERR || a->rcode == DNS_NOTIMP)) {
		a->plain = true;	/* RFC 6891 §6.2.2: knows no EDNS */
		ask_send(a);
		return true;
	}
	/* A resolver without EDNS has not validated (RFC 4035 §4.1). */
	if (a->plain)
		a->answer.authentic = false;
	if (a->unchecked) {
		a->answer.status = a->answer.status == RECORD_FAILED ||
		    a->answer.status == RECORD_TIMEOUT ? RECORD_FAILED :
		    RECORD_BOGUS;
		a->answer.n = 0;
		a->answer.authentic = false;
		return false;
	}
	if (a->answer.status != RECORD_FAILED)
		return false;
	a->unchecked = true;
	ask_send(a);
	return true;
}

static void
ask_end(struct ask *a)
{
	/* The ask may end before its answer was read to the end. */
	struct record_answer answer = a->answer;

	resolver_free(a->resolver);
	a->resolver = NULL;
	a->fn(a->arg, a->tag, &answer);
}

static void
ask_answered(void *arg, uint64_t ticket, const struct resolver_answer *answer)
{
	struct ask *a = arg;

	(void)ticket;
	a->rcode = 0;
	memset(&a->answer, 0, sizeof(a->answer));
	if (answer->msg != NULL && answer->len >= 4)
		ask_read(a, answer->msg, answer->len);
	else
		a->answer.status =
		    answer->timeout ? RECORD_TIMEOUT : RECORD_FAILED;
	if (!ask_again(a))
		ask_end(a);
}

static void
ask_unsent(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask_end(arg);
}

struct ask *
ask_new(const struct ask_question *q, const struct addr *server, ask_fn fn,
    void *arg, unsigned tag)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	*a = (struct ask){ .question = q, .server = *server, .fn = fn,
		.arg = arg, .tag = tag };
	event_assign(&a->unsent, q->base, -1, 0, ask_unsent, a);
	ask_send(a);
	return a;
}

void
ask_free(struct ask *a)
{
	if (a == NULL)
		return;
	resolver_free(a->resolver);
	event_del(&a->unsent);
	free(a);
}
