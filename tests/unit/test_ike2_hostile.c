/* test_ike2_hostile.c - every message cut short, changed, sent again or sent back, in both roles and at every state */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/log.h"
#include "oe/ike2/exchange.h"
#include "oe/ike2/notify.h"
#include "tests/unit/ike2_net.h"

#define RECORDS	64

struct tap {
	unsigned n;			/* datagrams so far */
	struct net_datagram all[RECORDS];
	unsigned attack;	/* that one is preceded by its damaged copies */
	unsigned long copies;
	/* Or that one goes changed, once. */
	unsigned change;
	size_t	 at, len;
	uint8_t	 xor;
};

static struct tap tap;

static void
deliver_copy(struct net *n, const struct net_datagram *d, const uint8_t *buf,
    size_t len)
{
	static struct net_datagram bad;

	bad.path = d->path;
	bad.len = len;
	memcpy(bad.buf, buf, len);
	net_deliver(n, &bad);
}

/* Each truncation, with and without a length that agrees;
 * each octet changed. */
static void
attack(struct net *n, const struct net_datagram *d)
{
	uint8_t	 buf[NET_DATAGRAM];
	size_t	 at;
	unsigned v;

	for (at = 0; at < d->len; at++) {
		memcpy(buf, d->buf, d->len);
		deliver_copy(n, d, buf, at);
		tap.copies++;
		if (at >= IKE2_HEADER_LEN + IKE2_GENERIC_LEN) {
			store_u32(buf + 24, (uint32_t)at);
			store_u16(buf + 30, (uint16_t)(at - IKE2_HEADER_LEN));
			deliver_copy(n, d, buf, at);
			tap.copies++;
		}
		for (v = 1; v < 256; v++) {
			memcpy(buf, d->buf, d->len);
			buf[at] ^= (uint8_t)v;
			deliver_copy(n, d, buf, d->len);
			tap.copies++;
		}
	}
	memcpy(buf, d->buf, d->len);
	buf[d->len] = 0;
	deliver_copy(n, d, buf, d->len + 1);
}

static bool
filter(struct net *n, struct net_datagram *d, void *arg)
{
	(void)arg;
	if (tap.n < RECORDS)
		tap.all[tap.n] = *d;
	tap.n++;
	if (tap.n == tap.attack)
		attack(n, d);
	if (tap.n == tap.change) {
		if (tap.len < d->len)
			d->len = tap.len;
		else
			d->buf[tap.at] ^= tap.xor;
	}
	return true;
}

/* Of keys there is one for both. */
static void
scene_of(uint32_t seed, unsigned key)
{
	net_init(&net, seed);
	x = ike2_host_add(&net, "198.51.100.1", "@x1.lab", net_key(key), NULL);
	y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(key),
	    NULL);
	memset(&tap, 0, sizeof(tap));
	net.filter = filter;
}

static void
scene(uint32_t seed)
{
	scene_of(seed, 0);
	/* Public-key work is not what is tried here. */
	x->psk = y->psk = "0123456789abcdef0123456789abcdef";
}

static struct ike2_sa *
newest(const struct net_host *h)
{
	struct ike2    *e = h->ike;
	struct ike2_sa *sa;

	TAILQ_FOREACH_REVERSE(sa, &e->sas, ike2_sas, entry) {
		if (sa->state == IKE2_UP && !sa->replaced)
			return sa;
	}
	return NULL;
}

/* Keys, a rekeyed child, a rekeyed IKE SA, a check, a delete: all
 * that is ever sent. */
