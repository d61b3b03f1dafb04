/* test_ike2_sealed.c - SK and SKF payloads: known answers, captures with published keys, damage, fragments */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "oe/ike2/fragment.h"
#include "tests/unit/ike2_hex.h"

#include "tests/unit/ike2_captures.h"

/* Never offered, and so not in algorithm.c: what two of the captures used. */
static const struct ike2_encr_info gcm8 = { 18, 256, "AES-256-GCM", 36, 4, 8,
	1, 8 };
static const struct ike2_encr_info des3 = { 3, 0, "DES-EDE3-CBC", 24, 0, 8, 8,
	0 };
static const struct ike2_integ_info sha1_160 = { 7, IKE_SHA1,
	"HMAC-SHA1-160", 20, 20 };

/* Splits a message and opens what is sealed in it; the length, or -1. */
static int
open_message(const struct ike2_key *k, const uint8_t *msg, size_t len,
    uint8_t *out, uint8_t *first)
{
	const struct ike2_part *sk;
	struct ike2_header	h;
	struct ike2_chain	c;

	if (ike2_header_read(&h, msg, len) != IKE2_OK ||
	    ike2_chain_split(&c, h.first, msg + IKE2_HEADER_LEN,
	    len - IKE2_HEADER_LEN, true) != IKE2_OK ||
	    (sk = ike2_chain_find(&c, IKE2_P_ENCRYPTED)) == NULL)
		return -1;
	*first = sk->next;
	return ike2_unseal(k, msg, len, sk, out);
}

/* RFC 7634 Appendix B, both ways, and any octet of it changed. */
static void
rfc7634_appendix_b(void **state)
{
	static const char *const message =
	    "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029"
	    "1011121314151617610394701f8d017f7c12924889"
	    "6b71bfe25236efd7cdc67066906315b2";
	const struct ike2_header h = { .spi_i = 0xc0c1c2c3c4c5c6c7,
		.spi_r = 0xd0d1d2d3d4d5d6d7, .exchange = IKE2_INFORMATIONAL,
		.msgid = 9 };
	struct ike2_key		 k;
	uint8_t			 key[36], inner[64], out[128], got[128], first;
	size_t			 i, n, len;
	unsigned		 v;

	(void)state;
	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0x80 + i);
	assert_int_equal(ike2_key_init(&k, ike2_encr_info(
	    IKE2_ENCR_CHACHA20_POLY1305, 0), NULL, key, NULL), 0);
	k.iv = 0x1011121314151617;
	n = unhex("0000000c000040010000000a", inner, sizeof(inner));
	len = ike2_seal(&k, &h, IKE2_P_NOTIFY,
	    (struct ike2_fragment_no){ 0, 0 }, inner, n, out, sizeof(out));
	assert_hex(out, len, message);
	assert_true(k.iv == 0x1011121314151618);
	assert_int_equal(open_message(&k, out, len, got, &first), n);
	assert_int_equal(first, IKE2_P_NOTIFY);
	assert_memory_equal(got, inner, n);
	for (i = 0; i < len; i++) {
		for (v = 1; v < 256; v++) {
			out[i] ^= (uint8_t)v;
			assert_int_equal(open_message(&k, out, len, got,
			    &first), -1);
			out[i] ^= (uint8_t)v;
		}
	}
}

static void
capture_key(const struct capture *c, bool initiator, struct ike2_key *k)
{
	const struct ike2_encr_info  *encr = ike2_encr_info(c->encr, c->bits);
	const struct ike2_integ_info *integ = ike2_integ_info(c->integ);
	uint8_t			      enc[64], auth[64];
	const char		     *sk_a = initiator ? c->sk_ai : c->sk_ar;

	if (c->encr == gcm8.id)
		encr = &gcm8;
	else if (c->encr == des3.id) {
		encr = &des3;
		integ = &sha1_160;
	}
	assert_non_null(encr);
	assert_int_equal(unhex(initiator ? c->sk_ei : c->sk_er, enc,
	    sizeof(enc)), encr->key_len);
	if (sk_a != NULL)
		assert_int_equal(unhex(sk_a, auth, sizeof(auth)),
		    integ->key_len);
	assert_int_equal(ike2_key_init(k, encr, integ, enc, auth), 0);
}

