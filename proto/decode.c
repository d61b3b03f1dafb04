/* decode.c - reading RSIP messages from the wire (RFC 3103 §8, §9) */
#include "config.h"

#include <string.h>

#include "base/cursor.h"
#include "proto/rsip.h"
#include "proto/table.h"

/* One parameter where it stands. */
struct param {
	uint8_t	      type;
	struct cursor value;
};

int
rsip_frame_length(const uint8_t *buf, size_t len)
{
	int n;

	if (len < RSIP_HEADER_LEN)
		return 0;
	n = load_u16(buf + 2);
	return n < RSIP_HEADER_LEN ? -1 : n;
}

static bool
param_next(struct cursor *c, struct param *p)
{
	uint16_t len;

	p->type = cursor_u8(c);
	len = cursor_u16(c);
	p->value = cursor_sub(c, len);
	return !c->bad;
}

static bool
param_known(uint8_t type)
{
	return (type >= RSIP_PARAM_ADDRESS && type <= RSIP_PARAM_VENDOR) ||
	    type == RSIP_PARAM_SPI;
}

static bool
fqdn_ok(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i] <= ' ' || p[i] >= 0x7f)
			return false;
	}
	return true;
}

/* What the readers fill is empty, as rsip_message_init() leaves it; or it is
 * looked at no more, as only the error counts. */
static enum rsip_error
read_address(struct rsip_address *a, struct cursor c)
{
	const uint8_t *p;
	size_t	       len;
	int	       family = AF_UNSPEC;

	a->type = cursor_u8(&c);
	len = cursor_left(&c);
	switch (a->type) {
	case RSIP_ADDR_IPV4:
	case RSIP_ADDR_NETMASK4:
		family = AF_INET;
		break;
	case RSIP_ADDR_IPV6:
		family = AF_INET6;
		break;
	case RSIP_ADDR_FQDN:
		break;
	default:
		return RSIP_BAD_PARAM;
	}
	if (len == 0) {
		a->any = true;
		return RSIP_OK;
	}
	p = cursor_take(&c, len);
	if (a->type == RSIP_ADDR_FQDN) {
		if (len > RSIP_FQDN_MAX || !fqdn_ok(p, len))
			return RSIP_BAD_PARAM;
		memcpy(a->fqdn, p, len);
		a->fqdn[len] = '\0';
		return RSIP_OK;
	}
	if (len != addr_bits(family) / 8)
		return RSIP_BAD_PARAM;
	a->addr = addr_from_bytes(family, p);
	return RSIP_OK;
}

/* §8.2: no field, one, or as many as the number says. */
static bool
fields_ok(size_t nfields, uint32_t number)
{
	return number >= 1 && (nfields == 0 || nfields == 1 ||
	    nfields == number);
}

static enum rsip_error
read_ports(struct rsip_ports *p, struct cursor c, bool may_be_none)
{
	size_t i, nfields;

	if (cursor_left(&c) == 0) {
		p->none = true;
		return may_be_none ? RSIP_OK : RSIP_BAD_PARAM;
	}
	p->number = cursor_u8(&c);
	nfields = cursor_left(&c) / 2;
	if (cursor_left(&c) % 2 != 0 || !fields_ok(nfields, p->number))
		return RSIP_BAD_PARAM;
	p->nfields = (uint8_t)nfields;
	for (i = 0; i < nfields; i++)
		p->port[i] = cursor_u16(&c);
	if (nfields == 1 && (unsigned)p->port[0] + p->number - 1 > UINT16_MAX)
		return RSIP_BAD_PARAM;
	return RSIP_OK;
}

static enum rsip_error
read_spis(struct rsip_spis *s, struct cursor c)
{
	size_t i, nfields;

	s->number = cursor_u16(&c);
	nfields = cursor_left(&c) / 4;
	if (c.bad || cursor_left(&c) % 4 != 0 ||
	    !fields_ok(nfields, s->number) || nfields > RSIP_SPIS_MAX)
		return RSIP_BAD_PARAM;
	s->nfields = (uint16_t)nfields;
	for (i = 0; i < nfields; i++)
		s->spi[i] = cursor_u32(&c);
	if (nfields == 1 && s->spi[0] > UINT32_MAX - (s->number - 1u))
		return RSIP_BAD_PARAM;
	return RSIP_OK;
}