static void
play(void)
{
	struct ike2_sa *sa;

	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 5000);
	assert_int_equal(x->nchildren, 1);
	assert_true(net_agree(x, y));
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 5000);
	assert_int_equal(net_alive(x), 1);
	assert_int_equal(net_alive(y), 1);
	assert_true(net_agree(x, y));
	sa = newest(x);
	assert_non_null(sa);
	sa->renew_at = net.now;
	ike2_exchange_next(sa, net.now);
	net_pass(&net, 5000);
	assert_int_equal(y->engine->probe(y->ike, net.now, &y->conns[1]), 0);
	net_pass(&net, 5000);
	assert_int_equal(x->silences + y->silences, 0);
	assert_int_equal(net_alive(x), 1);
	assert_int_equal(net_alive(y), 1);
	x->engine->forget(x->ike, net.now, &x->conns[0], true);
	net_pass(&net, 5000);
	assert_int_equal(net_alive(y), 0);
}

/* Whatever the network adds, what is encrypted goes its way
 * as if it had not. */
static void
damage_changes_nothing(void **state)
{
	unsigned long copies = 0;
	unsigned      total, k;

	(void)state;
	scene(1);
	play();
	total = tap.n;
	assert_true(total >= 14 && total < RECORDS);
	end_clean2();
	for (k = 3; k <= total; k++) {
		scene(1);
		tap.attack = k;
		play();
		copies += tap.copies;
		end_clean2();
	}
	/* IKE_AUTH with signatures, of each type. */
	for (k = 0; k < 8; k++) {
		scene_of(3, k < 2 ? 0 : NET_KEY_P256 + k / 2 - 1);
		tap.attack = 3 + k % 2;
		play();
		copies += tap.copies;
		end_clean2();
	}
	print_message("%u messages, %lu damaged copies\n", total - 2 + 8,
	    copies);
}

/*
 * IKE_SA_INIT is not protected while it is on its way: a changed one may cost
 * the attempt, and never makes two ends that believe different things.
 */
static void
changed_in_the_clear(void **state)
{
	unsigned k, up = 0, down = 0;
	size_t	 at, len;
	unsigned bit;

	(void)state;
	for (k = 1; k <= 2; k++) {
		scene(2);
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 1000);
		len = tap.all[k - 1].len;
		end_clean2();
		for (at = 0; at < len; at++) {
			for (bit = 0; bit <= 256; bit = bit == 0 ? 1 :
			    bit << 1) {
				scene(2);
				tap.change = k;
				tap.at = at;
				tap.xor = (uint8_t)bit;
				/* 256: cut short instead. */
				tap.len = bit == 256 ? at : SIZE_MAX;
				assert_int_equal(net_request(x, y, 0), 0);
				net_pass(&net, 21000);
				if (x->nchildren == 1 && net_alive(x) == 1) {
					assert_int_equal(net_alive(y), 1);
					assert_true(net_agree(x, y));
					up++;
				} else {
					assert_int_equal(net_alive(x), 0);
					assert_int_equal(net_alive(y), 0);
					assert_int_equal(x->fails, 1);
					down++;
				}
				end_clean2();
			}
		}
	}
	print_message("%u attempts came up all the same, %u ended\n", up, down);
	assert_true(up != 0 && down != 0);
}

/* --- said by who has the keys, as everybody may after IKE_SA_INIT --- */

struct inside {
	unsigned message;	/* that one is changed inside of its SK */
	size_t	 at;
	bool	 cut;			/* there, instead of a changed octet */
	bool	 seen;
	size_t	 len;			/* of what is inside */
	bool	 proof;			/* the octet is of the
					 * identity or its proof */
};

/* Is the octet of ID, or of AUTH without its reserved octets? */
static bool
is_of_proof(uint8_t first, const uint8_t *p, size_t len, size_t at)
{
	const struct ike2_part *part;
	struct ike2_chain	c;
	size_t			i, off;

	assert_int_equal(ike2_chain_split(&c, first, p, len, false), IKE2_OK);
	for (i = 0; i < c.nparts; i++) {
		part = &c.part[i];
		off = (size_t)(part->body - p);
		if (at < off || at >= off + part->len)
			continue;
		return part->type == IKE2_P_AUTH ? at - off == 0 ||
		    at - off >= 4 : part->type == (tap.n % 2 == 1 ?
		    IKE2_P_IDI : IKE2_P_IDR);
	}
	return false;
}

