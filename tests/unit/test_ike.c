/* test_ike.c - Main Mode and Quick Mode between two engines: loss, duplicates, refusals, NAT, selectors */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "tests/unit/ike_pair.h"

static void
signatures_and_pfs_give_both_the_same_keys(void **state)
{
	const struct keying_child *c;

	(void)state;
	picture(1, NULL);
	key_up();
	assert_ptr_equal(x->children[0].conn, &x->conns[0]);
	c = &x->children[0].child;
	assert_true(c->initiator);
	assert_false(y->children[0].child.initiator);
	/* Best first. */
	assert_int_equal(c->in.cipher, ESP_AES_GCM_16);
	assert_int_equal(c->in.cipher_len, 32 + 4);
	assert_int_equal(c->in.auth, ESP_AUTH_NONE);
	assert_true(addr_equal(&c->in.dst, &x->addr));
	assert_true(addr_equal(&c->in.src, &y->addr));
	assert_true(addr_equal(&c->out.dst, &y->addr));
	assert_int_equal(c->ours.n, 1);
	assert_true(addr_equal(&c->ours.ts[0].from, &x->addr));
	assert_true(addr_equal(&c->ours.ts[0].to, &x->addr));
	assert_true(c->soft > net.now && c->soft < c->hard);
	assert_int_equal(c->proof.how, KEYING_BY_KEY);
	assert_int_equal(c->proof.key.len, y->pub.len);
	assert_memory_equal(c->proof.key.wire, y->pub.wire, y->pub.len);
	assert_true(keying_id_equal(&c->peer_id, &y->id));
	assert_true(keying_id_equal(&y->children[0].child.peer_id, &x->id));
	/* One lookup, one question, and the responder knows
	 * that we heard it. */
	assert_int_equal(y->lookups, 1);
	assert_int_equal(y->asks, 1);
	assert_int_equal(y->confirms, 1);
	assert_int_equal(x->lookups, 0);
	/* What waited for the keys does not overtake the last message. */
	assert_int_equal(x->children[0].sent, 5);
	/* Five messages from x, four from y; none needs fragments. */
	assert_int_equal(x->sent, 5);
	assert_int_equal(y->sent, 4);
	assert_true(x->longest < 1200 && y->longest < 1200);
	end_clean();
}

static void
late_answers_are_waited_for(void **state)
{
	(void)state;
	picture(2, NULL);
	y->lookup = NET_LATE;
	y->ask = NET_LATE;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 3000);
	assert_true(net_agree(x, y));
	assert_int_equal(y->lookups, 1);
	assert_int_equal(y->asks, 1);
	end_clean();
}

static void
loss_and_duplicates_are_survived(void **state)
{
	uint32_t seed;
	unsigned up = 0;

	(void)state;
	for (seed = 100; seed < 140; seed++) {
		picture(seed, NULL);
		net.loss = 25;
		net.dup = 20;
		net.reorder = 20;
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 60000);
		/* A tunnel both have, or a failure told: never neither. */
		if (x->nchildren > 0) {
			up++;
			assert_int_equal(x->nchildren, 1);
			assert_true(net_agree(x, y));
			assert_true(y->lookups <= 2);
		} else {
			assert_int_equal(x->fails, 1);
		}
		end_clean();
	}
	assert_true(up >= 30);
}

/* RFC 3104 §6.1: a new initiator cookie for each first message. */
static uint64_t first_cookies[32];
static unsigned nfirst;

static bool
swallow_firsts(struct net *n, struct net_datagram *d, void *arg)
{
	(void)n;
	(void)arg;
	if (nfirst < 32)
		first_cookies[nfirst++] = load_u64(d->buf);
	return false;
}

/* RFC 3104 §6.1. */
static void
each_first_message_has_its_own_cookie(void **state)
{
	unsigned i, j;

	(void)state;
	picture(3, NULL);
	nfirst = 0;
	net.filter = swallow_firsts;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 60000);
	assert_true(nfirst >= 4);
	assert_int_equal(x->cookies, nfirst);
	for (i = 0; i < nfirst; i++) {
		for (j = 0; j < i; j++)
			assert_true(first_cookies[i] != first_cookies[j]);
	}
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_SILENCE);
	/* Nothing is left to do, and nothing is sent any more. */
	i = x->sent;
	net_pass(&net, 600000);
	assert_int_equal(x->sent, i);
	end_clean();
}

static bool
far_away(struct net *n, struct net_datagram *d, void *arg)
{
	(void)n;
	d->due += *(const unsigned *)arg;
	return true;
}

