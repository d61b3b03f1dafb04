/* keys.h - keys of an IKE SA and of its children (RFC 7296 §2.13, §2.14, §2.17, §2.18) */
#ifndef OE_IKE2_KEYS_H
#define OE_IKE2_KEYS_H

#include "oe/esp/params.h"
#include "oe/ike2/offer.h"
#include "oe/ike2/sealed.h"

#define IKE2_NONCE_LEN	32		/* ours: half of the longest
					 * PRF's key (§2.10) */
#define IKE2_NONCE_MIN	16
#define IKE2_NONCE_MAX	256

struct ike2_nonce { uint8_t p[IKE2_NONCE_MAX]; size_t len; };

/* A nonce payload's body. 0, or -1: too short or too long (§3.9). */
int	ike2_nonce_read(struct ike2_nonce *n, const uint8_t *body, size_t len);
void	ike2_nonce_draw(struct ike2_nonce *n);
/* The order of §2.8: <0 if a is lower, octet by octet, a shorter one first. */
int	ike2_nonce_compare(const struct ike2_nonce *a,
	    const struct ike2_nonce *b);

struct ike2_keys {
	const struct ike2_prf_info *prf;
	uint8_t	d[IKE2_PRF_MAX];	/* SK_d, for children
					 * and the next IKE SA */
	uint8_t	pi[IKE2_PRF_MAX], pr[IKE2_PRF_MAX]; /* SK_pi, SK_pr, for AUTH */
	struct ike2_key i, r;		/* what the original initiator sends;
					 * what it receives */
};

/* What one exchange of nonces and public values gave. */
struct ike2_fresh {
	const struct ike2_nonce *ni, *nr;
	const uint8_t *secret;		/* g^ir; NULL: none (a child without) */
	size_t	       secret_len;
};

/*
 * prf+ over n chunks in a row: len octets, at most 255 times the PRF's output.
 * 0, or -1.
 */
int	ike2_prf_plus(const struct ike2_prf_info *prf, const uint8_t *key,
	    size_t key_len, const struct ike_chunk *c, size_t n, uint8_t *out,
	    size_t len);

/* SKEYSEED; seed holds IKE2_PRF_MAX octets. old: the IKE SA that is rekeyed,
 * whose PRF it is made with (§2.18); NULL: the first one. 0, or -1. */
int	ike2_skeyseed(const struct ike2_prf_info *prf,
	    const struct ike2_keys *old, const struct ike2_fresh *f,
	    uint8_t *seed);
/* All seven keys. SPIs in host order. 0, or -1 and k is wiped. */
int	ike2_keys_derive(struct ike2_keys *k, const struct ike2_suite *suite,
	    const uint8_t *seed, size_t seed_len, const struct ike2_fresh *f,
	    uint64_t spi_i, uint64_t spi_r);
/* SKEYSEED and then them; what every caller wants. */
int	ike2_keys_make(struct ike2_keys *k, const struct ike2_suite *suite,
	    const struct ike2_keys *old, const struct ike2_fresh *f,
	    uint64_t spi_i, uint64_t spi_r);
void	ike2_keys_wipe(struct ike2_keys *k);

/* KEYMAT (§2.17). 0, or -1. */
int	ike2_keymat(const struct ike2_keys *k, const struct ike2_fresh *f,
	    uint8_t *out, size_t len);
/*
 * Algorithms and keys of both directions of a child; initiator: of the exchange
 * that makes it.  The other members are left alone.  0, or -1.
 */
int	ike2_child_keys(const struct ike2_keys *k, const struct ike2_fresh *f,
	    const struct ike2_suite *suite, bool initiator,
	    struct esp_params *in, struct esp_params *out);

#endif
