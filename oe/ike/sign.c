/* sign.c - signatures over what was exchanged, in IKEv1 and in IKEv2 */
#include "config.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "oe/ike/sign.h"

int
ike_sign(EVP_PKEY *key, const uint8_t *hash, size_t len,
    uint8_t sig[IKE_SIG_MAX])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t	      n = IKE_SIG_MAX;
	bool	      ok;

	/* Without a digest set, OpenSSL pads the bytes as they are. */
	ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_sign(ctx, sig, &n, hash, len) == 1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok ? (int)n : -1;
}

bool
ike_verify(const struct pubkey *key, const uint8_t *hash, size_t len,
    const uint8_t *sig, size_t sig_len)
{
	EVP_PKEY     *pkey = pubkey_to_evp(key);
	EVP_PKEY_CTX *ctx = NULL;
	bool	      ok;

	ok = pkey != NULL && (ctx = EVP_PKEY_CTX_new(pkey, NULL)) != NULL &&
	    EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_verify(ctx, sig, sig_len, hash, len) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return ok;
}

/* --- IKEv2 ---------------------------------------------------------------- */

#define RSA_EXPONENT_MIN	65537
#define IKE_ALGORITHM_MAX	128	/* octets that are worth keeping */
#define PSS_SALT_MIN		20	/* octets; RFC 4055 §3.1's default */

/* A way to sign or verify; md NULL: the key knows (Ed25519). */
struct scheme {
	const char   *key;		/* OpenSSL's name of its type */
	const EVP_MD *md;
	bool	      pss;
	int	      salt;		/* octets */
};

/* Chunks in one piece, which the caller wipes and frees; NULL: no memory. */
static uint8_t *
gather(const struct ike_chunk *c, size_t n, size_t *len)
{
	uint8_t *all;
	size_t	 i, at = 0;

	for (*len = 0, i = 0; i < n; i++)
		*len += c[i].len;
	if ((all = malloc(*len + 1)) == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		memcpy(all + at, c[i].p, c[i].len);
		at += c[i].len;
	}
	return all;
}

static const EVP_MD *
sign_md(unsigned hash)
{
	return hash == IKE_SIGN_SHA2_256 ? EVP_sha256() :
	    hash == IKE_SIGN_SHA2_384 ? EVP_sha384() :
	    hash == IKE_SIGN_SHA2_512 ? EVP_sha512() : NULL;
}

static bool
hash_allowed(int nid, unsigned hashes)
{
	unsigned h;

	for (h = IKE_SIGN_SHA2_256; h <= IKE_SIGN_SHA2_512; h++) {
		if (EVP_MD_get_type(sign_md(h)) == nid)
			return (hashes & 1u << h) != 0;
	}
	return false;
}

/* The strongest hash of a set, as far as a key of so many bits has use for
 * it. */
static const EVP_MD *
best_md(unsigned hashes, unsigned most)
{
	unsigned h;

	for (h = most; h >= IKE_SIGN_SHA2_256; h--) {
		if (hashes & 1u << h)
			return sign_md(h);
	}
	for (h = most + 1; h <= IKE_SIGN_SHA2_512; h++) {
		if (hashes & 1u << h)
			return sign_md(h);
	}
	return NULL;
}

static bool
scheme_for_key(struct scheme *s, EVP_PKEY *key, unsigned hashes, bool pss)
{
	int bits = EVP_PKEY_get_bits(key);

	*s = (struct scheme){ .pss = pss };
	if (EVP_PKEY_is_a(key, "ED25519")) {
		s->key = "ED25519";
		s->pss = false;
		return (hashes & 1u << IKE_SIGN_IDENTITY) != 0;
	}
	if (EVP_PKEY_is_a(key, "EC")) {
		s->key = "EC";
		s->pss = false;
		s->md = best_md(hashes, bits <= 256 ? IKE_SIGN_SHA2_256 :
		    bits <= 384 ? IKE_SIGN_SHA2_384 : IKE_SIGN_SHA2_512);
	} else if (EVP_PKEY_is_a(key, "RSA")) {
		s->key = "RSA";
		s->md = best_md(hashes, IKE_SIGN_SHA2_512);
	}
	if (s->md != NULL)
		s->salt = EVP_MD_get_size(s->md);
	return s->key != NULL && s->md != NULL;
}

