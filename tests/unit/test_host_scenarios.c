/* test_host_scenarios.c - plays scenario files on the RSIP host's machine (RFC 3103 Appendix D): a clock and a gateway of lines */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "rsipc/host.h"
#include "tests/unit/play.h"
#include "tests/unit/play_rsip.h"

/*
 * What scenarios say (play.h has the rest, play_rsip.h how
 * messages are written):
 *
 *   host [udp] [listen=PORT]    first: the machine, which wants 64 ports
 *                               and 16 SPIs
 *   assigned [udp]              the same, and on to Assigned with binding 1
 *   connected | disconnected
 *   registered | queried | extended | freed | deregistered [...]
 *                               the answer, with what a good gateway says
 *                               where nothing else stands
 *   grant BIND [...] [unreadable]   what was asked for; any port is 20000,
 *                               any SPI 0x1000 + 0x100 * BIND
 *   answer TYPE [...]           an answer with nothing but what stands here
 *   error NAME [...]            counter=0: not an answer; counter=none: without
 *   pass MS | until MS          so long; until so long after the beginning
 *   until-said                  until something is asked, or connected
 *   demand PORT [REMOTE PORT]   a program wants it; "refused" where none is
 *                               to wait
 *   remote ADDRESS PORT         flow policy: whom the first program speaks with
 *   leave MS | abandon WHY MS | reset | verify | sign-again
 *   spi-get N | spi-put SPI | spis-taken | more-ports
 *   counter N                   the next request is N + 1
 *
 * and what is looked at:
 *
 *   state NAME   pending TYPE|none   client ID   bindings N   binding ID yes|no
 *   flow PORT REMOTE PORT ok|other|unleased   block LO HI   spis-free N
 *   spi SPI used|free   trouble WHY|none   next-within MS
 *
 * Events: connect, disconnect, send MESSAGE, resend after=MS, granted, revoked,
 * demanded, local, left.
 */

#define BEGIN	1000	/* what the clock says at first */
#define LEASE	60	/* seconds that our gateway grants */

struct world {
	struct host host;
	uint64_t    now, sent_at;
	struct rsip_message sent, reply;
	bool	    made;
};

static void
w_connect(void *arg, bool udp)
{
	play_event(arg, "connect %s", udp ? "udp" : "tcp");
}

static void
w_disconnect(void *arg)
{
	play_event(arg, "disconnect");
}

static void
w_send(void *arg, struct rsip_message *m)
{
	struct play  *p = arg;
	struct world *w = p->world;
	uint8_t	      buf[RSIP_MESSAGE_MAX];
	int	      n = rsip_encode(m, buf, sizeof(buf));

	/* Whatever is asked must be a message that a gateway can read. */
	rsip_message_clear(&w->sent);
	if (n <= 0 || rsip_decode(&w->sent, buf, (size_t)n) != RSIP_OK ||
	    m->type == RSIP_ERROR_RESPONSE)	/* §9.1.3 */
		play_fail(p, "the host sends what is no request");
	w->sent_at = w->now;
	play_rsip_event(p, "send", &w->sent);
}

static void
w_resend(void *arg)
{
	struct play  *p = arg;
	struct world *w = p->world;

	play_event(p, "resend after=%u", (unsigned)(w->now - w->sent_at));
}

static void
w_granted(void *arg, const struct binding *b)
{
	play_event(arg, "granted bind=%u", b->bind_id);
}

static void
w_revoked(void *arg, const struct binding *b)
{
	play_event(arg, "revoked bind=%u", b->bind_id);
}

static void
w_demanded(void *arg, const struct host_demand *d, unsigned error)
{
	play_event(arg, "demanded port=%u %s", d->port, error == 0 ? "granted" :
	    rsip_error_name(error));
}

static void
w_local(void *arg, const struct prefix *net)
{
	struct addr mask = prefix_mask(net->addr.family, net->plen);

	play_event(arg, "local %s/%s", ADDR_TEXT(&net->addr),
	    ADDR_TEXT(&mask));
}

static void
w_changed(void *arg, enum host_state from, enum host_state to)
{
	if (from == to)
		play_fail(arg, "from %s to itself", host_state_name(to));
}

