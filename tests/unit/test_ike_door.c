/* test_ike_door.c - engines of several versions behind one door, and what an engine of one refuses */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oe/ike/door.h"
#include "oe/ike2/ike2.h"
#include "tests/unit/ike_pair.h"

/* --- engines that write down what they hear ------------------------------- */

struct fake {
	char	 said[256];		/* since it was read last */
	int	 rc;			/* of what can fail */
	uint64_t next;
};

static char freed[64];			/* what fakes had to say at their end */

static void
say(struct fake *f, const char *what)
{
	size_t len = strlen(f->said);

	snprintf(f->said + len, sizeof(f->said) - len, "%s%s",
	    len == 0 ? "" : " ", what);
}

static void
assert_said(struct fake *f, const char *what)
{
	assert_string_equal(f->said, what);
	f->said[0] = '\0';
}

static void
fake_free(void *e)
{
	struct fake *f = e;

	say(f, "free");
	snprintf(freed, sizeof(freed), "%s", f->said);
	free(f);
}

static void
fake_shutdown(void *e, uint64_t now)
{
	(void)now;
	say(e, "shutdown");
}

static int
fake_request(void *e, uint64_t now, const struct keying_request *r, void *conn)
{
	struct fake *f = e;

	(void)now;
	(void)r;
	(void)conn;
	say(f, "request");
	return f->rc;
}

static void
fake_forget(void *e, uint64_t now, void *conn, bool tell)
{
	(void)now;
	(void)conn;
	(void)tell;
	say(e, "forget");
}

static int
fake_delete_child(void *e, uint64_t now, uint32_t spi_in)
{
	struct fake *f = e;

	(void)now;
	(void)spi_in;
	say(f, "delete");
	return f->rc;
}

static int
fake_probe(void *e, uint64_t now, void *conn)
{
	struct fake *f = e;

	(void)now;
	(void)conn;
	say(f, "probe");
	return f->rc;
}

static void
fake_moved(void *e, void *conn, const struct addr *peer, uint16_t port)
{
	(void)conn;
	(void)peer;
	(void)port;
	say(e, "moved");
}

static int
fake_invalid_spi(void *e, uint64_t now, const struct keying_path *path,
    uint32_t spi, bool hint)
{
	struct fake *f = e;

	(void)now;
	(void)path;
	(void)spi;
	say(f, hint ? "hint" : "fact");
	return f->rc;
}

static void
fake_peer_identity(void *e, uint64_t token, const struct keying_id *my_id)
{
	(void)token;
	(void)my_id;
	say(e, "identity");
}

static void
fake_peer_keys(void *e, uint64_t now, uint64_t token,
    const struct keying_credentials *c)
{
	(void)now;
	(void)token;
	(void)c;
	say(e, "keys");
}

static void
fake_authorize(void *e, uint64_t now, uint64_t token, void *conn)
{
	(void)now;
	(void)token;
	(void)conn;
	say(e, "authorize");
}

static void
fake_packet(void *e, uint64_t now, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	char text[32];

	(void)now;
	(void)path;
	(void)buf;
	snprintf(text, sizeof(text), "packet(%zu)", len);
	say(e, text);
}

static void
fake_icmp(void *e, uint64_t now, const struct keying_path *path)
{
	(void)now;
	(void)path;
	say(e, "icmp");
}

static uint64_t
fake_next(const void *e)
{
	return ((const struct fake *)e)->next;
}

static void
fake_tick(void *e, uint64_t now)
{
	(void)now;
	say(e, "tick");
}

static void
fake_report_sas(const void *e, uint64_t now, json_object *table)
{
	(void)e;
	(void)now;
	(void)table;
}

static void
fake_report(const void *e, struct report *r)
{
	(void)e;
	(void)r;
}

#define FAKE(version_) {						\
	.version = (version_), .free = fake_free,			\
	.shutdown = fake_shutdown, .request = fake_request,		\
	.forget = fake_forget, .delete_child = fake_delete_child,	\
	.probe = fake_probe, .moved = fake_moved,			\
	.invalid_spi = fake_invalid_spi,				\
	.peer_identity = fake_peer_identity,				\
	.peer_keys = fake_peer_keys, .authorize = fake_authorize,	\
	.packet = fake_packet, .icmp = fake_icmp, .next = fake_next,	\
	.tick = fake_tick, .report_sas = fake_report_sas,		\
	.report = fake_report }

static const struct keying_engine version1 = FAKE(1), version2 = FAKE(2);
static struct door *door;
static struct fake *one, *two;

static struct fake *
fake_new(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->next = UINT64_MAX;
	return f;
}

/* Version 2 is preferred: it comes first. */
static void
open_door(void)
{
	door = door_new();
	door_set(door, 0, &version2, two = fake_new());
	door_set(door, 0, &version1, one = fake_new());
}

