/* dh.c - the Diffie-Hellman groups of IKE (RFC 2409 §6, RFC 3526, RFC 5903, RFC 8031) */
#include "config.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "oe/ike/dh.h"
#include "oe/pubkey.h"

struct group {
	unsigned    number;
	size_t	    len;		/* of a public value on the wire */
	const char *name;
	const char *curve;	/* OpenSSL's name; NULL: none with points */
	BIGNUM	 *(*prime)(BIGNUM *);	/* MODP only */
	int	    exponent;	/* bits of private values, RFC 3526 §8 */
};

static const struct group groups[] = {
	{ 2, 128, "MODP-1024", NULL, BN_get_rfc2409_prime_1024, 320 },
	{ 5, 192, "MODP-1536", NULL, BN_get_rfc3526_prime_1536, 320 },
	{ 14, 256, "MODP-2048", NULL, BN_get_rfc3526_prime_2048, 320 },
	{ 15, 384, "MODP-3072", NULL, BN_get_rfc3526_prime_3072, 420 },
	{ 16, 512, "MODP-4096", NULL, BN_get_rfc3526_prime_4096, 480 },
	{ 19, 64, "ECP-256", "P-256", NULL, 0 },
	{ 20, 96, "ECP-384", "P-384", NULL, 0 },
	{ 31, 32, "X25519", NULL, NULL, 0 },
};

struct ike_dh {
	const struct group *group;
	EVP_PKEY	   *pair;
	uint8_t		    pub[IKE_KE_MAX];
};

static uint64_t operations;

uint64_t
ike_dh_operations(void)
{
	return operations;
}

static const struct group *
group_find(unsigned number)
{
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (groups[i].number == number)
			return &groups[i];
	}
	return NULL;
}

size_t
ike_group_len(unsigned group)
{
	const struct group *g = group_find(group);

	return g == NULL ? 0 : g->len;
}

const char *
ike_group_name(unsigned group)
{
	const struct group *g = group_find(group);

	return g == NULL ? "unknown" : g->name;
}

/* A MODP key of a public value; pub NULL: its parameters alone. */
static EVP_PKEY *
modp_key(const struct group *g, const BIGNUM *pub)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM	       *p = g->prime(NULL), *two = BN_new();
	EVP_PKEY       *key = NULL;

	if (bld != NULL && p != NULL && two != NULL &&
	    BN_set_word(two, 2) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_P, p) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_G, two) == 1 &&
	    OSSL_PARAM_BLD_push_int(bld, OSSL_PKEY_PARAM_DH_PRIV_LEN,
	    g->exponent) == 1 &&
	    (pub == NULL || OSSL_PARAM_BLD_push_BN(bld,
	    OSSL_PKEY_PARAM_PUB_KEY, pub) == 1))
		key = pubkey_from_builder("DH", pub == NULL ?
		    EVP_PKEY_KEY_PARAMETERS : EVP_PKEY_PUBLIC_KEY, bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(p);
	BN_free(two);
	return key;
}

static EVP_PKEY *
modp_generate(const struct group *g)
{
	EVP_PKEY     *params = modp_key(g, NULL), *key = NULL;
	EVP_PKEY_CTX *ctx = NULL;

	if (params == NULL || (ctx = EVP_PKEY_CTX_new(params, NULL)) == NULL ||
	    EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_keygen(ctx, &key) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(params);
	return key;
}

/* An EC key; point is uncompressed with its leading 4. */
static EVP_PKEY *
ecp_key(const struct group *g, const uint8_t *point)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY       *key = NULL;

	if (bld != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    g->curve, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    point, g->len + 1) == 1)
		key = pubkey_from_builder("EC", EVP_PKEY_PUBLIC_KEY, bld);
	OSSL_PARAM_BLD_free(bld);
	return key;
}

/* RFC 8031 §2: public values are the strings of RFC 7748. */
static bool
is_montgomery(const struct group *g)
{
	return g->curve == NULL && g->prime == NULL;
}