/* Our own vendor parameters; those of others are not looked at (§8.12). */
static enum rsip_error
read_vendor(struct rsip_message *m, const struct param *p, bool last,
    const uint8_t *msg)
{
	struct cursor  c = p->value;
	unsigned       vendor = cursor_u16(&c), subtype = cursor_u16(&c);
	const uint8_t *name;
	size_t	       len;

	if (c.bad)
		return RSIP_BAD_PARAM;
	if (vendor != RSIP_VENDOR)
		return RSIP_OK;
	len = cursor_left(&c);
	switch (subtype) {
	case RSIP_VENDOR_COOKIES:
		if (m->has & RSIP_HAS_COOKIES)
			return RSIP_DUPLICATE_PARAM;
		m->cookies_number = cursor_u16(&c);
		if (c.bad || (len - 2) % 8 != 0 || m->cookies_number == 0 ||
		    m->cookies_number > RSIP_COOKIES_MAX)
			return RSIP_BAD_PARAM;
		len = (len - 2) / 8;
		if (len != 0 && len != m->cookies_number)
			return RSIP_BAD_PARAM;
		for (; m->ncookies < len; m->ncookies++)
			m->cookie[m->ncookies] = cursor_u64(&c);
		m->has |= RSIP_HAS_COOKIES;
		return RSIP_OK;
	case RSIP_VENDOR_AUTH:
		/* What follows the MAC would not be read as covered by it; so
		 * there cannot be two either. */
		if (len != 28 + RSIP_AUTH_MAC_LEN || !last)
			return RSIP_BAD_PARAM;
		m->auth_key_id = cursor_u32(&c);
		m->auth_index = cursor_u64(&c);
		m->auth_echo = cursor_u64(&c);
		m->auth_counter = cursor_u64(&c);
		m->auth_offset = (size_t)(c.p - msg);
		cursor_copy(&c, m->auth_mac, RSIP_AUTH_MAC_LEN);
		m->has |= RSIP_HAS_AUTH;
		return RSIP_OK;
	case RSIP_VENDOR_FQDN:
		if (m->has & RSIP_HAS_FQDN)
			return RSIP_DUPLICATE_PARAM;
		name = cursor_take(&c, len);
		if (len == 0 || len > RSIP_FQDN_MAX || name == NULL ||
		    !fqdn_ok(name, len))
			return RSIP_BAD_PARAM;
		memcpy(m->fqdn, name, len);
		m->fqdn[len] = '\0';
		m->has |= RSIP_HAS_FQDN;
		return RSIP_OK;
	case RSIP_VENDOR_FLOOR:
		if (m->has & RSIP_HAS_FLOOR)
			return RSIP_DUPLICATE_PARAM;
		if (len != 8)
			return RSIP_BAD_PARAM;
		m->auth_floor = cursor_u64(&c);
		m->has |= RSIP_HAS_FLOOR;
		return RSIP_OK;
	}
	return RSIP_OK;
}

static enum rsip_error
read_number(struct cursor c, size_t size, uint32_t *out)
{
	if (cursor_left(&c) != size)
		return RSIP_BAD_PARAM;
	*out = size == 4 ? cursor_u32(&c) : size == 2 ? cursor_u16(&c) :
	    cursor_u8(&c);
	return RSIP_OK;
}