/* An answer that takes longer than the next first message is
 * still in time once. */
static void
a_far_peer_is_reached(void **state)
{
	static const unsigned ways[] = { 300, 450, 1200 };
	unsigned	      i, way;

	(void)state;
	for (i = 0; i < 3; i++) {
		way = ways[i];
		picture(15, NULL);
		net.filter = far_away;
		net.filter_arg = &way;
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, i < 2 ? 9000 : 19000);
		assert_true(net_agree(x, y));
		assert_int_equal(x->fails, 0);
		end_clean();
	}
}

static void
icmp_alone_does_not_end_it(void **state)
{
	struct keying_path p;

	(void)state;
	picture(4, NULL);
	net.filter = swallow_firsts;
	nfirst = 0;
	assert_int_equal(net_request(x, y, 0), 0);
	p = (struct keying_path){ x->addr, y->addr, 500, 500 };
	x->engine->icmp(x->ike, net.now, &p);
	net_pass(&net, 500);
	assert_int_equal(x->fails, 0);
	net.filter = NULL;
	net_pass(&net, 30000);
	assert_true(net_agree(x, y));
	end_clean();

	picture(5, NULL);
	net.filter = swallow_firsts;
	assert_int_equal(net_request(x, y, 0), 0);
	x->engine->icmp(x->ike, net.now, &p);
	net_pass(&net, 60000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_ICMP);
	end_clean();
}

/* Nobody wants what was begun, and the peer has not answered: who wants it next
 * begins anew, with patience of its own. */
static void
unwanted_is_not_begun(void **state)
{
	unsigned sent;

	(void)state;
	picture(12, NULL);
	net.loss = 100;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 19000);
	x->engine->forget(x->ike, net.now, &x->conns[0], false);
	sent = x->sent;
	net_pass(&net, 900);
	assert_int_equal(x->sent, sent);
	assert_int_equal(net_request(x, y, 1), 0);
	net_pass(&net, 2000);
	assert_int_equal(x->fails, 0);
	net.loss = 0;
	net_pass(&net, 10000);
	assert_int_equal(x->fails, 0);
	assert_int_equal(x->nchildren, 1);
	assert_true(net_agree(x, y));
	end_clean();
}

static void
failures_are_told_apart(void **state)
{
	struct keying_request r;
	struct ike1_config     weak, strong;

	(void)state;
	/* The peer does not have the key that DNS names. */
	picture(6, NULL);
	net_request_init(&r, x, y, 0);
	r.peer.keys = &x->pub;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 60000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_SIGNATURE);
	assert_int_equal(x->nchildren, 0);
	end_clean();

	/* The peer is another than was asked for. */
	picture(7, NULL);
	net_request_init(&r, x, y, 0);
	assert_int_equal(addr_parse(&r.peer_id.addr, "198.51.100.99"), 0);
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 60000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_IDENTITY);
	end_clean();

	/* The responder finds no key for us: Phase 1 never comes up. */
	picture(8, NULL);
	y->lookup = NET_REFUSE;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 60000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_PEER_REFUSED);
	end_clean();

	/* The peer has another key for us. */
	picture(9, NULL);
	y->wrong_key = true;
	memset(&x->pub, 0, sizeof(x->pub));
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 60000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_PEER_REFUSED);
	assert_int_equal(y->nchildren, 0);
	end_clean();

	/* Phase 2 is refused, in an authenticated notify. */
	picture(10, NULL);
	y->ask = NET_REFUSE;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 5000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_CHILD_REFUSED);
	assert_string_equal(x->detail, "INVALID-ID-INFORMATION");
	end_clean();

	/* Phase 2 is never answered. */
	picture(11, NULL);
	y->ask = NET_NEVER;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 120000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_CHILD_REFUSED);
	end_clean();

	/* No SPI of our own. */
	picture(12, NULL);
	x->no_spi = true;
	if (net_request(x, y, 0) == 0) {
		net_pass(&net, 60000);
		assert_int_equal(x->fails, 1);
		assert_int_equal(x->failure, KEYING_LOCAL);
	}
	end_clean();

	/* The responder has none: silence or refusal, but an end. */
	picture(13, NULL);
	y->no_spi = true;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 120000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_CHILD_REFUSED);
	end_clean();

	/* "legacy = no" on one side and on both still finds
	 * the strong suite. */
	memset(&weak, 0, sizeof(weak));
	weak.rsa_min_bits = 2048;
	weak.legacy = true;
	strong = weak;
	strong.legacy = false;
	net_init(&net, 14);
	x = ike1_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0), &weak);
	y = ike1_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1),
	    &strong);
	key_up();
	assert_int_equal(net_request(y, x, 1), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	end_clean();
}