/* Wireshark's captures: every SK opens, and the AUTH data is
 * what its tests want. */
static void
captures_open(void **state)
{
	const struct ike2_part *auth;
	struct ike2_chain	c;
	struct ike2_key		k;
	uint8_t			msg[512], out[512], want[64], first;
	size_t			len, wlen, found;
	unsigned		i, m, opened;
	int			n;

	(void)state;
	for (i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		found = opened = 0;
		wlen = unhex(captures[i].auth, want, sizeof(want));
		for (m = 0; m < CAPTURE_MESSAGES; m++) {
			if (captures[i].message[m] == NULL)
				break;
			len = unhex(captures[i].message[m], msg, sizeof(msg));
			if (len < IKE2_HEADER_LEN)
				abort();
			if (msg[18] == IKE2_SA_INIT)
				continue;
			capture_key(&captures[i],
			    (msg[19] & IKE2_FLAG_INITIATOR) != 0, &k);
			n = open_message(&k, msg, len, out, &first);
			assert_true(n >= 0);
			opened++;
			assert_int_equal(ike2_chain_split(&c, first, out,
			    (size_t)n, false), IKE2_OK);
			auth = ike2_chain_find(&c, IKE2_P_AUTH);
			found += auth != NULL && auth->len == 4 + wlen &&
			    memcmp(auth->body + 4, want, wlen) == 0;
			wipe(&k, sizeof(k));
		}
		print_message("%s: %u messages opened\n", captures[i].name,
		    opened);
		assert_int_equal(found, 1);
		assert_true(opened >= 2);
	}
}

struct suite { unsigned encr, bits, integ; };
static const struct suite suites[] = {
	{ IKE2_ENCR_AES_GCM_16, 256, 0 },
	{ IKE2_ENCR_AES_GCM_16, 128, 0 },
	{ IKE2_ENCR_CHACHA20_POLY1305, 0, 0 },
	{ IKE2_ENCR_AES_CBC, 256, IKE2_INTEG_HMAC_SHA2_256_128 },
	{ IKE2_ENCR_AES_CBC, 128, IKE2_INTEG_HMAC_SHA2_384_192 },
	{ IKE2_ENCR_AES_CBC, 256, IKE2_INTEG_HMAC_SHA2_512_256 },
};
#define SUITES	(sizeof(suites) / sizeof(suites[0]))

static void
suite_key(const struct suite *s, struct ike2_key *k)
{
	static const uint8_t bytes[64] = { 1, 2, 3, 4, 5 };

	assert_int_equal(ike2_key_init(k, ike2_encr_info(s->encr, s->bits),
	    ike2_integ_info(s->integ), bytes, bytes), 0);
}

static const struct ike2_header head = { .spi_i = 1, .spi_r = 2,
	.exchange = IKE2_AUTH, .flags = IKE2_FLAG_INITIATOR, .msgid = 1 };

/* Every length, with every suite; the room that is promised is there. */
static void
all_lengths(void **state)
{
	static const struct ike2_fragment_no whole = { 0, 0 };
	struct ike2_key	k;
	uint8_t		in[300], msg[500], out[500], first;
	size_t		i, n, len;

	(void)state;
	for (n = 0; n < sizeof(in); n++)
		in[n] = (uint8_t)(n * 7);
	for (i = 0; i < SUITES; i++) {
		suite_key(&suites[i], &k);
		for (n = 0; n < sizeof(in); n++) {
			len = ike2_seal(&k, &head, IKE2_P_IDI, whole, in,
			    n, msg, sizeof(msg));
			assert_int_equal(len, ike2_sealed_len(&k, n, false));
			assert_true(ike2_sealed_room(&k, len, false) >= n);
			assert_true(ike2_sealed_len(&k,
			    ike2_sealed_room(&k, len, false), false) <= len);
			assert_int_equal(open_message(&k, msg, len, out,
			    &first), n);
			assert_memory_equal(out, in, n);
			assert_int_equal(ike2_seal(&k, &head, IKE2_P_IDI, whole,
			    in, n, msg, len - 1), 0);
		}
		for (n = 0; n <= ike2_sealed_len(&k, 0, false); n++)
			assert_true(ike2_sealed_room(&k, n, false) <
			    k.encr->block);
	}
}

