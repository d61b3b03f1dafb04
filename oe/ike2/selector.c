/* selector.c - traffic selectors: ranges of addresses and ports of both families */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "oe/ike2/selector.h"

enum { TS_IPV4_ADDR_RANGE = 7, TS_IPV6_ADDR_RANGE = 8 };
#define TS_HEAD	8			/* octets in front of the addresses */

/* Of the same addresses, and more of them: whoever asks for a packet's own and
 * for all asks for all (§2.9).  Who asks for one address and for any means that
 * the answer is to choose. */
static bool
has_within(const struct keying_selector *a, const struct keying_selector *b)
{
	return addr_compare(&a->from, &b->from) == 0 &&
	    addr_compare(&a->to, &b->to) == 0 && keying_selector_covers(a, b);
}

/* §3.13.1: protocols without ports have all of them; of those with ports
 * we want a range. */
static bool
has_valid_ports(const struct keying_selector *s)
{
	return s->port_from <= s->port_to && (s->protocol != 0 ||
	    (s->port_from == 0 && s->port_to == UINT16_MAX));
}

int
ike2_selectors_read(struct keying_selectors *s, const uint8_t *body, size_t len)
{
	struct keying_selector ts;
	struct cursor	     c, one;
	uint8_t		     type, n;
	uint16_t	     ts_len;
	size_t		     alen;

	s->n = 0;
	cursor_init(&c, body, len);
	n = cursor_u8(&c);
	cursor_take(&c, 3);
	if (c.bad || n == 0)
		return -1;
	for (; n > 0; n--) {
		memset(&ts, 0, sizeof(ts));
		type = cursor_u8(&c);
		ts.protocol = cursor_u8(&c);
		ts_len = cursor_u16(&c);
		if (c.bad || ts_len < 4)
			return -1;
		one = cursor_sub(&c, ts_len - 4u);
		if (one.bad)
			return -1;
		if (type != TS_IPV4_ADDR_RANGE && type != TS_IPV6_ADDR_RANGE)
			continue;
		alen = type == TS_IPV4_ADDR_RANGE ? 4 : 16;
		ts.port_from = cursor_u16(&one);
		ts.port_to = cursor_u16(&one);
		ts.from.family = ts.to.family =
		    type == TS_IPV4_ADDR_RANGE ? AF_INET : AF_INET6;
		cursor_copy(&one, ts.from.bytes, alen);
		cursor_copy(&one, ts.to.bytes, alen);
		if (one.bad || cursor_left(&one) != 0 ||
		    addr_compare(&ts.from, &ts.to) > 0)
			return -1;
		if (has_valid_ports(&ts))
			keying_selectors_add(s, &ts, has_within);
	}
	return cursor_left(&c) == 0 ? 0 : -1;
}

void
ike2_selectors_write(struct writer *w, const struct keying_selectors *s)
{
	size_t	 alen;
	unsigned i;

	writer_u8(w, (uint8_t)s->n);
	writer_u8(w, 0);
	writer_u16(w, 0);
	for (i = 0; i < s->n; i++) {
		alen = addr_len(&s->ts[i].from);
		writer_u8(w, alen == 4 ? TS_IPV4_ADDR_RANGE :
		    TS_IPV6_ADDR_RANGE);
		writer_u8(w, s->ts[i].protocol);
		writer_u16(w, (uint16_t)(TS_HEAD + 2 * alen));
		writer_u16(w, s->ts[i].port_from);
		writer_u16(w, s->ts[i].port_to);
		writer_put(w, s->ts[i].from.bytes, alen);
		writer_put(w, s->ts[i].to.bytes, alen);
	}
}
