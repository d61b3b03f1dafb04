/* pubkey.c - keys of RSA, ECDSA and Ed25519: files, and the forms in DNS records */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "oe/pubkey.h"

#define EXPONENT_MAX	8	/* bytes; larger ones only cost
				 * the verifier time */
#define ED25519_LEN	32
#define ED448_LEN	57	/* RFC 8080 §3 */
#define POINT_UNCOMPRESSED 4	/* RFC 5480 §2.2 */

/* Curves of RFC 6605 and of RFC 4754 for which there is a form in DNS. */
static const struct curve {
	size_t	    half;		/* bytes of a coordinate */
	const char *name, *openssl;
} curves[] = {
	{ 32, "ECDSA P-256", "prime256v1" },
	{ 48, "ECDSA P-384", "secp384r1" },
};
#define NCURVES	(sizeof(curves) / sizeof(curves[0]))
#define HALF_MAX 48

static const struct curve *
curve_of_len(size_t len)
{
	size_t i;

	for (i = 0; i < NCURVES; i++) {
		if (len == 2 * curves[i].half)
			return &curves[i];
	}
	return NULL;
}

static const struct curve *
curve_of_evp(EVP_PKEY *pkey)
{
	char   name[32];
	size_t i;

	if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) != 1)
		return NULL;
	for (i = 0; i < NCURVES; i++) {
		if (strcmp(name, curves[i].openssl) == 0)
			return &curves[i];
	}
	return NULL;
}

/* --- RSA (RFC 3110) ------------------------------------------------------- */

/* Splits RFC 3110 bytes into exponent and modulus. */
static int
wire_split(const uint8_t *p, size_t len, struct cursor *e, struct cursor *n)
{
	struct cursor c;
	size_t	      elen;

	cursor_init(&c, p, len);
	if ((elen = cursor_u8(&c)) == 0)
		elen = cursor_u16(&c);
	*e = cursor_sub(&c, elen);
	*n = cursor_sub(&c, cursor_left(&c));
	if (c.bad || elen == 0 || cursor_left(n) == 0)
		return -1;
	return 0;
}

static unsigned
modulus_bits(const struct cursor *n)
{
	unsigned bits = (unsigned)cursor_left(n) * 8;
	uint8_t	 top = *n->p;

	/* RFC 3110 §2: leading zero bytes are prohibited. */
	if (top == 0)
		return 0;
	while (!(top & 0x80)) {
		top = (uint8_t)(top << 1);
		bits--;
	}
	return bits;
}

static bool
rsa_is_key(const uint8_t *p, size_t len)
{
	struct cursor e, n;

	/* Even numbers and an exponent of 1 are no keys. */
	return wire_split(p, len, &e, &n) == 0 && *e.p != 0 &&
	    modulus_bits(&n) != 0 && (e.end[-1] & 1) && (n.end[-1] & 1) &&
	    (cursor_left(&e) != 1 || *e.p != 1);
}

static bool
rsa_is_usable(const uint8_t *p, size_t len, unsigned min_bits)
{
	struct cursor e, n;

	return rsa_is_key(p, len) && wire_split(p, len, &e, &n) == 0 &&
	    cursor_left(&e) <= EXPONENT_MAX && modulus_bits(&n) >= min_bits &&
	    modulus_bits(&n) <= PUBKEY_BITS_MAX;
}

/* Looked for in the providers once for the life of the process, as that costs
 * as much as the key itself; no key stays in it.  NULL: there is none such. */
static EVP_PKEY_CTX *
maker_of(const char *type)
{
	static struct { const char *type; EVP_PKEY_CTX *ctx; } kept[8];
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]) && kept[i].ctx != NULL;
	    i++) {
		if (strcmp(kept[i].type, type) == 0)
			return kept[i].ctx;
	}
	if (i == sizeof(kept) / sizeof(kept[0]))
		return NULL;
	kept[i].type = type;
	kept[i].ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (kept[i].ctx != NULL && EVP_PKEY_fromdata_init(kept[i].ctx) != 1) {
		EVP_PKEY_CTX_free(kept[i].ctx);
		kept[i].ctx = NULL;
	}
	return kept[i].ctx;
}

