/* test_ike2.c - IKE_SA_INIT and IKE_AUTH between two engines: loss, refusals, cookies, NAT, fragments */
#include "config.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "oe/ike2/message.h"
#include "oe/ike2/notify.h"
#include "oe/ike2/offer.h"
#include "tests/unit/ike2_net.h"

static void
two_round_trips_give_both_the_same_keys(void **state)
{
	const struct keying_child *c;
	uint64_t		   began;

	(void)state;
	picture2(1, NULL);
	began = net.now;
	assert_int_equal(net_request(x, y, 0), 0);
	/* IKE_SA_INIT and IKE_AUTH: the child is there after
	 * two round trips. */
	net_run(&net, began + 4 * NET_DELAY);
	assert_int_equal(x->nchildren, 1);
	assert_int_equal(y->nchildren, 1);
	assert_true(net_agree(x, y));
	assert_int_equal(x->sent, 2);
	assert_int_equal(y->sent, 2);
	c = &x->children[0].child;
	assert_ptr_equal(x->children[0].conn, &x->conns[0]);
	assert_int_equal(c->version, 2);
	assert_true(c->initiator);
	assert_false(y->children[0].child.initiator);
	assert_int_equal(c->in.cipher, ESP_AES_GCM_16);
	assert_int_equal(c->in.cipher_len, 32 + 4);
	assert_true(c->in.esn);
	assert_int_equal(c->mode, KEYING_TUNNEL);
	assert_true(addr_equal(&c->in.dst, &x->addr));
	assert_true(addr_equal(&c->in.src, &y->addr));
	assert_int_equal(c->ours.n, 1);
	assert_true(addr_equal(&c->ours.ts[0].from, &x->addr));
	assert_true(c->soft > net.now && c->soft < c->hard);
	assert_int_equal(c->proof.how, KEYING_BY_KEY);
	assert_memory_equal(c->proof.key.wire, y->pub.wire, y->pub.len);
	assert_true(keying_id_equal(&c->peer_id, &y->id));
	assert_true(keying_id_equal(&y->children[0].child.peer_id, &x->id));
	assert_int_equal(y->lookups, 1);
	assert_int_equal(y->asks, 1);
	assert_int_equal(y->confirms, 1);
	assert_int_equal(x->lookups, 0);
	/* RFC 7383's recommendation is met without fragments. */
	assert_true(x->longest < 1252 && y->longest < 1252);
	end_clean2();
}

static void
late_answers_are_waited_for(void **state)
{
	(void)state;
	picture2(2, NULL);
	y->lookup = NET_LATE;
	y->ask = NET_LATE;
	key_up2();
	/* x repeated its request meanwhile, and got one answer. */
	assert_int_equal(y->lookups, 1);
	end_clean2();
}

static void
refusals(void **state)
{
	static const struct {
		enum net_answer lookup, ask;
		bool		wrong_key;
		enum keying_failure failure;
	} cases[] = {
		{ NET_REFUSE, NET_NOW, false, KEYING_OUR_PROOF },
		{ NET_NOW, NET_NOW, true, KEYING_OUR_PROOF },
		{ NET_NOW, NET_REFUSE, false, KEYING_CHILD_REFUSED },
		{ NET_NEVER, NET_NOW, false, KEYING_SILENCE },
		{ NET_NOW, NET_NEVER, false, KEYING_SILENCE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		picture2(3, NULL);
		y->lookup = cases[i].lookup;
		y->ask = cases[i].ask;
		y->wrong_key = cases[i].wrong_key;
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 120000);
		assert_int_equal(x->nchildren, 0);
		assert_int_equal(y->nchildren, 0);
		assert_int_equal(x->fails, 1);
		assert_int_equal(x->failure, cases[i].failure);
		end_clean2();
	}
}

