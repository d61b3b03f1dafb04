/* pathmtu.c - paths that lose large packets and do not say so: found, lowered, tried again (RFC 4821 §7.7; RFC 8899 §4.3) */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "net/icmp.h"
#include "net/ip.h"
#include "oe/connection.h"
#include "oe/esp/dataplane.h"
#include "oe/pair.h"
#include "oe/pathmtu.h"

/*
 * Nothing in ESP is acknowledged, but the TCP within it is: a segment that is
 * large and must not be cut, sent for the third time while nothing as large
 * was acknowledged, was not lost by chance.  Then the path is taken to carry
 * but what nearly every path carries, as where a path's search begins (RFC 8899
 * §5.2), and after a while it is tried whether it carries more.
 */

#define TCP_HEADER_LEN	20
#define TCP_SYN		0x02
#define TCP_ACK		0x10
#define TCP_MSS		2	/* options */
#define TCP_SACK	5

#define LINK_MTU	1500	/* where no path MTU was learnt */
#define BLACK_HOLE_TRIES 3	/* transmissions of one segment */
#define WATCH_TIME	20000	/* milliseconds one is waited for */
#define RAISE_MIN	600000	/* PMTU_RAISE_TIMER (RFC 8899 §5.1.1) */
#define RAISE_MAX	7200000	/* where raising has failed again and again */

size_t
pathmtu_of(const struct connection *conn)
{
	return conn->mtu != 0 ? conn->mtu : LINK_MTU;
}

/* A smaller claim is a forgery, or no use (RFC 8201 §4). */
static size_t
mtu_least(int family)
{
	return family == AF_INET6 ? IP6_MTU_MIN : PATH_MTU_MIN;
}

/* What to fall back to: IPv6's least, for which paths are built; then
 * IPv4's; 0: nothing. */
static size_t
mtu_below(const struct connection *conn)
{
	size_t mtu = pathmtu_of(conn);
	size_t least = mtu_least(conn->path.peer.family);

	return mtu > IP6_MTU_MIN ? IP6_MTU_MIN : mtu > least ? least : 0;
}

/* The TCP header of a packet that is no fragment; NULL: there is none. */
static const uint8_t *
tcp_of(const struct packet_view *v)
{
	const uint8_t *tcp = v->data + v->header;
	size_t	       header;

	if (v->protocol != 6 || v->frag != 0 || v->more ||
	    v->len < v->header + TCP_HEADER_LEN)
		return NULL;
	header = (size_t)(tcp[12] >> 4) * 4;
	return header < TCP_HEADER_LEN || header > v->len - v->header ?
	    NULL : tcp;
}

/* The option's offset in the header; 0: it has none. */
static size_t
tcp_option(const uint8_t *tcp, uint8_t kind, size_t least)
{
	size_t header = (size_t)(tcp[12] >> 4) * 4, at = TCP_HEADER_LEN;

	while (at + 1 < header && tcp[at] != 0) {
		if (tcp[at] == 1) {
			at++;
			continue;
		}
		if (tcp[at + 1] < 2 || tcp[at + 1] > header - at)
			break;
		if (tcp[at] == kind)
			return tcp[at + 1] >= least ? at : 0;
		at += tcp[at + 1];
	}
	return 0;
}

/* What goes beside us has to fit too. */
static void
mtu_set(struct connection *conn, size_t mtu)
{
	conn->mtu = mtu;
	spd_led_end(conn->spd);
}

static void
mtu_lower(struct connection *conn, size_t mtu)
{
	struct large_segment *l = &conn->large;

	log_info("%s: large packets are lost without a word: path MTU taken "
	    "as %zu", ADDR_TEXT(&conn->path.peer), mtu);
	mtu_set(conn, mtu);
	conn->mtu_wait = conn->mtu_wait == 0 ? RAISE_MIN :
	    conn->mtu_wait < RAISE_MAX / 2 ? conn->mtu_wait * 2 : RAISE_MAX;
	conn->mtu_raise_at = conn->core->now + conn->mtu_wait;
	memset(l, 0, sizeof(*l));
}

