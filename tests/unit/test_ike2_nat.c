/* test_ike2_nat.c - IKEv2 through a NAT, and transport mode there (RFC 7296 §2.23) */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/log.h"
#include "oe/ike2/message.h"
#include "tests/unit/ike2_net.h"

static void
nat_traversal(void **state)
{
	const struct keying_child *c;

	(void)state;
	picture2(20, NULL);
	/* Nobody between: raw ESP, port 500. */
	key_up2();
	assert_int_equal(x->children[0].child.in.encap_sport, 0);
	assert_int_equal(x->children[0].child.path.peer_port, 500);
	end_clean2();

	picture2(21, NULL);
	net.nat_inside = x->addr;
	assert_int_equal(addr_parse(&net.nat_outside, "192.0.2.99"), 0);
	net.nat_port = 20000;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->nchildren, 1);
	assert_int_equal(y->nchildren, 1);
	c = &x->children[0].child;
	assert_int_equal(c->path.local_port, 4500);
	assert_int_equal(c->path.peer_port, 4500);
	assert_int_equal(c->out.encap_dport, 4500);
	c = &y->children[0].child;
	assert_true(c->nat_there);
	assert_int_equal(c->path.peer_port, 24500);
	assert_int_equal(c->out.encap_dport, 24500);
	assert_int_equal(c->out.encap_sport, 4500);
	assert_true(addr_equal(&c->out.dst, &net.nat_outside));
	end_clean2();
}

static void
keepalives(void **state)
{
	unsigned sent;

	(void)state;
	picture2(22, NULL);
	net.nat_inside = x->addr;
	assert_int_equal(addr_parse(&net.nat_outside, "192.0.2.99"), 0);
	net.nat_port = 20000;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	sent = x->sent;
	net_pass(&net, 100000);
	assert_int_equal(x->sent, sent + 5);
	end_clean2();
}

struct forger {
	struct keying_path path;	/* a changed copy of a datagram of x
					 * comes from there */
	unsigned	   sent;
};

static bool
forge_copies(struct net *n, struct net_datagram *d, void *arg)
{
	struct forger	   *f = arg;
	struct net_datagram copy = *d;

	if (!addr_equal(&d->path.local, &x->addr))
		return true;
	copy.path.local = f->path.local;
	copy.path.local_port = f->path.local_port;
	copy.buf[d->len - 1] ^= 1;
	f->sent++;
	net_deliver(n, &copy);
	return true;
}

/* §2.23: the peer's address is where its last good message came from. */
static void
another_port_of_the_nat(void **state)
{
	struct forger f = { .path.local_port = 5000 };

	(void)state;
	picture2(23, NULL);
	net.nat_inside = x->addr;
	assert_int_equal(addr_parse(&net.nat_outside, "192.0.2.99"), 0);
	net.nat_port = 20000;
	key_up2();
	assert_int_equal(y->children[0].child.path.peer_port, 24500);
	/* The NAT has begun again; somebody else answers, or tries to. */
	net.nat_port = 30000;
	f.path.local = y->addr;
	f.path.local.bytes[3]++;
	net.filter = forge_copies;
	net.filter_arg = &f;
	assert_int_equal(x->engine->probe(x->ike, net.now, &x->conns[0]), 0);
	net_pass(&net, 1000);
	net.filter = NULL;
	assert_true(f.sent > 0);
	assert_int_equal(x->silences, 0);
	/* y reaches x there without having been told. */
	assert_int_equal(y->engine->delete_child(y->ike, net.now,
	    y->children[0].child.in.spi), 0);
	net_pass(&net, 1000);
	assert_int_equal(net_alive(x), 0);
	end_clean2();
}

static bool
from_elsewhere(struct net *n, struct net_datagram *d, void *arg)
{
	unsigned *moved = arg;

	(void)n;
	if (addr_equal(&d->path.local, &y->addr)) {
		d->path.local.bytes[3]++;
		(*moved)++;
	}
	return true;
}

/* §2.23: but who is behind the NAT himself follows nobody: else one datagram,
 * sent on by somebody on the way, ends the connection. */
static void
behind_the_nat_the_peer_stays(void **state)
{
	unsigned moved = 0, fails;

	(void)state;
	picture2(24, NULL);
	net.nat_inside = x->addr;
	assert_int_equal(addr_parse(&net.nat_outside, "192.0.2.99"), 0);
	net.nat_port = 20000;
	key_up2();
	net.filter = from_elsewhere;
	net.filter_arg = &moved;
	assert_int_equal(y->engine->probe(y->ike, net.now,
	    y->children[0].conn), 0);
	net_pass(&net, 400);
	assert_true(moved > 0);
	net.filter = NULL;
	fails = x->silences;
	assert_int_equal(x->engine->probe(x->ike, net.now, &x->conns[0]), 0);
	net_pass(&net, 3000);
	assert_int_equal(x->silences, fails);
	assert_int_equal(net_alive(x), 1);
	end_clean2();
}

