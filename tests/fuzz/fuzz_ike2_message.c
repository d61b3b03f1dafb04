/* fuzz_ike2_message.c - IKEv2 messages and what is in them, as an engine reads them */
#include "config.h"

#include <string.h>

#include "base/util.h"
#include "oe/ike2/auth.h"
#include "oe/ike2/configuration.h"
#include "oe/ike2/fragment.h"
#include "oe/ike2/identity.h"
#include "oe/ike2/notify.h"
#include "oe/ike2/selector.h"
#include "tests/fuzz/fuzz.h"

static void
read_offer(const struct ike2_part *p)
{
	static const struct ike2_terms terms[] = {
		{ .protocol = IKE2_PROTO_IKE, .ke = IKE2_KE_CURVE25519 },
		{ .protocol = IKE2_PROTO_IKE, .spi_len = 8,
		    .ke = IKE2_KE_ECP_256 },
		{ .protocol = IKE2_PROTO_ESP, .spi_len = 4,
		    .first_child = true },
		{ .protocol = IKE2_PROTO_ESP, .spi_len = 4,
		    .ke = IKE2_KE_ECP_256 },
	};
	uint8_t		   answer[IKE2_OFFER_MAX], offer[IKE2_OFFER_MAX];
	struct ike2_choice c;
	struct ike2_suite  suite;
	struct writer	   w;
	uint64_t	   spi;
	size_t		   i;

	for (i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		if (ike2_offer_choose(p->body, p->len, &terms[i], &c) ==
		    IKE2_OFFER_OK) {
			FUZZ_CHECK(ike2_encr_info(c.suite.encr, c.suite.bits) !=
			    NULL);
			FUZZ_CHECK((ike2_encr_info(c.suite.encr, c.suite.bits)->
			    icv_len == 0) == (c.suite.integ != 0));
			FUZZ_CHECK(c.suite.ke == 0 ?
			    terms[i].protocol == IKE2_PROTO_ESP :
			    ike2_ke_allowed(c.suite.ke));
			/* A peer that offered just this accepts it. */
			writer_init(&w, answer, sizeof(answer));
			ike2_offer_answer(&w, &c, &terms[i], 0x12345678);
			FUZZ_CHECK(!w.bad);
			FUZZ_CHECK(c.suite.ke != terms[i].ke ||
			    ike2_offer_accept(answer, w.len, p->body, p->len,
			    &terms[i], &suite, &spi) == IKE2_OFFER_OK);
		}
		writer_init(&w, offer, sizeof(offer));
		ike2_offer_write(&w, &terms[i], 0x12345678);
		(void)ike2_offer_accept(p->body, p->len, offer, w.len,
		    &terms[i], &suite, &spi);
	}
}

static void
read_selectors(const struct ike2_part *p)
{
	struct keying_selectors s, again, narrow;
	struct writer		w;
	struct prefix	      prefix;
	uint8_t		      out[4 + KEYING_SELECTORS_MAX * 40];
	unsigned	      i;

	if (ike2_selectors_read(&s, p->body, p->len) == -1)
		return;
	FUZZ_CHECK(s.n <= KEYING_SELECTORS_MAX);
	if (s.n == 0)
		return;
	writer_init(&w, out, sizeof(out));
	ike2_selectors_write(&w, &s);
	FUZZ_CHECK(!w.bad && ike2_selectors_read(&again, out, w.len) == 0 &&
	    again.n == s.n);
	FUZZ_CHECK(keying_selectors_within(&s, &again));
	FUZZ_CHECK(keying_selectors_narrow(&narrow, &s, &again));
	FUZZ_CHECK(keying_selectors_within(&narrow, &s));
	for (i = 0; i < s.n; i++)
		(void)keying_selector_is_prefix(&s.ts[i], &prefix);
}

static void
read_identity(const struct ike2_part *p)
{
	struct keying_id id, again;
	struct writer  w;
	uint8_t	       out[IKE2_ID_BODY_MAX];

	if (ike2_id_read(&id, p->body, p->len) == -1)
		return;
	FUZZ_CHECK(memchr(id.name, 0, sizeof(id.name)) != NULL);
	writer_init(&w, out, sizeof(out));
	FUZZ_CHECK(ike2_id_write(&w, &id) == 0 &&
	    ike2_id_read(&again, out, w.len) == 0 &&
	    keying_id_equal(&id, &again));
}