EVP_PKEY *
pubkey_from_params(const char *type, int what, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = maker_of(type);
	EVP_PKEY     *pkey = NULL;

	if (params == NULL || ctx == NULL ||
	    EVP_PKEY_fromdata(ctx, &pkey, what, params) != 1)
		pkey = NULL;
	return pkey;
}

EVP_PKEY *
pubkey_from_builder(const char *type, int what, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY   *pkey = pubkey_from_params(type, what, params);

	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *
rsa_to_evp(const struct pubkey *k)
{
	OSSL_PARAM_BLD *bld = NULL;
	EVP_PKEY       *pkey = NULL;
	BIGNUM	       *be = NULL, *bn = NULL;
	struct cursor	e, n;

	if (wire_split(k->wire, k->len, &e, &n) == -1)
		return NULL;
	be = BN_bin2bn(e.p, (int)cursor_left(&e), NULL);
	bn = BN_bin2bn(n.p, (int)cursor_left(&n), NULL);
	bld = OSSL_PARAM_BLD_new();
	if (be != NULL && bn != NULL && bld != NULL &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1)
		pkey = pubkey_from_builder("RSA", EVP_PKEY_PUBLIC_KEY, bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(be);
	BN_free(bn);
	return pkey;
}

static size_t
rsa_from_evp(uint8_t wire[PUBKEY_WIRE_MAX], EVP_PKEY *pkey)
{
	BIGNUM	     *e = NULL, *n = NULL;
	struct writer w;
	uint8_t	      buf[PUBKEY_BITS_MAX / 8];
	size_t	      len = 0;
	int	      elen;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1)
		goto out;
	elen = BN_num_bytes(e);
	if (elen < 1 || elen > EXPONENT_MAX ||
	    BN_num_bytes(n) > (int)sizeof(buf))
		goto out;
	writer_init(&w, wire, PUBKEY_WIRE_MAX);
	writer_u8(&w, (uint8_t)elen);
	BN_bn2bin(e, buf);
	writer_put(&w, buf, (size_t)elen);
	writer_put(&w, buf, (size_t)BN_bn2bin(n, buf));
	if (!w.bad)
		len = w.len;
out:
	BN_free(e);
	BN_free(n);
	return len;
}

/* --- ECDSA (RFC 6605 §4) -------------------------------------------------- */

static EVP_PKEY *
ecdsa_to_evp(const uint8_t *p, size_t len)
{
	const struct curve *curve = curve_of_len(len);
	uint8_t		    point[1 + 2 * HALF_MAX];
	char		    group[32];

	if (curve == NULL)
		return NULL;
	point[0] = POINT_UNCOMPRESSED;
	memcpy(point + 1, p, len);
	snprintf(group, sizeof(group), "%s", curve->openssl);
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point,
		    1 + len),
		OSSL_PARAM_END,
	};
	/* OpenSSL refuses what is not on the curve. */
	return pubkey_from_params("EC", EVP_PKEY_PUBLIC_KEY, params);
}

static bool
ecdsa_is_key(const uint8_t *p, size_t len)
{
	EVP_PKEY *pkey = ecdsa_to_evp(p, len);

	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return pkey != NULL;
}

static size_t
ecdsa_from_evp(uint8_t wire[PUBKEY_WIRE_MAX], EVP_PKEY *pkey)
{
	const struct curve *curve = curve_of_evp(pkey);
	BIGNUM		   *x = NULL, *y = NULL;
	size_t		    len = 0;

	if (curve != NULL &&
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
	    BN_bn2binpad(x, wire, (int)curve->half) != -1 &&
	    BN_bn2binpad(y, wire + curve->half, (int)curve->half) != -1)
		len = 2 * curve->half;
	BN_free(x);
	BN_free(y);
	return len;
}