/* Nothing of a message with a changed octet is believed, be it in the header,
 * in the IV or in padding; nor of one cut short, even if its lengths agree. */
static void
damage_is_seen(void **state)
{
	static const struct ike2_fragment_no whole = { 0, 0 };
	struct ike2_key	k;
	uint8_t		in[45] = { 0 }, msg[200], bad[200], out[200], first;
	size_t		i, at, len;
	unsigned	bit;

	(void)state;
	for (i = 0; i < SUITES; i++) {
		suite_key(&suites[i], &k);
		len = ike2_seal(&k, &head, IKE2_P_IDI, whole, in, sizeof(in),
		    msg, sizeof(msg));
		assert_true(open_message(&k, msg, len, out, &first) >= 0);
		for (at = 0; at < len; at++) {
			for (bit = 1; bit < 256; bit <<= 1) {
				memcpy(bad, msg, len);
				bad[at] ^= (uint8_t)bit;
				assert_int_equal(open_message(&k, bad, len, out,
				    &first), -1);
			}
		}
		for (at = IKE2_HEADER_LEN + IKE2_GENERIC_LEN; at < len; at++) {
			memcpy(bad, msg, at);
			store_u32(bad + 24, (uint32_t)at);
			store_u16(bad + IKE2_HEADER_LEN + 2,
			    (uint16_t)(at - IKE2_HEADER_LEN));
			assert_int_equal(open_message(&k, bad, at, out, &first),
			    -1);
		}
	}
}

/* RFC 5282 §8, RFC 7296 §3.3.3: neither a MAC too many nor one too few. */
static void
no_cipher_without_integrity(void **state)
{
	static const uint8_t bytes[64];
	struct ike2_key	     k;

	(void)state;
	assert_int_equal(ike2_key_init(&k, ike2_encr_info(IKE2_ENCR_AES_CBC,
	    256), NULL, bytes, bytes), -1);
	assert_int_equal(ike2_key_init(&k, ike2_encr_info(IKE2_ENCR_AES_GCM_16,
	    256), ike2_integ_info(IKE2_INTEG_HMAC_SHA2_256_128), bytes, bytes),
	    -1);
	assert_int_equal(ike2_key_init(&k, NULL, NULL, bytes, bytes), -1);
	assert_null(ike2_encr_info(IKE2_ENCR_AES_CBC, 0));
	assert_null(ike2_encr_info(IKE2_ENCR_CHACHA20_POLY1305, 256));
	assert_null(ike2_encr_info(11, 0));	/* ENCR_NULL */
}

/* Any padding is good (RFC 7296 §3.14), but no more of it than there is:
 * authentic, and yet refused. */
static void
padding_longer_than_all(void **state)
{
	static const struct ike2_fragment_no whole = { 0, 0 };
	struct ike2_key	k;
	struct ike_chunk c;
	uint8_t		msg[128], out[128], icv[IKE_HASH_MAX], first, was;
	size_t		len, last;
	unsigned	pad;

	(void)state;
	suite_key(&suites[3], &k);
	len = ike2_seal(&k, &head, IKE2_NONE, whole, out, 0, msg, sizeof(msg));
	assert_int_equal(len, 28 + 4 + 16 + 16 + 16);
	/* One block, so the IV's last octet changes the count's. */
	last = 28 + 4 + 15;
	was = msg[last];
	for (pad = 0; pad < 256; pad++) {
		msg[last] = (uint8_t)(was ^ 15 ^ pad);
		c = (struct ike_chunk){ msg, len - 16 };
		assert_int_equal(ike_prf(IKE_SHA2_256, k.auth, 32, &c, 1, icv),
		    0);
		memcpy(msg + len - 16, icv, 16);
		assert_int_equal(open_message(&k, msg, len, out, &first),
		    pad < 16 ? 15 - (int)pad : -1);
	}
}

/* --- fragments (RFC 7383) --- */

static uint8_t chain[6000];

