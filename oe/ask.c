/* ask.c - one DNS question to one resolver through c-ares on libevent, from a socket of its own */
#include "config.h"

#include <ares.h>
#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "oe/ask.h"

#define DNS_CLASS_IN	1
#define DNS_TYPE_OPT	41
#define DNS_UDP_SIZE	1232	/* EDNS: what crosses every link unfragmented */
#define DNS_QUERY_MAX	(12 + KEYING_NAME_MAX + 2 + 4 + 11)
#define DNS_RD		0x0100
#define DNS_AD		0x0020
#define DNS_CD		0x0010
#define DNS_RCODE	0x000f
#define DNS_FORMERR	1
#define DNS_NOTIMP	4
#define ASK_SOCKETS	4	/* UDP, TCP, and such as are about to be closed */

struct ask_socket {
	struct ask   *ask;
	struct event *ev;
	int	      fd;
};

struct ask {
	const struct ask_question *question;
	struct in_addr	     server;
	ask_fn		     fn;
	void		    *arg;
	unsigned	     tag;
	ares_channel	     channel;
	bool		     open;		/* there is a channel */
	struct event	     timer;
	struct ask_socket    sockets[ASK_SOCKETS];
	bool		     plain;		/* asked again without EDNS */
	bool		     unchecked;		/* asked again with CD: was it DNSSEC? */
	bool		     closing, answered;
	unsigned	     rcode;
	struct record_answer answer;
};

/* --- c-ares on libevent -------------------------------------------------------- */

static void
ask_timer_set(struct ask *a)
{
	struct timeval tv, *next;

	if (a->answered) {
		/* What comes of it happens outside c-ares, and of who asked. */
		event_active(&a->timer, EV_TIMEOUT, 0);
		return;
	}
	next = ares_timeout(a->channel, NULL, &tv);
	if (next == NULL)
		event_del(&a->timer);
	else
		event_add(&a->timer, next);
}

static void
ask_ready(evutil_socket_t fd, short what, void *arg)
{
	struct ask *a = ((struct ask_socket *)arg)->ask;

	ares_process_fd(a->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
	    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	ask_timer_set(a);
}

/* c-ares says which descriptors it wants watched. */
static void
ask_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct ask	  *a = arg;
	struct ask_socket *s, *unused = NULL;
	short		   what = (short)(EV_PERSIST |
	    (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	size_t		   i;

	for (i = 0; i < ASK_SOCKETS; i++) {
		s = &a->sockets[i];
		if (s->ev != NULL && s->fd == fd)
			break;
		if (s->ev == NULL && unused == NULL)
			unused = s;
	}
	if (i == ASK_SOCKETS) {
		if ((!readable && !writable) || (s = unused) == NULL)
			return;		/* without a watch it times out */
	} else {
		event_free(s->ev);
		s->ev = NULL;
		if (!readable && !writable)
			return;
	}
	s->ask = a;
	s->fd = fd;
	s->ev = event_new(a->question->base, fd, what, ask_ready, s);
	if (s->ev != NULL)
		event_add(s->ev, NULL);
}

static void
ask_close(struct ask *a)
{
	if (!a->open)
		return;
	a->closing = true;
	ares_destroy(a->channel);	/* and its sockets, by ask_socket_state() */
	a->closing = a->open = false;
}

/* --- the question --------------------------------------------------------------- */

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
		writer_u16(&w, DNS_UDP_SIZE);
		writer_u32(&w, 0);
		writer_u16(&w, 0);
	}
	return w.bad ? 0 : w.len;
}

static void
ask_answered(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct ask *a = arg;

	(void)timeouts;
	if (a->closing)
		return;
	a->answered = true;
	a->rcode = 0;
	if (status == ARES_SUCCESS && buf != NULL && len >= 4 &&
	    a->question->read != NULL) {
		memset(&a->answer, 0, sizeof(a->answer));
		a->rcode = load_u16(buf + 2) & DNS_RCODE;
		a->answer.status = a->unchecked ? RECORD_FAILED :
		    a->question->read(a->question->read_arg, buf, (size_t)len);
		return;
	}
	if (status == ARES_SUCCESS && buf != NULL && len >= 4) {
		record_parse(&a->answer, buf, (size_t)len, a->question->name,
		    a->question->type, a->question->rsa_min_bits);
		a->rcode = load_u16(buf + 2) & DNS_RCODE;
		return;
	}
	memset(&a->answer, 0, sizeof(a->answer));
	a->answer.status = status == ARES_ETIMEOUT ||
	    status == ARES_ECONNREFUSED ? RECORD_TIMEOUT : RECORD_FAILED;
}

