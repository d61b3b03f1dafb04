/* dns_message.c - DNS answers made for tests */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "oe/record.h"
#include "oe/rr.h"
#include "tests/unit/dns_message.h"

#define QUESTION_AT	12

static void
put_name(struct writer *w, const char *name)
{
	size_t n;

	for (; *name != '\0'; name += n + (name[n] == '.')) {
		n = strcspn(name, ".");
		writer_u8(w, (uint8_t)n);
		writer_put(w, name, n);
	}
	writer_u8(w, 0);
}

void
dns_message_init(struct dns_message *m, const char *name, uint16_t type,
    uint16_t flags)
{
	writer_init(&m->w, m->buf, sizeof(m->buf));
	writer_u16(&m->w, 0x1234);
	writer_u16(&m->w, (uint16_t)(0x8180 | flags));
	writer_u16(&m->w, 1);
	writer_u16(&m->w, 0);
	writer_u16(&m->w, 0);
	writer_u16(&m->w, 0);
	put_name(&m->w, name);
	writer_u16(&m->w, type);
	writer_u16(&m->w, 1);
}

/* Counts a record in the header's field at off; returns where its length is. */
static size_t
put_rr(struct dns_message *m, size_t off, const char *owner, uint16_t type,
    uint32_t ttl)
{
	writer_patch_u16(&m->w, off, (uint16_t)(load_u16(m->buf + off) + 1));
	if (owner == NULL)
		writer_u16(&m->w, 0xc000 | QUESTION_AT);
	else
		put_name(&m->w, owner);
	writer_u16(&m->w, type);
	writer_u16(&m->w, 1);
	writer_u32(&m->w, ttl);
	writer_u16(&m->w, 0);
	return m->w.len - 2;
}

static void
end_rr(struct dns_message *m, size_t off)
{
	writer_patch_u16(&m->w, off, (uint16_t)(m->w.len - off - 2));
}

void
dns_message_answer(struct dns_message *m, const char *owner, uint16_t type,
    uint32_t ttl, const void *data, size_t len)
{
	size_t off = put_rr(m, 6, owner, type, ttl);

	writer_put(&m->w, data, len);
	end_rr(m, off);
}

void
dns_message_txt(struct dns_message *m, const char *owner, uint32_t ttl,
    const char *text, size_t chunk)
{
	size_t off = put_rr(m, 6, owner, RECORD_TYPE_TXT, ttl);
	size_t left = strlen(text), n;

	do {
		n = left < chunk ? left : chunk;
		writer_u8(&m->w, (uint8_t)n);
		writer_put(&m->w, text, n);
		text += n;
		left -= n;
	} while (left > 0);
	end_rr(m, off);
}

void
dns_message_cname(struct dns_message *m, const char *owner, uint32_t ttl,
    const char *target)
{
	size_t off = put_rr(m, 6, owner, RR_TYPE_CNAME, ttl);

	put_name(&m->w, target);
	end_rr(m, off);
}

void
dns_message_soa(struct dns_message *m, const char *owner, uint32_t ttl,
    uint32_t minimum)
{
	size_t	 off = put_rr(m, 8, owner, RR_TYPE_SOA, ttl);
	unsigned i;

	put_name(&m->w, "ns.lab");
	put_name(&m->w, "root.lab");
	for (i = 1; i <= 4; i++)
		writer_u32(&m->w, i);
	writer_u32(&m->w, minimum);
	end_rr(m, off);
}

void
dns_message_key(struct pubkey *k, unsigned bits, unsigned seed)
{
	static const uint8_t exponent[] = { 3, 1, 0, 1 };
	size_t		     i, n = bits / 8;

	k->type = PUBKEY_RSA;
	memcpy(k->wire, exponent, sizeof(exponent));
	for (i = 0; i < n; i++)
		k->wire[sizeof(exponent) + i] = (uint8_t)(seed * 37 + i * 11);
	k->wire[sizeof(exponent)] |= 0x80;
	k->wire[sizeof(exponent) + n - 1] |= 1;
	k->len = sizeof(exponent) + n;
}

size_t
dns_message_key_data(uint8_t *out, uint16_t flags, uint8_t protocol,
    uint8_t algorithm, const struct pubkey *k)
{
	store_u16(out, flags);
	out[2] = protocol;
	out[3] = algorithm;
	memcpy(out + 4, k->wire, k->len);
	return 4 + k->len;
}
