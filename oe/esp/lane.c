/* lane.c - packets that are sealed or opened beside the engine: on which SA, as the engine has said, and what of them stays the engine's (RFC 4303 §3) */
#include "config.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "base/util.h"
#include "oe/esp/esp.h"
#include "oe/esp/lane.h"

#define TCP_HEADER_LEN	20
#define TCP_SYN		0x02
#define FLOWS		16	/* of TCP whose place is remembered */
#define LARGE		576	/* bytes: what is not larger gets through
				 * everywhere (RFC 791) */

/* How far a flow of TCP has come. */
struct lane_flow {
	uint32_t ports, end;		/* host order; of what was sent */
};

struct lane_pair {
	UT_hash_handle	  hh;
	struct { struct addr src, dst; } key;
	struct lane_lead  lead;
	struct lane_flow  flow[FLOWS];
};

struct lane_door {
	UT_hash_handle	     hh;
	uint32_t	     spi;
	struct lane_entrance entrance;
};

struct lane {
	struct lane_out	   out;
	struct lane_pair  *pairs;
	struct lane_door  *doors;
	struct lane_pair  *now;		/* of the frame under way */
	struct lane_counts count;
	bool		   stirred;
	uint8_t		   packet[IP_PACKET_MAX];	/* that is made */
};

struct lane *
lane_new(const struct lane_out *out)
{
	struct lane *l = xcalloc(1, sizeof(*l));

	l->out = *out;
	return l;
}

static struct lane_pair *
lane_find(struct lane *l, const struct addr *src, const struct addr *dst)
{
	struct lane_pair *p, key;

	memset(&key, 0, sizeof(key));
	key.key.src = *src;
	key.key.dst = *dst;
	HASH_FIND(hh, l->pairs, &key.key, sizeof(key.key), p);
	return p;
}

static void
lane_forget(struct lane *l, struct lane_pair *p)
{
	HASH_DEL(l->pairs, p);
	free(p);
}

void
lane_free(struct lane *l)
{
	if (l == NULL)
		return;
	while (l->pairs != NULL)
		lane_forget(l, l->pairs);
	while (l->doors != NULL)
		lane_leave(l, l->doors->spi);
	wipe_free(l, sizeof(*l));
}

void
lane_begin(struct lane *l, const struct lane_lead *lead)
{
	struct lane_pair *p = lane_find(l, &lead->src, &lead->dst);

	if (p == NULL) {
		p = xcalloc(1, sizeof(*p));
		p->key.src = lead->src;
		p->key.dst = lead->dst;
		HASH_ADD(hh, l->pairs, key, sizeof(p->key), p);
	}
	p->lead = *lead;
}

void
lane_end(struct lane *l, const struct addr *src, const struct addr *dst)
{
	struct lane_pair *p = lane_find(l, src, dst);

	if (p != NULL)
		lane_forget(l, p);
}

static struct lane_door *
lane_door(struct lane *l, uint32_t spi)
{
	struct lane_door *d;

	HASH_FIND(hh, l->doors, &spi, sizeof(spi), d);
	return d;
}

void
lane_enter(struct lane *l, const struct lane_entrance *entrance)
{
	struct lane_door *d = lane_door(l, entrance->spi);

	if (d == NULL) {
		d = xcalloc(1, sizeof(*d));
		d->spi = entrance->spi;
		HASH_ADD(hh, l->doors, spi, sizeof(d->spi), d);
	}
	d->entrance = *entrance;
}

void
lane_leave(struct lane *l, uint32_t spi)
{
	struct lane_door *d = lane_door(l, spi);

	if (d == NULL)
		return;
	HASH_DEL(l->doors, d);
	free(d);
}

/* --- what is the engine's ------------------------------------------------- */

/*
 * What TCP sends again, and is large, tells the engine of paths that lose large
 * packets without a word (pathmtu.h).
 */
static bool
tcp_again(struct lane_pair *p, const struct gso_frame *look, const uint8_t *tcp,
    size_t header)
{
	uint32_t	  ports = load_u32(tcp), seq = load_u32(tcp + 4);
	struct lane_flow *f = &p->flow[(ports ^ ports >> 16) % FLOWS];
	bool		  same = f->ports == ports;

	if (look->largest <= LARGE)
		return false;
	if (same && (int32_t)(seq - f->end) < 0)
		return true;
	f->ports = ports;
	f->end = seq + (uint32_t)(look->view.len - look->view.header - header);
	return false;
}