static void
assert_both_said(const char *by_two, const char *by_one)
{
	assert_said(two, by_two);
	assert_said(one, by_one);
}

/* --- whose it is ---------------------------------------------------------- */

static void
packet(uint16_t port, size_t at, uint8_t version, size_t len)
{
	struct keying_path path = { .local_port = port, .peer_port = 500 };
	uint8_t		   buf[64] = { 0 }, *exact;

	buf[at] = version;
	/* An exact allocation: a sanitizer sees reads past the end. */
	assert_non_null(exact = malloc(len == 0 ? 1 : len));
	memcpy(exact, buf, len);
	door_engine.packet(door, 1, &path, exact, len);
	free(exact);
}

static void
packets_go_by_the_version_in_their_header(void **state)
{
	size_t len;

	(void)state;
	open_door();
	packet(500, 17, 0x10, 28);
	assert_both_said("", "packet(28)");
	packet(500, 17, 0x20, 28);
	assert_both_said("packet(28)", "");
	/* Behind the marker it stands four octets later; minor versions are
	 * none. */
	packet(4500, 21, 0x11, 32);
	assert_both_said("", "packet(32)");
	packet(4500, 21, 0x2f, 32);
	assert_both_said("packet(32)", "");
	/* What nobody speaks, what is too short to say, is somebody's to
	 * count. */
	packet(500, 17, 0x30, 28);
	assert_both_said("packet(28)", "");
	for (len = 0; len <= 17; len++) {
		packet(500, 17, 0x10, len);
		two->said[0] = '\0';
		assert_said(one, "");
	}
	door_engine.free(door);
}

static void
answers_go_by_their_token(void **state)
{
	static const struct keying_credentials none;
	struct keying_id		       id = { 0 };

	(void)state;
	open_door();
	door_engine.peer_keys(door, 1, DOOR_TOKEN(1) + 7, &none);
	assert_both_said("", "keys");
	door_engine.peer_identity(door, DOOR_TOKEN(2) + 7, &id);
	assert_both_said("identity", "");
	door_engine.authorize(door, 1, DOOR_TOKEN(2) + 8, NULL);
	assert_both_said("authorize", "");
	/* Of nobody here. */
	door_engine.authorize(door, 1, 8, NULL);
	door_engine.peer_keys(door, 1, DOOR_TOKEN(3) + 8, &none);
	assert_both_said("", "");
	door_engine.free(door);
}

static void
requests_go_to_the_version_that_they_name(void **state)
{
	struct keying_request r = { .version = 1 };

	(void)state;
	door = door_new();
	assert_int_equal(door_engine.request(door, 1, &r, NULL), -1);
	r.version = 0;
	assert_int_equal(door_engine.request(door, 1, &r, NULL), -1);
	assert_true(door_engine.next(door) == UINT64_MAX);
	packet(500, 17, 0x10, 28);
	door_engine.free(door);

	open_door();
	assert_int_equal(door_engine.request(door, 1, &r, NULL), 0);
	assert_both_said("request", "");
	r.version = 1;
	assert_int_equal(door_engine.request(door, 1, &r, NULL), 0);
	assert_both_said("", "request");
	r.version = 3;
	assert_int_equal(door_engine.request(door, 1, &r, NULL), -1);
	assert_both_said("", "");
	/* Refused is refused: another version is the asker's to choose. */
	r.version = 2;
	two->rc = -1;
	assert_int_equal(door_engine.request(door, 1, &r, NULL), -1);
	assert_both_said("request", "");
	door_engine.free(door);
}

/* A connection may have SAs of both. */
static void
what_is_said_of_connections_all_hear(void **state)
{
	struct keying_path path = { 0 };

	(void)state;
	open_door();
	door_engine.forget(door, 1, NULL, true);
	door_engine.moved(door, NULL, &path.peer, 1);
	door_engine.icmp(door, 1, &path);
	assert_both_said("forget moved icmp", "forget moved icmp");
	/* Who can do it is not asked twice. */
	assert_int_equal(door_engine.delete_child(door, 1, 1), 0);
	assert_int_equal(door_engine.probe(door, 1, NULL), 0);
	assert_int_equal(door_engine.invalid_spi(door, 1, &path, 1, true), 0);
	assert_both_said("delete probe fact", "");
	two->rc = -1;
	assert_int_equal(door_engine.delete_child(door, 1, 1), 0);
	assert_int_equal(door_engine.probe(door, 1, NULL), 0);
	assert_int_equal(door_engine.invalid_spi(door, 1, &path, 1, true), 0);
	assert_both_said("delete probe fact", "delete probe fact");
	one->rc = -1;
	assert_int_equal(door_engine.delete_child(door, 1, 1), -1);
	assert_int_equal(door_engine.probe(door, 1, NULL), -1);
	assert_both_said("delete probe", "delete probe");
	/* Each hints, as the peer may understand one of them only. */
	assert_int_equal(door_engine.invalid_spi(door, 1, &path, 1, true), -1);
	assert_both_said("fact hint", "fact hint");
	assert_int_equal(door_engine.invalid_spi(door, 1, &path, 1, false), -1);
	assert_both_said("fact", "fact");
	door_engine.free(door);
}

