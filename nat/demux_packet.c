/* demux_packet.c - the demux table's readers: whose is a packet, may a host send it */
#include <netinet/in.h>
#include <string.h>

#include "base/cursor.h"
#include "nat/demux_hash.h"
#include "nat/demux_learn.h"
#include "nat/demux_packet.h"
#include "net/icmp.h"

#define PORT_IKE      500
#define PORT_IKE_NATT 4500
#define ISAKMP_HEADER 28
#define ANY_PORT      (-1)

/* --- looking things up --------------------------------------------------- */

static struct demux_local *
find_local(struct demux *d, const struct addr *addr)
{
	struct demux_key k = { .local = demux_addr_of(addr),
		.kind = DEMUX_KIND_LOCAL };

	return demux_find(d, &k, NULL);
}

static struct demux_entry *
find_whole(struct demux *d, const struct addr *addr)
{
	struct demux_local *a = find_local(d, addr);

	if (a == NULL)
		return NULL;
	return atomic_load_explicit(&a->whole, memory_order_acquire);
}

/* Whose is a port: leased by itself, or with its address. */
static struct demux_entry *
find_port_owner(struct demux *d, const struct addr *addr, uint16_t port)
{
	struct demux_local *a = find_local(d, addr);
	struct demux_entry *e;

	if (a == NULL)
		return NULL;
	e = demux_find_port(a, port);
	if (e == NULL)
		e = atomic_load_explicit(&a->whole, memory_order_acquire);
	return e;
}

static struct demux_entry *
find_touched(struct demux *d, const struct demux_key *k, uint64_t now)
{
	struct demux_entry *e;
	struct demux_slot  *s;

	e = demux_find(d, k, &s);
	if (e != NULL)
		demux_touch(s, now);
	return e;
}

static struct demux_key
key_spi(uint32_t spi, const struct addr *local)
{
	return (struct demux_key) { .value = spi, .local = demux_addr_of(local),
		.kind = DEMUX_KIND_SPI };
}

static struct demux_key
key_cookie(uint64_t cookie, const struct addr *local)
{
	return (struct demux_key) { .value = cookie, .local = demux_addr_of(local),
		.kind = DEMUX_KIND_COOKIE };
}

enum { ECHO_REPLY = 0, TIMESTAMP_REPLY = 14, MASK_REPLY = 18 };

static bool
is_icmp_answer(uint8_t type)
{
	return type == ECHO_REPLY || type == TIMESTAMP_REPLY
	    || type == MASK_REPLY;
}

/* RFC 3102 §6.2: addresses, identifier and sequence number tell queries apart;
 * all machines of some kinds use one identifier. */
static struct demux_key
key_icmp(const uint8_t *icmp, const struct addr *local,
    const struct addr *peer)
{
	return (struct demux_key) { .value = load_u32(icmp + 4),
		.local = demux_addr_of(local), .remote = demux_addr_of(peer),
		.kind = DEMUX_KIND_ICMP };
}

static struct demux_key
key_peer_spi(uint8_t protocol, uint32_t spi, const struct addr *local,
    const struct addr *peer)
{
	return (struct demux_key) { .value = (uint64_t)protocol << 32 | spi,
		.local = demux_addr_of(local), .remote = demux_addr_of(peer),
		.kind = DEMUX_KIND_PEER_SPI };
}

/* Ports of what a leased port sends to a neighbour. */
static struct demux_key
key_answer(uint8_t protocol, const struct addr *local, uint16_t port,
    const struct addr *remote, uint16_t rport)
{
	return (struct demux_key) {
		.value = (uint64_t)protocol << 32 | (uint32_t)port << 16 |
		    rport,
		.local = demux_addr_of(local), .remote = demux_addr_of(remote),
		.kind = DEMUX_KIND_ANSWER };
}

/* The SPI of ESP (RFC 4303 §2) or AH (RFC 4302 §2); false if it is cut off. */
static bool
get_spi(const struct packet_view *p, uint32_t *spi)
{
	size_t off = p->protocol == IPPROTO_AH ? 4 : 0;

	if (p->len < p->header + off + 4)
		return false;
	*spi = load_u32(p->data + p->header + off);
	return true;
}

/* What lies in a UDP datagram from or to an IKE port. */
enum ike_content { IKE_NOTHING, IKE_COOKIE, IKE_ESP };

/*
 * port is the one on our side.  RFC 3948 §2: on 4500 four zero bytes stand
 * before IKE, anything else is ESP.  *value is the initiator cookie or the SPI.
 */