/* Begins a connection, whose MSS may be lowered; or is to be looked at, as it
 * is no TCP, or sent again. */
static bool
tcp_is_engines(struct lane_pair *p, const struct gso_frame *look)
{
	const uint8_t *tcp = look->view.data + look->view.header;
	size_t	       left = look->view.len - look->view.header, header;

	if (left < TCP_HEADER_LEN ||
	    (header = (size_t)(tcp[12] >> 4) * 4) < TCP_HEADER_LEN ||
	    header > left)
		return true;
	return (tcp[13] & TCP_SYN) || tcp_again(p, look, tcp, header);
}

static bool
is_engines(struct lane_pair *p, const struct gso_frame *look)
{
	const struct packet_view *v = &look->view;

	/* Of ICMP of IPv6 some is the link's own, and never encrypted. */
	return look->largest > p->lead.mtu || packet_is_fragment(v) ||
	    v->header != ip_header_len(v->src.family) ||
	    v->protocol == IPPROTO_ICMPV6 ||
	    (v->protocol == IPPROTO_TCP && tcp_is_engines(p, look));
}

static void
lane_used(struct lane *l, struct lane_use *use, size_t len)
{
	use->packets++;
	use->bytes += len;
	l->stirred |= !use->known;
	use->known = true;
}

/* --- sealing -------------------------------------------------------------- */

/* What is not sealed goes nowhere. */
static void
lane_packet(void *arg, const struct packet_view *v)
{
	struct lane	  *l = arg;
	struct packet_view sealed;

	if (esp_seal(l->now->lead.sa, v, l->packet, sizeof(l->packet),
	    &sealed) != ESP_OK) {
		l->count.refused++;
		return;
	}
	l->out.seals(l->out.arg, &sealed);
	lane_used(l, l->now->lead.use, v->len);
}

unsigned
lane_frame(struct lane *l, const struct gso_frame *look, uint8_t *frame,
    size_t len)
{
	struct lane_pair *p = lane_find(l, &look->view.src, &look->view.dst);
	unsigned	  n;

	if (p == NULL || l->out.seals == NULL || is_engines(p, look)) {
		l->count.handed++;
		return 0;
	}
	l->now = p;
	n = gso_split(frame, len, lane_packet, l);
	l->count.frames++;
	/* What cannot be cut is no packet for anybody else either. */
	return n == 0 ? 1 : n;
}

/* --- opening -------------------------------------------------------------- */

bool
lane_esp(struct lane *l, const struct packet_view *v)
{
	struct lane_entrance *e;
	struct lane_door     *d;
	struct packet_view    inner;
	uint32_t	      spi;
	int		      rc;

	if (l->out.opens == NULL || v->protocol != IPPROTO_ESP ||
	    !esp_spi(v, &spi) || (d = lane_door(l, spi)) == NULL) {
		l->count.handed++;
		return false;
	}
	e = &d->entrance;
	rc = esp_open(e->sa, v, l->packet, sizeof(l->packet), &inner);
	if (rc == ESP_E_DUMMY)
		return true;
	if (rc != ESP_OK) {
		e->use->bad++;
	} else if (!addr_equal(&inner.src, &e->theirs) ||
	    !addr_equal(&inner.dst, &e->ours)) {
		/* Only what was negotiated may come out (RFC 4301 §5.2). */
		e->use->filtered++;
	} else {
		l->count.opened++;
		lane_used(l, e->use, inner.len);
		l->out.opens(l->out.arg, &inner);
	}
	return true;
}

void
lane_flush(struct lane *l)
{
	l->out.flush(l->out.arg);
}

bool
lane_stirred(struct lane *l)
{
	bool stirred = l->stirred;

	l->stirred = false;
	return stirred;
}

void
lane_lost(struct lane *l)
{
	l->count.lost++;
}

void
lane_count(const struct lane *l, struct lane_counts *sum)
{
	sum->frames += l->count.frames;
	sum->opened += l->count.opened;
	sum->handed += l->count.handed;
	sum->lost += l->count.lost;
	sum->refused += l->count.refused;
}
