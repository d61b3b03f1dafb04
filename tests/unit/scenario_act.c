/* scenario_act.c - the commands of scenario files that do something to the OE core */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "net/gso.h"
#include "net/icmp.h"
#include "oe/child.h"
#include "oe/identity.h"
#include "oe/ike/door.h"
#include "oe/initiator.h"
#include "oe/life.h"
#include "oe/liveness.h"
#include "oe/pathmtu.h"
#include "oe/plane.h"
#include "oe/responder.h"
#include "tests/unit/dns_message.h"
#include "tests/unit/header_reads.h"
#include "tests/unit/scenario.h"

/* --- packets -------------------------------------------------------------- */

static void
from_tun(void *arg, const struct packet_view *v)
{
	struct world *w = arg;

	plane_outbound(w->core, w->now, v);
}

/* As a worker does it (oe/esp/crew.c); its reading is not the engine's. */
static bool
passes_out(struct world *w, uint8_t *frame, size_t len)
{
	struct gso_frame look;
	unsigned	 n;

	if (w->seal == NULL)
		return false;
	header_reads_peer = true;
	n = gso_look(frame, len, &look) ? lane_frame(lanes_enter(w->seal, 0),
	    &look, frame, len) : 0;
	lanes_leave(w->seal, 0);
	header_reads_peer = false;
	return n != 0;
}

static bool
passes_in(struct world *w, const struct packet_view *v)
{
	bool done;

	if (w->open == NULL)
		return false;
	header_reads_peer = true;
	done = lane_esp(lanes_enter(w->open, 0), v);
	lanes_leave(w->open, 0);
	header_reads_peer = false;
	return done;
}

/* As packets come to the engine: what is none never does. */
static void
say_outbound(struct world *w, const uint8_t *pkt, size_t len)
{
	static uint8_t frame[GSO_BUFFER_LEN];

	memset(frame, 0, GSO_HEADER_LEN);
	memcpy(frame + GSO_HEADER_LEN, pkt, len);
	if (!scenario_led_out(w, pkt, len) &&
	    !passes_out(w, frame, GSO_HEADER_LEN + len))
		gso_split(frame, GSO_HEADER_LEN + len, from_tun, w);
}

static void
say_inbound_esp(struct world *w, const uint8_t *pkt, size_t len)
{
	struct packet_view v;

	if (packet_parse(&v, pkt, len) && !scenario_led_in(w, &v) &&
	    !passes_in(w, &v))
		plane_inbound_esp(w->core, w->now, &v);
}

static bool
say_inbound_clear(struct world *w, const uint8_t *pkt, size_t len)
{
	struct packet_view v;

	return packet_parse(&v, pkt, len) &&
	    plane_inbound_clear(w->core, w->now, &v);
}

/* Words from i on: SRC DST TAG [KIND]; options anywhere. */
static size_t
packet_of(struct play *p, uint8_t *buf, size_t cap, struct addr src,
    struct addr dst, unsigned i)
{
	static const char *const kinds[] = { "udp", "tcp", "syn", "syn-ack",
		"ack", "rst", "echo", "echo-reply", "echo-error" };
	const char		*kind = "udp";
	uint8_t			*tcp;
	size_t			 k, n;

	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		if (play_flag(p, kinds[k]))
			kind = kinds[k];
	}
	n = packet_make(buf, cap, &src, &dst, kind,
	    (unsigned)play_number(p, "sport", 1000),
	    (unsigned)play_number(p, "dport", 80), i < p->n ? p->words[i] : "?",
	    play_number(p, "size", 0), play_flag(p, "df"));
	if (buf[dst.family == AF_INET6 ? 6 : 9] == 6) {
		tcp = buf + ip_header_len(dst.family);
		store_u32(tcp + 4, (uint32_t)play_number(p, "seq", 0));
		store_u32(tcp + 8, (uint32_t)play_number(p, "ack", 0));
	}
	if (dst.family == AF_INET6)
		return n;
	store_u16(buf + 4, (uint16_t)play_number(p, "id", 0));
	store_u16(buf + 6, (uint16_t)(load_u16(buf + 6) |
	    (play_flag(p, "more") ? 0x2000 : 0) |
	    play_number(p, "frag", 0) / 8));
	return n;
}

