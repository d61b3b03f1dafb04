/* keys.c - IKEv1's ciphers and keys (RFC 2409 §5, App. B) */
#include "config.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "oe/ike1/keys.h"

size_t
ike1_block_len(unsigned enc)
{
	return enc == IKE1_3DES_CBC ? 8 : enc == IKE1_AES_CBC ? 16 : 0;
}

size_t
ike1_enc_key_len(unsigned enc, unsigned bits)
{
	if (enc == IKE1_3DES_CBC)
		return bits == 0 ? 24 : 0;
	if (enc == IKE1_AES_CBC)
		return bits == 128 || bits == 192 || bits == 256 ? bits / 8 : 0;
	return 0;
}

const char *
ike1_enc_name(unsigned enc, unsigned bits)
{
	if (enc == IKE1_3DES_CBC)
		return "3DES-CBC";
	return bits == 128 ? "AES-128-CBC" : bits == 192 ? "AES-192-CBC" :
	    "AES-256-CBC";
}

static const EVP_CIPHER *
enc_evp(unsigned enc, size_t key_len)
{
	if (enc == IKE1_3DES_CBC)
		return key_len == 24 ? EVP_des_ede3_cbc() : NULL;
	if (enc != IKE1_AES_CBC)
		return NULL;
	return key_len == 16 ? EVP_aes_128_cbc() : key_len == 24 ?
	    EVP_aes_192_cbc() : key_len == 32 ? EVP_aes_256_cbc() : NULL;
}

int
ike1_cbc(unsigned enc, bool encrypt, const uint8_t *key, size_t key_len,
    uint8_t *iv, uint8_t *buf, size_t len)
{
	const EVP_CIPHER *cipher = enc_evp(enc, key_len);
	EVP_CIPHER_CTX	 *ctx = EVP_CIPHER_CTX_new();
	uint8_t		  last[IKE1_BLOCK_MAX];
	size_t		  block = ike1_block_len(enc);
	bool		  ok;
	int		  n;

	ok = cipher != NULL && ctx != NULL && len >= block && len % block == 0;
	if (ok && !encrypt)
		memcpy(last, buf + len - block, block);
	ok = ok &&
	    EVP_CipherInit_ex(ctx, cipher, NULL, key, iv, encrypt) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	    EVP_CipherUpdate(ctx, buf, &n, buf, (int)len) == 1 &&
	    n == (int)len;
	if (ok)
		memcpy(iv, encrypt ? buf + len - block : last, block);
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : -1;
}

/* RFC 2409 App. B: a key longer than SKEYID_e is fed back from it. */
static int
expand_enc_key(struct ike1_keys *k, unsigned hash)
{
	static const uint8_t zero;
	struct ike_chunk     c = { &zero, 1 };
	uint8_t		     block[IKE_HASH_MAX];
	size_t		     done, n;

	if (k->len >= k->enc_len) {
		memcpy(k->enc, k->e, k->enc_len);
		return 0;
	}
	for (done = 0; done < k->enc_len; done += n) {
		if (ike_prf(hash, k->e, k->len, &c, 1, block) == -1)
			return -1;
		n = k->enc_len - done < k->len ? k->enc_len - done : k->len;
		memcpy(k->enc + done, block, n);
		c.p = block;
		c.len = k->len;
	}
	wipe(block, sizeof(block));
	return 0;
}

int
ike1_keys_derive(struct ike1_keys *k, unsigned hash, unsigned enc,
    unsigned enc_bits, const uint8_t *psk, size_t psk_len,
    const struct ike_chunk *ni, const struct ike_chunk *nr,
    const struct ike_chunk *gxy, const uint8_t cookies[16])
{
	uint8_t		 nonces[512], step;
	struct ike_chunk c[4];
	size_t		 n;
	int		 rc = -1;

	memset(k, 0, sizeof(*k));
	k->len = ike_hash_len(hash);
	k->enc_len = ike1_enc_key_len(enc, enc_bits);
	if (k->len == 0 || k->enc_len == 0 ||
	    ni->len + nr->len > sizeof(nonces))
		return -1;
	if (psk != NULL) {
		c[0] = *ni;
		c[1] = *nr;
		if (ike_prf(hash, psk, psk_len, c, 2, k->skeyid) == -1)
			return -1;
	} else {
		memcpy(nonces, ni->p, ni->len);
		memcpy(nonces + ni->len, nr->p, nr->len);
		if (ike_prf(hash, nonces, ni->len + nr->len, gxy, 1,
		    k->skeyid) == -1)
			return -1;
	}
	/* _d, _a and _e differ by what precedes g^xy and by the last octet. */
	c[1] = *gxy;
	c[2] = (struct ike_chunk){ cookies, 16 };
	c[3] = (struct ike_chunk){ &step, 1 };
	for (step = 0; step < 3; step++) {
		uint8_t *out = step == 0 ? k->d : step == 1 ? k->a : k->e;

		n = step == 0 ? 1 : 0;
		c[0] = (struct ike_chunk){ step == 1 ? k->d : k->a, k->len };
		if (ike_prf(hash, k->skeyid, k->len, c + n, 4 - n, out) == -1)
			goto out;
	}
	rc = expand_enc_key(k, hash);
out:
	if (rc == -1)
		wipe(k, sizeof(*k));
	return rc;
}

int
ike1_keymat(const struct ike1_keys *k, unsigned hash,
    const struct ike_chunk *gxy, uint8_t protocol, uint32_t spi,
    const struct ike_chunk *ni, const struct ike_chunk *nr, uint8_t *out,
    size_t len)
{
	uint8_t		 head[5], block[IKE_HASH_MAX];
	struct ike_chunk c[5];
	size_t		 n, done, i;

	head[0] = protocol;
	store_u32(head + 1, spi);
	for (done = 0; done < len; done += n) {
		i = 0;
		if (done != 0)
			c[i++] = (struct ike_chunk){ block, k->len };
		if (gxy != NULL)
			c[i++] = *gxy;
		c[i++] = (struct ike_chunk){ head, sizeof(head) };
		c[i++] = *ni;
		c[i++] = *nr;
		if (ike_prf(hash, k->d, k->len, c, i, block) == -1)
			return -1;
		n = len - done < k->len ? len - done : k->len;
		memcpy(out + done, block, n);
	}
	wipe(block, sizeof(block));
	return 0;
}
