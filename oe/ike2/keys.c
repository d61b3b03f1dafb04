/* keys.c - keys of an IKE SA and of its children */
#include "config.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/util.h"
#include "oe/ike2/keys.h"

/* Both directions of an IKE SA: d, ai, ar, ei, er, pi, pr. */
#define MATERIAL_MAX	(3 * IKE2_PRF_MAX + 2 * IKE2_INTEG_KEY_MAX + \
    2 * IKE2_ENCR_KEY_MAX)

int
ike2_nonce_read(struct ike2_nonce *n, const uint8_t *body, size_t len)
{
	n->len = 0;
	if (len < IKE2_NONCE_MIN || len > IKE2_NONCE_MAX)
		return -1;
	memcpy(n->p, body, len);
	n->len = len;
	return 0;
}

void
ike2_nonce_draw(struct ike2_nonce *n)
{
	n->len = IKE2_NONCE_LEN;
	random_bytes(n->p, n->len);
}

int
ike2_nonce_compare(const struct ike2_nonce *a, const struct ike2_nonce *b)
{
	size_t len = a->len < b->len ? a->len : b->len;
	int    c = memcmp(a->p, b->p, len);

	return c != 0 ? c : a->len < b->len ? -1 : a->len > b->len;
}

int
ike2_prf_plus(const struct ike2_prf_info *prf, const uint8_t *key,
    size_t key_len, const struct ike_chunk *c, size_t n, uint8_t *out,
    size_t len)
{
	struct ike_chunk part[8];
	uint8_t		 block[IKE2_PRF_MAX], step = 0;
	size_t		 done, take;
	int		 rc = -1;
	EVP_MAC_CTX	*keyed;

	if (n + 2 > sizeof(part) / sizeof(part[0]) || len > 255 * prf->len)
		return -1;
	keyed = ike_prf_key(prf->hash, key, key_len);
	memcpy(part + 1, c, n * sizeof(*c));
	part[0] = (struct ike_chunk){ block, 0 };
	part[n + 1] = (struct ike_chunk){ &step, 1 };
	for (done = 0; done < len; done += take) {
		step++;
		if (ike_prf_keyed(keyed, part, n + 2, block) == -1)
			goto out;
		part[0].len = prf->len;
		take = len - done < prf->len ? len - done : prf->len;
		memcpy(out + done, block, take);
	}
	rc = 0;
out:
	EVP_MAC_CTX_free(keyed);
	wipe(block, sizeof(block));
	return rc;
}

int
ike2_skeyseed(const struct ike2_prf_info *prf, const struct ike2_keys *old,
    const struct ike2_fresh *f, uint8_t *seed)
{
	uint8_t		 nonces[2 * IKE2_NONCE_MAX];
	struct ike_chunk c[3] = {
		{ f->secret, f->secret_len },
		{ f->ni->p, f->ni->len },
		{ f->nr->p, f->nr->len },
	};

	if (f->secret == NULL)
		return -1;
	if (old != NULL)
		return ike_prf(old->prf->hash, old->d, old->prf->len, c, 3,
		    seed);
	memcpy(nonces, f->ni->p, f->ni->len);
	memcpy(nonces + f->ni->len, f->nr->p, f->nr->len);
	return ike_prf(prf->hash, nonces, f->ni->len + f->nr->len, c, 1, seed);
}

static void
take_key(const uint8_t **from, uint8_t *to, size_t len)
{
	memcpy(to, *from, len);
	*from += len;
}

int
ike2_keys_derive(struct ike2_keys *k, const struct ike2_suite *suite,
    const uint8_t *seed, size_t seed_len, const struct ike2_fresh *f,
    uint64_t spi_i, uint64_t spi_r)
{
	const struct ike2_encr_info  *encr = ike2_encr_info(suite->encr,
	    suite->bits);
	const struct ike2_integ_info *integ = ike2_integ_info(suite->integ);
	const struct ike2_prf_info   *prf = ike2_prf_info(suite->prf);
	uint8_t			      bytes[MATERIAL_MAX], spis[16];
	const uint8_t		     *p = bytes, *a[2], *e[2];
	size_t			      alen = integ == NULL ? 0 : integ->key_len;
	struct ike_chunk	      c[3] = {
		{ f->ni->p, f->ni->len },
		{ f->nr->p, f->nr->len },
		{ spis, sizeof(spis) },
	};
	int			      rc = -1;

	memset(k, 0, sizeof(*k));
	if (encr == NULL || prf == NULL || (suite->integ != 0 && integ == NULL))
		return -1;
	store_u64(spis, spi_i);
	store_u64(spis + 8, spi_r);
	if (ike2_prf_plus(prf, seed, seed_len, c, 3, bytes, 3 * prf->len +
	    2 * alen + 2 * encr->key_len) == -1)
		goto out;
	k->prf = prf;
	take_key(&p, k->d, prf->len);
	a[0] = p;
	a[1] = p + alen;
	e[0] = p + 2 * alen;
	e[1] = e[0] + encr->key_len;
	p = e[1] + encr->key_len;
	take_key(&p, k->pi, prf->len);
	take_key(&p, k->pr, prf->len);
	if (ike2_key_init(&k->i, encr, integ, e[0], a[0]) == 0 &&
	    ike2_key_init(&k->r, encr, integ, e[1], a[1]) == 0)
		rc = 0;
out:
	wipe(bytes, sizeof(bytes));
	if (rc == -1)
		ike2_keys_wipe(k);
	return rc;
}