void
pathmtu_sent(struct connection *conn, const struct esp_pair *esp,
    const struct packet_view *v)
{
	struct large_segment *l = &conn->large;
	const uint8_t	     *tcp = tcp_of(v);
	uint64_t	      now = conn->core->now;
	size_t		      below = mtu_below(conn);

	/* What may be cut fits at last; what is too large is
	 * not sent at all. */
	if (tcp == NULL || !v->df || below == 0 ||
	    v->len <= esp_pair_mtu(esp, below) ||
	    v->len > esp_pair_mtu(esp, pathmtu_of(conn)))
		return;
	if (l->sent == 0 || now - l->at >= WATCH_TIME) {
		l->ports = load_u32(tcp);
		l->seq = load_u32(tcp + 4);
		l->len = v->len - v->header - (size_t)(tcp[12] >> 4) * 4;
		l->at = now;
		l->sent = 1;
		return;
	}
	if (l->ports != load_u32(tcp) || l->seq != load_u32(tcp + 4))
		return;
	if (++l->sent == BLACK_HOLE_TRIES)
		mtu_lower(conn, below);
	else
		spd_led_end(conn->spd);
}

bool
pathmtu_doubts(const struct connection *conn)
{
	return conn->large.sent > 1 &&
	    conn->core->now - conn->large.at < WATCH_TIME;
}

void
pathmtu_heard(struct connection *conn, const struct packet_view *v)
{
	struct large_segment *l = &conn->large;
	const uint8_t	     *tcp;
	size_t		      at, end;

	if (l->sent == 0 || (tcp = tcp_of(v)) == NULL || !(tcp[13] & TCP_ACK) ||
	    load_u16(tcp) != (uint16_t)l->ports ||
	    load_u16(tcp + 2) != (uint16_t)(l->ports >> 16))
		return;
	if ((int32_t)(load_u32(tcp + 8) - l->seq) > 0) {
		l->sent = 0;
		return;
	}
	/* Another segment as large came through: this one
	 * was lost by chance. */
	if ((at = tcp_option(tcp, TCP_SACK, 10)) == 0)
		return;
	for (end = at + tcp[at + 1], at += 2; at + 8 <= end; at += 8) {
		if (load_u32(tcp + at + 4) - load_u32(tcp + at) >= l->len)
			l->sent = 1;
	}
}

void
pathmtu_tick(struct connection *conn)
{
	if (conn->mtu_raise_at == 0 || conn->core->now < conn->mtu_raise_at)
		return;
	conn->mtu_raise_at = 0;
	mtu_set(conn, 0);
	memset(&conn->large, 0, sizeof(conn->large));
	log_debug("%s: larger packets are tried again",
	    ADDR_TEXT(&conn->path.peer));
}

struct packet_view
pathmtu_clamp(const struct connection *conn, size_t mtu,
    const struct packet_view *v, uint8_t syn[PATH_SYN_MAX])
{
	struct packet_view clamped = *v;
	const uint8_t *tcp = tcp_of(v);
	const size_t   headers = ip_header_len(v->src.family) + TCP_HEADER_LEN;
	uint32_t       sum;
	uint16_t       before, after;
	size_t	       at;
	uint8_t	      *p;

	if (conn->mtu == 0 || tcp == NULL || !(tcp[13] & TCP_SYN) ||
	    v->len > PATH_SYN_MAX || mtu <= headers ||
	    (at = tcp_option(tcp, TCP_MSS, 4)) == 0 || at % 2 != 0)
		return clamped;
	before = load_u16(tcp + at + 2);
	after = (uint16_t)(mtu - headers);
	if (before <= after)
		return clamped;
	memcpy(syn, v->data, v->len);
	p = syn + v->header;
	store_u16(p + at + 2, after);
	/* RFC 1624 */
	sum = (uint16_t)~load_u16(p + 16) + (uint32_t)(uint16_t)~before + after;
	sum = (sum & 0xffff) + (sum >> 16);
	store_u16(p + 16, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
	clamped.data = syn;
	return clamped;
}

void
pathmtu_inbound_icmp(struct core *c, uint64_t now, const struct packet_view *p,
    const struct packet_view *quoted)
{
	struct connection *conn;
	struct sa_pair	  *pair;
	size_t		   mtu;

	c->now = now;
	if (!icmp_is_too_big(p, &mtu) || quoted->protocol != IPPROTO_ESP ||
	    quoted->frag != 0 || quoted->len < quoted->header + 4 ||
	    mtu < mtu_least(quoted->dst.family))
		return;
	/* A sender who knows the SPI was on the path (RFC 4301 §8.2.1). */
	pair = pair_by_spi_out(c, &quoted->dst,
	    load_u32(quoted->data + quoted->header));
	if (pair == NULL)
		return;
	conn = pair->connection;
	if (conn->mtu == 0 || mtu < conn->mtu) {
		log_info("path MTU to %s is %zu", ADDR_TEXT(&quoted->dst), mtu);
		mtu_set(conn, mtu);
		conn->mtu_raise_at = 0;
	}
}
