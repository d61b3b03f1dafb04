/* demux_outbound.c - what a host may send out of its tunnel (RFC 3103 §7.3, §10.4; RFC 3104 §6.1) */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "base/cursor.h"
#include "nat/demux_hash.h"
#include "nat/demux_key.h"
#include "nat/demux_learn.h"
#include "nat/demux_outbound.h"
#include "nat/demux_owner.h"
#include "net/icmp.h"

struct outbound {
	struct demux *d;
	uint64_t now;
	struct demux_addr host;
	enum tunnel_type tunnel;
	const struct packet_view *p;
	struct demux_target *out;
};

/* No entry covers what the host used: §10.4's first two cases. */
static enum demux_verdict
misuse_local(const struct outbound *o)
{
	struct demux_key    k = demux_key_host(o->host,
		demux_addr_of(&o->p->src));
	struct demux_entry *e;

	e = demux_find(o->d, &k, NULL);
	if (e == NULL)
		return DEMUX_MISUSE_ADDR;
	demux_fill_target(o->out, e);
	return DEMUX_MISUSE_ADDRPORT;
}

/*
 * An entry of the host at the packet's source address under which it may speak
 * to remote where no port tells which; NULL after setting *v if there is none.
 */
static struct demux_entry *
choose_entry(const struct outbound *o, bool ipsec, enum demux_verdict *v)
{
	struct demux_key    k = demux_key_host(o->host,
		demux_addr_of(&o->p->src));
	struct demux_entry *e;

	*v = DEMUX_MISUSE_ADDR;
	for (e = demux_find(o->d, &k, NULL); e != NULL;
	     e = atomic_load_explicit(&e->next_of_host, memory_order_acquire)) {
		if (*v == DEMUX_MISUSE_ADDR) {
			*v = DEMUX_MISUSE_ADDRPORT;
			demux_fill_target(o->out, e);
		}
		if (ipsec && !e->ipsec && !e->whole)
			continue;
		*v = demux_may_speak(e, &o->p->dst, DEMUX_ANY_PORT);
		demux_fill_target(o->out, e);
		if (*v == DEMUX_FORWARD && e->tunnel == o->tunnel)
			return e;
		if (*v == DEMUX_FORWARD)
			*v = DEMUX_MISUSE_TUNNEL;
	}
	return NULL;
}

static enum demux_verdict
let_out(const struct outbound *o, struct demux_entry *e, int port)
{
	enum demux_verdict v;

	demux_fill_target(o->out, e);
	if (e->tunnel != o->tunnel)
		return DEMUX_MISUSE_TUNNEL;
	v = demux_may_speak(e, &o->p->dst, port);
	if (v == DEMUX_FORWARD)
		demux_count_out(o->d, e, o->now, o->p->len);
	return v;
}

static enum demux_verdict
outbound_spi(const struct outbound *o, uint8_t protocol, uint32_t spi)
{
	struct demux_key    k;
	struct demux_entry *e, *holder;
	struct demux_slot  *s;
	enum demux_verdict  v;

	k = demux_key_peer_spi(protocol, spi, &o->p->src, &o->p->dst);
	holder = demux_find(o->d, &k, &s);
	if (holder != NULL && demux_addr_equal(holder->host, o->host)) {
		demux_touch(s, o->now);
		return let_out(o, holder, DEMUX_ANY_PORT);
	}
	e = choose_entry(o, true, &v);
	if (e == NULL)
		return v;
	/* Two hosts with one SPI of one peer: the peer tells them apart, its
	 * ICMP errors go to the first. */
	if (holder == NULL || demux_slot_idle(s, o->now) >= demux_held(k.kind))
		demux_learn(o->d, &k, e, o->now);
	return let_out(o, e, DEMUX_ANY_PORT);
}

static enum demux_verdict
outbound_ike(const struct outbound *o, uint16_t port)
{
	struct demux_key    k;
	struct demux_entry *e;
	enum demux_verdict  v;
	uint64_t	    value;

	switch (demux_read_ike(o->p, port, &value)) {
	case DEMUX_IKE_ESP:
		return outbound_spi(o, IPPROTO_ESP, (uint32_t)value);
	case DEMUX_IKE_COOKIE:
		break;
	case DEMUX_IKE_NOTHING:
		/* A NAT-keepalive (RFC 3948 §2.3) at most. */
		e = choose_entry(o, true, &v);
		return e == NULL ? v : let_out(o, e, DEMUX_ANY_PORT);
	}
	k = demux_key_cookie(value, &o->p->src);
	e = demux_find_used(o->d, &k, o->now);
	if (e != NULL) {
		/* RFC 3104 §6.1: unique for the address, or dropped. */
		if (!demux_addr_equal(e->host, o->host))
			return DEMUX_DROP;
		return let_out(o, e, DEMUX_ANY_PORT);
	}
	e = choose_entry(o, true, &v);
	if (e == NULL)
		return v;
	demux_learn(o->d, &k, e, o->now);
	return let_out(o, e, DEMUX_ANY_PORT);
}

static enum demux_verdict
outbound_port(const struct outbound *o)
{
	struct demux_entry *e;
	uint16_t	    sport, dport;

	if (o->p->len < o->p->header + 8)
		return DEMUX_DROP;
	sport = load_u16(o->p->data + o->p->header);
	dport = load_u16(o->p->data + o->p->header + 2);
	e = demux_port_owner(o->d, &o->p->src, sport);
	if (e != NULL && demux_addr_equal(e->host, o->host))
		return let_out(o, e, dport);
	if (o->p->protocol == IPPROTO_UDP &&
	    (sport == DEMUX_PORT_IKE || sport == DEMUX_PORT_NATT))
		return outbound_ike(o, sport);
	return misuse_local(o);
}