static void
do_send(struct play *p)
{
	uint8_t	 buf[2048];
	struct addr src, dst = host_addr(p->words[1]), next;
	unsigned i = 1;
	size_t	 n;

	next = p->n > 3 ? host_addr(p->words[2]) : (struct addr){ 0 };
	if (addr_is_set(&dst) && addr_is_set(&next)) {
		src = dst;
		dst = next;
		i++;
	} else {
		dst = player_host(p, p->words[1]);
		src = player_local(p, &dst);
	}
	n = packet_of(p, buf, sizeof(buf), src, dst, i + 1);
	say_outbound(W(p), buf, n);
}

/* One datagram to each of so many hosts, and nothing said of
 * what came of it. */
static void
do_flood(struct play *p)
{
	uint8_t	      buf[2048];
	unsigned long i, count = strtoul(p->words[1], NULL, 0);
	size_t	      n;

	for (i = 0; i < count; i++) {
		n = packet_of(p, buf, sizeof(buf), W(p)->local,
		    addr_from_v4(htonl(0xc6120000u + (uint32_t)i)),
		    2);			/* 198.18/15 */
		say_outbound(W(p), buf, n);
		plane_release(W(p)->core);
		p->head = p->tail = 0;
	}
}

/* ESP in UDP comes out of the NAT at from=HOST port=NUMBER. */
static void
from_nat(struct play *p, uint8_t *pkt, size_t len)
{
	struct addr from;

	if (play_option(p, "from") != NULL) {
		from = player_host(p, play_option(p, "from"));
		memcpy(pkt + 12, from.bytes, 4);
	}
	store_u16(pkt + 20, (uint16_t)play_number(p, "port",
	    load_u16(pkt + 20)));
	if (play_flag(p, "wrong-icv"))
		pkt[len - 1] ^= 1;
	say_inbound_esp(W(p), pkt, len);
}

/* What "recv ... kept" sealed, now and as often as it is said. */
static void
do_late(struct play *p)
{
	uint32_t spi = (uint32_t)strtoul(p->words[1], NULL, 0);
	uint8_t	 pkt[2048 + ESP_OVERHEAD];
	unsigned i;

	for (i = W(p)->nmirrors; i > 0; i--) {
		if (W(p)->mirrors[i - 1].spi_in != spi)
			continue;
		memcpy(pkt, W(p)->mirrors[i - 1].kept, sizeof(pkt));
		from_nat(p, pkt, W(p)->mirrors[i - 1].kept_len);
		return;
	}
	play_fail(p, "no SA has SPI 0x%x", spi);
}

static void
do_recv(struct play *p)
{
	uint8_t	 inner[2048], pkt[2048 + ESP_OVERHEAD];
	uint32_t spi = (uint32_t)strtoul(p->words[1], NULL, 0);
	size_t	 n;
	unsigned i;
	struct packet_view v, sealed;
	int	 rc;

	n = packet_of(p, inner, sizeof(inner), player_host(p, p->words[2]),
	    player_host(p, p->words[3]), 4);
	for (i = W(p)->nmirrors; i > 0; i--) {
		if (W(p)->mirrors[i - 1].spi_in == spi)
			break;
	}
	if (i == 0) {
		play_fail(p, "no SA has SPI 0x%x", spi);
		return;
	}
	header_reads_peer = true;
	rc = !packet_parse(&v, inner, n) ? ESP_E_INNER :
	    esp_seal(W(p)->mirrors[i - 1].seal, &v, pkt, sizeof(pkt), &sealed);
	header_reads_peer = false;
	if (rc != ESP_OK) {
		play_fail(p, "esp_seal: %d", rc);
	} else if (play_flag(p, "kept")) {
		memcpy(W(p)->mirrors[i - 1].kept, pkt, sealed.len);
		W(p)->mirrors[i - 1].kept_len = sealed.len;
	} else if (W(p)->mirrors[i - 1].nat) {
		from_nat(p, pkt, sealed.len);
	} else
		say_inbound_esp(W(p), pkt, sealed.len);
}