/* --- all of them ---------------------------------------------------------- */

bool
pubkey_is_key(enum pubkey_type type, const uint8_t *p, size_t len)
{
	switch (type) {
	case PUBKEY_RSA:
		return rsa_is_key(p, len);
	case PUBKEY_ECDSA:
		return ecdsa_is_key(p, len);
	case PUBKEY_ED25519:
		return len == ED25519_LEN || len == ED448_LEN;
	case PUBKEY_NONE:
		break;
	}
	return false;
}

int
pubkey_from_wire(struct pubkey *k, enum pubkey_type type, const uint8_t *p,
    size_t len, unsigned min_bits)
{
	k->len = 0;
	if (len > sizeof(k->wire) || (type == PUBKEY_RSA ?
	    !rsa_is_usable(p, len, min_bits) :
	    !pubkey_is_key(type, p, len) || len == ED448_LEN))
		return -1;
	memcpy(k->wire, p, len);
	k->type = type;
	k->len = len;
	return 0;
}

int
pubkey_from_base64(struct pubkey *k, const char *s, size_t len,
    unsigned min_bits)
{
	uint8_t buf[PUBKEY_WIRE_MAX];
	int	n;

	k->len = 0;
	if ((n = base64_decode(buf, sizeof(buf), s, len)) == -1)
		return -1;
	return pubkey_from_wire(k, n == ED25519_LEN ? PUBKEY_ED25519 :
	    curve_of_len((size_t)n) != NULL ? PUBKEY_ECDSA : PUBKEY_RSA, buf,
	    (size_t)n, min_bits);
}

int
pubkey_to_base64(const struct pubkey *k, char *out, size_t cap)
{
	return base64_encode(out, cap, k->wire, k->len);
}

unsigned
pubkey_bits(const struct pubkey *k)
{
	struct cursor e, n;

	if (k->type != PUBKEY_RSA)
		return k->type == PUBKEY_ECDSA ? (unsigned)k->len * 4 :
		    (unsigned)k->len * 8;
	if (wire_split(k->wire, k->len, &e, &n) == -1)
		return 0;
	return modulus_bits(&n);
}

const char *
pubkey_kind(const struct pubkey *k, char out[PUBKEY_KIND_MAX])
{
	const struct curve *curve = curve_of_len(k->len);

	if (k->type == PUBKEY_ED25519)
		return "Ed25519";
	if (k->type == PUBKEY_ECDSA)
		return curve != NULL ? curve->name : "ECDSA";
	snprintf(out, PUBKEY_KIND_MAX, "RSA %u", pubkey_bits(k));
	return out;
}

void
pubkey_short(const struct pubkey *k, char out[10])
{
	char text[PUBKEY_WIRE_MAX * 2];

	if (pubkey_to_base64(k, text, sizeof(text)) < 9)
		text[0] = '\0';
	memcpy(out, text, 9);
	out[9] = '\0';
}

EVP_PKEY *
pubkey_to_evp(const struct pubkey *k)
{
	EVP_PKEY *pkey = k->type == PUBKEY_ECDSA ?
	    ecdsa_to_evp(k->wire, k->len) : k->type == PUBKEY_ED25519 ?
	    EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k->wire,
	    k->len) : rsa_to_evp(k);

	ERR_clear_error();
	return pkey;
}

int
pubkey_from_evp(struct pubkey *k, EVP_PKEY *pkey)
{
	size_t len = sizeof(k->wire);

	k->len = 0;
	if (EVP_PKEY_is_a(pkey, "RSA") == 1) {
		k->type = PUBKEY_RSA;
		k->len = rsa_from_evp(k->wire, pkey);
	} else if (EVP_PKEY_is_a(pkey, "EC") == 1) {
		k->type = PUBKEY_ECDSA;
		k->len = ecdsa_from_evp(k->wire, pkey);
	} else if (EVP_PKEY_is_a(pkey, "ED25519") == 1 &&
	    EVP_PKEY_get_raw_public_key(pkey, k->wire, &len) == 1) {
		k->type = PUBKEY_ED25519;
		k->len = len;
	}
	ERR_clear_error();
	return k->len == 0 ? -1 : 0;
}

