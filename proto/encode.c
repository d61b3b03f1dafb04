/* encode.c - writing RSIP messages (RFC 3103 §8, §9) */
#include "config.h"

#include <string.h>

#include "base/cursor.h"
#include "proto/rsip.h"
#include "proto/table.h"

static size_t
param_begin(struct writer *w, uint8_t type)
{
	writer_u8(w, type);
	writer_u16(w, 0);
	return w->len;
}

/* start: what param_begin() returned. */
static void
param_end(struct writer *w, size_t start)
{
	if (!w->bad)
		writer_patch_u16(w, start - 2, (uint16_t)(w->len - start));
}

static void
put_address(struct writer *w, const struct rsip_address *a)
{
	size_t start = param_begin(w, RSIP_PARAM_ADDRESS);

	writer_u8(w, a->type);
	if (a->any)
		;
	else if (a->type == RSIP_ADDR_FQDN)
		writer_put(w, a->fqdn, strlen(a->fqdn));
	else
		writer_put(w, a->addr.bytes, addr_len(&a->addr));
	param_end(w, start);
}

static void
put_ports(struct writer *w, const struct rsip_ports *p)
{
	size_t	 start = param_begin(w, RSIP_PARAM_PORTS);
	unsigned i;

	if (!p->none) {
		writer_u8(w, p->number);
		for (i = 0; i < p->nfields; i++)
			writer_u16(w, p->port[i]);
	}
	param_end(w, start);
}

static void
put_spis(struct writer *w, const struct rsip_spis *s)
{
	size_t	 start = param_begin(w, RSIP_PARAM_SPI);
	unsigned i;

	writer_u16(w, s->number);
	for (i = 0; i < s->nfields; i++)
		writer_u32(w, s->spi[i]);
	param_end(w, start);
}

/* A number of 1, 2 or 4 bytes. */
static void
put_number(struct writer *w, uint8_t type, uint32_t v, size_t size)
{
	uint8_t b[3 + sizeof(v)] = { type, 0, (uint8_t)size };

	/* The high bytes go first: those of a short one are cut off. */
	store_u32(b + 3, v << (8 * (sizeof(v) - size)));
	writer_put(w, b, 3 + size);
}

static void
put_u32(struct writer *w, uint8_t type, uint32_t v)
{
	put_number(w, type, v, 4);
}

static void
put_u16(struct writer *w, uint8_t type, uint16_t v)
{
	put_number(w, type, v, 2);
}

static void
put_bytes(struct writer *w, uint8_t type, const uint8_t *v, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		put_number(w, type, v[i], 1);
}

static void
put_tuples(struct writer *w, const struct rsip_message *m)
{
	const struct rsip_tuple *t;

	for (t = m->tuple; t < m->tuple + m->ntuples; t++) {
		put_u16(w, RSIP_PARAM_INDICATOR, t->indicator);
		put_address(w, &t->address);
		if (t->indicator == RSIP_LOCAL_NETWORK ||
		    t->indicator == RSIP_REMOTE_NETWORK)
			put_address(w, &t->netmask);
	}
}

static void
put_slot(struct writer *w, const struct rsip_message *m, uint32_t bit)
{
	switch (bit) {
	case RSIP_HAS_LOCAL:
		put_address(w, &m->local);
		break;
	case RSIP_HAS_REMOTE:
		put_address(w, &m->remote);
		break;
	case RSIP_HAS_ENDPOINT:
		put_address(w, &m->endpoint);
		break;
	case RSIP_HAS_LOCAL_PORTS:
		put_ports(w, &m->local_ports);
		break;
	case RSIP_HAS_REMOTE_PORTS:
		put_ports(w, &m->remote_ports);
		break;
	case RSIP_HAS_SPIS:
		put_spis(w, &m->spis);
		break;
	case RSIP_HAS_CLIENT_ID:
		put_u32(w, RSIP_PARAM_CLIENT_ID, m->client_id);
		break;
	case RSIP_HAS_BIND_ID:
		put_u32(w, RSIP_PARAM_BIND_ID, m->bind_id);
		break;
	case RSIP_HAS_LEASE:
		put_u32(w, RSIP_PARAM_LEASE_TIME, m->lease);
		break;
	case RSIP_HAS_COUNTER:
		put_u32(w, RSIP_PARAM_MESSAGE_COUNTER, m->counter);
		break;
	case RSIP_HAS_ERROR:
		put_u16(w, RSIP_PARAM_ERROR, m->error);
		break;
	case RSIP_HAS_POLICY:
		put_u16(w, RSIP_PARAM_FLOW_POLICY,
		    (uint16_t)(m->local_policy << 8 | m->remote_policy));
		break;
	case RSIP_HAS_TUNNEL:
		put_bytes(w, RSIP_PARAM_TUNNEL_TYPE, m->tunnel, m->ntunnels);
		break;
	case RSIP_HAS_METHOD:
		put_bytes(w, RSIP_PARAM_RSIP_METHOD, m->method, m->nmethods);
		break;
	case RSIP_HAS_TUPLES:
		put_tuples(w, m);
		break;
	}
}