/* Who answers with another key, or as another, is told and forgotten. */
static void
the_wrong_peer(void **state)
{
	struct keying_request r;
	struct pubkey	      other;

	(void)state;
	picture2(4, NULL);
	assert_int_equal(pubkey_from_evp(&other, net_key(2)), 0);
	net_request_init(&r, x, y, 0);
	r.peer.keys = &other;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 1000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_SIGNATURE);
	/* y had believed it: its child ends with our delete (§2.21.2). */
	assert_int_equal(y->nchildren, 1);
	assert_int_equal(y->downs, 1);
	net_request_init(&r, x, y, 0);
	r.peer_id = x->id;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[1]),
	    0);
	net_pass(&net, 1000);
	assert_int_equal(x->fails, 2);
	assert_int_equal(x->failure, KEYING_IDENTITY);
	assert_int_equal(net_alive(y), 0);
	end_clean2();
}

/* Has h been shown that other has its key? */
static bool
is_convinced(const struct net_host *h, const struct net_host *other)
{
	return pubkey_equal(&h->children[0].child.proof.key, &other->pub);
}

/* RSA, ECDSA and Ed25519 at either end, each against each. */
static void
keys_of_all_types(void **state)
{
	static const unsigned keys[] = { 0, NET_KEY_P256, NET_KEY_P384,
		NET_KEY_ED25519 };
	unsigned i, j;

	(void)state;
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++) {
			net_init(&net, 40 + i * 4 + j);
			x = ike2_host_add(&net, "198.51.100.1", "@x1.lab",
			    net_key(keys[i]), NULL);
			y = ike2_host_add(&net, "198.51.100.10",
			    "198.51.100.10", net_key(j == 0 ? 1 : keys[j]),
			    NULL);
			key_up2();
			assert_true(is_convinced(x, y));
			assert_true(is_convinced(y, x));
			end_clean2();
		}
	}
}

/* The right type does not make it the right key. */
static void
another_key_of_each_type(void **state)
{
	static const struct { unsigned n; const char *type; } t[] = {
		{ 0, "RSA" }, { NET_KEY_P256, "P-256" },
		{ NET_KEY_P384, "P-384" }, { NET_KEY_ED25519, "ED25519" },
	};
	struct keying_request r;
	struct pubkey	      other;
	EVP_PKEY	     *key;
	unsigned	      i;

	(void)state;
	for (i = 0; i < 4; i++) {
		key = i == 0 ? EVP_RSA_gen(2048) : i == 3 ?
		    EVP_PKEY_Q_keygen(NULL, NULL, t[i].type) :
		    EVP_EC_gen(t[i].type);
		assert_int_equal(pubkey_from_evp(&other, key), 0);
		EVP_PKEY_free(key);
		net_init(&net, 60 + i);
		x = ike2_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0),
		    NULL);
		y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10",
		    net_key(t[i].n), NULL);
		net_request_init(&r, x, y, 0);
		r.peer.keys = &other;
		assert_int_equal(x->engine->request(x->ike, net.now, &r,
		    &x->conns[0]), 0);
		net_pass(&net, 1000);
		assert_int_equal(x->nchildren, 0);
		assert_int_equal(x->failure, KEYING_SIGNATURE);
		assert_int_equal(net_alive(y), 0);
		end_clean2();
	}
}

/* Any of several keys will do (roll-over). */
static void
any_of_the_keys(void **state)
{
	struct keying_request r;
	struct pubkey	      keys[3];

	(void)state;
	picture2(5, NULL);
	assert_int_equal(pubkey_from_evp(&keys[0], net_key(2)), 0);
	keys[1] = x->pub;
	keys[2] = y->pub;
	net_request_init(&r, x, y, 0);
	r.peer_id.type = KEYING_ID_ANYONE;
	r.peer.keys = keys;
	r.peer.nkeys = 3;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	assert_memory_equal(x->children[0].child.proof.key.wire, y->pub.wire,
	    y->pub.len);
	end_clean2();
}

static void
pre_shared_keys(void **state)
{
	(void)state;
	picture2(6, NULL);
	x->psk = y->psk = "a secret of both";
	key_up2();
	assert_int_equal(x->children[0].child.proof.how, KEYING_BY_PSK);
	assert_int_equal(y->children[0].child.proof.how, KEYING_BY_PSK);
	end_clean2();
	picture2(6, NULL);
	x->psk = "a secret of both";
	y->psk = "another";
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_OUR_PROOF);
	assert_int_equal(y->nchildren, 0);
	end_clean2();
}