static void
w_left(void *arg)
{
	play_event(arg, "left");
}

static const struct host_ops ops = {
	w_connect, w_disconnect, w_send, w_resend, w_granted, w_revoked,
	w_demanded, w_local, w_changed, w_left,
};

static void
w_begin(struct play *p)
{
	p->world = xcalloc(1, sizeof(struct world));
}

static void
w_end(struct play *p)
{
	struct world *w = p->world;

	rsip_message_clear(&w->sent);
	rsip_message_clear(&w->reply);
	if (w->made)
		host_clear(&w->host);
	free(w);
}

/* --- the machine, and time ------------------------------------------------ */

static void
tick(struct play *p)
{
	struct world *w = p->world;

	host_tick(&w->host, w->now);
}

/* Lets time pass, looking at the machine exactly when it asks for it. */
static void
pass(struct play *p, uint64_t ms)
{
	struct world *w = p->world;
	uint64_t      until = w->now + ms, next;
	unsigned      turns;

	for (turns = 0; turns < 10000; turns++) {
		next = host_next(&w->host);
		if (next == 0 || next > until)
			break;
		if (next > w->now)
			w->now = next;
		tick(p);
	}
	if (turns == 10000)
		play_fail(p, "it turns on the spot");
	w->now = until;
	tick(p);
}

static void
do_host(struct play *p)
{
	struct host_config c = { .udp = play_flag(p, "udp"), .ports = 64,
		.method = RSIP_METHOD_RSIPSEC, .spis = 16,
		.tunnel = RSIP_TUNNEL_IPIP, .port_idle = 1000 };
	struct world *w = p->world;

	if (w->made) {
		play_fail(p, "there is a host already");
		return;
	}
	c.listen[0] = (uint16_t)play_number(p, "listen", 0);
	c.nlisten = c.listen[0] != 0;
	w->now = BEGIN;
	host_init(&w->host, &c, &ops, p);
	w->made = true;
	tick(p);
}

static void
do_pass(struct play *p)
{
	pass(p, play_word_number(p, 1));
}

static void
do_until(struct play *p)
{
	struct world *w = p->world;
	uint64_t      at = BEGIN + play_word_number(p, 1);

	if (at < w->now)
		play_fail(p, "that is %u ms ago", (unsigned)(w->now - at));
	else
		pass(p, at - w->now);
}

static void
do_until_said(struct play *p)
{
	struct world *w = p->world;
	unsigned      turns;
	uint64_t      next;

	for (turns = 0; w->host.pending == 0 && !w->host.connecting; turns++) {
		next = host_next(&w->host);
		if (turns == 100 || next == 0) {
			play_fail(p, "it never says anything");
			return;
		}
		pass(p, next > w->now ? next - w->now : 0);
	}
}

static void
do_connected(struct play *p)
{
	struct world *w = p->world;

	host_connected(&w->host, w->now);
	tick(p);
}

static void
do_disconnected(struct play *p)
{
	struct world *w = p->world;

	host_disconnected(&w->host, w->now);
}

/* --- what the gateway says ------------------------------------------------ */

/* An answer to the request sent last, to be filled in. */
static struct rsip_message *
answer(struct play *p, unsigned type)
{
	struct world	    *w = p->world;
	struct rsip_message *m = &w->reply;

	rsip_message_clear(m);
	rsip_message_init(m, (enum rsip_type)type);
	m->has |= RSIP_HAS_COUNTER;
	m->counter = w->sent.counter;
	if (type != RSIP_ERROR_RESPONSE) {
		m->has |= RSIP_HAS_CLIENT_ID;
		m->client_id = w->sent.client_id;
	}
	return m;
}

/* With what the line says beside. */
static void
give(struct play *p, struct rsip_message *m)
{
	struct world *w = p->world;

	play_rsip_fill(p, m);
	if (play_flag(p, "unreadable"))
		host_unreadable(&w->host, m, w->now);
	else
		host_receive(&w->host, m, w->now);
	tick(p);
}

static void
do_answer(struct play *p)
{
	unsigned type = play_rsip_type(p, p->words[1]);

	if (type != 0)
		give(p, answer(p, type));
}

