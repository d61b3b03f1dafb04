/* rsip.c - messages in memory: names, lists of ports and SPIs, authentication */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "proto/rsip.h"

static void
address_init(struct rsip_address *a)
{
	memset(a, 0, offsetof(struct rsip_address, fqdn) + 1);
}

void
rsip_message_init(struct rsip_message *m, enum rsip_type type)
{
	/* Four kilobytes, of which a message has a hundred bytes. */
	memset(m, 0, offsetof(struct rsip_message, local));
	address_init(&m->local);
	address_init(&m->remote);
	address_init(&m->endpoint);
	memset(&m->local_ports, 0, offsetof(struct rsip_ports, port));
	memset(&m->remote_ports, 0, offsetof(struct rsip_ports, port));
	memset(&m->spis, 0, offsetof(struct rsip_spis, spi));
	m->fqdn[0] = '\0';
	m->type = (uint8_t)type;
}

void
rsip_message_clear(struct rsip_message *m)
{
	free(m->tuple);
	memset(m, 0, sizeof(*m));
}

struct rsip_tuple *
rsip_message_add_tuple(struct rsip_message *m)
{
	size_t		   n = m->ntuples;
	struct rsip_tuple *t;

	if (n == RSIP_QUERY_MAX)
		return NULL;
	/* Full whenever the number is a power of two. */
	if ((n & (n - 1)) == 0) {
		t = reallocarray(m->tuple, n == 0 ? 1 : 2 * n, sizeof(*t));
		if (t == NULL)
			return NULL;
		m->tuple = t;
	}
	memset(&m->tuple[n], 0, sizeof(*t));
	m->has |= RSIP_HAS_TUPLES;
	return &m->tuple[m->ntuples++];
}

static bool
is_network(unsigned indicator)
{
	return indicator == RSIP_LOCAL_NETWORK ||
	    indicator == RSIP_REMOTE_NETWORK;
}

void
rsip_address_set(struct rsip_address *a, const struct addr *addr)
{
	a->fqdn[0] = '\0';
	a->type = addr->family == AF_INET6 ? RSIP_ADDR_IPV6 : RSIP_ADDR_IPV4;
	a->any = !addr_is_set(addr);
	a->addr = *addr;
}

bool
rsip_tuple_prefix(const struct rsip_tuple *t, struct prefix *out)
{
	const struct addr *addr = &t->address.addr, *mask = &t->netmask.addr;
	int		   plen = (int)addr_bits(addr->family);

	if (is_network(t->indicator))
		plen = mask->family == addr->family ? prefix_mask_len(mask) :
		    -1;
	if (!addr_is_set(addr) || plen == -1)
		return false;
	*out = prefix_of(addr, (unsigned)plen);
	return true;
}

void
rsip_tuple_set_prefix(struct rsip_tuple *t, enum rsip_indicator what,
    const struct prefix *net)
{
	struct addr mask = prefix_mask(net->addr.family, net->plen);

	t->indicator = (uint8_t)what;
	rsip_address_set(&t->address, &net->addr);
	if (!is_network(what))
		return;
	rsip_address_set(&t->netmask, &mask);
	if (mask.family == AF_INET)
		t->netmask.type = RSIP_ADDR_NETMASK4;
}

#define NAME(e) case RSIP_##e: return #e

const char *
rsip_error_name(unsigned error)
{
	switch (error) {
	NAME(UNKNOWN_ERROR);
	NAME(USE_TCP);
	NAME(FLOW_POLICY_VIOLATION);
	NAME(INTERNAL_SERVER_ERROR);
	NAME(MESSAGE_COUNTER_REQUIRED);
	NAME(UNSUPPORTED_RSIP_VERSION);
	NAME(MISSING_PARAM);
	NAME(DUPLICATE_PARAM);
	NAME(EXTRA_PARAM);
	NAME(ILLEGAL_PARAM);
	NAME(BAD_PARAM);
	NAME(ILLEGAL_MESSAGE);
	NAME(BAD_MESSAGE);
	NAME(UNSUPPORTED_MESSAGE);
	NAME(REGISTER_FIRST);
	NAME(ALREADY_REGISTERED);
	NAME(ALREADY_UNREGISTERED);
	NAME(REGISTRATION_DENIED);
	NAME(BAD_CLIENT_ID);
	NAME(BAD_BIND_ID);
	NAME(BAD_TUNNEL_TYPE);
	NAME(LOCAL_ADDR_UNAVAILABLE);
	NAME(LOCAL_ADDRPORT_UNAVAILABLE);
	NAME(LOCAL_ADDR_INUSE);
	NAME(LOCAL_ADDRPORT_INUSE);
	NAME(LOCAL_ADDR_UNALLOWED);
	NAME(LOCAL_ADDRPORT_UNALLOWED);
	NAME(REMOTE_ADDR_UNALLOWED);
	NAME(REMOTE_ADDRPORT_UNALLOWED);
	NAME(IPSEC_UNALLOWED);
	NAME(IPSEC_SPI_UNAVAILABLE);
	NAME(IPSEC_SPI_INUSE);
	default:
		return "unknown";
	}
}

