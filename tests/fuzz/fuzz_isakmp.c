/* fuzz_isakmp.c - ISAKMP messages and what is in them, without a key */
#include "config.h"

#include <string.h>

#include "oe/ike1/id.h"
#include "oe/ike1/isakmp.h"
#include "oe/ike1/proposal.h"
#include "tests/fuzz/fuzz.h"

static void
read_sa(const struct isakmp_part *p)
{
	static uint8_t	       offer[2048], answer[4096];
	static size_t	       offer_len;
	struct ike1_suite       suite;
	struct ike1_esp_suite   esp;
	struct proposal_choice choice;
	struct writer	       w;
	uint32_t	       spi;
	int		       legacy;

	if (offer_len == 0) {
		writer_init(&w, offer, sizeof(offer));
		proposal_offer_phase1(&w, 3, true, 3600);
		FUZZ_CHECK(!w.bad);
		offer_len = w.len;
	}
	for (legacy = 0; legacy < 2; legacy++) {
		writer_init(&w, answer, sizeof(answer));
		if (proposal_choose_phase1(p->body, p->len, ~0u, legacy == 1,
		    &suite, &w) == 0 && !w.bad) {
			/* A peer that offered just this accepts it. */
			FUZZ_CHECK(proposal_accept_phase1(answer, w.len,
			    answer, w.len, &suite) == 0);
		}
		if (proposal_choose_phase2(p->body, p->len, IKE1_TUNNEL,
		    legacy == 1, &esp, &spi, &choice) == 0) {
			FUZZ_CHECK(choice.attrs >= p->body &&
			    choice.attrs_len <= p->len);
			writer_init(&w, answer, sizeof(answer));
			proposal_answer(&w, &choice, 0x1234);
		}
	}
	(void)proposal_accept_phase1(p->body, p->len, offer, offer_len, &suite);
	(void)proposal_accept_phase2(p->body, p->len, offer, offer_len, &esp,
	    &spi);
}

static void
read_id(const struct isakmp_part *p)
{
	struct keying_id       id, again;
	struct keying_selector s;
	struct writer	       w;
	uint8_t		       out[512];

	if (ike1_id_read(&id, p->body, p->len) == 0) {
		writer_init(&w, out, sizeof(out));
		ike1_id_write(&w, &id);
		FUZZ_CHECK(!w.bad);
		FUZZ_CHECK(ike1_id_read(&again, out, w.len) == 0);
		FUZZ_CHECK(keying_id_equal(&id, &again));
		(void)keying_id_text(&id);
	}
	(void)ike1_selector_read(&s, p->body, p->len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct isakmp_message m;
	struct isakmp_attr    attr;
	struct cursor	      c;
	uint64_t	      bytes = UINT64_MAX;
	uint32_t	      seconds = UINT32_MAX;
	unsigned	      i;

	if (isakmp_header_read(&m.h, data, size) != 0)
		return 0;
	FUZZ_CHECK(size >= ISAKMP_HEADER_LEN);
	if (isakmp_split(&m, data + ISAKMP_HEADER_LEN,
	    size - ISAKMP_HEADER_LEN, (m.h.flags & ISAKMP_FLAG_ENCRYPTION) !=
	    0) != 0)
		return 0;
	FUZZ_CHECK(m.nparts <= ISAKMP_PAYLOADS_MAX);
	for (i = 0; i < m.nparts; i++) {
		FUZZ_CHECK(m.part[i].body >= data &&
		    m.part[i].body + m.part[i].len <= data + size);
		FUZZ_CHECK(isakmp_find(&m, m.part[i].type) != NULL);
		switch (m.part[i].type) {
		case ISAKMP_SA:
			read_sa(&m.part[i]);
			break;
		case ISAKMP_ID:
			read_id(&m.part[i]);
			break;
		case ISAKMP_NOTIFICATION:
			proposal_get_lifetime(m.part[i].body, m.part[i].len,
			    &seconds, &bytes);
			break;
		}
		cursor_init(&c, m.part[i].body, m.part[i].len);
		while (isakmp_attr_next(&c, &attr))
			;
	}
	return 0;
}