static void
do_error(struct play *p)
{
	struct rsip_message *m = answer(p, RSIP_ERROR_RESPONSE);

	m->has |= RSIP_HAS_ERROR;
	m->error = (uint16_t)play_rsip_error(p, p->words[1]);
	give(p, m);
}

static void
do_registered(struct play *p)
{
	struct rsip_message *m = answer(p, RSIP_REGISTER_RESPONSE);

	m->has |= RSIP_HAS_LEASE | RSIP_HAS_POLICY | RSIP_HAS_METHOD |
	    RSIP_HAS_TUNNEL;
	m->client_id = 77;
	m->lease = LEASE;
	m->local_policy = RSIP_LOCAL_MACRO;
	m->remote_policy = RSIP_REMOTE_NONE;
	m->nmethods = 2;
	m->method[0] = RSIP_METHOD_RSAP_IP;
	m->method[1] = RSIP_METHOD_RSIPSEC;
	m->ntunnels = 1;
	m->tunnel[0] = RSIP_TUNNEL_IPIP;
	give(p, m);
}

static void
do_queried(struct play *p)
{
	give(p, answer(p, RSIP_QUERY_RESPONSE));
}

static void
do_deregistered(struct play *p)
{
	give(p, answer(p, RSIP_DEREGISTER_RESPONSE));
}

/* Of the binding that was asked for. */
static void
do_extended(struct play *p)
{
	struct world	    *w = p->world;
	struct rsip_message *m = answer(p, RSIP_EXTEND_RESPONSE);

	m->has |= RSIP_HAS_BIND_ID | RSIP_HAS_LEASE;
	m->bind_id = w->sent.bind_id;
	m->lease = LEASE;
	give(p, m);
}

static void
do_freed(struct play *p)
{
	struct world	    *w = p->world;
	struct rsip_message *m = answer(p, RSIP_FREE_RESPONSE);

	m->has |= RSIP_HAS_BIND_ID;
	m->bind_id = w->sent.bind_id;
	give(p, m);
}

static void
do_grant(struct play *p)
{
	struct world	    *w = p->world;
	struct rsip_message *m = answer(p, w->sent.type + 1u);
	const struct addr    local = { AF_INET, { 198, 51, 100, 1 } };
	const struct addr    none = { 0 };

	m->has |= RSIP_HAS_BIND_ID | RSIP_HAS_LOCAL | RSIP_HAS_LOCAL_PORTS |
	    RSIP_HAS_REMOTE | RSIP_HAS_REMOTE_PORTS | RSIP_HAS_LEASE |
	    RSIP_HAS_TUNNEL;
	m->bind_id = (uint32_t)play_word_number(p, 1);
	rsip_address_set(&m->local, &local);
	rsip_address_set(&m->remote, &none);
	m->local_ports = w->sent.local_ports;
	if (m->local_ports.nfields == 0 && !m->local_ports.none) {
		m->local_ports.nfields = 1;
		m->local_ports.port[0] = 20000;
	}
	m->remote_ports = w->sent.remote_ports;
	if (w->sent.type == RSIP_ASSIGN_REQUEST_RSIPSEC) {
		m->has |= RSIP_HAS_SPIS;
		m->spis = w->sent.spis;
		if (m->spis.nfields == 0) {
			m->spis.nfields = 1;
			m->spis.spi[0] = 0x1000 + m->bind_id * 0x100;
		}
	}
	m->lease = LEASE;
	m->ntunnels = 1;
	m->tunnel[0] = RSIP_TUNNEL_IPIP;
	give(p, m);
}

static void
play_one(struct play *p, void (*fn)(struct play *), const char *line)
{
	char	 text[32];
	unsigned n = p->n;
	char	*words[2] = { p->words[0], p->words[1] };

	snprintf(text, sizeof(text), "%s", line);
	p->words[0] = p->words[1] = text;
	p->n = 2;
	fn(p);
	p->words[0] = words[0];
	p->words[1] = words[1];
	p->n = n;
}