/* COUNT packets of different source ports, out of an SA; nothing is said of
 * what came of them. */
static void
do_recv_many(struct play *p)
{
	unsigned long i, count = strtoul(p->words[4], NULL, 0);
	char	      port[32];

	for (i = 0; i < count && p->n < PLAY_WORDS_MAX; i++) {
		snprintf(port, sizeof(port), "sport=%lu", i + 1);
		p->words[p->n++] = port;
		do_recv(p);
		p->n--;
		p->head = p->tail = 0;
	}
}

/* What nobody but the data plane of that pair says to have opened. */
static void
do_opened(struct play *p)
{
	struct packet_view v;
	uint8_t		   buf[2048];
	size_t		   n;

	n = packet_of(p, buf, sizeof(buf), player_host(p, p->words[2]),
	    player_host(p, p->words[3]), 4);
	if (packet_parse(&v, buf, n))
		plane_inbound_opened(W(p)->core, W(p)->now,
		    (uint32_t)strtoul(p->words[1], NULL, 0), &v);
}

static void
do_recv_forged(struct play *p)
{
	struct addr	 from = player_host(p, p->words[2]);
	uint8_t		 pkt[120];
	uint32_t	 spi = (uint32_t)strtoul(p->words[1], NULL, 0);
	size_t		 n;

	n = packet_make(pkt, sizeof(pkt), &from, &W(p)->local, "udp", 0, 0,
	    "forged", sizeof(pkt), false);
	pkt[9] = 50;
	store_u32(pkt + 20, spi);
	store_u32(pkt + 24, 1);
	say_inbound_esp(W(p), pkt, n);
}

static void
do_clear(struct play *p)
{
	uint8_t buf[2048];
	size_t	n;
	bool	taken;

	n = packet_of(p, buf, sizeof(buf), player_host(p, p->words[1]),
	    player_host(p, p->words[2]), 3);
	taken = say_inbound_clear(W(p), buf, n);
	if (taken != play_flag(p, "taken"))
		play_fail(p, "it was %s", taken ? "taken" : "refused");
}

static void
do_clear_many(struct play *p)
{
	unsigned long i, count = strtoul(p->words[3], NULL, 0);
	uint8_t	      buf[2048];
	char	      port[32];
	size_t	      n;

	for (i = 0; i < count && p->n < PLAY_WORDS_MAX; i++) {
		snprintf(port, sizeof(port), "sport=%lu", i + 1);
		p->words[p->n++] = port;
		n = packet_of(p, buf, sizeof(buf), player_host(p, p->words[1]),
		    player_host(p, p->words[2]), 3);
		p->n--;
		if (!say_inbound_clear(W(p), buf, n))
			play_fail(p, "one was refused");
	}
}

static void
do_kernel(struct play *p)
{
	W(p)->kernel.no_sa = strcmp(p->words[1], "no-sa") == 0;
	W(p)->kernel.no_policy = strcmp(p->words[1], "no-policy") == 0;
	W(p)->kernel.in_udp = strcmp(p->words[1], "takes-udp") == 0;
}

/* What the kernel has opened came from elsewhere. */
static void
do_mapped(struct play *p)
{
	const char	 *from = play_option(p, "from");
	const struct addr peer = player_host(p, from != NULL ? from : "nb");

	liveness_mapped(W(p)->core, W(p)->now,
	    (uint32_t)strtoul(p->words[1], NULL, 0), &W(p)->local, &peer,
	    (uint16_t)play_number(p, "port", 4500));
}

