/* natt.c - NAT traversal: detection, the move to port 4500, keepalives (RFC 3947, RFC 3948) */
#include "config.h"

#include <string.h>

#include "base/util.h"
#include "oe/ike1/table.h"

#define NATT_KEEPALIVE	20000	/* milliseconds (RFC 3948 §4) */

/* RFC 3947 §3.1: MD5 of "RFC 3947". */
static const uint8_t natt_vendor_id[16] = { 0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03,
	0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f };

bool
natt_marked(const struct keying_path *path)
{
	return path->local_port == NATT_PORT || path->peer_port == NATT_PORT;
}

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

/* HASH(CKY-I | CKY-R | IP | Port) (RFC 3947 §3.2). */
static int
natt_hash(const struct ike1_sa *sa, const struct addr *addr,
    uint16_t port,
    uint8_t out[IKE_HASH_MAX])
{
	uint8_t		 cookies[16], at[2];
	struct ike_chunk c[3] = { { cookies, sizeof(cookies) },
		{ addr->bytes, addr_len(addr) }, { at, sizeof(at) } };

	store_u64(cookies, sa->cookie_i);
	store_u64(cookies + 8, sa->cookie_r);
	store_u16(at, port);
	return ike_hash(sa->suite.hash, c, 3, out);
}

void
natt_put(const struct ike1_sa *sa, struct isakmp_builder *b)
{
	uint8_t hash[IKE_HASH_MAX];
	size_t	len = ike_hash_len(sa->suite.hash);

	if (!sa->natt)
		return;
	/* The other end's address as we see it comes first, then our own. */
	if (natt_hash(sa, &sa->path.peer, sa->path.peer_port, hash) == 0)
		isakmp_put(b, ISAKMP_NAT_D, hash, len);
	if (natt_hash(sa, &sa->path.local, sa->path.local_port, hash) == 0)
		isakmp_put(b, ISAKMP_NAT_D, hash, len);
}

void
natt_detect(struct ike1_sa *sa, const struct isakmp_message *m)
{
	const struct isakmp_part *p;
	uint8_t			  mine[IKE_HASH_MAX], theirs[IKE_HASH_MAX];
	size_t			  len = ike_hash_len(sa->suite.hash);
	unsigned		  i, n = 0;
	bool			  here = true, there = true;

	if (!sa->natt || natt_hash(sa, &sa->path.local, sa->path.local_port,
	    mine) == -1 || natt_hash(sa, &sa->path.peer, sa->path.peer_port,
	    theirs) == -1)
		return;
	for (i = 0; i < m->nparts; i++) {
		p = &m->part[i];
		if (p->type != ISAKMP_NAT_D || p->len != len)
			continue;
		/* A peer with several addresses sends one for each. */
		if (n++ == 0)
			here = memcmp(p->body, mine, len) != 0;
		else if (memcmp(p->body, theirs, len) == 0)
			there = false;
	}
	if (n < 2)
		return;
	sa->nat_here = here;
	sa->nat_there = there;
}

void
natt_float(struct ike1_sa *sa)
{
	if (!sa->nat_here && !sa->nat_there)
		return;
	/* A port leased for IKE stays ours; the marker goes by either port. */
	if (sa->path.local_port == 500)
		sa->path.local_port = NATT_PORT;
	sa->path.peer_port = NATT_PORT;
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
		/* One SA of several with a peer is enough to hold the mapping. */
		if (ike1_sa_for_peer(e, &sa->path.peer, &sa->peer_id) == sa)
			e->ops->send(e->arg, &sa->path, &keepalive, 1);
		sa->keepalive_at = now + (e->c.keepalive != 0 ?
		    (uint64_t)e->c.keepalive * 1000 : NATT_KEEPALIVE);
	}
	ike1_timer(e, sa->keepalive_at);
}