/* RFC 7619: both, one, and where it is not wanted. */
static void
null_authentication(void **state)
{
	struct keying_request r;

	(void)state;
	/* Neither has a key. */
	net_init(&net, 7);
	x = ike2_host_add(&net, "198.51.100.1", "198.51.100.1", NULL, NULL);
	y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10", NULL, NULL);
	x->anonymous = y->anonymous = true;
	key_up2();
	assert_int_equal(x->children[0].child.proof.how, KEYING_BY_NOTHING);
	assert_int_equal(y->children[0].child.proof.how, KEYING_BY_NOTHING);
	assert_int_equal(y->children[0].child.peer_id.type, KEYING_ID_NULL);
	end_clean2();
	/* A laptop without a key, a server with one: the asymmetric case. */
	net_init(&net, 8);
	x = ike2_host_add(&net, "198.51.100.1", "198.51.100.1", NULL, NULL);
	y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1),
	    NULL);
	y->anonymous = true;
	key_up2();
	assert_int_equal(x->children[0].child.proof.how, KEYING_BY_KEY);
	assert_int_equal(y->children[0].child.proof.how, KEYING_BY_NOTHING);
	end_clean2();
	/* The responder wants keys. */
	net_init(&net, 9);
	x = ike2_host_add(&net, "198.51.100.1", "198.51.100.1", NULL, NULL);
	y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1),
	    NULL);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_OUR_PROOF);
	assert_int_equal(y->nchildren, 0);
	end_clean2();
	/* The initiator wants the key, and y proves nothing. */
	net_init(&net, 10);
	x = ike2_host_add(&net, "198.51.100.1", "198.51.100.1", net_key(0),
	    NULL);
	y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10", NULL, NULL);
	net_request_init(&r, x, y, 0);
	r.peer.keys = &x->pub;
	r.peer.nkeys = 1;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 1000);
	assert_int_equal(x->nchildren, 0);
	assert_int_equal(x->failure, KEYING_SIGNATURE);
	assert_int_equal(net_alive(y), 0);
	end_clean2();
	/* Nobody at all could answer this. */
	net_init(&net, 11);
	x = ike2_host_add(&net, "198.51.100.1", "198.51.100.1", NULL, NULL);
	y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10", NULL, NULL);
	assert_int_equal(net_request(x, y, 0), -1);
	end_clean2();
}

/* A bad network: everything comes up, once, and nothing is left over. */
static void
loss_and_duplicates(void **state)
{
	unsigned seed, up = 0;

	(void)state;
	for (seed = 100; seed < 160; seed++) {
		picture2(seed, NULL);
		net.loss = 30;
		net.dup = 20;
		net.reorder = 20;
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 30000);
		assert_true(x->nchildren <= 1);
		/* y may have made one that x gave up. */
		if (x->nchildren == 1) {
			up++;
			assert_true(net_agree(x, y));
		} else
			assert_int_equal(x->fails, 1);
		net.loss = net.dup = net.reorder = 0;
		x->engine->forget(x->ike, net.now, &x->conns[0], true);
		net_pass(&net, 120000);
		end_clean2();
	}
	print_message("%u of 60 came up at 30%% loss\n", up);
	assert_true(up >= 55);
}

static void
silence(void **state)
{
	uint64_t began;

	(void)state;
	picture2(12, NULL);
	net.loss = 100;
	began = net.now;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 19000);
	assert_int_equal(x->fails, 0);
	net_pass(&net, 2000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_SILENCE);
	/* Every three a new SPI (RFC 3104 §6.1). */
	assert_true(x->cookies >= 4);
	assert_true(x->sent <= 3 * x->cookies);
	assert_true(net.now - began >= 20000);
	end_clean2();
}

