/* natd.c - is there a NAT on the way? */
#include "config.h"

#include <string.h>

#include "base/cursor.h"
#include "oe/ike/natd.h"

int
natd_hash(unsigned hash, uint64_t spi_i, uint64_t spi_r,
    const struct addr *addr, uint16_t port, uint8_t out[IKE_HASH_MAX])
{
	uint8_t		 spis[16], at[2];
	struct ike_chunk c[3] = { { spis, sizeof(spis) },
		{ addr->bytes, addr_len(addr) }, { at, sizeof(at) } };

	store_u64(spis, spi_i);
	store_u64(spis + 8, spi_r);
	store_u16(at, port);
	return ike_hash(hash, c, 3, out);
}

int
natd_hash_own(unsigned hash, uint64_t spi_i, uint64_t spi_r,
    const struct keying_path *path, bool feign, uint8_t out[IKE_HASH_MAX])
{
	/* No datagram comes from port 0. */
	return natd_hash(hash, spi_i, spi_r, &path->local,
	    feign ? 0 : path->local_port, out);
}

int
natd_begin(struct natd *d, unsigned hash, uint64_t spi_i, uint64_t spi_r,
    const struct keying_path *path)
{
	memset(d, 0, sizeof(*d));
	d->len = ike_hash_len(hash);
	d->here = d->there = true;
	if (natd_hash(hash, spi_i, spi_r, &path->local, path->local_port,
	    d->ours) == -1)
		return -1;
	return natd_hash(hash, spi_i, spi_r, &path->peer, path->peer_port,
	    d->theirs);
}

void
natd_said_ours(struct natd *d, const uint8_t *hash, size_t len)
{
	if (len != d->len)
		return;
	d->n_ours++;
	d->here = memcmp(hash, d->ours, len) != 0;
}

void
natd_said_theirs(struct natd *d, const uint8_t *hash, size_t len)
{
	if (len != d->len)
		return;
	d->n_theirs++;
	if (memcmp(hash, d->theirs, len) == 0)
		d->there = false;
}

bool
natd_is_complete(const struct natd *d)
{
	return d->n_ours != 0 && d->n_theirs != 0;
}

void
natd_float(struct keying_path *path)
{
	/* A port leased for IKE stays ours; the marker goes by either port. */
	if (path->local_port == KEYING_PORT)
		path->local_port = KEYING_PORT_NATT;
	path->peer_port = KEYING_PORT_NATT;
}