static bool
change_inside(struct net *n, struct net_datagram *d, void *arg)
{
	struct inside		*w = arg;
	struct net_host		*h = addr_equal(&d->path.local, &x->addr) ? x :
	    y;
	struct ike2_sa		*sa =
	    TAILQ_FIRST(&((struct ike2 *)h->ike)->sas);
	struct ike2_key		*k = sa->initiator ? &sa->keys.i : &sa->keys.r;
	const struct ike2_part	*sk;
	struct ike2_fragment_no	 none = { 0 };
	struct ike2_header	 head;
	struct ike2_chain	 c;
	uint8_t			 inner[NET_DATAGRAM];
	int			 len;

	(void)n;
	if (++tap.n != w->message)
		return true;
	w->seen = true;
	assert_int_equal(ike2_header_read(&head, d->buf, d->len), IKE2_OK);
	assert_int_equal(ike2_chain_split(&c, head.first, d->buf +
	    IKE2_HEADER_LEN, d->len - IKE2_HEADER_LEN, true), IKE2_OK);
	sk = ike2_chain_only(&c, IKE2_P_ENCRYPTED);
	assert_non_null(sk);
	len = ike2_unseal(k, d->buf, d->len, sk, inner);
	assert_true(len > 0);
	w->len = (size_t)len;
	if (w->at >= w->len)
		return true;
	w->proof = w->cut || is_of_proof(sk->next, inner, w->len, w->at);
	inner[w->at] ^= (uint8_t)(1 << w->at % 8);
	d->len = ike2_seal(k, &head, sk->next, none, inner, w->cut ? w->at :
	    w->len, d->buf, sizeof(d->buf));
	assert_true(d->len != 0);
	return true;
}

/*
 * Each octet of IKE_AUTH changed, and each truncation, by who encrypts it
 * all the same: whoever is taken for authenticated has sent identity and
 * proof as they were.
 */
static void
changed_by_the_peer(void **state)
{
	static const unsigned keys[] = { 0, NET_KEY_P256, NET_KEY_ED25519 };
	struct net_host	     *victim;
	struct inside	      w;
	unsigned	      i, up = 0, down = 0;

	(void)state;
	for (i = 0; i < 6; i++) {
		memset(&w, 0, sizeof(w));
		w.message = 3 + i % 2;
		for (;;) {
			scene_of(7, keys[i / 2]);
			net.filter = change_inside;
			net.filter_arg = &w;
			w.seen = false;
			assert_int_equal(net_request(x, y, 0), 0);
			net_pass(&net, 300);
			assert_true(w.seen);
			if (w.at >= w.len) {
				end_clean2();
				break;
			}
			victim = w.message == 3 ? y : x;
			if (w.proof)
				assert_int_equal(victim->nchildren, 0);
			if (victim->nchildren != 0)
				up++;
			else
				down++;
			end_clean2();
			w.at += w.cut;
			w.cut = !w.cut;
		}
	}
	print_message("%u changes left it up, %u ended it\n", up, down);
	assert_true(up != 0 && down > 3 * up);
}

/* Each datagram once more, long after: answered by the same
 * octets or not at all. */
static void
replays(void **state)
{
	struct net_datagram *d;
	unsigned	     k, total, sent, lookups, ups;

	(void)state;
	scene(3);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	total = tap.n;
	assert_true(total < RECORDS);
	lookups = y->lookups;
	ups = x->nchildren + y->nchildren;
	for (k = 0; k < total; k++) {
		d = &tap.all[k];
		sent = x->sent + y->sent;
		net_deliver(&net, d);
		/* One answer at most, and to where it was sent from. */
		assert_true(x->sent + y->sent <= sent + 1);
		net_pass(&net, 50);
	}
	assert_int_equal(net_alive(x), 1);
	assert_int_equal(net_alive(y), 1);
	assert_int_equal(y->lookups, lookups);
	assert_int_equal(x->nchildren + y->nchildren, ups);
	/* Both ends still hear each other. */
	assert_int_equal(x->engine->probe(x->ike, net.now, &x->conns[0]), 0);
	net_pass(&net, 3000);
	assert_int_equal(x->silences, 0);
	net_pass(&net, 100000);
	end_clean2();
}