static void
strangers_notify_ends_nothing(void **state)
{
	struct net_datagram d;
	struct writer	    w;

	(void)state;
	/* NO-PROPOSAL-CHOSEN in the clear, with the right cookie even. */
	picture(15, NULL);
	assert_int_equal(net_request(x, y, 0), 0);
	memset(&d, 0, sizeof(d));
	d.path = (struct keying_path){ y->addr, x->addr, 500, 500 };
	writer_init(&w, d.buf, sizeof(d.buf));
	writer_u64(&w, x->last_cookie);
	writer_u64(&w, 0x1122334455667788);
	writer_u8(&w, 11);
	writer_u8(&w, 0x10);
	writer_u8(&w, 5);
	writer_u8(&w, 0);
	writer_u32(&w, 77);
	writer_u32(&w, 28 + 12);
	writer_u32(&w, 12);
	writer_u32(&w, 1);
	writer_u8(&w, 1);
	writer_u8(&w, 0);
	writer_u16(&w, 14);
	d.len = w.len;
	net_deliver(&net, &d);
	assert_int_equal(x->fails, 0);
	net_pass(&net, 30000);
	assert_true(net_agree(x, y));
	end_clean();
}

static void
plain_nat_is_passed_in_udp(void **state)
{
	struct ike1_config     c;
	struct keying_request r;
	unsigned	      sent, i;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.rsa_min_bits = 2048;
	net_init(&net, 260);
	x = ike1_host_add(&net, "10.0.0.11", "@x1.lab", net_key(0), &c);
	y = ike1_host_add(&net, "198.51.100.10", "198.51.100.10",
	    net_key(1), &c);
	net.nat_inside = x->addr;
	assert_int_equal(addr_parse(&net.nat_outside, "198.51.100.7"), 0);
	net.nat_port = 20000;
	key_up();
	assert_int_equal(x->children[0].child.path.local_port, 4500);
	assert_int_equal(x->children[0].child.path.peer_port, 4500);
	assert_int_equal(y->children[0].child.path.peer_port, 24500);
	assert_int_equal(y->children[0].child.path.local_port, 4500);
	assert_int_equal(x->children[0].child.out.encap_sport, 4500);
	assert_int_equal(x->children[0].child.out.encap_dport, 4500);
	assert_int_equal(y->children[0].child.out.encap_dport, 24500);
	assert_true(addr_equal(&y->children[0].child.out.dst,
	    &net.nat_outside));
	/* Keepalives of a byte, from the one behind the NAT only. */
	sent = x->sent;
	net_pass(&net, 100000);
	assert_in_range(x->sent - sent, 4, 6);
	assert_int_equal(y->sent, 4);
	/* The NAT forgets, and maps anew. */
	net.nat_port = 30000;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	assert_int_equal(y->children[1].child.out.encap_dport, 34500);
	/* From the outside too, over the mapping. */
	net_request_init(&r, y, x, 4500);
	r.path.peer = net.nat_outside;
	r.path.peer_port = 34500;
	assert_int_equal(y->engine->request(y->ike, net.now, &r, &y->conns[5]),
	    0);
	net_pass(&net, 1000);
	assert_true(net_agree(y, x));
	assert_int_equal(x->children[2].child.out.encap_sport, 4500);
	end_clean();

	/* Switched off at one end, there is none; and so no key
	 * either way of harm. */
	net_init(&net, 261);
	x = ike1_host_add(&net, "10.0.0.11", "@x1.lab", net_key(0), &c);
	c.no_natt = true;
	y = ike1_host_add(&net, "198.51.100.10", "198.51.100.10",
	    net_key(1), &c);
	net.nat_inside = x->addr;
	assert_int_equal(addr_parse(&net.nat_outside, "198.51.100.7"), 0);
	net.nat_port = 20000;
	key_up();
	assert_int_equal(x->children[0].child.out.encap_sport, 0);
	end_clean();

	/* ESP in UDP without a NAT, if either end wants that. */
	for (i = 0; i < 2; i++) {
		struct ike1_config want = { .rsa_min_bits = 2048,
			.encapsulate = true };

		net_init(&net, 263 + i);
		x = ike1_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0),
		    i == 0 ? &want : NULL);
		y = ike1_host_add(&net, "198.51.100.10", "198.51.100.10",
		    net_key(1), i == 1 ? &want : NULL);
		key_up();
		assert_int_equal(x->children[0].child.out.encap_dport, 4500);
		assert_int_equal(y->children[0].child.out.encap_dport, 4500);
		end_clean();
	}

	/* Without a NAT nothing moves, leased port or not. */
	picture(262, NULL);
	key_up();
	assert_int_equal(x->children[0].child.path.peer_port, 500);
	assert_int_equal(x->children[0].child.out.encap_sport, 0);
	sent = x->sent;
	net_pass(&net, 100000);
	assert_int_equal(x->sent, sent);
	end_clean();
}