/* Nobody wants what was begun, and the peer has not answered: who wants it next
 * begins anew, with patience of its own. */
static void
unwanted_is_not_begun(void **state)
{
	unsigned sent;

	(void)state;
	picture2(12, NULL);
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
	end_clean2();
}

/* --- what a filter sees and does --- */

struct watch {
	unsigned requests;		/* IKE_SA_INIT of x */
	uint64_t spi[16];
	uint8_t	 first[16][2048];	/* the requests themselves */
	size_t	 len[16];
	uint16_t forge;	/* a notify that comes to x before the answer */
	const uint8_t *data;
	size_t	 data_len;
	bool	 swallow;		/* and the answer does not come */
	unsigned ke;			/* of the last request; 0: none */
};

static bool
watch(struct net *n, struct net_datagram *d, void *arg)
{
	struct watch	   *w = arg;
	struct ike2_header  h;
	struct ike2_builder b;
	struct net_datagram forged = { .path = d->path };

	if (ike2_header_read(&h, d->buf, d->len) != IKE2_OK ||
	    h.exchange != IKE2_SA_INIT)
		return true;
	if (!(h.flags & IKE2_FLAG_RESPONSE) && w->requests < 16) {
		w->spi[w->requests] = h.spi_i;
		w->len[w->requests] = d->len;
		memcpy(w->first[w->requests++], d->buf, d->len);
	}
	if ((h.flags & IKE2_FLAG_RESPONSE) || w->forge == 0)
		return true;
	h.flags = IKE2_FLAG_RESPONSE;
	ike2_message_begin(&b, forged.buf, sizeof(forged.buf), &h);
	ike2_open(&b, IKE2_P_NOTIFY);
	writer_u16(&b.w, 0);
	writer_u16(&b.w, w->forge);
	writer_put(&b.w, w->data, w->data_len);
	ike2_close(&b);
	forged.len = ike2_message_end(&b);
	forged.path.local = d->path.peer;
	forged.path.peer = d->path.local;
	forged.path.local_port = d->path.peer_port;
	forged.path.peer_port = d->path.local_port;
	net_deliver(n, &forged);
	return !w->swallow;
}

/* §2.1: bit for bit; §2.6: and with a new SPI another message altogether. */
static void
repeats_are_the_same(void **state)
{
	static struct watch w;

	(void)state;
	memset(&w, 0, sizeof(w));
	picture2(13, NULL);
	net.filter = watch;
	net.filter_arg = &w;
	net.loss = 100;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 8000);
	assert_true(w.requests >= 5);
	assert_true(w.spi[0] == w.spi[1] && w.spi[1] == w.spi[2]);
	assert_int_equal(w.len[0], w.len[2]);
	assert_memory_equal(w.first[0], w.first[1], w.len[0]);
	assert_memory_equal(w.first[0], w.first[2], w.len[0]);
	assert_true(w.spi[3] != w.spi[0]);
	end_clean2();
}

/* A refusal that anybody may have sent is not believed while a better
 * answer may come. */
static void
forged_refusals(void **state)
{
	static const uint16_t types[] = { 14, 24, 7, 5, 17, 1, 9999 };
	static struct watch   w;
	size_t		      i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		memset(&w, 0, sizeof(w));
		w.forge = types[i];
		picture2(14, NULL);
		net.filter = watch;
		net.filter_arg = &w;
		key_up2();
		assert_int_equal(x->fails, 0);
		end_clean2();
		/* And where none comes, it is. */
		memset(&w, 0, sizeof(w));
		w.forge = types[i];
		w.swallow = true;
		picture2(15, NULL);
		net.filter = watch;
		net.filter_arg = &w;
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 3000);
		if (types[i] != 17) {
			assert_int_equal(x->fails, 1);
			assert_int_equal(x->failure, types[i] == 5 ?
			    KEYING_VERSION : KEYING_PEER_REFUSED);
		}
		end_clean2();
	}
}

/* INVALID_KE_PAYLOAD from a forger: no group that we would not use, no loop,
 * and the offer stays whole. */
