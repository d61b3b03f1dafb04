/* fuzz_translate.c - packets in which a lent address takes another's place, whatever is in them */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "net/icmp.h"
#include "oe/translate.h"
#include "tests/fuzz/fuzz.h"

/* Forth and back all is as it was, but for a checksum of zero, which has two
 * forms. */
static void
check(const struct packet_view *p, bool out)
{
	struct addr	   own = out ? p->src : p->dst;
	struct addr	   lent = addr_from_v4(0x07004064);
	struct packet_view v = *p, q;
	uint8_t		  *pkt = malloc(p->len);
	size_t		   i, differ = 0;

	FUZZ_CHECK(pkt != NULL);
	memcpy(pkt, p->data, p->len);
	if (!(out ? translate_out : translate_in)(pkt, &v, &own, &lent)) {
		FUZZ_CHECK(memcmp(pkt, p->data, p->len) == 0);
		free(pkt);
		return;
	}
	FUZZ_CHECK(packet_parse_ipv4(&q, pkt, p->len) && q.len == p->len);
	FUZZ_CHECK(addr_equal(out ? &q.src : &q.dst, &lent));
	FUZZ_CHECK(!ip_checksum_ok(p) || ip_checksum_ok(&q));
	FUZZ_CHECK((out ? translate_out : translate_in)(pkt, &v, &lent, &own));
	for (i = 0; i < p->len; i++)
		differ += pkt[i] != p->data[i];
	FUZZ_CHECK(differ <= 8);
	free(pkt);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet_view p;

	if (!packet_parse_ipv4(&p, data, size))
		return 0;
	check(&p, true);
	check(&p, false);
	return 0;
}
