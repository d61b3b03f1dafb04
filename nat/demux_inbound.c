/* demux_inbound.c - whose is a packet that comes from the public side (RFC 3104 §4, §5) */
#include "config.h"

#include <netinet/in.h>

#include "base/cursor.h"
#include "nat/demux_hash.h"
#include "nat/demux_inbound.h"
#include "nat/demux_key.h"
#include "nat/demux_owner.h"
#include "net/icmp.h"

static enum demux_verdict
let_in(struct demux *d, struct demux_entry *e, uint64_t now,
    const struct packet_view *p, const struct addr *remote, int port,
    struct demux_target *out)
{
	if (demux_may_speak(e, remote, port) != DEMUX_FORWARD)
		return DEMUX_DROP;
	demux_count_in(d, e, now, p->len);
	demux_fill_target(out, e);
	return DEMUX_FORWARD;
}

/* RFC 3104 §5: what no host owns is discarded, unless the router does IPsec. */
static enum demux_verdict
unknown_ipsec(const struct demux *d)
{
	return atomic_load_explicit(&d->local_ipsec, memory_order_relaxed) ?
	    DEMUX_NOT_OURS : DEMUX_DROP;
}

static enum demux_verdict
inbound_ipsec(struct demux *d, uint64_t now, const struct packet_view *p,
    struct demux_target *out)
{
	struct demux_key    k;
	struct demux_entry *e;
	uint32_t	    spi;

	if (!demux_read_spi(p, &spi))
		return DEMUX_DROP;
	k = demux_key_spi(spi, &p->dst);
	e = demux_find(d, &k, NULL);
	if (e == NULL)
		e = demux_owner(d, &p->dst);
	if (e == NULL)
		return unknown_ipsec(d);
	return let_in(d, e, now, p, &p->src, DEMUX_ANY_PORT, out);
}

static enum demux_verdict
inbound_port(struct demux *d, uint64_t now, const struct packet_view *p,
    struct demux_target *out)
{
	struct demux_entry *e;
	uint16_t	    sport, dport;
	uint64_t	    value;
	struct demux_key    k;

	if (p->len < p->header + 8)
		return DEMUX_NOT_OURS;
	sport = load_u16(p->data + p->header);
	dport = load_u16(p->data + p->header + 2);
	if (p->protocol == IPPROTO_UDP &&
	    (dport == DEMUX_PORT_IKE || dport == DEMUX_PORT_NATT)) {
		/* RFC 3104 §4: (port, initiator cookie, destination). */
		e = NULL;
		switch (demux_read_ike(p, dport, &value)) {
		case DEMUX_IKE_COOKIE:
			k = demux_key_cookie(value, &p->dst);
			e = demux_find_used(d, &k, now);
			break;
		case DEMUX_IKE_ESP:
			k = demux_key_spi((uint32_t)value, &p->dst);
			e = demux_find(d, &k, NULL);
			break;
		case DEMUX_IKE_NOTHING:
			break;
		}
		if (e != NULL)
			return let_in(d, e, now, p, &p->src, DEMUX_ANY_PORT,
			    out);
	}
	e = demux_port_owner(d, &p->dst, dport);
	if (e != NULL)
		return let_in(d, e, now, p, &p->src, sport, out);
	if (p->protocol == IPPROTO_UDP && dport == DEMUX_PORT_IKE)
		return unknown_ipsec(d);
	return DEMUX_NOT_OURS;
}

/*
 * Who sent the packet q that an ICMP error quotes (RFC 3102 §6.2)?  Only the
 * first 8 bytes beyond its header are sure to be there.  An ESP or AH
 * packet shows the peer's SPI, which is why we remember those.
 */
