/* rr.c - resource records of a DNS message (RFC 1035 §4.1), whoever sent it */
#include "config.h"

#include <ctype.h>

#include "oe/rr.h"

#define JUMPS_MAX	64	/* compression pointers followed in one name */

int
rr_begin(struct rr_message *m, const uint8_t *msg, size_t len)
{
	struct cursor c;
	unsigned      questions;
	char	      name[RR_NAME_MAX];

	cursor_init(&c, msg, len);
	cursor_u16(&c);
	m->flags = cursor_u16(&c);
	questions = cursor_u16(&c);
	m->nanswers = cursor_u16(&c);
	m->nauthority = cursor_u16(&c);
	cursor_u16(&c);
	if (c.bad || !(m->flags & 0x8000))
		return -1;
	for (; questions > 0; questions--) {
		if (rr_name(&c, msg, len, name) == -1)
			return -1;
		cursor_u32(&c);
	}
	m->answers = c;
	return c.bad ? -1 : 0;
}

int
rr_name(struct cursor *c, const uint8_t *msg, size_t len, char *out)
{
	size_t	       n = 0, off;
	unsigned       jumps = 0, k;
	struct cursor  at = *c;
	const uint8_t *label;
	bool	       jumped = false;

	for (;;) {
		k = cursor_u8(&at);
		if (at.bad)
			return -1;
		if (k == 0)
			break;
		if ((k & 0xc0) == 0xc0) {
			off = (k & 0x3f) << 8 | cursor_u8(&at);
			if (at.bad || off >= len || ++jumps > JUMPS_MAX)
				return -1;
			if (!jumped)
				*c = at;
			jumped = true;
			cursor_init(&at, msg + off, len - off);
			continue;
		}
		if ((k & 0xc0) != 0 || n + k + 2 > RR_NAME_MAX ||
		    (label = cursor_take(&at, k)) == NULL)
			return -1;
		if (n != 0)
			out[n++] = '.';
		for (; k > 0; k--, label++)
			out[n++] = *label >= ' ' && *label < 0x7f &&
			    *label != '.' ? (char)tolower(*label) : '?';
	}
	out[n] = '\0';
	if (!jumped)
		*c = at;
	return 0;
}

int
rr_next(struct cursor *c, const uint8_t *msg, size_t len, struct rr *rr)
{
	uint16_t class;

	if (rr_name(c, msg, len, rr->owner) == -1)
		return -1;
	rr->type = cursor_u16(c);
	class = cursor_u16(c);
	rr->ttl = cursor_u32(c);
	if (rr->ttl > INT32_MAX)
		rr->ttl = 0;		/* RFC 2181 §8 */
	rr->data = cursor_sub(c, cursor_u16(c));
	if (class != 1)
		rr->type = 0;
	return c->bad ? -1 : 0;
}
