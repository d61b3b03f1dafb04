/* message.c - IKEv2 messages: bounded reading and writing of the header and of chains of payloads */
#include "config.h"

#include <stdio.h>

#include "oe/ike2/message.h"

#define CRITICAL	0x80	/* the other bits of this octet are reserved */

enum ike2_error
ike2_header_read(struct ike2_header *h, const uint8_t *buf, size_t len)
{
	struct cursor c;

	cursor_init(&c, buf, len);
	h->spi_i = cursor_u64(&c);
	h->spi_r = cursor_u64(&c);
	h->first = cursor_u8(&c);
	h->version = cursor_u8(&c);
	h->exchange = cursor_u8(&c);
	h->flags = cursor_u8(&c);
	h->msgid = cursor_u32(&c);
	h->length = cursor_u32(&c);
	if (c.bad || h->spi_i == 0 || h->length != len)
		return IKE2_E_SYNTAX;
	/* Whatever else a higher version changed, this far it is the same. */
	if (h->version >> 4 != IKE2_MAJOR)
		return h->version >> 4 > IKE2_MAJOR ? IKE2_E_VERSION :
		    IKE2_E_SYNTAX;
	return len > IKE2_MESSAGE_MAX ? IKE2_E_LIMIT : IKE2_OK;
}

static bool
payload_known(uint8_t type)
{
	return (type >= IKE2_P_SA && type <= IKE2_P_EAP) ||
	    type == IKE2_P_FRAGMENT;
}

static bool
payload_sealed(uint8_t type)
{
	return type == IKE2_P_ENCRYPTED || type == IKE2_P_FRAGMENT;
}

enum ike2_error
ike2_chain_split(struct ike2_chain *chain, uint8_t first, const uint8_t *p,
    size_t len, bool sealed)
{
	struct ike2_part *part;
	const uint8_t	 *body;
	struct cursor	  c;
	uint8_t		  type = first, next, flags;
	size_t		  plen;
	unsigned	  n;

	chain->nparts = 0;
	chain->refused = 0;
	cursor_init(&c, p, len);
	for (n = 0; type != IKE2_NONE; type = next) {
		if (n++ == IKE2_PAYLOADS_MAX)
			return IKE2_E_LIMIT;
		next = cursor_u8(&c);
		flags = cursor_u8(&c);
		plen = cursor_u16(&c);
		if (c.bad || plen < IKE2_GENERIC_LEN ||
		    (body = cursor_take(&c, plen - IKE2_GENERIC_LEN)) == NULL)
			return IKE2_E_SYNTAX;
		if (!payload_known(type)) {
			if ((flags & CRITICAL) != 0) {
				chain->refused = type;
				return IKE2_E_CRITICAL;
			}
			continue;
		}
		part = &chain->part[chain->nparts++];
		part->type = type;
		part->next = next;
		part->body = body;
		part->len = plen - IKE2_GENERIC_LEN;
		if (payload_sealed(type)) {
			if (!sealed)
				return IKE2_E_SYNTAX;
			break;
		}
	}
	return cursor_left(&c) == 0 ? IKE2_OK : IKE2_E_SYNTAX;
}

const struct ike2_part *
ike2_chain_find(const struct ike2_chain *c, uint8_t type)
{
	unsigned i;

	for (i = 0; i < c->nparts; i++) {
		if (c->part[i].type == type)
			return &c->part[i];
	}
	return NULL;
}

unsigned
ike2_chain_count(const struct ike2_chain *c, uint8_t type)
{
	unsigned i, n = 0;

	for (i = 0; i < c->nparts; i++)
		n += c->part[i].type == type;
	return n;
}

const struct ike2_part *
ike2_chain_only(const struct ike2_chain *c, uint8_t type)
{
	return ike2_chain_count(c, type) == 1 ? ike2_chain_find(c, type) : NULL;
}

void
ike2_header_write(struct writer *w, const struct ike2_header *h)
{
	writer_u64(w, h->spi_i);
	writer_u64(w, h->spi_r);
	writer_u8(w, h->first);
	writer_u8(w, IKE2_VERSION);
	writer_u8(w, h->exchange);
	writer_u8(w, h->flags);
	writer_u32(w, h->msgid);
	writer_u32(w, h->length);
}

void
ike2_message_begin(struct ike2_builder *b, uint8_t *buf, size_t cap,
    const struct ike2_header *h)
{
	struct ike2_header mine = *h;

	ike2_chain_begin(b, buf, cap);
	mine.first = IKE2_NONE;
	mine.length = 0;
	ike2_header_write(&b->w, &mine);
}

size_t
ike2_message_end(struct ike2_builder *b)
{
	if (b->w.bad)
		return 0;
	b->w.base[16] = b->first;
	store_u32(b->w.base + 24, (uint32_t)b->w.len);
	return b->w.len;
}

void
ike2_chain_begin(struct ike2_builder *b, uint8_t *buf, size_t cap)
{
	writer_init(&b->w, buf, cap);
	b->first = IKE2_NONE;
	b->next_at = SIZE_MAX;
	b->start = 0;
}

void
ike2_open(struct ike2_builder *b, uint8_t type)
{
	if (b->next_at == SIZE_MAX)
		b->first = type;
	else if (!b->w.bad)
		b->w.base[b->next_at] = type;
	b->start = b->next_at = b->w.len;
	writer_u8(&b->w, IKE2_NONE);
	/* Every payload that we send is of RFC 7296, for which the critical
	 * bit is to be clear (§3.2), or SKF (RFC 7383 §2.5). */
	writer_u8(&b->w, 0);
	writer_u16(&b->w, 0);
}

void
ike2_close(struct ike2_builder *b)
{
	if (b->w.bad || b->w.len - b->start > UINT16_MAX) {
		b->w.bad = true;
		return;
	}
	writer_patch_u16(&b->w, b->start + 2, (uint16_t)(b->w.len - b->start));
}

void
ike2_put(struct ike2_builder *b, uint8_t type, const void *body, size_t len)
{
	ike2_open(b, type);
	writer_put(&b->w, body, len);
	ike2_close(b);
}

const char *
ike2_exchange_text(uint8_t exchange)
{
	static _Thread_local char number[4];

	switch (exchange) {
	case IKE2_SA_INIT:
		return "IKE_SA_INIT";
	case IKE2_AUTH:
		return "IKE_AUTH";
	case IKE2_CREATE_CHILD_SA:
		return "CREATE_CHILD_SA";
	case IKE2_INFORMATIONAL:
		return "INFORMATIONAL";
	default:
		snprintf(number, sizeof(number), "%u", exchange);
		return number;
	}
}