static void
forged_groups(void **state)
{
	static const uint8_t groups[][2] = { { 0, 2 }, { 0, 1 }, { 0, 0 },
		{ 0xff, 0xff }, { 0, 14 } };
	static struct watch  w;
	size_t		     i, k;

	(void)state;
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		memset(&w, 0, sizeof(w));
		w.forge = 17;
		w.data = groups[i];
		w.data_len = 2;
		picture2(16, NULL);
		net.filter = watch;
		net.filter_arg = &w;
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 2000);
		assert_true(x->sent < 12);
		/* Sizes differ by the public value alone, and by the cookie
		 * that the first of a group is asked for. */
		for (k = 0; k < w.requests; k++)
			assert_true(w.len[k] == w.len[0] ||
			    w.len[k] == w.len[0] + 256 - 32 ||
			    w.len[k] == w.len[0] + 256 - 32 + 8 + 33);
		assert_true(net_agree(x, y));
		end_clean2();
	}
}

static void
group_is_negotiated(void **state)
{
	static const unsigned groups[] = { 14, 15, 16, 19, 20, 31 };
	struct ike2_config    c = { 0 };
	size_t		      i;

	(void)state;
	for (i = 0; i < 6; i++) {
		c.ke = (uint16_t)groups[i];
		picture2(17, &c);
		key_up2();
		end_clean2();
	}
}

/* A responder that asks x for a cookie, and then for another group. */
struct asker {
	unsigned requests;
	uint8_t	 first[4][2048];
	size_t	 len[4];
};

static bool
asks_twice(struct net *n, struct net_datagram *d, void *arg)
{
	static const uint8_t cookie[] = "what nobody but y could say";
	static const uint8_t group[2] = { 0, 19 };
	struct asker	    *a = arg;
	struct ike2_header   h;
	struct ike2_builder  b;
	struct net_datagram  said = { .path = d->path };

	if (ike2_header_read(&h, d->buf, d->len) != IKE2_OK ||
	    h.exchange != IKE2_SA_INIT || (h.flags & IKE2_FLAG_RESPONSE) ||
	    a->requests == 4)
		return true;
	a->len[a->requests] = d->len;
	memcpy(a->first[a->requests++], d->buf, d->len);
	if (a->requests > 2)
		return true;
	h.flags = IKE2_FLAG_RESPONSE;
	ike2_message_begin(&b, said.buf, sizeof(said.buf), &h);
	if (a->requests == 1)
		ike2_notify_put(&b, IKE2_N_COOKIE, cookie, sizeof(cookie));
	else
		ike2_notify_put(&b, IKE2_N_INVALID_KE_PAYLOAD, group, 2);
	said.len = ike2_message_end(&b);
	said.path.local = d->path.peer;
	said.path.peer = d->path.local;
	net_deliver(n, &said);
	return false;
}

/* §2.6.1: the cookie goes with the second KE payload as well, which is one
 * round trip less; nonce and SPI stay. */
