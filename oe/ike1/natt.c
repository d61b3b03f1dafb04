/* natt.c - NAT traversal of a Phase 1 SA: detection, the move to port 4500, keepalives */
#include "config.h"

#include <string.h>

#include "oe/ike/natd.h"
#include "oe/ike1/natt.h"

/* RFC 3947 §3.1: MD5 of "RFC 3947". */
static const uint8_t natt_vendor_id[16] = { 0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03,
	0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f };

void
natt_put_vendor_id(struct isakmp_builder *b)
{
	isakmp_put(b, ISAKMP_VENDOR_ID, natt_vendor_id, sizeof(natt_vendor_id));
}

bool
natt_is_vendor_id(const struct isakmp_part *p)
{
	return p->len == sizeof(natt_vendor_id) &&
	    memcmp(p->body, natt_vendor_id, sizeof(natt_vendor_id)) == 0;
}

void
natt_put(const struct ike1_sa *sa, struct isakmp_builder *b)
{
	uint8_t hash[IKE_HASH_MAX];
	size_t	len = ike_hash_len(sa->suite.hash);

	if (!sa->natt)
		return;
	/* The other end's address as we see it comes first, then our own. */
	if (natd_hash(sa->suite.hash, sa->cookie_i, sa->cookie_r,
	    &sa->path.peer, sa->path.peer_port, hash) == 0)
		isakmp_put(b, ISAKMP_NAT_D, hash, len);
	if (natd_hash_own(sa->suite.hash, sa->cookie_i, sa->cookie_r,
	    &sa->path, sa->ike->c.encapsulate, hash) == 0)
		isakmp_put(b, ISAKMP_NAT_D, hash, len);
}

void
natt_detect(struct ike1_sa *sa, const struct isakmp_message *m)
{
	const struct isakmp_part *p;
	struct natd		  d;
	unsigned		  i;

	if (!sa->natt || natd_begin(&d, sa->suite.hash, sa->cookie_i,
	    sa->cookie_r, &sa->path) == -1)
		return;
	for (i = 0; i < m->nparts; i++) {
		p = &m->part[i];
		if (p->type != ISAKMP_NAT_D)
			continue;
		/* Our own comes first; then one for each
		 * address of the peer. */
		if (d.n_ours == 0)
			natd_said_ours(&d, p->body, p->len);
		else
			natd_said_theirs(&d, p->body, p->len);
	}
	if (!natd_is_complete(&d))
		return;
	sa->nat_here = d.here || sa->ike->c.encapsulate;
	sa->nat_there = d.there;
}

void
natt_float(struct ike1_sa *sa)
{
	if (sa->nat_here || sa->nat_there)
		natd_float(&sa->path);
}

void
natt_moved(struct ike1_sa *sa)
{
	if (!sa->nat_here && !sa->nat_there)
		return;
	sa->path.local_port = sa->came.local_port;
	sa->path.peer_port = sa->came.peer_port;
}

void
natt_follow(struct ike1_sa *sa, const struct addr *peer, uint16_t port)
{
	if (!sa->nat_there || (!addr_equal(peer, &sa->path.peer) &&
	    ike1_sa_find(sa->ike, sa->cookie_i, peer) != NULL))
		return;
	sa->path.peer = *peer;
	sa->path.peer_port = port;
	ike1_sa_hash(sa);
}

void
natt_tick(struct ike1_sa *sa, uint64_t now)
{
	static const uint8_t keepalive = 0xff;
	struct ike1	    *e = sa->ike;

	if (!sa->nat_here)
		return;
	if (now >= sa->keepalive_at) {
		/* One SA of several with a peer is enough to hold the
		 * mapping. */
		if (ike1_sa_newest(sa) == sa)
			e->x.ops->send(e->x.arg, &sa->path, &keepalive, 1);
		sa->keepalive_at = now + (e->c.keepalive != 0 ?
		    (uint64_t)e->c.keepalive * 1000 : IKE_KEEPALIVE);
	}
	ike_timer(&e->x, sa->keepalive_at);
}