static enum ike_content
get_ike(const struct packet_view *p, uint16_t port, uint64_t *value)
{
	const uint8_t *u = p->data + p->header + 8;
	size_t	       len;

	if (p->len < p->header + 8)
		return IKE_NOTHING;
	len = p->len - p->header - 8;
	if (port == PORT_IKE_NATT) {
		if (len < 8)
			return IKE_NOTHING;
		if (load_u32(u) != 0) {
			*value = load_u32(u);
			return IKE_ESP;
		}
		u += 4;
		len -= 4;
	}
	if (len < 8)
		return IKE_NOTHING;
	*value = load_u64(u);
	return *value != 0 ? IKE_COOKIE : IKE_NOTHING;
}

/* --- flow policy and accounts -------------------------------------------- */

/*
 * RFC 3103 §7.2, both ways.  ANY_PORT: the packet shows none (IPsec, ICMP) or
 * the policy cannot be about it (RFC 3104 Appendix D).  remote 0 is
 * LISTEN's "from anybody" (§9.16.3).
 */
static enum demux_verdict
check_remote(const struct demux_entry *e, const struct addr *addr, int port)
{
	if (e->remote_policy == DEMUX_REMOTE_NONE || e->remote.v4 == 0)
		return DEMUX_FORWARD;
	if (!demux_addr_equal(e->remote, demux_addr_of(addr)))
		return DEMUX_MISUSE_REMOTE_ADDR;
	if (e->remote_policy == DEMUX_REMOTE_MICRO && port != ANY_PORT
	    && e->remote_ports.hi != 0
	    && (port < e->remote_ports.lo || port > e->remote_ports.hi))
		return DEMUX_MISUSE_REMOTE_ADDRPORT;
	return DEMUX_FORWARD;
}

static void
fill_target(struct demux_target *out, const struct demux_entry *e)
{
	addr_set_v4(&out->host, &e->host.v4);
	addr_set_v4(&out->gateway, &e->gateway.v4);
	out->tunnel = e->tunnel;
	out->client_id = e->client_id;
	out->bind_id = e->bind_id;
}

static void
touch_entry(struct demux_entry *e, uint64_t now)
{
	if (atomic_load_explicit(&e->last_used, memory_order_relaxed) != now)
		atomic_store_explicit(
		    &e->last_used, now, memory_order_relaxed);
}

/*
 * An entry's counters.  Most entries of a large table never see a packet: the
 * first one makes them; NULL if the writer was busy just then.
 */
static struct demux_passed *
get_passed(struct demux *d, struct demux_entry *e, uint64_t now)
{
	static const struct demux_key k = { .kind = DEMUX_KIND_PASSED };
	struct demux_passed	     *p;

	p = atomic_load_explicit(&e->passed, memory_order_acquire);
	if (p != NULL)
		return p;
	demux_learn(d, &k, e, now);
	return atomic_load_explicit(&e->passed, memory_order_acquire);
}

static enum demux_verdict
deliver(struct demux *d, struct demux_entry *e, uint64_t now,
    const struct packet_view *p, const struct addr *remote, int port,
    struct demux_target *out)
{
	struct demux_passed *passed;

	if (check_remote(e, remote, port) != DEMUX_FORWARD)
		return DEMUX_DROP;
	touch_entry(e, now);
	passed = get_passed(d, e, now);
	if (passed != NULL) {
		atomic_fetch_add_explicit(
		    &passed->packets_in, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(
		    &passed->bytes_in, p->len, memory_order_relaxed);
	}
	fill_target(out, e);
	return DEMUX_FORWARD;
}

/* --- from the public side ------------------------------------------------- */

/* RFC 3104 §5: what no host owns is discarded, unless the router does IPsec. */
static enum demux_verdict
unknown_ipsec(const struct demux *d)
{
	return atomic_load_explicit(&d->local_ipsec, memory_order_relaxed)
	    ? DEMUX_NOT_OURS
	    : DEMUX_DROP;
}

static enum demux_verdict
inbound_ipsec(struct demux *d, uint64_t now, const struct packet_view *p,
    struct demux_target *out)
{
	struct demux_key    k;
	struct demux_entry *e;
	uint32_t	    spi;