/* Cuts chain and returns the parts, opened. */
static unsigned
cut(struct ike2_key *k, size_t len, size_t size, struct ike2_packets *p)
{
	unsigned i;

	for (i = 0; i < sizeof(chain); i++)
		chain[i] = (uint8_t)(i ^ i >> 8);
	assert_int_equal(ike2_packets_seal(p, k, &head, IKE2_P_IDI, chain, len,
	    size, true), 0);
	return p->n;
}

/* Gives datagram i of p to the reassembly, as a receiver does. */
static enum ike2_arrival
give(struct ike2_reassembly *r, const struct ike2_key *k,
    const struct ike2_packets *p, unsigned i, uint8_t **out, size_t *out_len,
    uint8_t *first)
{
	const struct ike2_part *sk;
	struct ike2_fragment_no no;
	struct ike2_header	h;
	struct ike2_chain	c;
	static uint8_t		part[IKE2_MESSAGE_MAX];
	const uint8_t	       *msg = p->buf;
	unsigned		n;
	int			got;

	for (n = 0; n < i; n++)
		msg += p->len[n];
	assert_int_equal(ike2_header_read(&h, msg, p->len[i]), IKE2_OK);
	assert_int_equal(h.first, IKE2_P_FRAGMENT);
	assert_int_equal(ike2_chain_split(&c, h.first, msg + IKE2_HEADER_LEN,
	    p->len[i] - IKE2_HEADER_LEN, true), IKE2_OK);
	sk = ike2_chain_only(&c, IKE2_P_FRAGMENT);
	assert_non_null(sk);
	assert_int_equal(sk->next, i == 0 ? IKE2_P_IDI : IKE2_NONE);
	assert_int_equal(ike2_fragment_no(sk, &no), 0);
	assert_int_equal(no.number, i + 1);
	assert_int_equal(no.total, p->n);
	if (!ike2_reassembly_wants(r, h.msgid, no))
		return IKE2_ARRIVAL_DROP;
	got = ike2_unseal(k, msg, p->len[i], sk, part);
	assert_true(got >= 0);
	return ike2_reassembly_add(r, 1000, h.msgid, no, sk->next, part,
	    (size_t)got, out, out_len, first);
}

/* In any order, with doubles; and no datagram is longer than was asked for. */
static void
fragments_in_any_order(void **state)
{
	struct ike2_reassembly r = { 0 };
	struct ike2_packets    p;
	struct ike2_key	       k;
	uint8_t		      *out, first;
	size_t		       s, len, out_len;
	unsigned	       n, i, step;

	(void)state;
	for (s = 0; s < SUITES; s++) {
		suite_key(&suites[s], &k);
		for (len = 600; len <= sizeof(chain); len += 450) {
			n = cut(&k, len, 548, &p);
			assert_true(n > 1);
			for (i = 0; i < n; i++)
				assert_true(p.len[i] <= 548);
			for (step = 1; step < n; step += 2) {
				/* Orders that reach each part once. */
				unsigned at = step % n, seen = 0;

				if (n % step == 0 && step != 1)
					continue;
				for (i = 0; i < n; i++, at = (at + 1) % n) {
					enum ike2_arrival a = give(&r, &k,
					    &p, at, &out, &out_len, &first);

					seen++;
					if (seen < n) {
						assert_int_equal(a,
						    IKE2_ARRIVAL_WAIT);
						assert_int_equal(give(&r,
						    &k, &p, at, &out, &out_len,
						    &first), IKE2_ARRIVAL_DROP);
						continue;
					}
					assert_int_equal(a, IKE2_ARRIVAL_WHOLE);
					assert_int_equal(out_len, len);
					assert_memory_equal(out, chain, len);
					assert_int_equal(first, IKE2_P_IDI);
					free(out);
				}
			}
			assert_int_equal(r.total, 0);
			ike2_packets_free(&p);
		}
	}
}

