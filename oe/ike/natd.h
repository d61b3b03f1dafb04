/* natd.h - is there a NAT on the way?  The hashes of addresses and ports that both versions compare (RFC 3947 §3.2, RFC 7296 §2.23) */
#ifndef OE_IKE_NATD_H
#define OE_IKE_NATD_H

#include "oe/ike/prf.h"
#include "oe/keying.h"

#define IKE_KEEPALIVE	20000		/* milliseconds (RFC 3948 §4) */

/*
 * HASH(SPIi | SPIr | address | port), of ike_hash_len(hash) octets: what we say
 * of each end, and compare.  IKEv1 takes the negotiated hash and calls the SPIs
 * cookies; IKEv2 takes SHA-1, and SPIr is 0 in the first message. 0, or -1.
 */
int	natd_hash(unsigned hash, uint64_t spi_i, uint64_t spi_r,
	    const struct addr *addr, uint16_t port, uint8_t out[IKE_HASH_MAX]);

/* Of our own end.  feign: what fits none, so that both ends take it that a NAT
 * is before us, and send ESP in UDP: which either may want (RFC 7296 §2.23). */
int	natd_hash_own(unsigned hash, uint64_t spi_i, uint64_t spi_r,
	    const struct keying_path *path, bool feign,
	    uint8_t out[IKE_HASH_MAX]);

struct natd {				/* what a peer says is being compared */
	uint8_t	 ours[IKE_HASH_MAX], theirs[IKE_HASH_MAX];
	size_t	 len;			/* of a hash */
	unsigned n_ours, n_theirs;	/* said so far */
	bool	 here, there;	/* who is behind a NAT, as it looks so far */
};
/* path as we see it. 0, or -1. */
int	natd_begin(struct natd *d, unsigned hash, uint64_t spi_i,
	    uint64_t spi_r, const struct keying_path *path);
/* Where the peer sends to; and each of the addresses that it may send from. */
void	natd_said_ours(struct natd *d, const uint8_t *hash, size_t len);
void	natd_said_theirs(struct natd *d, const uint8_t *hash, size_t len);
/* Has it said both?  Only then here and there mean something. */
bool	natd_is_complete(const struct natd *d);

/* Initiator: to port 4500, once there is a NAT (RFC 3947 §4, RFC 7296
 * §2.23). */
void	natd_float(struct keying_path *path);

#endif
