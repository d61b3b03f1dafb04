/* notify.c - Notify and Delete payloads */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "oe/ike2/notify.h"

int
ike2_notify_read(struct ike2_notify *n, const struct ike2_part *p)
{
	struct cursor c;

	memset(n, 0, sizeof(*n));
	cursor_init(&c, p->body, p->len);
	n->protocol = cursor_u8(&c);
	n->spi_len = cursor_u8(&c);
	n->type = cursor_u16(&c);
	/* §3.10: an IKE SA's SPI is that of the header.  One that is there
	 * anyhow is no harm. */
	if (n->spi_len == 4)
		n->spi = cursor_u32(&c);
	else if (n->spi_len == 0 || n->spi_len == 8)
		cursor_take(&c, n->spi_len);
	else
		return -1;
	n->len = cursor_left(&c);
	n->data = cursor_take(&c, n->len);
	return c.bad ? -1 : 0;
}

bool
ike2_notify_find(const struct ike2_chain *c, uint16_t type,
    struct ike2_notify *n)
{
	unsigned i;

	for (i = 0; i < c->nparts; i++) {
		if (c->part[i].type == IKE2_P_NOTIFY &&
		    ike2_notify_read(n, &c->part[i]) == 0 && n->type == type)
			return true;
	}
	return false;
}

uint16_t
ike2_notify_error(const struct ike2_chain *c)
{
	struct ike2_notify n;
	unsigned	   i;

	for (i = 0; i < c->nparts; i++) {
		if (c->part[i].type == IKE2_P_NOTIFY &&
		    ike2_notify_read(&n, &c->part[i]) == 0 &&
		    n.type < IKE2_N_STATUS && n.type != 0)
			return n.type;
	}
	return 0;
}

void
ike2_notify_put(struct ike2_builder *b, uint16_t type, const void *data,
    size_t len)
{
	ike2_open(b, IKE2_P_NOTIFY);
	writer_u8(&b->w, IKE2_PROTO_NONE);
	writer_u8(&b->w, 0);
	writer_u16(&b->w, type);
	writer_put(&b->w, data, len);
	ike2_close(b);
}

void
ike2_notify_put_esp(struct ike2_builder *b, uint16_t type, uint32_t spi)
{
	ike2_open(b, IKE2_P_NOTIFY);
	writer_u8(&b->w, IKE2_PROTO_ESP);
	writer_u8(&b->w, 4);
	writer_u16(&b->w, type);
	writer_u32(&b->w, spi);
	ike2_close(b);
}

const char *
ike2_notify_text(uint16_t type)
{
	static const struct { uint16_t type; const char *name; } names[] = {
		{ IKE2_N_UNSUPPORTED_CRITICAL_PAYLOAD,
		    "UNSUPPORTED_CRITICAL_PAYLOAD" },
		{ IKE2_N_INVALID_IKE_SPI, "INVALID_IKE_SPI" },
		{ IKE2_N_INVALID_MAJOR_VERSION, "INVALID_MAJOR_VERSION" },
		{ IKE2_N_INVALID_SYNTAX, "INVALID_SYNTAX" },
		{ IKE2_N_INVALID_MESSAGE_ID, "INVALID_MESSAGE_ID" },
		{ IKE2_N_INVALID_SPI, "INVALID_SPI" },
		{ IKE2_N_NO_PROPOSAL_CHOSEN, "NO_PROPOSAL_CHOSEN" },
		{ IKE2_N_INVALID_KE_PAYLOAD, "INVALID_KE_PAYLOAD" },
		{ IKE2_N_AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED" },
		{ IKE2_N_SINGLE_PAIR_REQUIRED, "SINGLE_PAIR_REQUIRED" },
		{ IKE2_N_NO_ADDITIONAL_SAS, "NO_ADDITIONAL_SAS" },
		{ IKE2_N_INTERNAL_ADDRESS_FAILURE, "INTERNAL_ADDRESS_FAILURE" },
		{ IKE2_N_FAILED_CP_REQUIRED, "FAILED_CP_REQUIRED" },
		{ IKE2_N_TS_UNACCEPTABLE, "TS_UNACCEPTABLE" },
		{ IKE2_N_INVALID_SELECTORS, "INVALID_SELECTORS" },
		{ IKE2_N_TEMPORARY_FAILURE, "TEMPORARY_FAILURE" },
		{ IKE2_N_CHILD_SA_NOT_FOUND, "CHILD_SA_NOT_FOUND" },
	};
	static _Thread_local char number[16];
	size_t			  i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].type == type)
			return names[i].name;
	}
	snprintf(number, sizeof(number), "notify %u", type);
	return number;
}

int
ike2_delete_read(struct ike2_delete *d, const struct ike2_part *p)
{
	struct cursor c;
	uint8_t	      spi_len;
	uint16_t      n;

	memset(d, 0, sizeof(*d));
	cursor_init(&c, p->body, p->len);
	d->protocol = cursor_u8(&c);
	spi_len = cursor_u8(&c);
	n = cursor_u16(&c);
	if (c.bad || spi_len != (d->protocol == IKE2_PROTO_IKE ? 0 : 4) ||
	    cursor_left(&c) != (size_t)n * spi_len || n > IKE2_DELETE_MAX ||
	    (n != 0) != (spi_len != 0))
		return -1;
	while (d->n < n)
		d->spi[d->n++] = cursor_u32(&c);
	return 0;
}

void
ike2_delete_put(struct ike2_builder *b, const struct ike2_delete *d)
{
	unsigned i;

	ike2_open(b, IKE2_P_DELETE);
	writer_u8(&b->w, d->protocol);
	writer_u8(&b->w, d->protocol == IKE2_PROTO_IKE ? 0 : 4);
	writer_u16(&b->w, (uint16_t)d->n);
	for (i = 0; i < d->n; i++)
		writer_u32(&b->w, d->spi[i]);
	ike2_close(b);
}