	if (!get_spi(p, &spi))
		return DEMUX_DROP;
	k = key_spi(spi, &p->dst);
	e = demux_find(d, &k, NULL);
	if (e == NULL)
		e = find_whole(d, &p->dst);
	if (e == NULL)
		return unknown_ipsec(d);
	return deliver(d, e, now, p, &p->src, ANY_PORT, out);
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
	if (p->protocol == IPPROTO_UDP
	    && (dport == PORT_IKE || dport == PORT_IKE_NATT)) {
		/* RFC 3104 §4: (port, initiator cookie, destination). */
		e = NULL;
		switch (get_ike(p, dport, &value)) {
		case IKE_COOKIE:
			k = key_cookie(value, &p->dst);
			e = find_touched(d, &k, now);
			break;
		case IKE_ESP:
			k = key_spi((uint32_t)value, &p->dst);
			e = demux_find(d, &k, NULL);
			break;
		case IKE_NOTHING:
			break;
		}
		if (e != NULL)
			return deliver(d, e, now, p, &p->src, ANY_PORT, out);
	}
	e = find_port_owner(d, &p->dst, dport);
	if (e != NULL)
		return deliver(d, e, now, p, &p->src, sport, out);
	if (p->protocol == IPPROTO_UDP && dport == PORT_IKE)
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

	*rport = ANY_PORT;
	if (q->frag != 0 || q->len < q->header + 8)
		return find_whole(d, &q->src);
	switch (q->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		port = load_u16(u);
		*rport = load_u16(u + 2);
		if (q->protocol == IPPROTO_TCP
		    || (port != PORT_IKE && port != PORT_IKE_NATT))
			return find_port_owner(d, &q->src, port);
		switch (get_ike(q, port, &value)) {
		case IKE_COOKIE:
			k = key_cookie(value, &q->src);
			break;
		case IKE_ESP:
			k = key_peer_spi(
			    IPPROTO_ESP, (uint32_t)value, &q->src, &q->dst);
			break;
		default:
			return find_port_owner(d, &q->src, port);
		}
		*rport = ANY_PORT;
		break;
	case IPPROTO_ESP:
	case IPPROTO_AH:
		if (!get_spi(q, &spi))
			return NULL;
		k = key_peer_spi(q->protocol, spi, &q->src, &q->dst);
		break;
	case IPPROTO_ICMP:
		k = key_icmp(u, &q->src, &q->dst);
		break;
	default:
		return find_whole(d, &q->src);
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
	int		    port = ANY_PORT;

	if (len < 8)
		return DEMUX_NOT_OURS;
	switch (icmp[0]) {
	case ECHO_REPLY:
	case TIMESTAMP_REPLY:
	case MASK_REPLY:
		k = key_icmp(icmp, &p->dst, &p->src);
		e = demux_find(d, &k, &s);
		/* Answered: another host may ask the same now. */
		if (e != NULL)
			demux_spend(s);
		break;
	case 3:		/* destination unreachable */
	case 11:	/* time exceeded */
	case 12:	/* parameter problem */
		if (!icmp_quoted(p, &q) || !addr_equal(&q.src, &p->dst))
			return DEMUX_NOT_OURS;
		e = find_sender(d, &q, &port);
		remote = &q.dst;
		break;
	case 4:		/* source quench: RFC 6633 */
	case 5:		/* redirect: about a link that hosts are not on */
		return find_whole(d, &p->dst) != NULL ? DEMUX_DROP
						     : DEMUX_NOT_OURS;
	default:
		/* Requests are for us (RFC 3102 §6.2) unless all of the
		 * address is a host's. */
		break;
	}
	if (e == NULL)
		e = find_whole(d, &p->dst);
	if (e == NULL)
		return DEMUX_NOT_OURS;
	return deliver(d, e, now, p, remote, port, out);
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
		e = find_whole(d, &p->dst);
		if (e != NULL)
			return deliver(d, e, now, p, &p->src, ANY_PORT, out);
		return p->protocol == IPPROTO_ESP || p->protocol == IPPROTO_AH
		    ? unknown_ipsec(d)
		    : DEMUX_NOT_OURS;
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
		e = find_whole(d, &p->dst);
		if (e == NULL)
			return DEMUX_NOT_OURS;
		return deliver(d, e, now, p, &p->src, ANY_PORT, out);
	}
}

/* --- from a host's tunnel ------------------------------------------------- */

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
	struct demux_key    k = { .value = o->host.v4,
		   .local = demux_addr_of(&o->p->src),
		   .kind = DEMUX_KIND_HOST };
	struct demux_entry *e;

	e = demux_find(o->d, &k, NULL);
	if (e == NULL)
		return DEMUX_MISUSE_ADDR;
	fill_target(o->out, e);
	return DEMUX_MISUSE_ADDRPORT;
}

/*
 * An entry of the host at the packet's source address under which it may speak
 * to remote where no port tells which; NULL after setting *v if there is none.
 */