static int
ask_mark(ares_socket_t fd, int type, void *arg)
{
	const struct ask *a = arg;

	(void)type;
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &a->question->mark,
	    sizeof(a->question->mark));
}

/* Opens a channel, and with it a socket, for this question alone: its port is
 * as hard to guess as its ID, and no answer to another fits it. */
static int
ask_open(struct ask *a)
{
	struct ares_options o = {
		.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS |
		    ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = (int)a->question->timeout,
		.tries = (int)a->question->tries,
		.ednspsz = DNS_UDP_SIZE,
		.servers = &a->server,
		.nservers = 1,
		.ndots = 1,
		.sock_state_cb = ask_socket_state,
		.sock_state_cb_data = a,
	};
	char lookups[] = "b";
	int  rc;

	/* All that a file could say is said: none is read. */
	o.lookups = lookups;
	rc = ares_init_options(&a->channel, &o, ARES_OPT_FLAGS |
	    ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
	    ARES_OPT_SERVERS | ARES_OPT_NDOTS | ARES_OPT_DOMAINS |
	    ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
	if (rc != ARES_SUCCESS) {
		log_debug("c-ares: %s", ares_strerror(rc));
		return -1;
	}
	a->open = true;
	if (a->question->mark != 0)
		ares_set_socket_configure_callback(a->channel, ask_mark, a);
	return 0;
}

#ifdef HAVE_ARES_SEND_DNSREC
static void
ask_answered_record(void *arg, ares_status_t status, size_t timeouts,
    const ares_dns_record_t *answer)
{
	unsigned char *buf = NULL;
	size_t	       len = 0;

	if (status == ARES_SUCCESS)
		status = ares_dns_write(answer, &buf, &len);
	ask_answered(arg, (int)status, (int)timeouts, buf, (int)len);
	ares_free_string(buf);
}

static void
ask_send_bytes(struct ask *a, const uint8_t *query, size_t n)
{
	ares_dns_record_t *record = NULL;
	ares_status_t	   status = ares_dns_parse(query, n, 0, &record);

	/* What it returns it tells ask_answered_record() as well. */
	if (status == ARES_SUCCESS)
		(void)ares_send_dnsrec(
		    a->channel, record, ask_answered_record, a, NULL);
	else
		ask_answered(a, (int)status, 0, NULL, 0);
	ares_dns_record_destroy(record);
}
#else
static void
ask_send_bytes(struct ask *a, const uint8_t *query, size_t n)
{
	ares_send(a->channel, query, (int)n, ask_answered, a);
}
#endif

static void
ask_send(struct ask *a)
{
	uint8_t query[DNS_QUERY_MAX];
	size_t	n = ask_write(a, query, sizeof(query));

	ask_close(a);
	a->answered = false;
	if (n == 0 || ask_open(a) == -1)
		ask_answered(a, ARES_EFORMERR, 0, NULL, 0);
	else
		ask_send_bytes(a, query, n);
	ask_timer_set(a);
}

/*
 * SERVFAIL is what a validating resolver says of bogus data and of a server that
 * is lame.  With CD set it gives what it would not vouch for (RFC 4035
 * §3.2.2): whoever answers now was refused for DNSSEC's sake.
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
	if (a->answer.status != RECORD_FAILED || !a->open)
		return false;
	a->unchecked = true;
	ask_send(a);
	return true;
}

static void
ask_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ask *a = arg;

	(void)fd;
	(void)what;
	if (!a->answered) {
		ares_process_fd(a->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
		ask_timer_set(a);
		return;
	}
	if (ask_again(a))
		return;
	ask_close(a);
	a->fn(a->arg, a->tag, &a->answer);
}

struct ask *
ask_new(const struct ask_question *q, uint32_t server, ask_fn fn, void *arg,
    unsigned tag)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	a->question = q;
	a->server.s_addr = server;
	a->fn = fn;
	a->arg = arg;
	a->tag = tag;
	event_assign(&a->timer, q->base, -1, 0, ask_timer, a);
	ask_send(a);
	return a;
}

void
ask_free(struct ask *a)
{
	size_t i;

	if (a == NULL)
		return;
	ask_close(a);
	for (i = 0; i < ASK_SOCKETS; i++) {
		if (a->sockets[i].ev != NULL)
			event_free(a->sockets[i].ev);
	}
	event_del(&a->timer);
	free(a);
}