/* Writes the public value as the wire has it. */
static bool
dh_export(struct ike_dh *dh)
{
	uint8_t point[IKE_KE_MAX + 1];
	BIGNUM *pub = NULL;
	size_t	n = sizeof(dh->pub);
	bool	ok;

	if (is_montgomery(dh->group))
		return EVP_PKEY_get_raw_public_key(dh->pair, dh->pub, &n) ==
		    1 && n == dh->group->len;
	if (dh->group->curve == NULL) {
		ok = EVP_PKEY_get_bn_param(dh->pair, OSSL_PKEY_PARAM_PUB_KEY,
		    &pub) == 1 && BN_bn2binpad(pub, dh->pub,
		    (int)dh->group->len) == (int)dh->group->len;
		BN_free(pub);
		return ok;
	}
	/* RFC 5903 §7: x and y, without the octet that says "uncompressed". */
	if (EVP_PKEY_get_octet_string_param(dh->pair, OSSL_PKEY_PARAM_PUB_KEY,
	    point, sizeof(point), &n) != 1 || n != dh->group->len + 1 ||
	    point[0] != 4)
		return false;
	memcpy(dh->pub, point + 1, dh->group->len);
	return true;
}

struct ike_dh *
ike_dh_of(unsigned group, EVP_PKEY *pair)
{
	struct ike_dh *dh = calloc(1, sizeof(*dh));

	if (dh == NULL) {
		EVP_PKEY_free(pair);
		return NULL;
	}
	dh->group = group_find(group);
	dh->pair = pair;
	if (dh->group == NULL || pair == NULL || !dh_export(dh)) {
		ERR_clear_error();
		ike_dh_free(dh);
		return NULL;
	}
	return dh;
}

struct ike_dh *
ike_dh_new(unsigned group)
{
	const struct group *g = group_find(group);

	if (g == NULL)
		return NULL;
	operations++;
	return ike_dh_of(group, is_montgomery(g) ?
	    EVP_PKEY_Q_keygen(NULL, NULL, g->name) :
	    g->curve != NULL ? EVP_EC_gen(g->curve) : modp_generate(g));
}

void
ike_dh_free(struct ike_dh *dh)
{
	if (dh == NULL)
		return;
	EVP_PKEY_free(dh->pair);
	wipe_free(dh, sizeof(*dh));
}

const uint8_t *
ike_dh_public(const struct ike_dh *dh)
{
	return dh->pub;
}

/*
 * OpenSSL checks that the value is within the group and on the curve when it
 * is set as peer, and that X25519's secret is not zero when it is derived:
 * 0, 1, p-1 and points of small order would make the secret known to all.
 */
static EVP_PKEY *
dh_peer(const struct group *g, const uint8_t *peer)
{
	uint8_t	   point[IKE_KE_MAX + 1];
	EVP_PKEY  *key;
	BIGNUM	  *pub;
	OSSL_PARAM params[] = { OSSL_PARAM_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, point, g->len), OSSL_PARAM_END };

	if (is_montgomery(g)) {
		memcpy(point, peer, g->len);
		return pubkey_from_params(g->name, EVP_PKEY_PUBLIC_KEY, params);
	}
	if (g->curve != NULL) {
		point[0] = 4;
		memcpy(point + 1, peer, g->len);
		return ecp_key(g, point);
	}
	pub = BN_bin2bn(peer, (int)g->len, NULL);
	key = pub == NULL ? NULL : modp_key(g, pub);
	BN_free(pub);
	return key;
}

int
ike_dh_derive(struct ike_dh *dh, const uint8_t *peer, size_t len, uint8_t *out)
{
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY     *other = NULL;
	size_t	      n = IKE_KE_MAX;
	bool	      ok;

	if (len != dh->group->len)
		return -1;
	operations++;
	ok = (other = dh_peer(dh->group, peer)) != NULL &&
	    (ctx = EVP_PKEY_CTX_new(dh->pair, NULL)) != NULL &&
	    EVP_PKEY_derive_init(ctx) == 1 &&
	    (dh->group->prime == NULL ||
	    EVP_PKEY_CTX_set_dh_pad(ctx, 1) == 1) &&
	    EVP_PKEY_derive_set_peer(ctx, other) == 1 &&
	    EVP_PKEY_derive(ctx, out, &n) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(other);
	ERR_clear_error();
	return ok ? (int)n : -1;
}