#define SCHEME_PARAMS	3

/* What OpenSSL is to be told of it, at once: each for itself costs more than
 * the hash. */
static bool
scheme_params(struct scheme *s, OSSL_PARAM p[SCHEME_PARAMS])
{
	static char pss[] = OSSL_PKEY_RSA_PAD_MODE_PSS;
	static char pkcs1[] = OSSL_PKEY_RSA_PAD_MODE_PKCSV15;
	unsigned    n = 0;

	if (strcmp(s->key, "RSA") == 0)
		p[n++] = OSSL_PARAM_construct_utf8_string(
		    OSSL_SIGNATURE_PARAM_PAD_MODE, s->pss ? pss : pkcs1, 0);
	if (n != 0 && s->pss)
		p[n++] = OSSL_PARAM_construct_int(
		    OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &s->salt);
	p[n] = OSSL_PARAM_construct_end();
	return true;
}

static const char *
md_name(const EVP_MD *md)
{
	return md == NULL ? NULL : EVP_MD_get0_name(md);
}

int
ike_sign_digital(EVP_PKEY *key, unsigned hashes, bool pss,
    const struct ike_chunk *c, size_t n, uint8_t out[IKE_DIGITAL_MAX])
{
	EVP_MD_CTX   *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	OSSL_PARAM    params[SCHEME_PARAMS];
	struct scheme s;
	uint8_t	     *text = NULL;
	size_t	      len = 0, sig_len = IKE_SIG_MAX;
	OSSL_PARAM    id[] = { OSSL_PARAM_octet_string(
	    OSSL_SIGNATURE_PARAM_ALGORITHM_ID, out + 1, 255), OSSL_PARAM_END };
	bool	      ok;

	ok = ctx != NULL && scheme_for_key(&s, key, hashes, pss) &&
	    (text = gather(c, n, &len)) != NULL &&
	    scheme_params(&s, params) &&
	    EVP_DigestSignInit_ex(ctx, &pctx, md_name(s.md), NULL, NULL, key,
	    params) == 1 && EVP_PKEY_CTX_get_params(pctx, id) == 1 &&
	    id[0].return_size <= 255 && EVP_DigestSign(ctx,
	    out + 1 + id[0].return_size, &sig_len, text, len) == 1;
	EVP_MD_CTX_free(ctx);
	wipe_free(text, len);
	ERR_clear_error();
	if (!ok)
		return -1;
	out[0] = (uint8_t)id[0].return_size;
	return (int)(1 + id[0].return_size + sig_len);
}

/* Parameters are absent or NULL, as of all that need none. */
static bool
is_plain(const X509_ALGOR *alg)
{
	return alg->parameter == NULL ||
	    ASN1_TYPE_get(alg->parameter) == V_ASN1_NULL;
}

/* RFC 4055 §3.1; what is absent has a default that we do not take. */
static bool
scheme_read_pss(struct scheme *s, const X509_ALGOR *alg, unsigned hashes)
{
	RSA_PSS_PARAMS *p = alg->parameter == NULL ? NULL :
	    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS),
	    alg->parameter);
	X509_ALGOR     *mgf = NULL;
	long		salt = -1;
	int		nid = NID_undef;

	if (p != NULL && p->hashAlgorithm != NULL &&
	    p->maskGenAlgorithm != NULL && p->saltLength != NULL &&
	    OBJ_obj2nid(p->maskGenAlgorithm->algorithm) == NID_mgf1 &&
	    p->maskGenAlgorithm->parameter != NULL &&
	    (mgf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR),
	    p->maskGenAlgorithm->parameter)) != NULL &&
	    (p->trailerField == NULL ||
	    ASN1_INTEGER_get(p->trailerField) == 1)) {
		nid = OBJ_obj2nid(p->hashAlgorithm->algorithm);
		salt = ASN1_INTEGER_get(p->saltLength);
		if (OBJ_obj2nid(mgf->algorithm) != nid || !is_plain(mgf) ||
		    !is_plain(p->hashAlgorithm))
			nid = NID_undef;
	}
	X509_ALGOR_free(mgf);
	RSA_PSS_PARAMS_free(p);
	if (!hash_allowed(nid, hashes) || salt < PSS_SALT_MIN ||
	    salt > IKE_HASH_MAX)
		return false;
	*s = (struct scheme){ "RSA", EVP_get_digestbynid(nid), true,
		(int)salt };
	return true;
}