const char *
rsip_tunnel_name(unsigned tunnel)
{
	switch (tunnel) {
	case RSIP_TUNNEL_IPIP:
		return "IP-IP";
	case RSIP_TUNNEL_GRE:
		return "GRE";
	case RSIP_TUNNEL_L2TP:
		return "L2TP";
	default:
		return "unknown";
	}
}

const char *
rsip_method_name(unsigned method)
{
	switch (method) {
	case RSIP_METHOD_RSA_IP:
		return "RSA-IP";
	case RSIP_METHOD_RSAP_IP:
		return "RSAP-IP";
	case RSIP_METHOD_RSIPSEC:
		return "RSIPSEC";
	default:
		return "unknown";
	}
}

int
rsip_ports_expand(const struct rsip_ports *p, uint16_t *out, size_t cap)
{
	unsigned i;

	if (p->none || p->nfields == 0)
		return 0;
	if (p->number > cap)
		return -1;
	if (p->nfields == 1 &&
	    (unsigned)p->port[0] + p->number - 1 > UINT16_MAX)
		return -1;
	for (i = 0; i < p->number; i++)
		out[i] = p->nfields == 1 ? (uint16_t)(p->port[0] + i) :
		    p->port[i];
	return p->number;
}

int
rsip_spis_expand(const struct rsip_spis *s, uint32_t *out, size_t cap)
{
	unsigned i;

	if (s->nfields == 0)
		return 0;
	if (s->number > cap)
		return -1;
	if (s->nfields == 1 && s->spi[0] > UINT32_MAX - (s->number - 1u))
		return -1;
	for (i = 0; i < s->number; i++)
		out[i] = s->nfields == 1 ? s->spi[0] + i : s->spi[i];
	return s->number;
}

int
rsip_ports_set(struct rsip_ports *p, const uint16_t *port, size_t n)
{
	size_t i;
	bool   contiguous = true;

	if (n == 0 || n > RSIP_PORTS_MAX)
		return -1;
	p->none = false;
	p->number = (uint8_t)n;
	for (i = 0; i < n; i++) {
		p->port[i] = port[i];
		contiguous = contiguous && port[i] == port[0] + i;
	}
	p->nfields = contiguous ? 1 : (uint8_t)n;
	return 0;
}

int
rsip_spis_set(struct rsip_spis *s, const uint32_t *spi, size_t n)
{
	size_t i;
	bool   contiguous = true;

	if (n == 0 || n > RSIP_SPIS_MAX)
		return -1;
	s->number = (uint16_t)n;
	for (i = 0; i < n; i++) {
		s->spi[i] = spi[i];
		/* 0 after 0xffffffff is no neighbour. */
		contiguous = contiguous && spi[i] >= spi[0] &&
		    spi[i] - spi[0] == i;
	}
	s->nfields = contiguous ? 1 : (uint16_t)n;
	return 0;
}

/* HMAC-SHA256 over whom it is between, and buf with
 * the MAC field taken as zero, cut to 128 bits. */
static bool
auth_mac(const struct rsip_message *m, const uint8_t *buf, size_t len,
    const struct rsip_key *key, uint8_t out[RSIP_AUTH_MAC_LEN])
{
	uint8_t	 digest[EVP_MAX_MD_SIZE], *copy;
	size_t	 hostlen = addr_len(&key->host);
	size_t	 front = hostlen + addr_len(&key->gateway);
	unsigned n = 0;
	bool	 ok;

	if (m->auth_offset > len || len - m->auth_offset < RSIP_AUTH_MAC_LEN ||
	    (copy = malloc(front + len)) == NULL)
		return false;
	memcpy(copy, key->host.bytes, hostlen);
	memcpy(copy + hostlen, key->gateway.bytes, front - hostlen);
	memcpy(copy + front, buf, len);
	memset(copy + front + m->auth_offset, 0, RSIP_AUTH_MAC_LEN);
	ok = HMAC(EVP_sha256(), key->secret, (int)key->len, copy,
	    front + len, digest, &n) != NULL && n >= RSIP_AUTH_MAC_LEN;
	if (ok)
		memcpy(out, digest, RSIP_AUTH_MAC_LEN);
	wipe(digest, sizeof(digest));
	free(copy);
	return ok;
}

void
rsip_auth_sign(const struct rsip_message *m, uint8_t *buf, size_t len,
    const struct rsip_key *key)
{
	uint8_t mac[RSIP_AUTH_MAC_LEN];

	if (auth_mac(m, buf, len, key, mac))
		memcpy(buf + m->auth_offset, mac, sizeof(mac));
}

bool
rsip_auth_verify(const struct rsip_message *m, const uint8_t *buf, size_t len,
    const struct rsip_key *key)
{
	uint8_t mac[RSIP_AUTH_MAC_LEN];

	return (m->has & RSIP_HAS_AUTH) && m->auth_key_id == key->id &&
	    auth_mac(m, buf, len, key, mac) &&
	    compare_secret(mac, m->auth_mac, sizeof(mac)) == 0;
}

bool
rsip_auth_newer(uint64_t counter, uint64_t last)
{
	return counter > last && counter - last <= RSIP_AUTH_JUMP;
}