static void
do_assigned(struct play *p)
{
	struct world *w = p->world;

	do_host(p);
	play_one(p, do_connected, "");
	play_one(p, do_registered, "");
	play_one(p, do_queried, "");
	play_one(p, do_grant, "1");
	if (w->host.state != HOST_ASSIGNED ||
	    bindings_main(&w->host.bindings) == NULL)
		play_fail(p, "it is %s", host_state_name(w->host.state));
	p->head = p->tail = 0;
}

/* --- what is wanted ------------------------------------------------------- */

static void
do_demand(struct play *p)
{
	struct world	  *w = p->world;
	struct host_demand d = {
		.remote = addr_from_v4(inet_addr("192.0.2.9")),
		.remote_port = 80 };

	d.port = (uint16_t)play_word_number(p, 1);
	if (p->n > 3) {
		d.remote = addr_from_v4(play_address(p, p->words[2]));
		d.remote_port = (uint16_t)play_word_number(p, 3);
	}
	if (host_demand(&w->host, &d, w->now) == play_flag(p, "refused"))
		play_fail(p, "it may%s wait", play_flag(p, "refused") ? "" :
		    " not");
	tick(p);
}

static void
do_remote(struct play *p)
{
	struct world *w = p->world;
	struct addr   remote = addr_from_v4(play_address(p, p->words[1]));

	host_name_remote(&w->host, &remote,
	    (uint16_t)play_word_number(p, 2));
	tick(p);
}

static void
do_leave(struct play *p)
{
	struct world *w = p->world;

	host_leave(&w->host, w->now, (uint32_t)play_word_number(p, 1));
	tick(p);
}

static void
do_abandon(struct play *p)
{
	static char   why[64];		/* stays */
	struct world *w = p->world;

	snprintf(why, sizeof(why), "%s", p->words[1]);
	host_abandon(&w->host, why, w->now, (uint32_t)play_word_number(p, 2));
	tick(p);
}

static void
do_reset(struct play *p)
{
	struct world *w = p->world;

	host_reset(&w->host, w->now);
	tick(p);
}

static void
do_verify(struct play *p)
{
	struct world *w = p->world;

	w->host.verify = true;
	tick(p);
}

static void
do_sign_again(struct play *p)
{
	struct world *w = p->world;

	host_again_signed(&w->host, w->now);
	tick(p);
}

static void
do_counter(struct play *p)
{
	struct world *w = p->world;

	w->host.counter = (uint32_t)play_word_number(p, 1);
}

static void
do_spi_get(struct play *p)
{
	struct world *w = p->world;
	uint32_t      spi;
	unsigned      n = (unsigned)play_word_number(p, 1);

	for (; n > 0; n--) {
		if (bindings_spi_get(&w->host.bindings, &spi) == -1)
			play_fail(p, "there is none");
		else
			play_event(p, "spi 0x%x", spi);
	}
}

static void
do_spi_put(struct play *p)
{
	struct world *w = p->world;

	bindings_spi_put(&w->host.bindings, (uint32_t)play_word_number(p, 1));
}

static void
do_spis_taken(struct play *p)
{
	struct world *w = p->world;

	host_spis_taken(&w->host);
	tick(p);
}

static void
do_more_ports(struct play *p)
{
	struct world *w = p->world;

	host_more_ports(&w->host, w->now);
	tick(p);
}

/* --- what is looked at ---------------------------------------------------- */

static void
see_state(struct play *p)
{
	struct world *w = p->world;

	play_same(p, host_state_name(w->host.state), p->words[1]);
}

static void
see_pending(struct play *p)
{
	struct world *w = p->world;

	play_same(p, w->host.pending == 0 ? "none" :
	    rsip_type_name(w->host.pending), p->words[1]);
}

static void
see_client(struct play *p)
{
	struct world *w = p->world;

	play_same_number(p, w->host.client_id, play_word_number(p, 1));
}

static void
see_bindings(struct play *p)
{
	struct world *w = p->world;

	play_same_number(p, w->host.bindings.n, play_word_number(p, 1));
}

static void
see_binding(struct play *p)
{
	struct world *w = p->world;

	play_same(p, bindings_find(&w->host.bindings,
	    (uint32_t)play_word_number(p, 1)) != NULL ? "yes" : "no",
	    p->words[2]);
}