/* Reads one parameter's value into the member that slot names. */
static enum rsip_error
read_slot(struct rsip_message *m, const struct rsip_layout *layout,
    uint32_t bit, const struct param *p)
{
	enum rsip_error rc;
	uint32_t	v = 0;

	switch (bit) {
	case RSIP_HAS_LOCAL:
		return read_address(&m->local, p->value);
	case RSIP_HAS_REMOTE:
		return read_address(&m->remote, p->value);
	case RSIP_HAS_ENDPOINT:
		return read_address(&m->endpoint, p->value);
	case RSIP_HAS_LOCAL_PORTS:
		return read_ports(&m->local_ports, p->value,
		    layout->may_need_no_ports);
	case RSIP_HAS_REMOTE_PORTS:
		return read_ports(&m->remote_ports, p->value,
		    layout->may_need_no_ports);
	case RSIP_HAS_SPIS:
		return read_spis(&m->spis, p->value);
	case RSIP_HAS_CLIENT_ID:
		return read_number(p->value, 4, &m->client_id);
	case RSIP_HAS_BIND_ID:
		return read_number(p->value, 4, &m->bind_id);
	case RSIP_HAS_LEASE:
		return read_number(p->value, 4, &m->lease);
	case RSIP_HAS_COUNTER:
		return read_number(p->value, 4, &m->counter);
	case RSIP_HAS_ERROR:
		rc = read_number(p->value, 2, &v);
		m->error = (uint16_t)v;
		return rc;
	case RSIP_HAS_POLICY:
		if ((rc = read_number(p->value, 2, &v)) != RSIP_OK)
			return rc;
		m->local_policy = (uint8_t)(v >> 8);
		m->remote_policy = (uint8_t)v;
		return m->local_policy < RSIP_LOCAL_MACRO ||
		    m->local_policy > RSIP_LOCAL_MICRO ||
		    m->remote_policy < RSIP_REMOTE_MACRO ||
		    m->remote_policy > RSIP_REMOTE_NONE ? RSIP_BAD_PARAM :
		    RSIP_OK;
	case RSIP_HAS_TUNNEL:
		if ((rc = read_number(p->value, 1, &v)) != RSIP_OK)
			return rc;
		if (v == 0 || m->ntunnels == RSIP_TUNNELS_MAX)
			return RSIP_BAD_PARAM;
		m->tunnel[m->ntunnels++] = (uint8_t)v;
		return RSIP_OK;
	case RSIP_HAS_METHOD:
		if ((rc = read_number(p->value, 1, &v)) != RSIP_OK)
			return rc;
		if (v == 0 || m->nmethods == RSIP_METHODS_MAX)
			return RSIP_BAD_PARAM;
		m->method[m->nmethods++] = (uint8_t)v;
		return RSIP_OK;
	}
	return RSIP_BAD_PARAM;
}

/* Is the value well formed, wherever in the message the parameter stands? */
static enum rsip_error
check_value(const struct rsip_layout *layout, const struct param *p)
{
	union {
		struct rsip_address a;
		struct rsip_ports   p;
		struct rsip_spis    s;
		uint32_t	    v;
	} u;
	struct cursor c = p->value;

	switch (p->type) {
	case RSIP_PARAM_ADDRESS:
		return read_address(&u.a, c);
	case RSIP_PARAM_PORTS:
		return read_ports(&u.p, c, layout->may_need_no_ports);
	case RSIP_PARAM_SPI:
		return read_spis(&u.s, c);
	case RSIP_PARAM_LEASE_TIME:
	case RSIP_PARAM_CLIENT_ID:
	case RSIP_PARAM_BIND_ID:
	case RSIP_PARAM_MESSAGE_COUNTER:
		return read_number(c, 4, &u.v);
	case RSIP_PARAM_ERROR:
	case RSIP_PARAM_INDICATOR:
		return read_number(c, 2, &u.v);
	case RSIP_PARAM_FLOW_POLICY:
		if (read_number(c, 2, &u.v) != RSIP_OK || u.v >> 8 < 1 ||
		    u.v >> 8 > 2 || (u.v & 255) < 1 || (u.v & 255) > 3)
			return RSIP_BAD_PARAM;
		return RSIP_OK;
	case RSIP_PARAM_TUNNEL_TYPE:
	case RSIP_PARAM_RSIP_METHOD:
		if (read_number(c, 1, &u.v) != RSIP_OK || u.v == 0)
			return RSIP_BAD_PARAM;
		return RSIP_OK;
	default:
		return cursor_left(&c) < 4 ? RSIP_BAD_PARAM : RSIP_OK;
	}
}