static void
time_passes_for_who_is_due(void **state)
{
	(void)state;
	open_door();
	one->next = 20;
	two->next = 10;
	assert_true(door_engine.next(door) == 10);
	door_engine.tick(door, 10);
	assert_both_said("tick", "");
	two->next = 30;
	assert_true(door_engine.next(door) == 20);
	door_engine.tick(door, 30);
	assert_both_said("tick", "tick");
	door_engine.free(door);
}

static void
an_engine_is_replaced_behind_the_door(void **state)
{
	struct fake *fresh = fake_new();

	(void)state;
	open_door();
	freed[0] = '\0';
	door_set(door, 1, &version1, fresh);
	assert_string_equal(freed, "shutdown free");
	one = fresh;
	packet(500, 17, 0x10, 28);
	assert_both_said("", "packet(28)");
	/* A token of the old one finds the new one, which does not know it. */
	door_engine.authorize(door, 1, DOOR_TOKEN(1) + 1, NULL);
	assert_both_said("", "authorize");
	door_engine.shutdown(door, 1);
	assert_both_said("shutdown", "shutdown");
	door_engine.free(door);
	door_engine.free(NULL);
}

/* --- both versions behind it ---------------------------------------------- */

static void *
behind_a_door(struct net_host *h, const void *config,
    const struct keying_ops *ops)
{
	struct ike1_config c = *(const struct ike1_config *)config;
	struct ike2_config c2 = { .key = h->key, .my_id = h->id,
		.spent = net_spent };
	struct ike1	  *e;
	struct ike2	  *e2;
	struct door	  *d = door_new();

	c.key = h->key;
	c.my_id = h->id;
	c.spent = net_spent;
	assert_non_null(e = ike1_new(&c, ops, h));
	assert_non_null(e2 = ike2_new(&c2, ops, h));
	door_set(d, 0, &ike1_engine, e);
	door_set(d, 0, &ike2_engine, e2);
	return d;
}

/* Loss, duplicates, reordering and late answers, as the engines' own tests have
 * them; each answer must find the engine that asked. */
static void
both_versions_work_through_the_door(void **state)
{
	const struct ike1_config c = { .rsa_min_bits = 2048, .dpd_delay = 30 };
	struct keying_request	 r;
	unsigned		 seed;

	(void)state;
	for (seed = 0; seed < 16; seed++) {
		net_init(&net, seed);
		x = net_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0),
		    &door_engine, behind_a_door, &c);
		y = net_host_add(&net, "198.51.100.10", "198.51.100.10",
		    net_key(1), &door_engine, behind_a_door, &c);
		net.loss = 20;
		net.dup = 20;
		net.reorder = 20;
		y->lookup = NET_LATE;
		y->ask = NET_LATE;
		net_request_init(&r, x, y, 0);
		r.version = 1 + seed % 2;
		assert_int_equal(x->engine->request(x->ike, net.now, &r,
		    &x->conns[0]), 0);
		net_pass(&net, 30000);
		assert_int_equal(x->nchildren, 1);
		assert_int_equal(x->children[0].child.version, r.version);
		assert_int_equal(y->children[0].child.version, r.version);
		assert_true(net_agree(x, y));
		net.loss = net.dup = net.reorder = 0;
		net_pass(&net, 10000);
		x->engine->forget(x->ike, net.now, &x->conns[0], true);
		net_pass(&net, 1000);
		assert_int_equal(y->downs, 1);
		end_clean();
	}
}

static int
ask(const struct keying_request *r)
{
	return x->engine->request(x->ike, net.now, r, &x->conns[0]);
}