static void
see_flow(struct play *p)
{
	static const char *const names[] = { [BINDINGS_FLOW_OK] = "ok",
		[BINDINGS_FLOW_UNLEASED] = "unleased",
		[BINDINGS_FLOW_OTHER] = "other" };
	struct world *w = p->world;
	struct addr   remote = addr_from_v4(play_address(p, p->words[2]));

	play_same(p, names[bindings_flow_use(&w->host.bindings,
	    (uint16_t)play_word_number(p, 1), &remote,
	    (uint16_t)play_word_number(p, 3), true, w->now)], p->words[4]);
}

static void
see_block(struct play *p)
{
	struct world *w = p->world;
	uint16_t      lo, hi;

	if (!binding_port_block(bindings_main(&w->host.bindings), &lo, &hi))
		play_fail(p, "there is none");
	play_same_number(p, lo, play_word_number(p, 1));
	play_same_number(p, hi, play_word_number(p, 2));
}

static void
see_spis_free(struct play *p)
{
	struct world *w = p->world;

	play_same_number(p, bindings_spi_free(&w->host.bindings),
	    play_word_number(p, 1));
}

static void
see_spi(struct play *p)
{
	struct world *w = p->world;

	play_same(p, bindings_spi_used(&w->host.bindings,
	    (uint32_t)play_word_number(p, 1)) ? "used" : "free", p->words[2]);
}

static void
see_trouble(struct play *p)
{
	struct world *w = p->world;
	const char   *trouble = host_trouble(&w->host);

	play_same(p, trouble == NULL ? "none" : trouble, p->words[1]);
}

static void
see_next_within(struct play *p)
{
	struct world *w = p->world;
	uint64_t      next = host_next(&w->host);

	if (next == 0 || next > w->now + play_word_number(p, 1))
		play_fail(p, "it is %lld", next == 0 ? -1 :
		    (long long)(next - w->now));
}

static const struct play_command commands[] = {
	{ "host", 1, true, do_host },
	{ "assigned", 1, true, do_assigned },
	{ "connected", 1, true, do_connected },
	{ "disconnected", 1, true, do_disconnected },
	{ "registered", 1, true, do_registered },
	{ "queried", 1, true, do_queried },
	{ "extended", 1, true, do_extended },
	{ "freed", 1, true, do_freed },
	{ "deregistered", 1, true, do_deregistered },
	{ "grant", 2, true, do_grant },
	{ "answer", 2, true, do_answer },
	{ "error", 2, true, do_error },
	{ "pass", 2, true, do_pass },
	{ "until", 2, true, do_until },
	{ "until-said", 1, false, do_until_said },
	{ "demand", 2, true, do_demand },
	{ "remote", 3, true, do_remote },
	{ "leave", 2, true, do_leave },
	{ "abandon", 3, true, do_abandon },
	{ "reset", 1, true, do_reset },
	{ "verify", 1, true, do_verify },
	{ "sign-again", 1, true, do_sign_again },
	{ "counter", 2, true, do_counter },
	{ "spi-get", 2, true, do_spi_get },
	{ "spi-put", 2, true, do_spi_put },
	{ "spis-taken", 1, true, do_spis_taken },
	{ "more-ports", 1, true, do_more_ports },
	{ "state", 2, false, see_state },
	{ "pending", 2, false, see_pending },
	{ "client", 2, false, see_client },
	{ "bindings", 2, false, see_bindings },
	{ "binding", 3, false, see_binding },
	{ "flow", 5, false, see_flow },
	{ "block", 3, false, see_block },
	{ "spis-free", 2, false, see_spis_free },
	{ "spi", 3, false, see_spi },
	{ "trouble", 2, false, see_trouble },
	{ "next-within", 2, false, see_next_within },
	{ NULL, 0, false, NULL },
};

int
main(int argc, char **argv)
{
	static const struct play_stage stage = { "host_scenarios", commands,
		NULL, w_begin, w_end, NULL, NULL, false };

	return play_main(&stage, argc, argv);
}