static struct demux_entry *
find_sender(struct demux *d, const struct packet_view *q, int *rport)
{
	const uint8_t	*u = q->data + q->header;
	struct demux_key k;
	uint64_t	 value;
	uint32_t	 spi;
	uint16_t	 port;

	*rport = DEMUX_ANY_PORT;
	if (q->frag != 0 || q->len < q->header + 8)
		return demux_owner(d, &q->src);
	switch (q->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		port = load_u16(u);
		*rport = load_u16(u + 2);
		if (q->protocol == IPPROTO_TCP ||
		    (port != DEMUX_PORT_IKE && port != DEMUX_PORT_NATT))
			return demux_port_owner(d, &q->src, port);
		switch (demux_read_ike(q, port, &value)) {
		case DEMUX_IKE_COOKIE:
			k = demux_key_cookie(value, &q->src);
			break;
		case DEMUX_IKE_ESP:
			k = demux_key_peer_spi(IPPROTO_ESP, (uint32_t)value,
			    &q->src, &q->dst);
			break;
		default:
			return demux_port_owner(d, &q->src, port);
		}
		*rport = DEMUX_ANY_PORT;
		break;
	case IPPROTO_ESP:
	case IPPROTO_AH:
		if (!demux_read_spi(q, &spi))
			return NULL;
		k = demux_key_peer_spi(q->protocol, spi, &q->src, &q->dst);
		break;
	case IPPROTO_ICMP:
		k = demux_key_icmp(u, &q->src, &q->dst);
		break;
	default:
		return demux_owner(d, &q->src);
	}
	return demux_find(d, &k, NULL);
}

static enum demux_verdict
inbound_icmp(struct demux *d, uint64_t now, const struct packet_view *p,
    struct demux_target *out)
{
	const uint8_t	   *icmp = p->data + p->header;
	size_t		    len = p->len - p->header;
	struct demux_entry *e = NULL;
	struct demux_slot  *s;
	struct demux_key    k;
	struct packet_view  q;
	const struct addr  *remote = &p->src;
	int		    port = DEMUX_ANY_PORT;

	if (len < 8)
		return DEMUX_NOT_OURS;
	switch (icmp[0]) {
	case ICMP_ECHOREPLY:
	case ICMP_TIMESTAMPREPLY:
	case ICMP_ADDRESSREPLY:
		k = demux_key_icmp(icmp, &p->dst, &p->src);
		e = demux_find(d, &k, &s);
		/* Answered: another host may ask the same now. */
		if (e != NULL)
			demux_spend(s);
		break;
	case ICMP_DEST_UNREACH:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETERPROB:
		if (!icmp_quoted(p, &q) || !addr_equal(&q.src, &p->dst))
			return DEMUX_NOT_OURS;
		e = find_sender(d, &q, &port);
		remote = &q.dst;
		break;
	case ICMP_SOURCE_QUENCH:	/* RFC 6633 */
	case ICMP_REDIRECT:		/* about a link that hosts are not on */
		return demux_owner(d, &p->dst) != NULL ? DEMUX_DROP :
		    DEMUX_NOT_OURS;
	default:
		/* Requests are for us (RFC 3102 §6.2) unless all of the
		 * address is a host's. */
		break;
	}
	if (e == NULL)
		e = demux_owner(d, &p->dst);
	if (e == NULL)
		return DEMUX_NOT_OURS;
	return let_in(d, e, now, p, remote, port, out);
}

enum demux_verdict
demux_inbound(struct demux *d, uint64_t now, const struct packet_view *p,
    struct demux_target *out)
{
	struct demux_entry *e;

	if (p->src.family != AF_INET || !addr_is_host(&p->src))
		return DEMUX_DROP;
	if (packet_is_fragment(p)) {
		/* Conntrack makes packets whole before us; without it a
		 * fragment shows nothing to choose by. */
		e = demux_owner(d, &p->dst);
		if (e != NULL)
			return let_in(d, e, now, p, &p->src, DEMUX_ANY_PORT,
			    out);
		return p->protocol == IPPROTO_ESP || p->protocol == IPPROTO_AH ?
		    unknown_ipsec(d) : DEMUX_NOT_OURS;
	}
	switch (p->protocol) {
	case IPPROTO_ESP:
	case IPPROTO_AH:
		return inbound_ipsec(d, now, p, out);
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return inbound_port(d, now, p, out);
	case IPPROTO_ICMP:
		return inbound_icmp(d, now, p, out);
	default:
		e = demux_owner(d, &p->dst);
		if (e == NULL)
			return DEMUX_NOT_OURS;
		return let_in(d, e, now, p, &p->src, DEMUX_ANY_PORT, out);
	}
}