/* Each datagram back to who sent it: nobody talks to himself. */
static void
reflections(void **state)
{
	struct net_datagram d;
	unsigned	    k, total, ups;

	(void)state;
	scene(4);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	total = tap.n;
	ups = x->nchildren + y->nchildren;
	for (k = 0; k < total && k < RECORDS; k++) {
		d = tap.all[k];
		d.path.local = tap.all[k].path.peer;
		d.path.peer = tap.all[k].path.local;
		net_deliver(&net, &d);
		net_pass(&net, 50);
	}
	assert_int_equal(net_alive(x), 1);
	assert_int_equal(net_alive(y), 1);
	assert_int_equal(x->nchildren + y->nchildren, ups);
	net_pass(&net, 100000);
	end_clean2();
}

/* What goes to senders that are not there goes nowhere. */
static bool
known_only(struct net *n, struct net_datagram *d, void *arg)
{
	(void)n;
	(void)arg;
	return addr_equal(&d->path.peer, &x->addr) ||
	    addr_equal(&d->path.peer, &y->addr);
}

/* Forged senders: state and work end at the threshold, then there are only
 * cookies; and who does receive at its address comes through. */
static void
flood(void **state)
{
	static struct net_datagram d;
	struct ike2		  *e;
	unsigned		   i, sent;
	uint64_t		   before, work;

	(void)state;
	scene(5);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	d = tap.all[0];
	x->engine->forget(x->ike, net.now, &x->conns[0], true);
	net_pass(&net, 100);
	net.filter = known_only;
	e = y->ike;
	sent = y->sent;
	before = e->count.cookies;
	work = ike_dh_operations();
	for (i = 0; i < 20000; i++) {
		store_u32(d.buf, i + 1);
		store_u32(d.path.local.bytes, 0x0b000000 + i);
		net_deliver(&net, &d);
		if (i % 400 == 399)
			net.now++;
	}
	assert_int_equal(ike_dh_operations() - work, 0);
	assert_true(e->budget.nhalf <= e->c.cookie_from);
	assert_true(e->count.cookies - before >= 20000 - e->c.cookie_from);
	/* One small answer each: less than came in. */
	assert_true(y->sent - sent <= 20000);
	ike2_host_restart(x, NULL);
	assert_int_equal(net_request(x, y, 1), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->nchildren, 2);
	assert_int_equal(net_alive(y), 1);
	print_message("20000 forged requests: %u half open, %u cookies\n",
	    e->budget.nhalf, (unsigned)(e->count.cookies - before));
	net_pass(&net, 200000);
	end_clean2();
}

/* Forged in x's name, whoever else is at its address: half of that address's
 * places go, the rest are for who shows a cookie. */
static void
flood_in_its_name(void **state)
{
	static struct net_datagram d;
	struct ike2		  *e;
	uint64_t		   work;
	unsigned		   i;

	(void)state;
	scene(6);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	d = tap.all[0];
	x->engine->forget(x->ike, net.now, &x->conns[0], true);
	net_pass(&net, 100);
	ike2_host_restart(x, NULL);
	e = y->ike;
	work = ike_dh_operations();
	for (i = 0; i < 5000; i++) {
		store_u32(d.buf, i + 1);
		d.path.local_port = (uint16_t)(500 + i % 300);
		net_deliver(&net, &d);
		net_pass(&net, 1);
	}
	assert_int_equal(ike_dh_operations() - work, 0);
	assert_int_equal(e->budget.nhalf, e->c.half_open_per_address / 2);
	assert_int_equal(net_request(x, y, 1), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->nchildren, 2);
	assert_true(net_agree(x, y));
	net_pass(&net, 200000);
	end_clean2();
}