static void
cookie_goes_with_another_group(void **state)
{
	static struct asker a;
	const size_t	    notify = 8 + sizeof("what nobody but y could say");
	const struct ike2_part *ke[3], *cookie[3];
	struct ike2_header  h[3];
	struct ike2_chain   c[3];
	unsigned	    i;

	(void)state;
	memset(&a, 0, sizeof(a));
	picture2(16, NULL);
	net.filter = asks_twice;
	net.filter_arg = &a;
	key_up2();
	assert_int_equal(a.requests, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(ike2_header_read(&h[i], a.first[i], a.len[i]),
		    IKE2_OK);
		assert_int_equal(ike2_chain_split(&c[i], h[i].first,
		    a.first[i] + IKE2_HEADER_LEN, a.len[i] - IKE2_HEADER_LEN,
		    false), IKE2_OK);
		assert_true(h[i].spi_i == h[0].spi_i);
		ke[i] = ike2_chain_only(&c[i], IKE2_P_KE);
		assert_non_null(ke[i]);
		cookie[i] = &c[i].part[0];
		assert_int_equal(cookie[i]->type == IKE2_P_NOTIFY, i != 0);
	}
	assert_int_equal(a.len[1], a.len[0] + notify);
	assert_int_equal(a.len[2], a.len[1] + 64 - 32);
	assert_int_equal(ke[1]->body[1], 31);
	assert_int_equal(ke[2]->body[1], 19);
	assert_int_equal(cookie[2]->len, cookie[1]->len);
	assert_memory_equal(cookie[2]->body, cookie[1]->body, cookie[1]->len);
	assert_memory_equal(ike2_chain_only(&c[2], IKE2_P_NONCE)->body,
	    ike2_chain_only(&c[0], IKE2_P_NONCE)->body, 32);
	/* The whole offer again, with that group before the others (§3.3.6). */
	assert_int_equal(ike2_chain_only(&c[2], IKE2_P_SA)->len,
	    ike2_chain_only(&c[0], IKE2_P_SA)->len);
	assert_memory_equal(ike2_chain_only(&c[1], IKE2_P_SA)->body,
	    ike2_chain_only(&c[0], IKE2_P_SA)->body,
	    ike2_chain_only(&c[0], IKE2_P_SA)->len);
	end_clean2();
}

/* Are they SA, KE, Nonce, and then what is for those? */
static bool
in_order(const struct ike2_chain *c)
{
	static const uint8_t order[] = { IKE2_P_SA, IKE2_P_KE, IKE2_P_NONCE,
		IKE2_P_NOTIFY };
	unsigned i;

	for (i = 0; i < c->nparts && i < sizeof(order); i++) {
		if (c->part[i].type != order[i])
			return false;
	}
	return i == sizeof(order);
}

/* What x begins with, its payloads from the last to the first. */
static bool
turns_around(struct net *n, struct net_datagram *d, void *arg)
{
	static struct net_datagram as_sent;
	unsigned	   *ordered = arg, i;
	struct ike2_header  h;
	struct ike2_chain   c;
	struct ike2_builder b;

	(void)n;
	if (ike2_header_read(&h, d->buf, d->len) != IKE2_OK ||
	    h.exchange != IKE2_SA_INIT)
		return true;
	as_sent = *d;
	assert_int_equal(ike2_chain_split(&c, h.first, as_sent.buf +
	    IKE2_HEADER_LEN, as_sent.len - IKE2_HEADER_LEN, false), IKE2_OK);
	*ordered += in_order(&c);
	if (h.flags & IKE2_FLAG_RESPONSE)
		return false;
	ike2_message_begin(&b, d->buf, sizeof(d->buf), &h);
	for (i = c.nparts; i-- > 0; )
		ike2_put(&b, c.part[i].type, c.part[i].body, c.part[i].len);
	assert_int_equal(ike2_message_end(&b), as_sent.len);
	return true;
}

/* §2.5: ours are in the order of the RFC's figures, and any is read. */
static void
order_of_payloads(void **state)
{
	unsigned ordered = 0;

	(void)state;
	picture2(16, NULL);
	net.filter = turns_around;
	net.filter_arg = &ordered;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 100);
	assert_int_equal(x->sent, 1);
	assert_int_equal(y->sent, 1);
	assert_int_equal(ordered, 2);
	net_pass(&net, 120000);
	end_clean2();
}