/* §1.3.1: transport mode where both want it, else a tunnel; behind a
 * NAT a tunnel too, since the original addresses would have to be
 * put back (§2.23.1). */
static void
transport_mode(void **state)
{
	static const struct {
		bool ours, theirs, nat;
		enum keying_mode mode;
		bool network;		/* ours is of more than x */
	} cases[] = {
		{ true, true, false, KEYING_TRANSPORT, false },
		{ true, true, false, KEYING_TUNNEL, true },
		{ true, false, false, KEYING_TUNNEL, false },
		{ false, true, false, KEYING_TUNNEL, false },
		{ true, true, true, KEYING_TUNNEL, false },
	};
	struct keying_request r;
	struct ike2_config    c = { .transport = true };
	size_t		      i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		net_init(&net, 70 + (uint32_t)i);
		x = ike2_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0),
		    &c);
		y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10",
		    net_key(1), cases[i].theirs ? &c : NULL);
		if (cases[i].nat) {
			net.nat_inside = x->addr;
			assert_int_equal(addr_parse(&net.nat_outside,
			    "192.0.2.99"), 0);
			net.nat_port = 20000;
		}
		net_request_init(&r, x, y, 0);
		r.mode = cases[i].ours ? KEYING_TRANSPORT : KEYING_TUNNEL;
		if (cases[i].network)
			r.ours.ts[0].to.bytes[3] |= 0xff;
		assert_int_equal(x->engine->request(x->ike, net.now, &r,
		    &x->conns[0]), 0);
		net_pass(&net, 1000);
		assert_int_equal(x->nchildren, 1);
		assert_int_equal(y->nchildren, 1);
		assert_int_equal(x->children[0].child.mode, cases[i].mode);
		assert_int_equal(y->children[0].child.mode, cases[i].mode);
		assert_int_equal(x->children[0].child.out.transport,
		    cases[i].mode == KEYING_TRANSPORT);
		assert_int_equal(y->children[0].child.in.transport,
		    cases[i].mode == KEYING_TRANSPORT);
		/* And so it stays when it is rekeyed, from either end. */
		assert_int_equal(x->engine->request(x->ike, net.now, &r,
		    &x->conns[0]), 0);
		net_pass(&net, 1000);
		assert_int_equal(x->nchildren, 2);
		assert_int_equal(x->children[1].child.mode, cases[i].mode);
		assert_int_equal(y->children[1].child.mode, cases[i].mode);
		end_clean2();
	}
}

/* Nobody between, and ESP in UDP as one end wants it, or both (§2.23); as who
 * began and who answered, from port 500 and from a leased one; renewed too. */
static void
encapsulated_without_a_nat(void **state)
{
	static const struct { bool x, y; uint16_t port; } cases[] = {
		{ true, false, 0 }, { false, true, 0 }, { true, true, 0 },
		{ true, false, 20001 } };
	struct ike2_config	   c = { .encapsulate = true,
		.transport = true };
	const struct keying_child *ours, *theirs;
	struct keying_request	   r;
	unsigned		   i, k, sent;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		net_init(&net, 90 + i);
		x = ike2_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0),
		    cases[i].x ? &c : NULL);
		y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10",
		    net_key(1), cases[i].y ? &c : NULL);
		net_request_init(&r, x, y, cases[i].port);
		/* No NAT: no address of the peer's is wanted. */
		r.inner = KEYING_INNER_BEHIND_NAT;
		for (k = 0; k < 2; k++) {
			assert_int_equal(x->engine->request(x->ike, net.now,
			    &r, &x->conns[0]), 0);
			net_pass(&net, 1000);
			assert_int_equal(x->nchildren, k + 1);
			assert_true(net_agree(x, y));
			ours = &x->children[k].child;
			theirs = &y->children[k].child;
			assert_int_equal(ours->out.encap_dport, 4500);
			assert_int_equal(ours->out.encap_sport,
			    cases[i].port != 0 ? cases[i].port : 4500);
			assert_int_equal(theirs->out.encap_dport,
			    ours->out.encap_sport);
			assert_int_equal(ours->mode, KEYING_TUNNEL);
		}
		assert_int_equal(y->wanted_inner, 0);
		/* What is between may forget who says nothing. */
		sent = x->sent + y->sent;
		net_pass(&net, 100000);
		assert_true(x->sent + y->sent >= sent + 4);
		end_clean2();
	}
	/* A peer that knows nothing of it: raw ESP as before. */
	net_init(&net, 99);
	x = ike2_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0), &c);
	y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1),
	    &(struct ike2_config){ .no_natt = true });
	key_up2();
	assert_int_equal(x->children[0].child.out.encap_sport, 0);
	assert_int_equal(x->children[0].child.path.peer_port, 500);
	end_clean2();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nat_traversal),
		cmocka_unit_test(keepalives),
		cmocka_unit_test(another_port_of_the_nat),
		cmocka_unit_test(behind_the_nat_the_peer_stays),
		cmocka_unit_test(transport_mode),
		cmocka_unit_test(encapsulated_without_a_nat),
	};

	log_init("test_ike2_nat", true, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