/* -1 at once, and nothing on the wire: the asker can try what else there is. */
static void
ikev1_refuses_what_it_cannot(void **state)
{
	struct keying_request r, plain;
	struct keying_selector s;
	struct addr	       six;

	(void)state;
	picture(1, NULL);
	net_request_init(&plain, x, y, 0);
	r = plain;
	r.version = 2;
	assert_int_equal(ask(&r), -1);
	r = plain;
	r.mode = KEYING_TRANSPORT;
	assert_int_equal(ask(&r), -1);
	r = plain;
	r.inner = KEYING_INNER_YES;
	assert_int_equal(ask(&r), -1);
	r = plain;
	r.peer.nothing = true;
	assert_int_equal(ask(&r), -1);
	r = plain;
	r.peer.nkeys = 0;
	assert_int_equal(ask(&r), -1);
	/* Two selectors, none, a range of ports, of addresses, another
	 * family. */
	r = plain;
	r.ours.n = 2;
	r.ours.ts[1] = r.ours.ts[0];
	assert_int_equal(ask(&r), -1);
	r = plain;
	r.theirs.n = 0;
	assert_int_equal(ask(&r), -1);
	r = plain;
	r.ours.ts[0].protocol = 17;
	r.ours.ts[0].port_from = 1024;
	assert_int_equal(ask(&r), -1);
	r = plain;
	r.theirs.ts[0].to.bytes[3]++;
	r.theirs.ts[0].to.bytes[3]++;
	assert_int_equal(ask(&r), -1);
	r = plain;
	assert_int_equal(addr_parse(&six, "2001:db8::1"), 0);
	s = keying_selector_host(&six, 0, 0);
	r.ours = keying_selectors_of(&s);
	assert_int_equal(ask(&r), -1);
	assert_int_equal(x->sent, 0);
	assert_int_equal(x->fails, 0);

	plain.version = 1;
	assert_int_equal(ask(&plain), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	assert_int_equal(x->children[0].child.version, 1);
	assert_int_equal(x->children[0].child.mode, KEYING_TUNNEL);
	assert_false(x->children[0].child.encapsulated);
	assert_false(addr_is_set(&x->children[0].child.inner));
	end_clean();
}

/* --- selectors ------------------------------------------------------------ */

static void
selectors_are_ranges(void **state)
{
	static const struct {
		const char *from, *to, *prefix;	/* NULL: none */
	} v[] = {
		{ "10.0.0.0", "10.0.0.255", "10.0.0.0/24" },
		{ "10.0.0.7", "10.0.0.7", "10.0.0.7/32" },
		{ "0.0.0.0", "255.255.255.255", "0.0.0.0/0" },
		{ "10.0.0.0", "10.0.0.254", NULL },
		{ "10.0.0.1", "10.0.0.2", NULL },
		{ "10.0.0.1", "10.0.1.0", NULL },
		{ "2001:db8::", "2001:db8::ffff", "2001:db8::/112" },
		{ "2001:db8::1", "2001:db8::2", NULL },
	};
	struct keying_selector	s, back;
	struct keying_selectors list;
	struct prefix		p, want;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		memset(&s, 0, sizeof(s));
		s.port_to = UINT16_MAX;
		assert_int_equal(addr_parse(&s.from, v[i].from), 0);
		assert_int_equal(addr_parse(&s.to, v[i].to), 0);
		if (v[i].prefix == NULL) {
			assert_false(keying_selector_is_prefix(&s, &p));
			continue;
		}
		assert_true(keying_selector_is_prefix(&s, &p));
		assert_int_equal(prefix_parse(&want, v[i].prefix), 0);
		assert_true(prefix_equal(&p, &want));
		back = keying_selector_prefix(&p);
		assert_true(keying_selector_equal(&s, &back));
	}
	/* Ports: all, one, something between. */
	assert_int_equal(keying_selector_port(&s), 0);
	s.port_from = s.port_to = 443;
	assert_int_equal(keying_selector_port(&s), 443);
	s.port_to = 444;
	assert_int_equal(keying_selector_port(&s), -1);
	s.port_from = s.port_to = 0;
	assert_int_equal(keying_selector_port(&s), 0);

	/* Parts of one side: a flow first, then all of the same address. */
	list = (struct keying_selectors){ .n = 0 };
	assert_false(keying_selectors_prefix(&list, &p));
	list.ts[0] = keying_selector_host(&x->addr, 6, 443);
	list.ts[1] = keying_selector_host(&x->addr, 0, 0);
	list.n = 2;
	assert_true(keying_selectors_prefix(&list, &p));
	assert_true(addr_equal(&p.addr, &x->addr));
	list.ts[1] = keying_selector_host(&y->addr, 0, 0);
	assert_false(keying_selectors_prefix(&list, &p));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_go_by_the_version_in_their_header),
		cmocka_unit_test(answers_go_by_their_token),
		cmocka_unit_test(requests_go_to_the_version_that_they_name),
		cmocka_unit_test(what_is_said_of_connections_all_hear),
		cmocka_unit_test(time_passes_for_who_is_due),
		cmocka_unit_test(an_engine_is_replaced_behind_the_door),
		cmocka_unit_test(both_versions_work_through_the_door),
		cmocka_unit_test(ikev1_refuses_what_it_cannot),
		cmocka_unit_test(selectors_are_ranges),
	};

	return cmocka_run_group_tests_name("ike_door", tests, NULL, NULL);
}