static size_t
vendor_begin(struct writer *w, uint16_t subtype)
{
	size_t start = param_begin(w, RSIP_PARAM_VENDOR);

	writer_u16(w, RSIP_VENDOR);
	writer_u16(w, subtype);
	return start;
}

static void
put_vendor(struct writer *w, struct rsip_message *m)
{
	static const uint8_t zero[RSIP_AUTH_MAC_LEN];
	size_t		     start;
	unsigned	     i;

	if (m->has & RSIP_HAS_COOKIES) {
		start = vendor_begin(w, RSIP_VENDOR_COOKIES);
		writer_u16(w, m->cookies_number);
		for (i = 0; i < m->ncookies; i++)
			writer_u64(w, m->cookie[i]);
		param_end(w, start);
	}
	if (m->has & RSIP_HAS_FQDN) {
		start = vendor_begin(w, RSIP_VENDOR_FQDN);
		writer_put(w, m->fqdn, strlen(m->fqdn));
		param_end(w, start);
	}
	if (m->has & RSIP_HAS_FLOOR) {
		start = vendor_begin(w, RSIP_VENDOR_FLOOR);
		writer_u64(w, m->auth_floor);
		param_end(w, start);
	}
	if (m->has & RSIP_HAS_AUTH) {
		start = vendor_begin(w, RSIP_VENDOR_AUTH);
		writer_u32(w, m->auth_key_id);
		writer_u64(w, m->auth_index);
		writer_u64(w, m->auth_echo);
		writer_u64(w, m->auth_counter);
		m->auth_offset = w->len;
		writer_put(w, zero, sizeof(zero));
		param_end(w, start);
	}
}

/* Do the counts inside agree with what the bits and the layout say? */
static bool
encode_allowed(const struct rsip_message *m, const struct rsip_layout *layout)
{
	const struct rsip_slot *slot;
	uint32_t allowed = RSIP_HAS_COOKIES | RSIP_HAS_AUTH | RSIP_HAS_FQDN |
	    RSIP_HAS_FLOOR;

	for (slot = layout->required; slot->bit != 0; slot++) {
		if (!(m->has & slot->bit))
			return false;
		if (slot->bit == RSIP_HAS_TUNNEL && m->ntunnels != 1)
			return false;
		allowed |= slot->bit;
	}
	for (slot = layout->optional; slot->bit != 0; slot++) {
		if (slot->bit == RSIP_HAS_TUNNEL && !slot->repeat &&
		    (m->has & slot->bit) && m->ntunnels != 1)
			return false;
		allowed |= slot->bit;
	}
	if ((m->local_ports.none || m->remote_ports.none) &&
	    !layout->may_need_no_ports)
		return false;
	return (m->has & ~allowed) == 0 && m->ntunnels <= RSIP_TUNNELS_MAX &&
	    m->nmethods <= RSIP_METHODS_MAX &&
	    m->ncookies <= RSIP_COOKIES_MAX &&
	    m->spis.nfields <= RSIP_SPIS_MAX;
}

int
rsip_encode(struct rsip_message *m, uint8_t *buf, size_t cap)
{
	const struct rsip_layout *layout = rsip_layout(m->type);
	const struct rsip_slot	 *slot;
	struct writer		  w;

	if (layout == NULL || !encode_allowed(m, layout))
		return -1;
	writer_init(&w, buf, cap > RSIP_MESSAGE_MAX ? RSIP_MESSAGE_MAX : cap);
	writer_u8(&w, RSIP_VERSION);
	writer_u8(&w, m->type);
	writer_u16(&w, 0);
	for (slot = layout->required; slot->bit != 0; slot++)
		put_slot(&w, m, slot->bit);
	for (slot = layout->optional; slot->bit != 0; slot++) {
		if (m->has & slot->bit)
			put_slot(&w, m, slot->bit);
	}
	put_vendor(&w, m);
	writer_patch_u16(&w, 2, (uint16_t)w.len);
	return w.bad ? -1 : (int)w.len;
}