static struct net_datagram asked;	/* y's last answer to the attacker,
					 * while there is one */
static bool attacking;

static bool
keep_asked(struct net *n, struct net_datagram *d, void *arg)
{
	(void)n;
	(void)arg;
	if (attacking)
		asked = *d;
	return !attacking;
}

/* d from there, and again with the cookie that y asks for: the attacker
 * receives at its address. */
static void
begin_shown(const struct net_datagram *first, const struct addr *from,
    uint16_t port, uint32_t spi)
{
	static struct net_datagram d;
	struct ike2_notify	   cookie;
	struct ike2_header	   h;
	struct ike2_chain	   c;
	size_t			   body = IKE2_HEADER_LEN, n;

	d = *first;
	store_u32(d.buf, spi);
	d.path.local = *from;
	d.path.local_port = port;
	attacking = true;
	net_deliver(&net, &d);
	assert_int_equal(ike2_header_read(&h, asked.buf, asked.len), 0);
	if (ike2_chain_split(&c, h.first, asked.buf + body, asked.len - body,
	    false) != IKE2_OK ||
	    !ike2_notify_find(&c, IKE2_N_COOKIE, &cookie)) {
		attacking = false;	/* no cookie was wanted */
		return;
	}
	n = 8 + cookie.len;
	memmove(d.buf + body + n, d.buf + body, d.len - body);
	d.len += n;
	d.buf[body] = d.buf[16];
	d.buf[16] = IKE2_P_NOTIFY;
	d.buf[body + 1] = 0;
	store_u16(d.buf + body + 2, (uint16_t)n);
	store_u16(d.buf + body + 4, 0);
	store_u16(d.buf + body + 6, IKE2_N_COOKIE);
	memcpy(d.buf + body + 8, cookie.data, cookie.len);
	store_u32(d.buf + 24, (uint32_t)d.len);
	net_deliver(&net, &d);
	attacking = false;
}

/* x begins, and has keys at once. */
static void
x_comes_through(unsigned n)
{
	unsigned had = x->nchildren;

	ike2_host_restart(x, NULL);
	assert_int_equal(net_request(x, y, n), 0);
	net_pass(&net, 500);
	assert_int_equal(x->nchildren, had + 1);
}

/* Attackers who do receive, at as many addresses as they please, fill all
 * places; and those of x's own address; and of IPv6 a network is one.  Who
 * comes after them has one of theirs. */
static void
places_of_who_shows_a_cookie(void **state)
{
	static struct net_datagram d;
	struct ike2_config	   config = { .half_open_max = 24,
		.half_open_per_address = 8, .cookie_from = 1 };
	struct addr		   from;
	struct ike2		  *e;
	unsigned		   i;

	(void)state;
	scene(7);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	d = tap.all[0];
	ike2_host_restart(y, &config);
	net.filter = keep_asked;
	e = y->ike;
	for (i = 0; i < 100; i++) {
		from = addr_from_v4(htonl(0x0b000000 + i));
		begin_shown(&d, &from, 500, i + 1);
	}
	assert_int_equal(e->budget.nhalf, 24);
	x_comes_through(1);
	assert_true(e->count.half_open_evicted >= 76);
	for (i = 0; i < 100; i++)
		begin_shown(&d, &x->addr, (uint16_t)(1000 + i), 1000 + i);
	assert_int_equal(ike_half_of(&e->budget, &x->addr), 8);
	x_comes_through(2);
	net_pass(&net, 60000);
	assert_int_equal(e->budget.nhalf, 0);
	for (i = 0; i < 100; i++) {
		assert_int_equal(addr_parse(&from, "2001:db8:0:6::1"), 0);
		from.bytes[15] = (uint8_t)i;
		begin_shown(&d, &from, 500, 2000 + i);
	}
	assert_int_equal(e->budget.nhalf, 8);
	x_comes_through(3);
	print_message("300 of those who receive: %u made room\n",
	    (unsigned)e->count.half_open_evicted);
	net_pass(&net, 200000);
	end_clean2();
}