static void
what_fits_is_not_cut(void **state)
{
	struct ike2_packets p;
	struct ike2_key	    k;
	size_t		    room;

	(void)state;
	suite_key(&suites[3], &k);
	room = ike2_sealed_room(&k, 548, false);
	assert_int_equal(cut(&k, room, 548, &p), 1);
	assert_int_equal(p.buf[16], IKE2_P_ENCRYPTED);
	ike2_packets_free(&p);
	assert_int_equal(cut(&k, room + 1, 548, &p), 2);
	ike2_packets_free(&p);
	/* Where the peer cannot, it is one datagram however long. */
	assert_int_equal(ike2_packets_seal(&p, &k, &head, IKE2_P_IDI, chain,
	    5000, 548, false), 0);
	assert_int_equal(p.n, 1);
	ike2_packets_free(&p);
	/* More parts than any receiver of ours takes. */
	assert_int_equal(ike2_packets_seal(&p, &k, &head, IKE2_P_IDI, chain,
	    5000, 120, true), -1);
	assert_null(p.buf);
	assert_int_equal(ike2_packets_seal(&p, &k, &head, IKE2_P_IDI, chain,
	    5000, 40, true), -1);
}

/* CVE-2026-12413 and its like: numbers that no array may be asked with. */
static void
fragment_numbers(void **state)
{
	static const struct { uint16_t number, total; bool good; } cases[] = {
		{ 0, 0, false }, { 0, 1, false }, { 1, 0, false },
		{ 2, 1, false }, { 0xffff, 0xfffe, false },
		{ 1, 1, true }, { 32, 32, true }, { 1, 32, true },
		{ 33, 33, false }, { 32, 33, false }, { 1, 33, false },
		{ 33, 32, false }, { 1, 0xffff, false },
		{ 0xffff, 0xffff, false },
	};
	struct ike2_reassembly	r = { 0 };
	struct ike2_fragment_no no;
	struct ike2_part	sk = { .type = IKE2_P_FRAGMENT };
	uint8_t			body[4], *out, first;
	size_t			i, out_len;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		store_u16(body, cases[i].number);
		store_u16(body + 2, cases[i].total);
		sk.body = body;
		for (sk.len = 0; sk.len < 4; sk.len++)
			assert_int_equal(ike2_fragment_no(&sk, &no), -1);
		if (ike2_fragment_no(&sk, &no) == -1) {
			assert_false(cases[i].good);
			no.number = cases[i].number;
			no.total = cases[i].total;
		}
		assert_int_equal(ike2_reassembly_wants(&r, 1, no),
		    cases[i].good);
		assert_int_equal(ike2_reassembly_add(&r, 0, 1, no, 35, body, 1,
		    &out, &out_len, &first) != IKE2_ARRIVAL_DROP,
		    cases[i].good);
		free(out);
		ike2_reassembly_clear(&r);
	}
}

static enum ike2_arrival
part(struct ike2_reassembly *r, uint32_t msgid, uint16_t number, uint16_t total,
    size_t len, uint8_t **out, size_t *out_len)
{
	static uint8_t bytes[IKE2_MESSAGE_MAX + 1];
	uint8_t	       first;

	memset(bytes, number, len);
	return ike2_reassembly_add(r, 1000, msgid,
	    (struct ike2_fragment_no){ number, total },
	    number == 1 ? IKE2_P_IDI : 0, bytes, len, out, out_len, &first);
}

/* §2.6: a finer cut replaces the coarser one, never the other way round. */
static void
total_changes(void **state)
{
	struct ike2_reassembly r = { 0 };
	uint8_t		      *out;
	size_t		       len;

	(void)state;
	assert_int_equal(part(&r, 1, 1, 3, 10, &out, &len), IKE2_ARRIVAL_WAIT);
	assert_int_equal(part(&r, 1, 2, 3, 10, &out, &len), IKE2_ARRIVAL_WAIT);
	assert_int_equal(part(&r, 1, 1, 2, 10, &out, &len), IKE2_ARRIVAL_DROP);
	assert_int_equal(part(&r, 1, 4, 4, 1, &out, &len), IKE2_ARRIVAL_WAIT);
	assert_int_equal(r.have, 1);
	assert_int_equal(r.bytes, 1);
	/* What was of the coarser cut is gone, so 3 parts of
	 * it make nothing. */
	assert_int_equal(part(&r, 1, 3, 3, 10, &out, &len), IKE2_ARRIVAL_DROP);
	assert_int_equal(part(&r, 1, 1, 4, 1, &out, &len), IKE2_ARRIVAL_WAIT);
	assert_int_equal(part(&r, 1, 2, 4, 1, &out, &len), IKE2_ARRIVAL_WAIT);
	assert_int_equal(part(&r, 1, 3, 4, 1, &out, &len), IKE2_ARRIVAL_WHOLE);
	assert_int_equal(len, 4);
	assert_memory_equal(out, "\1\2\3\4", 4);
	free(out);
	/* Another message takes the place of one that never came whole. */
	assert_int_equal(part(&r, 2, 1, 3, 10, &out, &len), IKE2_ARRIVAL_WAIT);
	assert_int_equal(part(&r, 3, 2, 2, 10, &out, &len), IKE2_ARRIVAL_WAIT);
	assert_int_equal(r.msgid, 3);
	assert_int_equal(r.have, 1);
	ike2_reassembly_clear(&r);
}