static bool
slots_have(const struct rsip_slot *slot, uint8_t param)
{
	for (; slot->bit != 0; slot++) {
		/* The addresses of a tuple stand under its indicator. */
		if (slot->param == param || (slot->bit == RSIP_HAS_TUPLES &&
		    param == RSIP_PARAM_ADDRESS))
			return true;
	}
	return false;
}

/* The parameters a reader skips when it matches slots. */
static bool
param_next_plain(struct cursor *c, struct param *p)
{
	while (cursor_left(c) > 0) {
		if (!param_next(c, p))
			return false;
		if (p->type != RSIP_PARAM_VENDOR)
			return true;
	}
	return false;
}

/* What an ERROR_RESPONSE must name (§9.1.1, §10.1), if p is of that. */
static void
read_id(struct rsip_message *m, const struct param *p)
{
	uint32_t bit, *to;

	if (p->type == RSIP_PARAM_CLIENT_ID) {
		bit = RSIP_HAS_CLIENT_ID;
		to = &m->client_id;
	} else if (p->type == RSIP_PARAM_BIND_ID) {
		bit = RSIP_HAS_BIND_ID;
		to = &m->bind_id;
	} else if (p->type == RSIP_PARAM_MESSAGE_COUNTER) {
		bit = RSIP_HAS_COUNTER;
		to = &m->counter;
	} else {
		return;
	}
	if (!(m->has & bit) && read_number(p->value, 4, to) == RSIP_OK)
		m->has |= bit;
}

/* All of these, as far as they can be read. */
static void
read_ids(struct rsip_message *m, struct cursor c)
{
	struct param p;

	while (cursor_left(&c) > 0 && param_next(&c, &p))
		read_id(m, &p);
}

/*
 * Everything that does not depend on the order, by what is wrong anywhere:
 * framing first (207), then types nobody knows (204), values (205), and types
 * not allowed here (203).
 */
static enum rsip_error
check_params(struct rsip_message *m, const struct rsip_layout *layout,
    struct cursor c)
{
	struct param	p;
	enum rsip_error value = RSIP_OK;
	bool		unknown = false, extra = false;

	while (cursor_left(&c) > 0) {
		if (!param_next(&c, &p))
			return RSIP_BAD_MESSAGE;
		read_id(m, &p);
		if (!param_known(p.type)) {
			unknown = true;
			continue;
		}
		if (value == RSIP_OK)
			value = check_value(layout, &p);
		if (p.type != RSIP_PARAM_VENDOR &&
		    !slots_have(layout->required, p.type) &&
		    !slots_have(layout->optional, p.type))
			extra = true;
	}
	if (unknown)
		return RSIP_ILLEGAL_PARAM;
	if (value != RSIP_OK)
		return value;
	return extra ? RSIP_EXTRA_PARAM : RSIP_OK;
}

/* One tuple of a QUERY after its indicator (§9.14.2, §9.15.2). */
static enum rsip_error
read_tuple(struct rsip_message *m, const struct param *indicator,
    struct cursor *c)
{
	struct rsip_tuple *t;
	struct param	   p;
	enum rsip_error	   rc;
	uint32_t	   what;
	unsigned	   most;
	bool		   network;

	if ((rc = read_number(indicator->value, 2, &what)) != RSIP_OK)
		return rc;
	most = m->type == RSIP_QUERY_REQUEST ? RSIP_LOCAL_NETWORK :
	    RSIP_REMOTE_NETWORK;
	if (what < RSIP_LOCAL_ADDRESS || what > most)
		return RSIP_BAD_PARAM;
	network = what == RSIP_LOCAL_NETWORK || what == RSIP_REMOTE_NETWORK;
	if ((t = rsip_message_add_tuple(m)) == NULL)
		return RSIP_BAD_PARAM;
	t->indicator = (uint8_t)what;
	if (!param_next_plain(c, &p) || p.type != RSIP_PARAM_ADDRESS)
		return RSIP_MISSING_PARAM;
	if ((rc = read_address(&t->address, p.value)) != RSIP_OK)
		return rc;
	if (t->address.any || t->address.type == RSIP_ADDR_NETMASK4 ||
	    (network && t->address.type == RSIP_ADDR_FQDN))
		return RSIP_BAD_PARAM;
	if (!network)
		return RSIP_OK;
	if (!param_next_plain(c, &p) || p.type != RSIP_PARAM_ADDRESS)
		return RSIP_MISSING_PARAM;
	if ((rc = read_address(&t->netmask, p.value)) != RSIP_OK)
		return rc;
	if (t->netmask.any || t->netmask.type != RSIP_ADDR_NETMASK4)
		return RSIP_BAD_PARAM;
	return RSIP_OK;
}

