/* isakmp.c - ISAKMP messages: bounded reading and writing of headers, payloads, attributes */
#include "config.h"

#include <stdio.h>

#include "oe/ike1/isakmp.h"

int
isakmp_header_read(struct isakmp_header *h, const uint8_t *buf, size_t len)
{
	struct cursor c;
	uint8_t	      version;

	cursor_init(&c, buf, len);
	h->cookie_i = cursor_u64(&c);
	h->cookie_r = cursor_u64(&c);
	h->first = cursor_u8(&c);
	version = cursor_u8(&c);
	h->exchange = cursor_u8(&c);
	h->flags = cursor_u8(&c);
	h->msgid = cursor_u32(&c);
	h->length = cursor_u32(&c);
	if (c.bad || version >> 4 != ISAKMP_VERSION >> 4 || h->cookie_i == 0 ||
	    h->length != len || len > ISAKMP_MESSAGE_MAX)
		return -1;
	return 0;
}

/* RFC 2408 §5.3: a payload of a type not defined spoils the message. */
static bool
payload_known(uint8_t type)
{
	return type <= ISAKMP_VENDOR_ID || type == ISAKMP_NAT_D ||
	    type == ISAKMP_NAT_OA || type >= ISAKMP_PRIVATE;
}

int
isakmp_split(struct isakmp_message *m, const uint8_t *body, size_t len,
    bool encrypted)
{
	struct isakmp_part *part;
	struct cursor	    c;
	uint8_t		    type = m->h.first, next, reserved;
	size_t		    plen;

	m->nparts = 0;
	cursor_init(&c, body, len);
	while (type != ISAKMP_NONE) {
		if (m->nparts == ISAKMP_PAYLOADS_MAX)
			return -1;
		next = cursor_u8(&c);
		reserved = cursor_u8(&c);
		plen = cursor_u16(&c);
		if (c.bad || plen < 4 || reserved != 0 || !payload_known(type))
			return -1;
		part = &m->part[m->nparts++];
		part->type = type;
		part->len = plen - 4;
		if ((part->body = cursor_take(&c, part->len)) == NULL)
			return -1;
		type = next;
	}
	return cursor_left(&c) != 0 && !encrypted ? -1 : 0;
}

const struct isakmp_part *
isakmp_find(const struct isakmp_message *m, uint8_t type)
{
	unsigned i;

	for (i = 0; i < m->nparts; i++) {
		if (m->part[i].type == type)
			return &m->part[i];
	}
	return NULL;
}

unsigned
isakmp_count(const struct isakmp_message *m, uint8_t type)
{
	unsigned i, n = 0;

	for (i = 0; i < m->nparts; i++)
		n += m->part[i].type == type;
	return n;
}

void
isakmp_begin(struct isakmp_builder *b, uint8_t *buf, size_t cap,
    const struct isakmp_header *h)
{
	writer_init(&b->w, buf, cap);
	writer_u64(&b->w, h->cookie_i);
	writer_u64(&b->w, h->cookie_r);
	b->next_at = b->w.len;
	writer_u8(&b->w, ISAKMP_NONE);
	writer_u8(&b->w, ISAKMP_VERSION);
	writer_u8(&b->w, h->exchange);
	writer_u8(&b->w, h->flags);
	writer_u32(&b->w, h->msgid);
	writer_u32(&b->w, 0);
}

void
isakmp_open(struct isakmp_builder *b, uint8_t type)
{
	if (!b->w.bad)
		b->w.base[b->next_at] = type;
	b->start = b->next_at = b->w.len;
	writer_u32(&b->w, 0);		/* next, RESERVED, length */
}

void
isakmp_close(struct isakmp_builder *b)
{
	writer_patch_u16(&b->w, b->start + 2, (uint16_t)(b->w.len - b->start));
}

void
isakmp_put(struct isakmp_builder *b, uint8_t type, const void *body, size_t len)
{
	isakmp_open(b, type);
	writer_put(&b->w, body, len);
	isakmp_close(b);
}