/* Parts of one octet and of none, and more than we keep. */
static void
part_sizes(void **state)
{
	struct ike2_reassembly r = { 0 };
	uint8_t		      *out;
	size_t		       len;
	uint16_t	       i;

	(void)state;
	for (i = 1; i < IKE2_FRAGMENTS_MAX; i++)
		assert_int_equal(part(&r, 1, i, IKE2_FRAGMENTS_MAX, i % 2, &out,
		    &len), IKE2_ARRIVAL_WAIT);
	assert_int_equal(part(&r, 1, i, IKE2_FRAGMENTS_MAX, 0, &out, &len),
	    IKE2_ARRIVAL_WHOLE);
	assert_int_equal(len, IKE2_FRAGMENTS_MAX / 2);
	free(out);
	assert_int_equal(part(&r, 1, 1, 1, 0, &out, &len), IKE2_ARRIVAL_WHOLE);
	assert_int_equal(len, 0);
	free(out);
	/* 32 KiB a message; a part that goes beyond is as good as lost. */
	assert_int_equal(part(&r, 1, 1, 2, IKE2_MESSAGE_MAX, &out, &len),
	    IKE2_ARRIVAL_WAIT);
	assert_int_equal(part(&r, 1, 2, 2, 1, &out, &len), IKE2_ARRIVAL_DROP);
	assert_int_equal(part(&r, 1, 2, 2, 0, &out, &len), IKE2_ARRIVAL_WHOLE);
	free(out);
	assert_int_equal(part(&r, 1, 1, 2, IKE2_MESSAGE_MAX + 1, &out, &len),
	    IKE2_ARRIVAL_DROP);
	assert_int_equal(r.total, 0);
}

static void
parts_are_forgotten(void **state)
{
	struct ike2_reassembly r = { 0 };
	uint8_t		      *out;
	size_t		       len;

	(void)state;
	assert_true(ike2_reassembly_tick(&r, 0) == UINT64_MAX);
	assert_int_equal(part(&r, 1, 1, 2, 10, &out, &len), IKE2_ARRIVAL_WAIT);
	assert_true(ike2_reassembly_tick(&r, 1000) ==
	    1000 + IKE2_REASSEMBLY_TIME);
	assert_true(ike2_reassembly_tick(&r, 999 + IKE2_REASSEMBLY_TIME) ==
	    1000 + IKE2_REASSEMBLY_TIME);
	assert_true(ike2_reassembly_tick(&r, 1000 + IKE2_REASSEMBLY_TIME) ==
	    UINT64_MAX);
	assert_int_equal(r.total, 0);
	assert_int_equal(part(&r, 1, 2, 2, 10, &out, &len), IKE2_ARRIVAL_WAIT);
	ike2_reassembly_clear(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7634_appendix_b),
		cmocka_unit_test(captures_open),
		cmocka_unit_test(all_lengths),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(no_cipher_without_integrity),
		cmocka_unit_test(padding_longer_than_all),
		cmocka_unit_test(fragments_in_any_order),
		cmocka_unit_test(what_fits_is_not_cut),
		cmocka_unit_test(fragment_numbers),
		cmocka_unit_test(total_changes),
		cmocka_unit_test(part_sizes),
		cmocka_unit_test(parts_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