static enum rsip_error
read_optional(struct rsip_message *m, const struct rsip_layout *layout,
    struct cursor c)
{
	const struct rsip_slot *slot;
	struct param		p;
	enum rsip_error		rc;
	uint32_t		seen = 0;

	while (param_next_plain(&c, &p)) {
		for (slot = layout->optional; slot->bit != 0; slot++) {
			if (slot->param == p.type)
				break;
		}
		if (slot->bit == 0) {
			/* Allowed, so it is a required one's second coming, or
			 * an address that no indicator announced. */
			return slots_have(layout->required, p.type) ?
			    RSIP_DUPLICATE_PARAM : RSIP_EXTRA_PARAM;
		}
		if (slot->bit == RSIP_HAS_TUPLES)
			rc = read_tuple(m, &p, &c);
		else if ((seen & slot->bit) && !slot->repeat)
			rc = RSIP_DUPLICATE_PARAM;
		else
			rc = read_slot(m, layout, slot->bit, &p);
		if (rc != RSIP_OK)
			return rc;
		seen |= slot->bit;
		m->has |= slot->bit;
	}
	return RSIP_OK;
}

static enum rsip_error
decode_body(struct rsip_message *m, const struct rsip_layout *layout,
    struct cursor body, const uint8_t *msg)
{
	const struct rsip_slot *slot;
	struct cursor		c = body;
	struct param		p;
	enum rsip_error		rc;

	if ((rc = check_params(m, layout, body)) != RSIP_OK)
		return rc;
	for (slot = layout->required; slot->bit != 0; slot++) {
		if (!param_next_plain(&c, &p) || p.type != slot->param)
			return RSIP_MISSING_PARAM;
		if ((rc = read_slot(m, layout, slot->bit, &p)) != RSIP_OK)
			return rc;
		m->has |= slot->bit;
	}
	if ((rc = read_optional(m, layout, c)) != RSIP_OK)
		return rc;
	for (c = body; param_next(&c, &p); ) {
		if (p.type == RSIP_PARAM_VENDOR &&
		    (rc = read_vendor(m, &p, cursor_left(&c) == 0, msg)) !=
		    RSIP_OK)
			return rc;
	}
	return RSIP_OK;
}

enum rsip_error
rsip_decode(struct rsip_message *m, const uint8_t *buf, size_t len)
{
	const struct rsip_layout *layout;
	struct cursor		  c;
	enum rsip_error		  rc;
	unsigned		  version, overall;

	rsip_message_init(m, (enum rsip_type)0);
	cursor_init(&c, buf, len);
	version = cursor_u8(&c);
	m->type = cursor_u8(&c);
	overall = cursor_u16(&c);
	if (c.bad)
		return RSIP_BAD_MESSAGE;
	if (version != RSIP_VERSION) {
		/* As far as another version looks like this one. */
		read_ids(m, c);
		return RSIP_UNSUPPORTED_RSIP_VERSION;
	}
	if (overall != len)
		return RSIP_BAD_MESSAGE;
	if ((layout = rsip_layout(m->type)) == NULL) {
		read_ids(m, c);
		return RSIP_ILLEGAL_MESSAGE;
	}
	rc = decode_body(m, layout, c, buf);
	if (rc != RSIP_OK) {
		/* Nothing but what an ERROR_RESPONSE needs survives. */
		m->has &= RSIP_HAS_CLIENT_ID | RSIP_HAS_BIND_ID |
		    RSIP_HAS_COUNTER;
	}
	return rc;
}