size_t
isakmp_end(struct isakmp_builder *b)
{
	if (b->w.bad)
		return 0;
	store_u32(b->w.base + 24, (uint32_t)b->w.len);
	return b->w.len;
}

void
isakmp_attr(struct writer *w, uint16_t type, uint32_t value)
{
	if (value <= UINT16_MAX) {
		writer_u16(w, (uint16_t)(type | 0x8000));
		writer_u16(w, (uint16_t)value);
	} else {
		writer_u16(w, type);
		writer_u16(w, 4);
		writer_u32(w, value);
	}
}

bool
isakmp_attr_next(struct cursor *c, struct isakmp_attr *a)
{
	size_t i;

	if (cursor_left(c) == 0 || c->bad)
		return false;
	a->type = cursor_u16(c);
	a->len = cursor_u16(c);
	a->value = 0;
	a->bytes = NULL;
	if (a->type & 0x8000) {
		a->type &= 0x7fff;
		a->value = (uint32_t)a->len;
		a->len = 0;
		return !c->bad;
	}
	if ((a->bytes = cursor_take(c, a->len)) == NULL)
		return false;
	/* A number of any length; larger than 32 bits is as good as endless. */
	for (i = 0; i < a->len; i++) {
		if (a->value > UINT32_MAX >> 8) {
			a->value = UINT32_MAX;
			break;
		}
		a->value = a->value << 8 | a->bytes[i];
	}
	return true;
}

const char *
isakmp_notify_text(uint16_t type)
{
	/* RFC 2408 §3.14.1 */
	static const char *const errors[] = {
		NULL, "INVALID-PAYLOAD-TYPE", "DOI-NOT-SUPPORTED",
		"SITUATION-NOT-SUPPORTED", "INVALID-COOKIE",
		"INVALID-MAJOR-VERSION", "INVALID-MINOR-VERSION",
		"INVALID-EXCHANGE-TYPE", "INVALID-FLAGS", "INVALID-MESSAGE-ID",
		"INVALID-PROTOCOL-ID", "INVALID-SPI", "INVALID-TRANSFORM-ID",
		"ATTRIBUTES-NOT-SUPPORTED", "NO-PROPOSAL-CHOSEN",
		"BAD-PROPOSAL-SYNTAX", "PAYLOAD-MALFORMED",
		"INVALID-KEY-INFORMATION", "INVALID-ID-INFORMATION",
		"INVALID-CERT-ENCODING", "INVALID-CERTIFICATE",
		"CERT-TYPE-UNSUPPORTED", "INVALID-CERT-AUTHORITY",
		"INVALID-HASH-INFORMATION", "AUTHENTICATION-FAILED",
		"INVALID-SIGNATURE", "ADDRESS-NOTIFICATION",
		"NOTIFY-SA-LIFETIME", "CERTIFICATE-UNAVAILABLE",
		"UNSUPPORTED-EXCHANGE-TYPE", "UNEQUAL-PAYLOAD-LENGTHS",
	};
	static const struct { uint16_t type; const char *name; } status[] = {
		{ ISAKMP_N_CONNECTED, "CONNECTED" },
		{ ISAKMP_N_RESPONDER_LIFETIME, "RESPONDER-LIFETIME" },
		{ ISAKMP_N_REPLAY_STATUS, "REPLAY-STATUS" },
		{ ISAKMP_N_INITIAL_CONTACT, "INITIAL-CONTACT" },
		{ ISAKMP_N_R_U_THERE, "R-U-THERE" },
		{ ISAKMP_N_R_U_THERE_ACK, "R-U-THERE-ACK" },
	};
	static _Thread_local char number[16];
	size_t			  i;

	if (type != 0 && type < sizeof(errors) / sizeof(errors[0]))
		return errors[type];
	for (i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
		if (status[i].type == type)
			return status[i].name;
	}
	snprintf(number, sizeof(number), "notify %u", type);
	return number;
}