/* The commit bit is outside of every hash, so it can be set here. */
static bool
set_commit_bit(struct net *n, struct net_datagram *d, void *arg)
{
	(void)n;
	(void)arg;
	if (addr_equal(&d->path.local, &y->addr) && d->buf[18] == 32)
		d->buf[19] |= 2;
	return true;
}

static void
commit_bit_delays_the_confirmation(void **state)
{
	(void)state;
	picture(264, NULL);
	net.filter = set_commit_bit;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 2000);
	assert_true(net_agree(x, y));
	assert_int_equal(x->confirms, 0);
	net_pass(&net, 10000);
	assert_int_equal(x->confirms, 1);
	assert_int_equal(y->confirms, 1);
	end_clean();
}

static void
preshared_keys_work_and_fail_apart(void **state)
{
	(void)state;
	picture(23, NULL);
	x->psk = "a long enough secret";
	y->psk = "a long enough secret";
	key_up();
	assert_int_equal(x->children[0].child.proof.how, KEYING_BY_PSK);
	assert_int_equal(x->children[0].child.proof.key.len, 0);
	end_clean();

	picture(24, NULL);
	x->psk = "a long enough secret";
	y->psk = "quite another secret";
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 120000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->nchildren, 0);
	assert_int_equal(y->nchildren, 0);
	end_clean();

	/* The secret of this address, but not of the identity it claims. */
	picture(240, NULL);
	x->psk = "a long enough secret";
	y->psk = "a long enough secret";
	y->psk_names_refused = true;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 120000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(y->nchildren, 0);
	end_clean();

	/* Whoever asks for a signature gets no pre-shared key,
	 * and the reverse. */
	picture(25, NULL);
	x->psk = "a long enough secret";
	y->lookup = NET_REFUSE;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 120000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(y->nchildren, 0);
	end_clean();
}

/* RFC 2409 §5.1: there are signatures of RSA, and nothing of ECDSA or Ed25519
 * is taken for one; a pre-shared key asks for none. */
static void
other_keys_than_rsa_are_refused(void **state)
{
	struct keying_request r;
	struct pubkey	      keys[2];
	unsigned	      n;

	(void)state;
	for (n = NET_KEY_P256; n <= NET_KEY_ED25519; n++) {
		/* Our own: nothing is asked, nothing accepted. */
		net_init(&net, 50 + n);
		x = ike1_host_add(&net, "198.51.100.1", "@x1.lab", net_key(n),
		    NULL);
		y = ike1_host_add(&net, "198.51.100.10", "198.51.100.10",
		    net_key(1), NULL);
		assert_int_equal(net_request(x, y, 0), -1);
		assert_int_equal(x->sent, 0);
		net_request_init(&r, y, x, 0);
		r.peer.keys = &y->pub;
		assert_int_equal(y->engine->request(y->ike, net.now, &r,
		    &y->conns[0]), 0);
		net_pass(&net, 120000);
		assert_int_equal(y->failure, KEYING_PEER_REFUSED);
		assert_int_equal(x->nchildren + y->nchildren, 0);
		x->psk = y->psk = "a long enough secret";
		key_up();
		end_clean();

		/* The peer's: only beside one of RSA. */
		picture(53 + n, NULL);
		assert_int_equal(pubkey_from_evp(&keys[0], net_key(n)), 0);
		keys[1] = y->pub;
		net_request_init(&r, x, y, 0);
		r.peer.keys = keys;
		r.peer.nkeys = 1;
		assert_int_equal(x->engine->request(x->ike, net.now, &r,
		    &x->conns[0]), -1);
		r.peer.nkeys = 2;
		assert_int_equal(x->engine->request(x->ike, net.now, &r,
		    &x->conns[0]), 0);
		net_pass(&net, 1000);
		assert_true(net_agree(x, y));
		assert_true(pubkey_equal(&x->children[0].child.proof.key,
		    &y->pub));
		end_clean();

		/* What DNS says of who asks: the same. */
		picture(56 + n, NULL);
		x->pub = keys[0];
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 120000);
		assert_int_equal(x->nchildren + y->nchildren, 0);
		end_clean();
	}
}