static void
do_too_big(struct play *p)
{
	uint8_t	 pkt[20 + 8 + 20 + 8];
	struct packet_view error, quoted;
	uint32_t spi = (uint32_t)strtoul(p->words[1], NULL, 0);
	struct addr peer = { .family = AF_INET };
	const struct addr router = player_host(p, "nobody");
	unsigned i;
	size_t	 n;

	for (i = 0; i < W(p)->nmirrors; i++) {
		if (W(p)->mirrors[i].spi_out == spi)
			peer = W(p)->mirrors[i].dst;
	}
	if (p->n > 3)
		peer = player_host(p, p->words[3]);
	n = packet_make(pkt, sizeof(pkt), &router, &W(p)->local, "echo", 0, 0,
	    "", sizeof(pkt), false);
	pkt[20] = 3;
	pkt[21] = 4;
	store_u16(pkt + 26, (uint16_t)atoi(p->words[2]));
	packet_make(pkt + 28, 28, &W(p)->local, &peer, "udp", 0, 0, "", 28,
	    true);
	store_u16(pkt + 28 + 2, 1500);
	pkt[28 + 9] = 50;
	store_u32(pkt + 48, spi);
	if (packet_parse(&error, pkt, n) && icmp_quoted(&error, &quoted))
		pathmtu_inbound_icmp(W(p)->core, W(p)->now, &error, &quoted);
}

/* --- DNS ------------------------------------------------------------------ */

static uint16_t
type_of(struct play *p, const char *name)
{
	if (strcmp(name, "TXT") == 0)
		return RECORD_TYPE_TXT;
	if (strcmp(name, "KEY") == 0)
		return RECORD_TYPE_KEY;
	if (strcmp(name, "IPSECKEY") == 0)
		return RECORD_TYPE_IPSECKEY;
	play_fail(p, "no such type: %s", name);
	return 0;
}

static void
put_record(struct play *p, struct dns_message *m, uint16_t type,
    uint32_t ttl, const char *text)
{
	struct pubkey k;
	uint8_t	      data[2048];
	char	      buf[4096], gateway[64];
	struct addr   addr;
	unsigned      precedence;
	size_t	      n;

	if (type == RECORD_TYPE_TXT) {
		player_expand(buf, sizeof(buf), text);
		dns_message_txt(m, NULL, ttl, buf, 255);
		return;
	}
	if (type == RECORD_TYPE_KEY) {
		k = player_key(text);
		n = dns_message_key_data(data, 0x4200, 4, 1, &k);
		dns_message_answer(m, NULL, type, ttl, data, n);
		return;
	}
	if (sscanf(text, "%u,%63[^,],%63s", &precedence, gateway, buf) != 3) {
		play_fail(p, "not an IPSECKEY: %s", text);
		return;
	}
	k = player_key(buf);
	data[0] = (uint8_t)precedence;
	data[1] = 0;
	data[2] = 2;
	n = 3;
	if (strcmp(gateway, "-") != 0) {
		addr = player_host(p, gateway);
		data[1] = addr.family == AF_INET6 ? 2 : 1;
		memcpy(data + n, addr.bytes, addr_len(&addr));
		n += addr_len(&addr);
	}
	memcpy(data + n, k.wire, k.len);
	dns_message_answer(m, NULL, type, ttl, data, n + k.len);
}

/* Takes the question out of those under way; false if it was not asked. */
static bool
take_question(struct world *w, const char *name, uint16_t type,
    struct question *out)
{
	unsigned i;

	/* The newest: an older one of the same name may be
	 * nobody's any more. */
	for (i = w->nquestions; i-- > 0;) {
		if (w->questions[i].type != type ||
		    strcmp(w->questions[i].name, name) != 0)
			continue;
		*out = w->questions[i];
		memmove(&w->questions[i], &w->questions[i + 1],
		    (--w->nquestions - i) * sizeof(w->questions[0]));
		return true;
	}
	return false;
}