int
ike2_keys_make(struct ike2_keys *k, const struct ike2_suite *suite,
    const struct ike2_keys *old, const struct ike2_fresh *f, uint64_t spi_i,
    uint64_t spi_r)
{
	const struct ike2_prf_info *prf = ike2_prf_info(suite->prf);
	uint8_t			    seed[IKE2_PRF_MAX];
	int			    rc = -1;

	memset(k, 0, sizeof(*k));
	if (prf != NULL && ike2_skeyseed(prf, old, f, seed) == 0)
		rc = ike2_keys_derive(k, suite, seed, old != NULL ?
		    old->prf->len : prf->len, f, spi_i, spi_r);
	wipe(seed, sizeof(seed));
	return rc;
}

void
ike2_keys_wipe(struct ike2_keys *k)
{
	wipe(k, sizeof(*k));
}

int
ike2_keymat(const struct ike2_keys *k, const struct ike2_fresh *f, uint8_t *out,
    size_t len)
{
	struct ike_chunk c[3];
	size_t		 n = 0;

	if (f->secret != NULL)
		c[n++] = (struct ike_chunk){ f->secret, f->secret_len };
	c[n++] = (struct ike_chunk){ f->ni->p, f->ni->len };
	c[n++] = (struct ike_chunk){ f->nr->p, f->nr->len };
	return ike2_prf_plus(k->prf, k->d, k->prf->len, c, n, out, len);
}

/* IKEv2's numbers are those of the DOI for ciphers, not for MACs
 * (RFC 2407 §4.5). */
static bool
esp_algorithms(const struct ike2_suite *s, struct esp_params *p)
{
	switch (s->encr) {
	case IKE2_ENCR_AES_GCM_16:
		p->cipher = ESP_AES_GCM_16;
		break;
	case IKE2_ENCR_CHACHA20_POLY1305:
		p->cipher = ESP_CHACHA20_POLY1305;
		break;
	case IKE2_ENCR_AES_CBC:
		p->cipher = ESP_AES_CBC;
		break;
	default:
		return false;
	}
	switch (s->integ) {
	case IKE2_INTEG_NONE:
		p->auth = ESP_AUTH_NONE;
		break;
	case IKE2_INTEG_HMAC_SHA2_256_128:
		p->auth = ESP_AUTH_HMAC_SHA2_256;
		break;
	case IKE2_INTEG_HMAC_SHA2_384_192:
		p->auth = ESP_AUTH_HMAC_SHA2_384;
		break;
	case IKE2_INTEG_HMAC_SHA2_512_256:
		p->auth = ESP_AUTH_HMAC_SHA2_512;
		break;
	default:
		return false;
	}
	p->esn = s->esn;
	return true;
}

int
ike2_child_keys(const struct ike2_keys *k, const struct ike2_fresh *f,
    const struct ike2_suite *suite, bool initiator, struct esp_params *in,
    struct esp_params *out)
{
	const struct ike2_encr_info  *encr = ike2_encr_info(suite->encr,
	    suite->bits);
	const struct ike2_integ_info *integ = ike2_integ_info(suite->integ);
	struct esp_params	     *dir[2];
	uint8_t			      bytes[2 * (IKE2_ENCR_KEY_MAX +
	    IKE2_INTEG_KEY_MAX)];
	const uint8_t		     *p = bytes;
	size_t			      alen = integ == NULL ? 0 : integ->key_len;
	int			      i;

	if (encr == NULL || !esp_algorithms(suite, in) ||
	    !esp_algorithms(suite, out) || ike2_keymat(k, f, bytes,
	    2 * (encr->key_len + alen)) == -1)
		return -1;
	/* §2.17: what the initiator sends first, its cipher's key first. */
	dir[0] = initiator ? out : in;
	dir[1] = initiator ? in : out;
	for (i = 0; i < 2; i++) {
		dir[i]->cipher_len = encr->key_len;
		take_key(&p, dir[i]->cipher_key, encr->key_len);
		dir[i]->auth_len = alen;
		take_key(&p, dir[i]->auth_key, alen);
	}
	wipe(bytes, sizeof(bytes));
	return 0;
}