/* --- files ---------------------------------------------------------------- */

/* Is it of a type and size that peers take? */
static bool
key_is_usable(EVP_PKEY *pkey)
{
	if (EVP_PKEY_is_a(pkey, "RSA") == 1)
		return EVP_PKEY_get_bits(pkey) >= PUBKEY_BITS_MIN &&
		    EVP_PKEY_get_bits(pkey) <= PUBKEY_BITS_MAX;
	if (EVP_PKEY_is_a(pkey, "EC") == 1)
		return curve_of_evp(pkey) != NULL;
	return EVP_PKEY_is_a(pkey, "ED25519") == 1;
}

EVP_PKEY *
pubkey_load_private(const char *path)
{
	/* Else OpenSSL would ask the terminal. */
	static char no_phrase[] = "";
	EVP_PKEY   *pkey = NULL;
	FILE	   *f;
	int	    fd;

	if ((fd = conf_open_secret(path)) == -1)
		return NULL;
	if ((f = fdopen(fd, "r")) == NULL) {
		log_error("%s: %s", path, strerror(errno));
		close(fd);
		return NULL;
	}
	/* What stdio would buffer is the key itself. */
	setvbuf(f, NULL, _IONBF, 0);
	pkey = PEM_read_PrivateKey(f, NULL, NULL, no_phrase);
	fclose(f);
	ERR_clear_error();
	if (pkey == NULL) {
		log_error("%s: not a private key in PEM: make one with "
		    "\"rsipctl keygen -o %s\"", path, path);
		return NULL;
	}
	if (!key_is_usable(pkey)) {
		log_error("%s: not a key of RSA with %d to %d bits, of ECDSA "
		    "on P-256 or P-384, or of Ed25519", path,
		    PUBKEY_BITS_MIN, PUBKEY_BITS_MAX);
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

static EVP_PKEY *
key_make(enum pubkey_type type, unsigned bits)
{
	switch (type) {
	case PUBKEY_RSA:
		return EVP_RSA_gen(bits);
	case PUBKEY_ECDSA:
		return EVP_EC_gen(bits == 384 ? "P-384" : "P-256");
	case PUBKEY_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case PUBKEY_NONE:
		break;
	}
	return NULL;
}

EVP_PKEY *
pubkey_generate(const char *path, enum pubkey_type type, unsigned bits)
{
	EVP_PKEY *pkey = NULL;
	FILE	 *f = NULL;
	int	  fd;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1) {
		log_error("%s: %s", path, errno == EEXIST ?
		    "it exists, and a key is not overwritten" :
		    strerror(errno));
		return NULL;
	}
	pkey = key_make(type, bits);
	if (pkey == NULL || (f = fdopen(fd, "w")) == NULL ||
	    setvbuf(f, NULL, _IONBF, 0) != 0 ||
	    PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL) != 1 ||
	    fflush(f) != 0 || fsync(fd) != 0) {
		log_error("%s: cannot make and write a key", path);
		EVP_PKEY_free(pkey);
		pkey = NULL;
		unlink(path);
	}
	if (f != NULL)
		fclose(f);
	else
		close(fd);
	return pkey;
}

bool
pubkey_equal(const struct pubkey *a, const struct pubkey *b)
{
	return a->type == b->type && a->len == b->len &&
	    memcmp(a->wire, b->wire, a->len) == 0;
}

void
pubkey_list_add(struct pubkey **list, unsigned *n, unsigned max,
    const struct pubkey *k)
{
	unsigned i;

	if (k->len == 0 || *n == max)
		return;
	for (i = 0; i < *n; i++) {
		if (pubkey_equal(&(*list)[i], k))
			return;
	}
	*list = xrealloc(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = *k;
}