static void
do_answer(struct play *p)
{
	struct record_answer a;
	struct dns_message   m;
	struct question	     q;
	char		     name[KEYING_NAME_MAX + 1];
	uint16_t	     type = type_of(p, p->words[2]), flags;
	uint32_t	     ttl = (uint32_t)play_number(p, "ttl", 3600);
	struct addr	     host = host_addr(p->words[1]);
	unsigned	     i;

	if (addr_is_set(&host))
		addr_reverse_name(&host, name);
	else
		snprintf(name, sizeof(name), "%s", p->words[1]);
	if (!take_question(W(p), name, type, &q)) {
		play_fail(p, "nobody asked for %s of %s", p->words[2], name);
		return;
	}
	flags = play_flag(p, "ad") ? DNS_FLAG_AD : 0;
	if (play_flag(p, "failed"))
		flags = DNS_RCODE(2);
	dns_message_init(&m, name, type, flags);
	if (play_flag(p, "none")) {
		dns_message_soa(&m, "lab", ttl, ttl);
	} else if (play_flag(p, "malformed")) {
		if (type == RECORD_TYPE_TXT)
			dns_message_txt(&m, NULL, ttl, "X-IPsec-Server(x)=",
			    255);
		else
			dns_message_answer(&m, NULL, type, ttl,
			    "\x42\x00\x04\x01", 4);
	} else if (!play_flag(p, "timeout") && !play_flag(p, "failed") &&
	    !play_flag(p, "bogus")) {
		for (i = 3; i < p->n; i++) {
			if (strcmp(p->words[i], "ad") != 0 &&
			    strcmp(p->words[i], "unchecked") != 0 &&
			    strncmp(p->words[i], "ttl=", 4) != 0)
				put_record(p, &m, type, ttl, p->words[i]);
		}
	}
	record_parse(&a, m.buf, m.w.len, name, type,
	    W(p)->config->rsa_min_bits);
	if (play_flag(p, "timeout") || play_flag(p, "bogus")) {
		memset(&a, 0, sizeof(a));
		a.status = play_flag(p, "bogus") ? RECORD_BOGUS :
		    RECORD_TIMEOUT;
	}
	a.unchecked = play_flag(p, "unchecked");
	W(p)->core->now = W(p)->now;
	q.fn(q.arg, &a);
}

/* Every question under way gets the same answer: "none" or "timeout". */
static void
do_answer_all(struct play *p)
{
	struct record_answer a;
	struct question	     q;

	memset(&a, 0, sizeof(a));
	a.status = play_flag(p, "none") ? RECORD_NONE : RECORD_TIMEOUT;
	a.ttl = 300;
	W(p)->core->now = W(p)->now;
	while (W(p)->nquestions > 0) {
		q = W(p)->questions[--W(p)->nquestions];
		q.fn(q.arg, &a);
	}
}

/* --- life ---------------------------------------------------------------- */

static void
do_passed(struct play *p)
{
	struct world	      *w = W(p);
	const struct oe_passed n = { .packets_out = strtoull(p->words[2], NULL,
	    10), .packets_in = 1 };
	struct addr	       theirs = player_host(p, p->words[1]);

	plane_passed(w->core, w->now, &w->local, &theirs, &n);
}

static void
do_wake(struct play *p)
{
	liveness_wake(W(p)->core, W(p)->now, "awake");
}

static void
do_opens(struct play *p)
{
	core_network_opens(W(p)->core, W(p)->now);
}

/* --- all of them ---------------------------------------------------------- */

const struct play_command player_acts[] = {
	{ "send", 3, true, do_send },
	{ "flood", 3, true, do_flood },
	{ "recv", 5, true, do_recv },
	{ "late", 2, true, do_late },
	{ "opened", 5, true, do_opened },
	{ "mapped", 2, true, do_mapped },
	{ "recv-many", 5, true, do_recv_many },
	{ "clear-many", 4, true, do_clear_many },
	{ "kernel", 2, true, do_kernel },
	{ "passed", 3, true, do_passed },
	{ "recv-forged", 3, true, do_recv_forged },
	{ "clear", 5, true, do_clear },
	{ "too-big", 3, true, do_too_big },
	{ "answer", 4, true, do_answer },
	{ "answer-all", 2, true, do_answer_all },
	{ "wake", 1, true, do_wake },
	{ "opens", 1, true, do_opens },
	{ NULL, 0, false, NULL },
};