/* An AlgorithmIdentifier in DER, nothing behind it (RFC 5280 §4.1.1.2). */
static bool
scheme_parse(struct scheme *s, const uint8_t *der, size_t len, unsigned hashes)
{
	const uint8_t *p = der;
	X509_ALGOR    *alg = d2i_X509_ALGOR(NULL, &p, (long)len);
	int	       nid, md = NID_undef, key = NID_undef;
	bool	       ok = false;

	*s = (struct scheme){ 0 };
	if (alg == NULL || p != der + len)
		goto out;
	nid = OBJ_obj2nid(alg->algorithm);
	if (nid == NID_rsassaPss) {
		ok = scheme_read_pss(s, alg, hashes);
		goto out;
	}
	if (!is_plain(alg))
		goto out;
	if (nid == NID_ED25519) {
		s->key = "ED25519";
		ok = (hashes & 1u << IKE_SIGN_IDENTITY) != 0;
		goto out;
	}
	if (OBJ_find_sigid_algs(nid, &md, &key) != 1 ||
	    !hash_allowed(md, hashes))
		goto out;
	s->key = key == NID_rsaEncryption ? "RSA" :
	    key == NID_X9_62_id_ecPublicKey ? "EC" : NULL;
	s->md = EVP_get_digestbynid(md);
	ok = s->key != NULL && s->md != NULL;
out:
	X509_ALGOR_free(alg);
	return ok;
}

/* The one that was read last is known by its octets: peers are much alike. */
static bool
scheme_read(struct scheme *s, const uint8_t *der, size_t len, unsigned hashes)
{
	static struct scheme known;
	static uint8_t	     known_der[IKE_ALGORITHM_MAX];
	static size_t	     known_len;
	static unsigned	     known_hashes;

	if (len == known_len && hashes == known_hashes &&
	    memcmp(der, known_der, len) == 0) {
		*s = known;
		return true;
	}
	if (!scheme_parse(s, der, len, hashes))
		return false;
	known_len = 0;
	if (len <= sizeof(known_der)) {
		memcpy(known_der, der, len);
		known = *s;
		known_len = len;
		known_hashes = hashes;
	}
	return true;
}

static bool
exponent_is_sound(EVP_PKEY *key)
{
	uint64_t   e = 0;
	OSSL_PARAM params[] = {
		OSSL_PARAM_uint64(OSSL_PKEY_PARAM_RSA_E, &e), OSSL_PARAM_END };

	/* A longer exponent is refused; pubkey.h has none such. */
	return EVP_PKEY_get_params(key, params) == 1 && e >= RSA_EXPONENT_MIN;
}

static bool
scheme_verify(const struct scheme *s, EVP_PKEY *key, const struct ike_chunk *c,
    size_t n, const uint8_t *sig, size_t sig_len)
{
	EVP_MD_CTX   *ctx = EVP_MD_CTX_new();
	OSSL_PARAM    params[SCHEME_PARAMS];
	struct scheme scheme = *s;
	uint8_t	     *text = NULL;
	size_t	      len = 0;
	bool	      ok;

	ok = ctx != NULL && EVP_PKEY_is_a(key, s->key) == 1 &&
	    (strcmp(s->key, "RSA") != 0 || exponent_is_sound(key)) &&
	    (text = gather(c, n, &len)) != NULL &&
	    scheme_params(&scheme, params) &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, md_name(s->md), NULL, NULL, key,
	    params) == 1 &&
	    EVP_DigestVerify(ctx, sig, sig_len, text, len) == 1;
	EVP_MD_CTX_free(ctx);
	wipe_free(text, len);
	ERR_clear_error();
	return ok;
}

bool
ike_verify_digital(EVP_PKEY *key, unsigned hashes, const struct ike_chunk *c,
    size_t n, const uint8_t *data, size_t len)
{
	struct scheme s;
	size_t	      id = len == 0 ? 0 : data[0];
	bool	      ok;

	ok = id != 0 && len > 1 + id &&
	    scheme_read(&s, data + 1, id, hashes) &&
	    scheme_verify(&s, key, c, n, data + 1 + id, len - 1 - id);
	ERR_clear_error();
	return ok;
}