/* RFC 3104 §3. */
static void
two_hosts_behind_one_address_both_work(void **state)
{
	struct net_host *x2;

	(void)state;
	/* Seen from y, x2 is x1's address with another port (RFC 3104 §4). */
	picture(28, NULL);
	x2 = ike1_host_add(&net, "198.51.100.2", "@x2.lab", net_key(2), NULL);
	net.nat_inside = x2->addr;
	net.nat_outside = x->addr;
	net.nat_port = 20000;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	assert_int_equal(net_request(x2, y, 1), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(x2, y));
	assert_int_equal(y->nchildren, 2);
	assert_false(keying_id_equal(&y->children[0].child.peer_id,
	    &y->children[1].child.peer_id));
	/* Each delete goes to its own. */
	assert_int_equal(y->engine->delete_child(y->ike, net.now,
	    y->children[1].child.in.spi), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->downs, 0);
	assert_int_equal(x2->downs, 1);
	end_clean();
}

/* RFC 3104 §3, §6.1. */
static void
ephemeral_ports_are_kept(void **state)
{
	struct keying_request r;

	(void)state;
	picture(29, NULL);
	net_request_init(&r, x, y, 20001);
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	assert_int_equal(x->children[0].child.path.local_port, 20001);
	assert_int_equal(y->children[0].child.path.peer_port, 20001);
	/* The responder's own requests go to that port too. */
	assert_int_equal(y->engine->delete_child(y->ike, net.now,
	    y->children[0].child.in.spi), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->downs, 1);
	end_clean();
}

/* RFC 2407 §4.6.2: both ends know which ports the keys are
 * for, beside others. */
static void
flows_have_keys_of_their_own(void **state)
{
	struct keying_request	   r;
	const struct keying_child *c;
	struct keying_selector	   s;
	int			   i;

	(void)state;
	picture(33, NULL);
	key_up();
	net_request_init(&r, x, y, 500);
	for (i = 1; i <= 2; i++) {
		s = keying_selector_host(&x->addr, 6, (uint16_t)(40000 + i));
		r.ours = keying_selectors_of(&s);
		s = keying_selector_host(&y->addr, 6, 443);
		r.theirs = keying_selectors_of(&s);
		assert_int_equal(x->engine->request(x->ike, net.now, &r,
		    &x->conns[i]), 0);
		net_pass(&net, 1000);
		assert_true(net_agree(x, y));
		c = &x->children[i].child;
		assert_int_equal(c->ours.ts[0].protocol, 6);
		assert_int_equal(keying_selector_port(&c->ours.ts[0]),
		    40000 + i);
		assert_int_equal(keying_selector_port(&c->theirs.ts[0]), 443);
		c = &y->children[i].child;
		assert_int_equal(c->ours.ts[0].protocol, 6);
		assert_int_equal(c->theirs.ts[0].protocol, 6);
		assert_int_equal(keying_selector_port(&c->ours.ts[0]), 443);
		assert_int_equal(keying_selector_port(&c->theirs.ts[0]),
		    40000 + i);
	}
	assert_int_equal(net_alive(x), 3);
	assert_int_equal(x->downs + y->downs, 0);
	end_clean();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_and_pfs_give_both_the_same_keys),
		cmocka_unit_test(late_answers_are_waited_for),
		cmocka_unit_test(loss_and_duplicates_are_survived),
		cmocka_unit_test(each_first_message_has_its_own_cookie),
		cmocka_unit_test(a_far_peer_is_reached),
		cmocka_unit_test(icmp_alone_does_not_end_it),
		cmocka_unit_test(unwanted_is_not_begun),
		cmocka_unit_test(failures_are_told_apart),
		cmocka_unit_test(strangers_notify_ends_nothing),
		cmocka_unit_test(plain_nat_is_passed_in_udp),
		cmocka_unit_test(commit_bit_delays_the_confirmation),
		cmocka_unit_test(preshared_keys_work_and_fail_apart),
		cmocka_unit_test(other_keys_than_rsa_are_refused),
		cmocka_unit_test(two_hosts_behind_one_address_both_work),
		cmocka_unit_test(ephemeral_ports_are_kept),
		cmocka_unit_test(flows_have_keys_of_their_own),
	};

	log_init("test_ike", true, getenv("V") != NULL ? LOG_LEVEL_DEBUG :
	    LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("ike", tests, NULL, NULL);
}
