/* store_record.c - registrations and grants as bytes, and back with every byte checked */
#include "config.h"

#include <string.h>

#include "base/cursor.h"
#include "proto/rsip.h"
#include "rsipd/store.h"

/*
 * First byte of a value.  1 had bare IPv4 addresses, and 0 for none; what it
 * wrote is read still, since leases outlive a version of the daemon.
 */
#define RECORD_VERSION	2
#define RECORD_V4_ONLY	1

#define KEY_CLIENT	'c'
#define KEY_GRANT	'g'
#define KEY_REST	'r'	/* after the grants: what is
				 * leased does not rest */

#define FLAG_AUTHENTIC	1
#define FLAG_PRIVILEGED	2
#define FLAG_LISTEN	1

size_t
store_client_key(uint8_t *out, uint32_t client_id)
{
	out[0] = KEY_CLIENT;
	store_u32(out + 1, client_id);
	return 5;
}

size_t
store_grant_key(uint8_t *out, uint32_t client_id, uint32_t bind_id)
{
	out[0] = KEY_GRANT;
	store_u32(out + 1, client_id);
	store_u32(out + 5, bind_id);
	return 9;
}

size_t
store_rest_key(uint8_t *out, uint64_t at)
{
	out[0] = KEY_REST;
	store_u32(out + 1, (uint32_t)(at >> 32));
	store_u32(out + 5, (uint32_t)at);
	out[9] = RECORD_VERSION;
	return 10;
}

bool
store_rest_read_key(const uint8_t *key, size_t keylen, uint64_t *at,
    uint8_t *version)
{
	if ((keylen != 9 && keylen != 10) || key[0] != KEY_REST)
		return false;
	*at = (uint64_t)load_u32(key + 1) << 32 | load_u32(key + 5);
	*version = keylen == 9 ? RECORD_V4_ONLY : key[9];
	return true;
}

/* --- addresses ------------------------------------------------------------ */

/* The family as IP's version: AF_INET6 is another number elsewhere. */
static void
put_addr(struct writer *w, const struct addr *a)
{
	writer_u8(w, a->family == AF_INET ? 4 : a->family == AF_INET6 ? 6 : 0);
	writer_put(w, a->bytes, sizeof(a->bytes));
}

static struct addr
get_addr(struct cursor *c, uint8_t version)
{
	static const int families[7] = { [4] = AF_INET, [6] = AF_INET6 };
	uint8_t		 bytes[16] = { 0 }, ip;
	struct addr	 a;

	if (version == RECORD_V4_ONLY) {
		cursor_copy(c, bytes, 4);
		a = addr_from_bytes(AF_INET, bytes);
		if (addr_is_unspecified(&a))
			memset(&a, 0, sizeof(a));
		return a;
	}
	ip = cursor_u8(c);
	cursor_copy(c, bytes, sizeof(bytes));
	a = addr_from_bytes(ip < 7 ? families[ip] : AF_UNSPEC, bytes);
	/* Behind four bytes, or none, are zeros. */
	if (memcmp(a.bytes, bytes, sizeof(bytes)) != 0 ||
	    (ip != 0 && !addr_is_set(&a)))
		c->bad = true;
	return a;
}

static bool
is_known(uint8_t version)
{
	return version == RECORD_VERSION || version == RECORD_V4_ONLY;
}

bool
store_is_newer(const uint8_t *key, size_t keylen, const uint8_t *value,
    size_t len)
{
	if (keylen == 10 && key[0] == KEY_REST)
		return key[9] > RECORD_VERSION;
	return keylen != 0 && len != 0 && value[0] > RECORD_VERSION &&
	    (key[0] == KEY_CLIENT || key[0] == KEY_GRANT);
}

/* --- when it ends --------------------------------------------------------- */

static void
put_end(struct writer *w, uint64_t now, uint64_t wall, uint64_t expires)
{
	writer_u64(w, wall);
	writer_u64(w, expires > now ? expires - now : 0);
}

static uint64_t
get_end(struct cursor *c, uint64_t now, uint64_t wall)
{
	uint64_t written = cursor_u64(c), left = cursor_u64(c), gone;

	/* A lease is 32 bits of seconds. */
	if (left > (uint64_t)UINT32_MAX * 1000)
		c->bad = true;
	/* A clock that went back says nothing of how long it has been. */
	gone = wall > written ? wall - written : 0;
	return now + (gone < left ? left - gone : 0);
}

/* --- what is due ---------------------------------------------------------- */

#define AHEAD_MS	60000
#define AHEAD_IDS	256