/* RFC 4754 §7: the curve is the method's, and so is the hash. */
static const struct ecdsa_method {
	uint8_t method;
	int	bits;
	const EVP_MD *(*md)(void);
} ecdsa_methods[] = {
	{ IKE_METHOD_ECDSA_256, 256, EVP_sha256 },
	{ IKE_METHOD_ECDSA_384, 384, EVP_sha384 },
	{ IKE_METHOD_ECDSA_521, 521, EVP_sha512 },
};
#define ECDSA_METHODS	(sizeof(ecdsa_methods) / sizeof(ecdsa_methods[0]))

/* Signs into DER, OpenSSL's form of r and s. The length, or 0. */
static size_t
sign_der(EVP_PKEY *key, const EVP_MD *md, const struct ike_chunk *c, size_t n,
    uint8_t der[IKE_SIG_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t	   *text = NULL;
	size_t	    len = 0, der_len = IKE_SIG_MAX;
	bool	    ok;

	ok = ctx != NULL && (text = gather(c, n, &len)) != NULL &&
	    EVP_DigestSignInit(ctx, NULL, md, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, der, &der_len, text, len) == 1;
	EVP_MD_CTX_free(ctx);
	wipe_free(text, len);
	return ok ? der_len : 0;
}

int
ike_sign_method(EVP_PKEY *key, const struct ike_chunk *c, size_t n,
    uint8_t *method, uint8_t sig[IKE_SIG_MAX])
{
	const struct ecdsa_method *m = NULL;
	const uint8_t		  *p;
	ECDSA_SIG		  *pair = NULL;
	uint8_t			   der[IKE_SIG_MAX];
	size_t			   i, len;
	int			   half, rc = -1;

	for (i = 0; i < ECDSA_METHODS && EVP_PKEY_is_a(key, "EC") == 1; i++) {
		if (EVP_PKEY_get_bits(key) == ecdsa_methods[i].bits)
			m = &ecdsa_methods[i];
	}
	if (m == NULL || (len = sign_der(key, m->md(), c, n, der)) == 0)
		goto out;
	p = der;
	half = (m->bits + 7) / 8;
	/* RFC 4754 §3: r and s, each as long as the group's order. */
	if ((pair = d2i_ECDSA_SIG(NULL, &p, (long)len)) == NULL ||
	    BN_bn2binpad(ECDSA_SIG_get0_r(pair), sig, half) == -1 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(pair), sig + half, half) == -1)
		goto out;
	*method = m->method;
	rc = 2 * half;
out:
	ECDSA_SIG_free(pair);
	ERR_clear_error();
	return rc;
}

static bool
verify_ecdsa(EVP_PKEY *key, const EVP_MD *md, int bits,
    const struct ike_chunk *c, size_t n, const uint8_t *sig, size_t len)
{
	const struct scheme scheme = { .key = "EC", .md = md };
	ECDSA_SIG	   *pair = ECDSA_SIG_new();
	BIGNUM		   *r, *s;
	uint8_t		   *der = NULL;
	int		    half = (bits + 7) / 8, der_len;
	bool		    ok = false;

	if (pair == NULL || EVP_PKEY_is_a(key, "EC") != 1 ||
	    EVP_PKEY_get_bits(key) != bits || len != 2 * (size_t)half)
		goto out;
	r = BN_bin2bn(sig, half, NULL);
	s = BN_bin2bn(sig + half, half, NULL);
	if (r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		goto out;
	}
	der_len = i2d_ECDSA_SIG(pair, &der);
	ok = der_len > 0 && scheme_verify(&scheme, key, c, n, der,
	    (size_t)der_len);
	OPENSSL_free(der);
out:
	ECDSA_SIG_free(pair);
	ERR_clear_error();
	return ok;
}

bool
ike_verify_method(EVP_PKEY *key, unsigned method, const struct ike_chunk *c,
    size_t n, const uint8_t *sig, size_t len)
{
	const struct scheme rsa = { .key = "RSA", .md = EVP_sha1() };
	size_t		    i;

	if (method == IKE_METHOD_RSA)
		return scheme_verify(&rsa, key, c, n, sig, len);
	for (i = 0; i < ECDSA_METHODS; i++) {
		if (method == ecdsa_methods[i].method)
			return verify_ecdsa(key, ecdsa_methods[i].md(),
			    ecdsa_methods[i].bits, c, n, sig, len);
	}
	return false;
}
