/* notify.c - Informational exchanges that we begin: notify, delete */
#include "config.h"

#include <string.h>

#include "base/cursor.h"
#include "oe/ike1/message.h"
#include "oe/ike1/msgid.h"
#include "oe/ike1/notify.h"

/* HASH(1) = prf(SKEYID_a, M-ID | N/D) */
int
notify_hash(const struct ike1_sa *sa, uint32_t msgid, const uint8_t *rest,
    size_t len, uint8_t out[IKE_HASH_MAX])
{
	uint8_t		 id[4];
	struct ike_chunk c[2] = { { id, 4 }, { rest, len } };

	store_u32(id, msgid);
	return ike_prf(sa->suite.hash, sa->k.a, sa->k.len, c, 2, out);
}

static void
notify_begin(struct isakmp_builder *b, uint8_t *buf, size_t cap,
    struct ike1_sa *sa, uint64_t now, struct isakmp_header *h)
{
	static const uint8_t zero[IKE_HASH_MAX];

	*h = (struct isakmp_header){ .cookie_i = sa->cookie_i,
		.cookie_r = sa->cookie_r, .exchange = ISAKMP_INFORMATIONAL,
		.flags = ISAKMP_FLAG_ENCRYPTION,
		.msgid = msgid_new(sa, now, ISAKMP_INFORMATIONAL) };
	isakmp_begin(b, buf, cap, h);
	isakmp_put(b, ISAKMP_HASH, zero, sa->k.len);
}

static void
notify_end(struct isakmp_builder *b, struct ike1_sa *sa,
    const struct isakmp_header *h)
{
	size_t	at = ISAKMP_HEADER_LEN + 4 + sa->k.len, len;
	uint8_t hash[IKE_HASH_MAX], iv[IKE1_BLOCK_MAX];

	if (b->w.bad || message_iv(sa, h->msgid, iv) == -1 ||
	    notify_hash(sa, h->msgid, b->w.base + at, b->w.len - at, hash) ==
	    -1)
		return;
	memcpy(b->w.base + ISAKMP_HEADER_LEN + 4, hash, sa->k.len);
	if ((len = message_seal(sa, b, iv)) != 0)
		message_send(sa, b->w.base, len);
}

void
notify_cookies(const struct ike1_sa *sa, uint8_t out[16])
{
	store_u64(out, sa->cookie_i);
	store_u64(out + 8, sa->cookie_r);
}

void
notify_put(struct isakmp_builder *b, uint16_t type, uint8_t protocol,
    const void *spi, size_t spi_len, const void *data, size_t data_len)
{
	isakmp_open(b, ISAKMP_NOTIFICATION);
	writer_u32(&b->w, IPSEC_DOI);
	writer_u8(&b->w, protocol);
	writer_u8(&b->w, (uint8_t)spi_len);
	writer_u16(&b->w, type);
	writer_put(&b->w, spi, spi_len);
	writer_put(&b->w, data, data_len);
	isakmp_close(b);
}

void
notify_send(struct ike1_sa *sa, uint64_t now, uint16_t type, uint8_t protocol,
    const void *spi, size_t spi_len, const void *data, size_t data_len)
{
	struct isakmp_header  h;
	struct isakmp_builder b;
	uint8_t		      buf[512], cookies[16];

	if (sa->k.len == 0)
		return;
	if (protocol == PROTO_ISAKMP) {
		notify_cookies(sa, cookies);
		spi = cookies;
		spi_len = sizeof(cookies);
	}
	notify_begin(&b, buf, sizeof(buf), sa, now, &h);
	notify_put(&b, type, protocol, spi, spi_len, data, data_len);
	notify_end(&b, sa, &h);
}

void
notify_plain(struct ike1 *e, const struct keying_path *path, uint64_t cookie_i,
    uint64_t cookie_r, uint16_t type, uint8_t protocol, const void *spi,
    size_t spi_len)
{
	struct isakmp_header  h = { .cookie_i = cookie_i, .cookie_r = cookie_r,
		.exchange = ISAKMP_INFORMATIONAL, .msgid = msgid_random() };
	struct isakmp_builder b;
	uint8_t		      buf[128];
	size_t		      len;

	isakmp_begin(&b, buf, sizeof(buf), &h);
	notify_put(&b, type, protocol, spi, spi_len, NULL, 0);
	if ((len = isakmp_end(&b)) != 0)
		ike_send(&e->x, path, buf, len);
}

static void
notify_delete(struct ike1_sa *sa, uint64_t now, uint8_t protocol,
    const uint8_t *spi, size_t spi_len)
{
	struct isakmp_header  h;
	struct isakmp_builder b;
	uint8_t		      buf[256];

	notify_begin(&b, buf, sizeof(buf), sa, now, &h);
	isakmp_open(&b, ISAKMP_DELETE);
	writer_u32(&b.w, IPSEC_DOI);
	writer_u8(&b.w, protocol);
	writer_u8(&b.w, (uint8_t)spi_len);
	writer_u16(&b.w, 1);
	writer_put(&b.w, spi, spi_len);
	isakmp_close(&b);
	notify_end(&b, sa, &h);
}

void
notify_delete_child(struct ike1_sa *sa, uint64_t now, uint32_t spi_in)
{
	uint8_t spi[4];

	store_u32(spi, spi_in);
	notify_delete(sa, now, PROTO_ESP, spi, sizeof(spi));
}

void
notify_delete_sa(struct ike1_sa *sa, uint64_t now)
{
	uint8_t cookies[16];

	notify_cookies(sa, cookies);
	notify_delete(sa, now, PROTO_ISAKMP, cookies, sizeof(cookies));
}