static bool
is_icmp_answer(uint8_t type)
{
	return type == ICMP_ECHOREPLY || type == ICMP_TIMESTAMPREPLY ||
	    type == ICMP_ADDRESSREPLY;
}

/*
 * An error that a host sends: it must be about a packet that came to a
 * resource of this host, and go to where that came from (RFC 3102 §6.2).
 */
static enum demux_verdict
outbound_error(const struct outbound *o)
{
	struct demux_entry *e = NULL;
	struct demux_key    k;
	struct packet_view  q;
	enum demux_verdict  v;
	uint64_t	    value;
	uint32_t	    spi;
	uint16_t	    port;
	bool		    answer = false;

	if (!icmp_quoted(o->p, &q) || !addr_equal(&q.dst, &o->p->src) ||
	    !addr_equal(&q.src, &o->p->dst) || q.frag != 0 ||
	    q.len < q.header + 8)
		return DEMUX_DROP;
	switch (q.protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		port = load_u16(q.data + q.header + 2);
		if (q.protocol == IPPROTO_UDP &&
		    demux_read_ike(&q, port, &value) == DEMUX_IKE_COOKIE) {
			k = demux_key_cookie(value, &q.dst);
			e = demux_find(o->d, &k, NULL);
			if (e != NULL && demux_addr_equal(e->host, o->host))
				break;
		}
		e = demux_port_owner(o->d, &q.dst, port);
		break;
	case IPPROTO_ESP:
	case IPPROTO_AH:
		if (demux_read_spi(&q, &spi)) {
			k = demux_key_spi(spi, &q.dst);
			e = demux_find(o->d, &k, NULL);
		}
		break;
	case IPPROTO_ICMP:
		answer = is_icmp_answer(q.data[q.header]);
		if (answer) {
			k = demux_key_icmp(q.data + q.header, &q.dst, &q.src);
			e = demux_find(o->d, &k, NULL);
		}
		break;
	default:
		break;
	}
	if (e == NULL)
		e = demux_owner(o->d, &q.dst);
	if (e != NULL && demux_addr_equal(e->host, o->host))
		return let_out(o, e, DEMUX_ANY_PORT);
	v = misuse_local(o);
	/* Whose query it was is known no more. */
	return answer && v == DEMUX_MISUSE_ADDRPORT ? DEMUX_DROP : v;
}

static enum demux_verdict
outbound_icmp(const struct outbound *o)
{
	const uint8_t	   *icmp = o->p->data + o->p->header;
	size_t		    len = o->p->len - o->p->header;
	struct demux_entry *e, *holder;
	struct demux_slot  *s;
	struct demux_key    k;
	enum demux_verdict  v;

	if (len < 8)
		return DEMUX_DROP;
	switch (icmp[0]) {
	case ICMP_DEST_UNREACH:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETERPROB:
		return outbound_error(o);
	case ICMP_ECHO:
	case ICMP_TIMESTAMP:
	case ICMP_ADDRESS:
		break;
	default:
		e = demux_owner(o->d, &o->p->src);
		if (e == NULL || !demux_addr_equal(e->host, o->host))
			return misuse_local(o);
		return let_out(o, e, DEMUX_ANY_PORT);
	}
	k = demux_key_icmp(icmp, &o->p->src, &o->p->dst);
	holder = demux_find(o->d, &k, &s);
	if (holder != NULL && demux_addr_equal(holder->host, o->host)) {
		demux_touch(s, o->now);
		return let_out(o, holder, DEMUX_ANY_PORT);
	}
	/* The same query to the same peer from two hosts at once: the answers
	 * could not be told apart. */
	if (holder != NULL && demux_slot_idle(s, o->now) < demux_held(k.kind))
		return DEMUX_DROP;
	e = choose_entry(o, false, &v);
	if (e == NULL)
		return v;
	demux_learn(o->d, &k, e, o->now);
	return let_out(o, e, DEMUX_ANY_PORT);
}

enum demux_verdict
demux_outbound(struct demux *d, uint64_t now, const struct addr *host,
    enum tunnel_type tunnel, const struct packet_view *p,
    struct demux_target *out)
{
	struct outbound	    o = { .d = d, .now = now, .tunnel = tunnel, .p = p,
		.host = demux_addr_of(host), .out = out };
	struct demux_entry *e;
	uint32_t	    spi;

	memset(out, 0, sizeof(*out));
	/* A fragment shows nothing to choose by, or shows it of itself
	 * alone. */
	if (p->src.family != AF_INET || !addr_is_host(&p->dst) ||
	    packet_is_fragment(p))
		return DEMUX_DROP;
	switch (p->protocol) {
	case IPPROTO_ESP:
	case IPPROTO_AH:
		if (!demux_read_spi(p, &spi))
			return DEMUX_DROP;
		return outbound_spi(&o, p->protocol, spi);
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return outbound_port(&o);
	case IPPROTO_ICMP:
		return outbound_icmp(&o);
	default:
		e = demux_owner(d, &p->src);
		if (e == NULL || !demux_addr_equal(e->host, o.host))
			return misuse_local(&o);
		return let_out(&o, e, DEMUX_ANY_PORT);
	}
}

bool
demux_holds(struct demux *d, const struct addr *host,
    const struct addr *local)
{
	struct demux_key k = demux_key_host(demux_addr_of(host),
	    demux_addr_of(local));

	return demux_find(d, &k, NULL) != NULL;
}