/* Each cipher of ESP alone, with the keys that go with it. */
static void
ciphers_of_esp(void **state)
{
	static const struct {
		unsigned bit;
		enum esp_cipher cipher;
		size_t	 len;
		enum esp_auth auth;
	} t[] = {
		{ IKE2_ESP_AES_GCM_256, ESP_AES_GCM_16, 36, ESP_AUTH_NONE },
		{ IKE2_ESP_AES_GCM_128, ESP_AES_GCM_16, 20, ESP_AUTH_NONE },
		{ IKE2_ESP_CHACHA20, ESP_CHACHA20_POLY1305, 36, ESP_AUTH_NONE },
		{ IKE2_ESP_AES_CBC_256, ESP_AES_CBC, 32,
		    ESP_AUTH_HMAC_SHA2_256 },
		{ IKE2_ESP_AES_CBC_128, ESP_AES_CBC, 16,
		    ESP_AUTH_HMAC_SHA2_256 },
	};
	const struct keying_child *c;
	struct ike2_config	   cx = { 0 }, cy = { 0 };
	size_t			   i;
	int			   which;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		/* One end wants it alone, the one that asks or the other. */
		for (which = 0; which < 2; which++) {
			cx.esp = which == 0 ? t[i].bit : 0;
			cy.esp = which == 1 ? t[i].bit : 0;
			net_init(&net, 18);
			x = ike2_host_add(&net, "198.51.100.1", "@x1.lab",
			    net_key(0), &cx);
			y = ike2_host_add(&net, "198.51.100.10",
			    "198.51.100.10", net_key(1), &cy);
			key_up2();
			c = &x->children[0].child;
			assert_int_equal(c->in.cipher, t[i].cipher);
			assert_int_equal(c->in.cipher_len, t[i].len);
			assert_int_equal(c->in.auth, t[i].auth);
			end_clean2();
		}
	}
	cx.esp = IKE2_ESP_CHACHA20;
	cy.esp = IKE2_ESP_AES_GCM_256 | IKE2_ESP_AES_CBC_128;
	net_init(&net, 18);
	x = ike2_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0), &cx);
	y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1),
	    &cy);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->nchildren + y->nchildren, 0);
	assert_int_equal(x->failure, KEYING_CHILD_REFUSED);
	end_clean2();
}

/* What a peer took is what the next one begins with: one round trip less. */
static void
group_is_remembered(void **state)
{
	static const uint8_t p256[] = { 0, 19 };
	static struct watch  w;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.forge = 17;
	w.data = p256;
	w.data_len = sizeof(p256);
	picture2(17, NULL);
	net.filter = watch;
	net.filter_arg = &w;
	key_up2();
	assert_int_equal(w.requests, 2);
	x->engine->forget(x->ike, net.now, &x->conns[0], true);
	net_pass(&net, 100000);
	/* Nobody says it any more, and another IKE SA is needed. */
	w.forge = 0;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(w.requests, 3);
	assert_int_equal(w.len[2], w.len[1]);
	assert_int_equal(w.len[2], w.len[0] + 64 - 32);
	assert_int_equal(x->nchildren, 2);
	assert_true(net_agree(x, y));
	end_clean2();
}

/* §2.6: with too many half open, a stranger shows that it
 * receives at its address. */
static void
cookies(void **state)
{
	static struct watch w;
	struct ike2_config  c = { .cookie_from = 1,
	    .half_open_per_address = 4 };
	struct net_host	   *z;

	(void)state;
	picture2(18, &c);
	z = ike2_host_add(&net, "192.0.2.7", "@z.lab", net_key(2), NULL);
	y->lookup = NET_NEVER;
	assert_int_equal(net_request(z, y, 0), 0);
	net_pass(&net, 100);
	/* A first IKE SA is half open now. */
	y->lookup = NET_NOW;
	memset(&w, 0, sizeof(w));
	net.filter = watch;
	net.filter_arg = &w;
	key_up2();
	/* Three round trips, the same SPI, and only a notify in front. */
	assert_int_equal(x->sent, 3);
	assert_int_equal(w.requests, 2);
	assert_true(w.spi[0] == w.spi[1]);
	assert_int_equal(w.len[1], w.len[0] + 8 + 33);
	assert_memory_equal(w.first[1] + 28 + 8 + 33, w.first[0] + 28,
	    w.len[0] - 28);
	net_pass(&net, 120000);
	end_clean2();
}

