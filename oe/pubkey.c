/* pubkey.c - RSA keys: files, and the forms in DNS records */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "oe/pubkey.h"

#define EXPONENT_MAX	8	/* bytes; larger ones only cost the verifier time */

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

bool
pubkey_is_key(const uint8_t *p, size_t len)
{
	struct cursor e, n;

	/* Even numbers and an exponent of 1 are no keys. */
	return wire_split(p, len, &e, &n) == 0 && *e.p != 0 &&
	    modulus_bits(&n) != 0 && (e.end[-1] & 1) && (n.end[-1] & 1) &&
	    (cursor_left(&e) != 1 || *e.p != 1);
}

int
pubkey_from_wire(struct pubkey *k, const uint8_t *p, size_t len,
    unsigned min_bits)
{
	struct cursor e, n;
	unsigned      bits;

	k->len = 0;
	if (len > sizeof(k->wire) || !pubkey_is_key(p, len) ||
	    wire_split(p, len, &e, &n) == -1 || cursor_left(&e) > EXPONENT_MAX)
		return -1;
	bits = modulus_bits(&n);
	if (bits < min_bits || bits > PUBKEY_BITS_MAX)
		return -1;
	memcpy(k->wire, p, len);
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
	return pubkey_from_wire(k, buf, (size_t)n, min_bits);
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

	if (wire_split(k->wire, k->len, &e, &n) == -1)
		return 0;
	return modulus_bits(&n);
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
	OSSL_PARAM_BLD *bld = NULL;
	OSSL_PARAM     *params = NULL;
	EVP_PKEY_CTX   *ctx = NULL;
	EVP_PKEY       *pkey = NULL;
	BIGNUM	       *be = NULL, *bn = NULL;
	struct cursor	e, n;

	if (wire_split(k->wire, k->len, &e, &n) == -1)
		return NULL;
	be = BN_bin2bn(e.p, (int)cursor_left(&e), NULL);
	bn = BN_bin2bn(n.p, (int)cursor_left(&n), NULL);
	bld = OSSL_PARAM_BLD_new();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	if (be == NULL || bn == NULL || bld == NULL || ctx == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) != 1 ||
	    (params = OSSL_PARAM_BLD_to_param(bld)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
		ERR_clear_error();
		pkey = NULL;
	}
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(be);
	BN_free(bn);
	return pkey;
}

int
pubkey_from_evp(struct pubkey *k, EVP_PKEY *pkey)
{
	BIGNUM	     *e = NULL, *n = NULL;
	struct writer w;
	uint8_t	      buf[PUBKEY_BITS_MAX / 8];
	int	      rc = -1, elen;

	k->len = 0;
	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1)
		goto out;
	elen = BN_num_bytes(e);
	if (elen < 1 || elen > EXPONENT_MAX ||
	    BN_num_bytes(n) > (int)sizeof(buf))
		goto out;
	writer_init(&w, k->wire, sizeof(k->wire));
	writer_u8(&w, (uint8_t)elen);
	BN_bn2bin(e, buf);
	writer_put(&w, buf, (size_t)elen);
	writer_put(&w, buf, (size_t)BN_bn2bin(n, buf));
	if (!w.bad) {
		k->len = w.len;
		rc = 0;
	}
out:
	ERR_clear_error();
	BN_free(e);
	BN_free(n);
	return rc;
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
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA ||
	    EVP_PKEY_get_bits(pkey) < PUBKEY_BITS_MIN ||
	    EVP_PKEY_get_bits(pkey) > PUBKEY_BITS_MAX) {
		log_error("%s: not an RSA key of %d to %d bits", path,
		    PUBKEY_BITS_MIN, PUBKEY_BITS_MAX);
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

EVP_PKEY *
pubkey_generate(const char *path, unsigned bits)
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
	pkey = EVP_RSA_gen(bits);
	if (pkey == NULL || (f = fdopen(fd, "w")) == NULL ||
	    setvbuf(f, NULL, _IONBF, 0) != 0 ||
	    PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL) != 1 ||
	    fflush(f) != 0 || fsync(fd) != 0) {
		log_error("%s: cannot make and write a key of %u bits", path,
		    bits);
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
	return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
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