bool
store_client_due(struct lease_client *c, uint64_t life, bool changed,
    struct store_client *out)
{
	*out = (struct store_client){
		.host = c->host, .client_id = c->client_id,
		.next_bind_id = c->next_bind_id, .transport = c->transport,
		.authentic = c->authentic, .privileged = c->privileged,
		.expires = c->timer.at, .fqdn = c->fqdn,
	};
	if (!changed && c->kept.life == life &&
	    c->timer.at <= c->kept.expires &&
	    c->next_bind_id <= c->kept.next_bind_id)
		return false;
	if (!changed) {
		out->expires += AHEAD_MS;
		if (out->next_bind_id < UINT32_MAX - AHEAD_IDS)
			out->next_bind_id += AHEAD_IDS;
	}
	c->kept.life = life;
	c->kept.expires = out->expires;
	c->kept.next_bind_id = out->next_bind_id;
	return true;
}

/* --- registrations -------------------------------------------------------- */

size_t
store_client_encode(uint8_t *out, uint64_t now, uint64_t wall,
    const struct store_client *c)
{
	size_t	      len = c->fqdn == NULL ? 0 : strlen(c->fqdn);
	struct writer w;

	writer_init(&w, out, STORE_RECORD_MAX);
	writer_u8(&w, RECORD_VERSION);
	put_addr(&w, &c->host);
	writer_u32(&w, c->next_bind_id);
	writer_u8(&w, c->transport);
	writer_u8(&w, (uint8_t)((c->authentic ? FLAG_AUTHENTIC : 0) |
	    (c->privileged ? FLAG_PRIVILEGED : 0)));
	put_end(&w, now, wall, c->expires);
	if (len > UINT8_MAX)
		len = 0;
	writer_u8(&w, (uint8_t)len);
	writer_put(&w, c->fqdn, len);
	return w.bad ? 0 : w.len;
}

int
store_client_decode(struct store_client *c, char *fqdn, uint64_t now,
    uint64_t wall, const uint8_t *key, size_t keylen, const uint8_t *value,
    size_t len)
{
	struct cursor v;
	size_t	      n;
	uint8_t	      flags, version;

	if (keylen != 5 || key[0] != KEY_CLIENT)
		return -1;
	memset(c, 0, sizeof(*c));
	c->client_id = load_u32(key + 1);
	cursor_init(&v, value, len);
	version = cursor_u8(&v);
	if (!is_known(version))
		return -1;
	c->host = get_addr(&v, version);
	c->next_bind_id = cursor_u32(&v);
	c->transport = cursor_u8(&v);
	flags = cursor_u8(&v);
	c->authentic = flags & FLAG_AUTHENTIC;
	c->privileged = flags & FLAG_PRIVILEGED;
	c->expires = get_end(&v, now, wall);
	if ((n = cursor_u8(&v)) != 0) {
		cursor_copy(&v, fqdn, n);
		fqdn[n] = '\0';
		c->fqdn = fqdn;
	}
	if (v.bad || cursor_left(&v) != 0 || c->client_id == 0 ||
	    !addr_is_set(&c->host) || c->transport < 1 || c->transport > 2)
		return -1;
	return 0;
}

/* --- grants --------------------------------------------------------------- */

size_t
store_grant_encode(uint8_t *out, uint64_t now, uint64_t wall,
    const struct grant *g)
{
	struct writer w;
	size_t	      i;

	writer_init(&w, out, STORE_RECORD_MAX);
	writer_u8(&w, RECORD_VERSION);
	put_addr(&w, &g->local);
	writer_u8(&w, g->method);
	writer_u8(&w, g->tunnel);
	writer_u8(&w, g->listen ? FLAG_LISTEN : 0);
	writer_u8(&w, g->remote_policy);
	put_addr(&w, &g->remote.addr);
	writer_u16(&w, g->remote.ports.lo);
	writer_u16(&w, g->remote.ports.hi);
	put_end(&w, now, wall, g->expires);
	writer_u16(&w, (uint16_t)g->nranges);
	writer_u16(&w, (uint16_t)g->nspis);
	writer_u16(&w, (uint16_t)g->ncookies);
	for (i = 0; i < g->nranges; i++) {
		writer_u16(&w, g->ranges[i].lo);
		writer_u16(&w, g->ranges[i].hi);
	}
	for (i = 0; i < g->nspis; i++)
		writer_u32(&w, g->spis[i]);
	for (i = 0; i < g->ncookies; i++)
		writer_u64(&w, g->cookies[i]);
	return w.bad ? 0 : w.len;
}