/* Who proves nothing has a share, of one address and of all (RFC 7619 §3.2). */
static void
anonymous_peers_are_limited(void **state)
{
	struct ike2_config    c = { .anonymous_max = 6,
		.anonymous_per_address = 4, .cookie_from = 100 };
	struct keying_request r;
	struct net_host	     *z, *w;
	unsigned	      i;

	(void)state;
	net_init(&net, 6);
	y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1),
	    &c);
	x = ike2_host_add(&net, "198.51.100.1", "198.51.100.1", NULL, NULL);
	z = ike2_host_add(&net, "192.0.2.7", "192.0.2.7", NULL, NULL);
	w = ike2_host_add(&net, "192.0.2.8", "@w.lab", net_key(0), NULL);
	y->anonymous = true;
	for (i = 0; i < 10; i++) {
		net_request_init(&r, i < 5 ? x : z, y, 0);
		r.my_id.addr.bytes[3] = (uint8_t)i;	/* an IKE SA each */
		assert_int_equal((i < 5 ? x : z)->engine->request(
		    (i < 5 ? x : z)->ike, net.now, &r, &x->conns[i]), 0);
		net_pass(&net, 500);
	}
	assert_int_equal(net_alive(x), 4);
	assert_int_equal(net_alive(z), 2);
	/* Who has a key is not kept out. */
	assert_int_equal(net_request(w, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(net_alive(w), 1);
	end_clean2();
}

/* ... and who has a /64 has no more of it. */
static void
a_network_of_ipv6_counts_as_an_address(void **state)
{
	struct ike2_config    c = { .anonymous_per_address = 4,
		.cookie_from = 100 };
	struct keying_request r;
	struct net_host	     *z, *w, *from;
	unsigned	      i;

	(void)state;
	net_init(&net, 7);
	y = ike2_host_add(&net, "2001:db8::10", "2001:db8::10", net_key(1),
	    &c);
	x = ike2_host_add(&net, "2001:db8:0:1::1", "2001:db8:0:1::1", NULL,
	    NULL);
	z = ike2_host_add(&net, "2001:db8:0:1:2::1", "2001:db8:0:1:2::1", NULL,
	    NULL);
	w = ike2_host_add(&net, "2001:db8:0:2::1", "2001:db8:0:2::1", NULL,
	    NULL);
	y->anonymous = true;
	for (i = 0; i < 8; i++) {
		from = i < 6 ? i % 2 ? z : x : w;
		net_request_init(&r, from, y, 0);
		r.my_id.addr.bytes[15] = (uint8_t)i;	/* an IKE SA each */
		assert_int_equal(from->engine->request(from->ike, net.now, &r,
		    &x->conns[i]), 0);
		net_pass(&net, 500);
	}
	assert_int_equal(net_alive(x) + net_alive(z), 4);
	assert_int_equal(net_alive(w), 2);
	end_clean2();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_changes_nothing),
		cmocka_unit_test(changed_in_the_clear),
		cmocka_unit_test(changed_by_the_peer),
		cmocka_unit_test(replays),
		cmocka_unit_test(reflections),
		cmocka_unit_test(flood),
		cmocka_unit_test(flood_in_its_name),
		cmocka_unit_test(places_of_who_shows_a_cookie),
		cmocka_unit_test(anonymous_peers_are_limited),
		cmocka_unit_test(a_network_of_ipv6_counts_as_an_address),
	};

	log_init("test_ike2_hostile", true, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