static struct demux_entry *
choose_entry(const struct outbound *o, bool ipsec, enum demux_verdict *v)
{
	struct demux_key    k = { .value = o->host.v4,
		   .local = demux_addr_of(&o->p->src),
		   .kind = DEMUX_KIND_HOST };
	struct demux_entry *e;

	*v = DEMUX_MISUSE_ADDR;
	for (e = demux_find(o->d, &k, NULL); e != NULL;
	     e = atomic_load_explicit(
		 &e->next_of_host, memory_order_acquire)) {
		if (*v == DEMUX_MISUSE_ADDR) {
			*v = DEMUX_MISUSE_ADDRPORT;
			fill_target(o->out, e);
		}
		if (ipsec && !e->ipsec && !e->whole)
			continue;
		*v = check_remote(e, &o->p->dst, ANY_PORT);
		fill_target(o->out, e);
		if (*v == DEMUX_FORWARD)
			return e;
	}
	return NULL;
}

static enum demux_verdict
send_under(const struct outbound *o, struct demux_entry *e, int port)
{
	struct demux_passed *passed;
	enum demux_verdict   v;

	fill_target(o->out, e);
	if (e->tunnel != o->tunnel)
		return DEMUX_MISUSE_TUNNEL;
	v = check_remote(e, &o->p->dst, port);
	if (v != DEMUX_FORWARD)
		return v;
	touch_entry(e, o->now);
	passed = get_passed(o->d, e, o->now);
	if (passed != NULL) {
		atomic_fetch_add_explicit(
		    &passed->packets_out, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(
		    &passed->bytes_out, o->p->len, memory_order_relaxed);
	}
	return DEMUX_FORWARD;
}

static enum demux_verdict
outbound_spi(const struct outbound *o, uint8_t protocol, uint32_t spi)
{
	struct demux_key    k;
	struct demux_entry *e, *holder;
	struct demux_slot  *s;
	enum demux_verdict  v;

	k = key_peer_spi(protocol, spi, &o->p->src, &o->p->dst);
	holder = demux_find(o->d, &k, &s);
	if (holder != NULL && demux_addr_equal(holder->host, o->host)) {
		demux_touch(s, o->now);
		return send_under(o, holder, ANY_PORT);
	}
	e = choose_entry(o, true, &v);
	if (e == NULL)
		return v;
	/* Two hosts with one SPI of one peer: the peer tells them apart, its
	 * ICMP errors go to the first. */
	if (holder == NULL || demux_slot_idle(s, o->now) >= demux_held(k.kind))
		demux_learn(o->d, &k, e, o->now);
	return send_under(o, e, ANY_PORT);
}

static enum demux_verdict
outbound_ike(const struct outbound *o, uint16_t port)
{
	struct demux_key    k;
	struct demux_entry *e;
	enum demux_verdict  v;
	uint64_t	    value;

	switch (get_ike(o->p, port, &value)) {
	case IKE_ESP:
		return outbound_spi(o, IPPROTO_ESP, (uint32_t)value);
	case IKE_COOKIE:
		break;
	case IKE_NOTHING:
		/* A NAT-keepalive (RFC 3948 §2.3) at most. */
		e = choose_entry(o, true, &v);
		return e == NULL ? v : send_under(o, e, ANY_PORT);
	}
	k = key_cookie(value, &o->p->src);
	e = find_touched(o->d, &k, o->now);
	if (e != NULL) {
		/* RFC 3104 §6.1: unique for the address, or dropped. */
		if (!demux_addr_equal(e->host, o->host))
			return DEMUX_DROP;
		return send_under(o, e, ANY_PORT);
	}
	e = choose_entry(o, true, &v);
	if (e == NULL)
		return v;
	demux_learn(o->d, &k, e, o->now);
	return send_under(o, e, ANY_PORT);
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
	e = find_port_owner(o->d, &o->p->src, sport);
	if (e != NULL && demux_addr_equal(e->host, o->host))
		return send_under(o, e, dport);
	if (o->p->protocol == IPPROTO_UDP
	    && (sport == PORT_IKE || sport == PORT_IKE_NATT))
		return outbound_ike(o, sport);
	return misuse_local(o);
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
		if (q.protocol == IPPROTO_UDP
		    && get_ike(&q, port, &value) == IKE_COOKIE) {
			k = key_cookie(value, &q.dst);
			e = demux_find(o->d, &k, NULL);
			if (e != NULL && demux_addr_equal(e->host, o->host))
				break;
		}
		e = find_port_owner(o->d, &q.dst, port);
		break;
	case IPPROTO_ESP:
	case IPPROTO_AH:
		if (get_spi(&q, &spi)) {
			k = key_spi(spi, &q.dst);
			e = demux_find(o->d, &k, NULL);
		}
		break;
	case IPPROTO_ICMP:
		answer = is_icmp_answer(q.data[q.header]);
		if (answer) {
			k = key_icmp(q.data + q.header, &q.dst, &q.src);
			e = demux_find(o->d, &k, NULL);
		}
		break;
	default:
		break;
	}
	if (e == NULL)
		e = find_whole(o->d, &q.dst);
	if (e != NULL && demux_addr_equal(e->host, o->host))
		return send_under(o, e, ANY_PORT);
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
	case 3:
	case 11:
	case 12:
		return outbound_error(o);
	case 8:		/* echo */
	case 13:	/* timestamp */
	case 17:	/* address mask */
		break;
	default:
		e = find_whole(o->d, &o->p->src);
		if (e == NULL || !demux_addr_equal(e->host, o->host))
			return misuse_local(o);
		return send_under(o, e, ANY_PORT);
	}
	k = key_icmp(icmp, &o->p->src, &o->p->dst);
	holder = demux_find(o->d, &k, &s);
	if (holder != NULL && demux_addr_equal(holder->host, o->host)) {
		demux_touch(s, o->now);
		return send_under(o, holder, ANY_PORT);
	}
	/* The same query to the same peer from two hosts at once: the answers
	 * could not be told apart. */
	if (holder != NULL && demux_slot_idle(s, o->now) < demux_held(k.kind))
		return DEMUX_DROP;
	e = choose_entry(o, false, &v);
	if (e == NULL)
		return v;
	demux_learn(o->d, &k, e, o->now);
	return send_under(o, e, ANY_PORT);
}