static void
read_part(const struct ike2_part *p)
{
	struct ike2_nonce  nonce;
	struct ike2_notify n;
	struct ike2_delete d;
	struct ike2_cfg	   cfg;

	switch (p->type) {
	case IKE2_P_SA:
		read_offer(p);
		break;
	case IKE2_P_IDI:
	case IKE2_P_IDR:
		read_identity(p);
		break;
	case IKE2_P_TSI:
	case IKE2_P_TSR:
		read_selectors(p);
		break;
	case IKE2_P_NOTIFY:
		if (ike2_notify_read(&n, p) == 0) {
			FUZZ_CHECK(n.data >= p->body &&
			    n.data + n.len == p->body + p->len);
			(void)ike2_notify_text(n.type);
			(void)ike2_hashes_read(n.data, n.len);
		}
		break;
	case IKE2_P_DELETE:
		if (ike2_delete_read(&d, p) == 0)
			FUZZ_CHECK(d.n <= IKE2_DELETE_MAX);
		break;
	case IKE2_P_CONFIGURATION:
		(void)ike2_cfg_read(&cfg, p->body, p->len);
		break;
	case IKE2_P_NONCE:
		if (ike2_nonce_read(&nonce, p->body, p->len) == 0)
			FUZZ_CHECK(nonce.len == p->len);
		break;
	case IKE2_P_AUTH:
		(void)ike2_auth_method(p->body, p->len);
		break;
	}
}

static void
read_chain(uint8_t first, const uint8_t *p, size_t len)
{
	struct ike2_chain c;
	unsigned	  i;

	if (ike2_chain_split(&c, first, p, len, false) != IKE2_OK)
		return;
	for (i = 0; i < c.nparts; i++)
		read_part(&c.part[i]);
	(void)ike2_notify_error(&c);
}

/* As if what is inside had been encrypted: nobody guesses an ICV. */
static void
read_sealed(struct ike2_reassembly *r, uint32_t msgid, const uint8_t *msg,
    size_t len, const struct ike2_part *sk)
{
	static const uint8_t	zero[IKE2_ENCR_KEY_MAX];
	struct ike2_fragment_no no;
	struct ike2_key		k;
	uint8_t		       *out, first;
	size_t			out_len;

	out = malloc(sk->len + 1);
	FUZZ_CHECK(out != NULL && ike2_key_init(&k, ike2_encr_info(
	    IKE2_ENCR_AES_GCM_16, 256), NULL, zero, zero) == 0);
	FUZZ_CHECK(ike2_unseal(&k, msg, len, sk, out) == -1);
	free(out);
	if (sk->type == IKE2_P_ENCRYPTED) {
		read_chain(sk->next, sk->body, sk->len);
		return;
	}
	if (ike2_fragment_no(sk, &no) == -1 ||
	    !ike2_reassembly_wants(r, msgid, no))
		return;
	if (ike2_reassembly_add(r, 0, msgid, no, sk->next, sk->body + 4,
	    sk->len - 4, &out, &out_len, &first) == IKE2_ARRIVAL_WHOLE) {
		FUZZ_CHECK(out_len <= IKE2_MESSAGE_MAX);
		read_chain(first, out, out_len);
		free(out);
	}
	FUZZ_CHECK(r->have < (r->total == 0 ? 1 : r->total));
}

/* Messages one behind the other, each as long as it says or as there is. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ike2_reassembly r = { 0 };
	struct ike2_header     h;
	struct ike2_chain      c;
	size_t		       len;
	unsigned	       i;

	for (; size != 0; data += len, size -= len) {
		len = size < IKE2_HEADER_LEN ? size : load_u32(data + 24);
		if (len == 0 || len > size)
			len = size;
		if (ike2_header_read(&h, data, len) != IKE2_OK ||
		    ike2_chain_split(&c, h.first, data + IKE2_HEADER_LEN,
		    len - IKE2_HEADER_LEN, true) != IKE2_OK)
			continue;
		FUZZ_CHECK(c.nparts <= IKE2_PAYLOADS_MAX);
		for (i = 0; i < c.nparts; i++) {
			FUZZ_CHECK(c.part[i].body >= data &&
			    c.part[i].body + c.part[i].len <= data + len);
			if (c.part[i].type == IKE2_P_ENCRYPTED ||
			    c.part[i].type == IKE2_P_FRAGMENT)
				read_sealed(&r, h.msgid, data, len, &c.part[i]);
			else
				read_part(&c.part[i]);
		}
	}
	ike2_reassembly_clear(&r);
	return 0;
}