/* Rising, none touching the next, as many as one binding may have. */
static bool
ranges_are_good(const struct demux_range *r, size_t n)
{
	size_t i, ports = 0;

	for (i = 0; i < n; i++) {
		if (r[i].lo == 0 || r[i].hi < r[i].lo ||
		    (i > 0 && r[i].lo <= r[i - 1].hi + 1))
			return false;
		ports += (size_t)(r[i].hi - r[i].lo) + 1;
	}
	return ports <= RSIP_PORTS_MAX;
}

static bool
spis_are_good(const uint32_t *spi, size_t n)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < i; k++) {
			if (spi[k] == spi[i])
				return false;
		}
	}
	return true;
}

static bool
grant_is_good(const struct grant *g)
{
	if (g->bind_id == 0 || !addr_is_set(&g->local) ||
	    g->remote_policy < DEMUX_REMOTE_MACRO ||
	    g->remote_policy > DEMUX_REMOTE_NONE ||
	    (g->tunnel != TUNNEL_IPIP && g->tunnel != TUNNEL_GRE))
		return false;
	switch (g->method) {
	case RSIP_METHOD_RSA_IP:
		return g->nranges == 0 && g->nspis == 0;
	case RSIP_METHOD_RSAP_IP:
		return g->nspis == 0;
	case RSIP_METHOD_RSIPSEC:
		return true;
	default:
		return false;
	}
}

int
store_grant_decode(struct grant *g, uint32_t *client_id,
    struct store_room *room, uint64_t now, uint64_t wall, const uint8_t *key,
    size_t keylen, const uint8_t *value, size_t len)
{
	struct cursor v;
	size_t	      i;
	uint8_t	      version;

	if (keylen != 9 || key[0] != KEY_GRANT)
		return -1;
	memset(g, 0, sizeof(*g));
	*client_id = load_u32(key + 1);
	g->bind_id = load_u32(key + 5);
	cursor_init(&v, value, len);
	version = cursor_u8(&v);
	if (!is_known(version))
		return -1;
	g->local = get_addr(&v, version);
	g->method = cursor_u8(&v);
	g->tunnel = cursor_u8(&v);
	g->listen = cursor_u8(&v) & FLAG_LISTEN;
	g->remote_policy = cursor_u8(&v);
	g->remote.addr = get_addr(&v, version);
	g->remote.ports.lo = cursor_u16(&v);
	g->remote.ports.hi = cursor_u16(&v);
	g->expires = get_end(&v, now, wall);
	g->nranges = cursor_u16(&v);
	g->nspis = cursor_u16(&v);
	g->ncookies = cursor_u16(&v);
	if (g->nranges > RSIP_PORTS_MAX || g->nspis > RSIP_SPIS_MAX ||
	    g->ncookies > RSIP_COOKIES_MAX)
		return -1;
	for (i = 0; i < g->nranges; i++) {
		room->range[i].lo = cursor_u16(&v);
		room->range[i].hi = cursor_u16(&v);
	}
	for (i = 0; i < g->nspis; i++)
		room->spi[i] = cursor_u32(&v);
	for (i = 0; i < g->ncookies; i++)
		room->cookie[i] = cursor_u64(&v);
	if (v.bad || cursor_left(&v) != 0 ||
	    !ranges_are_good(room->range, g->nranges) ||
	    !spis_are_good(room->spi, g->nspis) || !grant_is_good(g))
		return -1;
	g->ranges = room->range;
	g->spis = room->spi;
	g->cookies = room->cookie;
	return 0;
}

/* --- what was freed ------------------------------------------------------- */

size_t
store_rest_encode(uint8_t *out, const struct addr *host, const struct grant *g)
{
	struct grant  freed = *g;
	struct writer w;
	size_t	      len;

	freed.ncookies = 0;
	freed.expires = 0;
	len = store_grant_encode(out + STORE_REST_HEAD, 0, 0, &freed);
	if (len == 0)
		return 0;
	writer_init(&w, out, STORE_REST_HEAD);
	put_addr(&w, host);
	writer_u16(&w, (uint16_t)len);
	return STORE_REST_HEAD + len;
}

int
store_rest_decode(struct cursor *c, uint8_t version, struct addr *host,
    struct grant *g, struct store_room *room)
{
	uint8_t	       key[STORE_KEY_MAX];
	const uint8_t *record;
	uint32_t       client_id;
	size_t	       len;

	if (!is_known(version))
		return -1;
	*host = get_addr(c, version);
	len = cursor_u16(c);
	record = cursor_take(c, len);
	if (c->bad || !addr_is_set(host))
		return -1;
	/* Whose it was does not matter any more. */
	return store_grant_decode(g, &client_id, room, 0, 0, key,
	    store_grant_key(key, 0, 1), record, len);
}