enum demux_verdict
demux_outbound(struct demux *d, uint64_t now, const struct addr *host,
    enum tunnel_type tunnel, const struct packet_view *p,
    struct demux_target *out)
{
	struct outbound	    o = { .d = d, .now = now,
		    .host = demux_addr_of(host), .tunnel = tunnel, .p = p, .out = out };
	struct demux_entry *e;
	uint32_t	    spi;

	memset(out, 0, sizeof(*out));
	/* A fragment shows nothing to choose by, or shows it of itself alone. */
	if (p->src.family != AF_INET || !addr_is_host(&p->dst) ||
	    packet_is_fragment(p))
		return DEMUX_DROP;
	switch (p->protocol) {
	case IPPROTO_ESP:
	case IPPROTO_AH:
		if (!get_spi(p, &spi))
			return DEMUX_DROP;
		return outbound_spi(&o, p->protocol, spi);
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return outbound_port(&o);
	case IPPROTO_ICMP:
		return outbound_icmp(&o);
	default:
		e = find_whole(d, &p->src);
		if (e == NULL || !demux_addr_equal(e->host, o.host))
			return misuse_local(&o);
		return send_under(&o, e, ANY_PORT);
	}
}

bool
demux_holds(struct demux *d, const struct addr *host,
    const struct addr *local)
{
	struct demux_key k = { .value = demux_addr_of(host).v4,
		.local = demux_addr_of(local), .kind = DEMUX_KIND_HOST };

	return demux_find(d, &k, NULL) != NULL;
}

/* --- neighbours ------------------------------------------------------------ */

void
demux_expect(struct demux *d, uint64_t now, const struct packet_view *p)
{
	struct demux_entry *e;
	struct demux_key    k;
	uint16_t	    sport, dport;

	if (p->len < p->header + 8 || !packet_ports(p, &sport, &dport))
		return;
	k = key_answer(p->protocol, &p->dst, dport, &p->src, sport);
	if (find_touched(d, &k, now) != NULL)
		return;
	e = find_port_owner(d, &p->dst, dport);
	if (e != NULL)
		demux_learn(d, &k, e, now);
}

bool
demux_expected(struct demux *d, uint64_t now, const struct packet_view *p)
{
	struct packet_view q;
	struct demux_key   k;
	uint16_t	   sport, dport;

	if (packet_ports(p, &sport, &dport))
		k = key_answer(p->protocol, &p->src, sport, &p->dst, dport);
	else if (icmp_quoted(p, &q) && packet_ports(&q, &sport, &dport))
		k = key_answer(q.protocol, &q.dst, dport, &q.src, sport);
	else
		return false;
	return find_touched(d, &k, now) != NULL;
}
