/* notify.c - Informational exchanges that we begin: notify, delete */
#include "config.h"

#include <string.h>

#include "base/cursor.h"
#include "oe/ike1/message.h"
#include "oe/ike1/msgid.h"
#include "oe/ike1/notify.h"

static void
notify_end(struct isakmp_builder *b, struct ike1_sa *sa, uint32_t msgid)
{
	const struct message_hash k = { .step = 1, .msgid = msgid };
	size_t			  len;
	uint8_t			  iv[IKE1_BLOCK_MAX];

	if (message_iv(sa, msgid, iv) == 0 &&
	    (len = message_seal_hashed(sa, b, iv, &k)) != 0)
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
notify_read(struct notify *n, const struct isakmp_part *p)
{
	cursor_init(&n->data, p->body, p->len);
	cursor_u32(&n->data);
	n->protocol = cursor_u8(&n->data);
	n->spi_len = cursor_u8(&n->data);
	n->type = cursor_u16(&n->data);
	n->spi = cursor_take(&n->data, n->spi_len);
}

void
notify_send(struct ike1_sa *sa, uint64_t now, uint16_t type, uint8_t protocol,
    const void *spi, size_t spi_len, const void *data, size_t data_len)
{
	struct isakmp_builder b;
	uint32_t	      id;
	uint8_t		      buf[512], cookies[16];

	if (sa->k.len == 0)
		return;
	if (protocol == PROTO_ISAKMP) {
		notify_cookies(sa, cookies);
		spi = cookies;
		spi_len = sizeof(cookies);
	}
	id = msgid_new(sa, now, ISAKMP_INFORMATIONAL);
	message_begin(&b, buf, sizeof(buf), sa, ISAKMP_INFORMATIONAL,
	    ISAKMP_FLAG_ENCRYPTION, id);
	notify_put(&b, type, protocol, spi, spi_len, data, data_len);
	notify_end(&b, sa, id);
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
	struct isakmp_builder b;
	uint32_t	      id = msgid_new(sa, now, ISAKMP_INFORMATIONAL);
	uint8_t		      buf[256];

	message_begin(&b, buf, sizeof(buf), sa, ISAKMP_INFORMATIONAL,
	    ISAKMP_FLAG_ENCRYPTION, id);
	isakmp_open(&b, ISAKMP_DELETE);
	writer_u32(&b.w, IPSEC_DOI);
	writer_u8(&b.w, protocol);
	writer_u8(&b.w, (uint8_t)spi_len);
	writer_u16(&b.w, 1);
	writer_put(&b.w, spi, spi_len);
	isakmp_close(&b);
	notify_end(&b, sa, id);
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