/* A cookie is good for its sender, nonce and SPI, and not for ever. */
static void
cookies_of_others(void **state)
{
	static struct watch w;
	struct ike2_config  c = { .cookie_from = 1,
	    .half_open_per_address = 4 };
	struct net_datagram d;
	struct net_host	   *z;
	unsigned	    sent;

	(void)state;
	picture2(19, &c);
	z = ike2_host_add(&net, "192.0.2.7", "@z.lab", net_key(2), NULL);
	y->lookup = NET_NEVER;
	assert_int_equal(net_request(z, y, 0), 0);
	net_pass(&net, 100);
	memset(&w, 0, sizeof(w));
	net.filter = watch;
	net.filter_arg = &w;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 15);
	assert_int_equal(w.requests, 1);
	net_pass(&net, 10);
	assert_int_equal(w.requests, 2);
	memset(&d, 0, sizeof(d));
	d.path = (struct keying_path){ z->addr, y->addr, 500, 500 };
	d.len = w.len[1];
	memcpy(d.buf, w.first[1], d.len);
	sent = y->sent;
	net_deliver(&net, &d);		/* from another address */
	assert_int_equal(y->sent, sent + 1);
	d.path.local = x->addr;
	d.path.local_port = 501;	/* or port */
	net_deliver(&net, &d);
	assert_int_equal(y->sent, sent + 2);
	/* Each was an answer with a cookie, and no state. */
	net_pass(&net, 200000);
	d.path.local_port = 500;
	net_deliver(&net, &d);		/* long after */
	end_clean2();
}

/* --- fragments --- */

struct sizes { size_t longest; unsigned fragments; unsigned drop; };

static bool
measure(struct net *n, struct net_datagram *d, void *arg)
{
	struct sizes *s = arg;

	(void)n;
	if (d->len > s->longest)
		s->longest = d->len;
	if (d->buf[16] == IKE2_P_FRAGMENT && ++s->fragments == s->drop)
		return false;
	return true;
}

/* RFC 7383: no datagram longer than was set; each part lost in
 * turn, and repeated. */
static void
fragments(void **state)
{
	struct ike2_config c = { .datagram_max = 400 };
	struct sizes	   s;
	unsigned	   drop;

	(void)state;
	for (drop = 0; drop < 6; drop++) {
		s = (struct sizes){ .drop = drop };
		picture2(23 + drop, &c);
		/* What IKE_SA_INIT needs is not cut (§2.5). */
		net.filter = measure;
		net.filter_arg = &s;
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 5000);
		assert_true(net_agree(x, y));
		assert_true(s.fragments >= 4);
		assert_int_equal(y->lookups, 1);
		end_clean2();
	}
}

static void
ipv6(void **state)
{
	(void)state;
	net_init(&net, 40);
	x = ike2_host_add(&net, "2001:db8::1", "@x1.lab", net_key(0), NULL);
	y = ike2_host_add(&net, "2001:db8::10", "2001:db8::10", net_key(1),
	    NULL);
	key_up2();
	assert_int_equal(x->children[0].child.in.encap_sport, 0);
	end_clean2();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_round_trips_give_both_the_same_keys),
		cmocka_unit_test(late_answers_are_waited_for),
		cmocka_unit_test(refusals),
		cmocka_unit_test(the_wrong_peer),
		cmocka_unit_test(keys_of_all_types),
		cmocka_unit_test(another_key_of_each_type),
		cmocka_unit_test(any_of_the_keys),
		cmocka_unit_test(pre_shared_keys),
		cmocka_unit_test(null_authentication),
		cmocka_unit_test(loss_and_duplicates),
		cmocka_unit_test(silence),
		cmocka_unit_test(unwanted_is_not_begun),
		cmocka_unit_test(repeats_are_the_same),
		cmocka_unit_test(forged_refusals),
		cmocka_unit_test(forged_groups),
		cmocka_unit_test(group_is_negotiated),
		cmocka_unit_test(cookie_goes_with_another_group),
		cmocka_unit_test(order_of_payloads),
		cmocka_unit_test(group_is_remembered),
		cmocka_unit_test(ciphers_of_esp),
		cmocka_unit_test(cookies),
		cmocka_unit_test(cookies_of_others),
		cmocka_unit_test(fragments),
		cmocka_unit_test(ipv6),
	};

	log_init("test_ike2", true, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
