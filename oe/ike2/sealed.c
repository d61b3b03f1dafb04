/* sealed.c - what an IKE SA encrypts: SK and SKF payloads */
#include "config.h"

#include <openssl/err.h>
#include <string.h>

#include "base/util.h"
#include "oe/ike2/sealed.h"

#define NONCE_LEN	12	/* of both combined modes: salt and IV */
#define FRAGMENT_LEN	((size_t)4)	/* Fragment Number, Total Fragments */

int
ike2_key_init(struct ike2_key *k, const struct ike2_encr_info *encr,
    const struct ike2_integ_info *integ, const uint8_t *enc,
    const uint8_t *auth)
{
	memset(k, 0, sizeof(*k));
	if (encr == NULL || (encr->icv_len == 0) != (integ != NULL))
		return -1;
	k->encr = encr;
	k->integ = integ;
	memcpy(k->enc, enc, encr->key_len);
	if (integ != NULL)
		memcpy(k->auth, auth, integ->key_len);
	return 0;
}

static size_t
icv_len(const struct ike2_key *k)
{
	return k->integ != NULL ? k->integ->icv_len : k->encr->icv_len;
}

/* Content, padding and the octet that counts it. */
static size_t
padded_len(const struct ike2_key *k, size_t len)
{
	size_t block = k->encr->block;

	return (len + 1 + block - 1) / block * block;
}

/* All of the message that is neither content nor padding. */
static size_t
frame_len(const struct ike2_key *k, bool fragment)
{
	return IKE2_HEADER_LEN + IKE2_GENERIC_LEN +
	    (fragment ? FRAGMENT_LEN : 0) + k->encr->iv_len + icv_len(k);
}

size_t
ike2_sealed_len(const struct ike2_key *k, size_t len, bool fragment)
{
	return frame_len(k, fragment) + padded_len(k, len);
}

size_t
ike2_sealed_room(const struct ike2_key *k, size_t size, bool fragment)
{
	size_t frame = frame_len(k, fragment), blocks;

	if (size <= frame)
		return 0;
	blocks = (size - frame) / k->encr->block * k->encr->block;
	return blocks == 0 ? 0 : blocks - 1;
}

/*
 * A combined mode over len octets at p in place; the tag behind them is written
 * or compared by OpenSSL.  iv: the 8 octets on the wire.
 */
static bool
aead(const struct ike2_key *k, bool encrypt, const uint8_t *iv,
    const uint8_t *aad, size_t aad_len, uint8_t *p, size_t len, uint8_t *tag)
{
	const struct ike2_encr_info *a = k->encr;
	EVP_CIPHER_CTX		    *ctx = EVP_CIPHER_CTX_new();
	uint8_t			     nonce[NONCE_LEN];
	bool			     ok;
	int			     n = 0, more = 0;

	/* RFC 5282 §4, RFC 7634 §2: the salt is the end of the key. */
	memcpy(nonce, k->enc + a->key_len - a->salt_len, a->salt_len);
	memcpy(nonce + a->salt_len, iv, a->iv_len);
	ok = ctx != NULL &&
	    EVP_CipherInit_ex(ctx, ike2_encr_evp(a), NULL, NULL, NULL,
	    encrypt) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, NONCE_LEN,
	    NULL) == 1 &&
	    EVP_CipherInit_ex(ctx, NULL, NULL, k->enc, nonce, encrypt) == 1 &&
	    (encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG,
	    (int)a->icv_len, tag) == 1) &&
	    EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) == 1 &&
	    EVP_CipherUpdate(ctx, p, &n, p, (int)len) == 1 &&
	    EVP_CipherFinal_ex(ctx, p + n, &more) == 1 &&
	    (size_t)n + (size_t)more == len &&
	    (!encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG,
	    (int)a->icv_len, tag) == 1);
	EVP_CIPHER_CTX_free(ctx);
	wipe(nonce, sizeof(nonce));
	return ok;
}

static bool
cbc(const struct ike2_key *k, bool encrypt, const uint8_t *iv, uint8_t *p,
    size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool		ok;
	int		n = 0;

	ok = ctx != NULL && EVP_CipherInit_ex(ctx, ike2_encr_evp(k->encr), NULL,
	    k->enc, iv, encrypt) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	    EVP_CipherUpdate(ctx, p, &n, p, (int)len) == 1 && (size_t)n == len;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* The first octets of an HMAC over all of the message before them. */
static bool
mac(const struct ike2_key *k, const uint8_t *msg, size_t len,
    uint8_t icv[IKE_HASH_MAX])
{
	struct ike_chunk c = { msg, len };

	return ike_prf(k->integ->hash, k->auth, k->integ->key_len, &c, 1,
	    icv) == 0;
}

size_t
ike2_seal(struct ike2_key *k, const struct ike2_header *h, uint8_t first,
    struct ike2_fragment_no no, const uint8_t *p, size_t len, uint8_t *out,
    size_t cap)
{
	struct ike2_header mine = *h;
	bool		   fragment = no.total != 0, ok;
	size_t		   total, inner, at, iv_at;
	uint8_t		   icv[IKE_HASH_MAX];
	struct writer	   w;

	if (len > IKE2_MESSAGE_MAX)
		return 0;
	total = ike2_sealed_len(k, len, fragment);
	inner = padded_len(k, len);
	if (total > cap || total > IKE2_MESSAGE_MAX)
		return 0;
	writer_init(&w, out, total);
	mine.first = fragment ? IKE2_P_FRAGMENT : IKE2_P_ENCRYPTED;
	mine.length = (uint32_t)total;
	ike2_header_write(&w, &mine);
	writer_u8(&w, first);
	writer_u8(&w, 0);
	writer_u16(&w, (uint16_t)(total - IKE2_HEADER_LEN));
	if (fragment) {
		writer_u16(&w, no.number);
		writer_u16(&w, no.total);
	}
	iv_at = w.len;
	if (k->integ == NULL)
		writer_u64(&w, k->iv++);
	else {
		/* §3.14: nobody may foresee it. */
		random_bytes(out + iv_at, k->encr->iv_len);
		w.len += k->encr->iv_len;
	}
	at = w.len;
	writer_put(&w, p, len);
	memset(out + w.len, 0, inner - len);
	out[at + inner - 1] = (uint8_t)(inner - len - 1);
	if (k->integ == NULL)
		ok = aead(k, true, out + iv_at, out, iv_at, out + at, inner,
		    out + at + inner);
	else if ((ok = cbc(k, true, out + iv_at, out + at, inner) &&
	    mac(k, out, at + inner, icv)))
		memcpy(out + at + inner, icv, k->integ->icv_len);
	if (!ok) {
		ERR_clear_error();
		wipe(out, total);
		return 0;
	}
	return total;
}

int
ike2_fragment_no(const struct ike2_part *sk, struct ike2_fragment_no *no)
{
	struct cursor c;

	no->number = no->total = 0;
	if (sk->type != IKE2_P_FRAGMENT)
		return 0;
	cursor_init(&c, sk->body, sk->len);
	no->number = cursor_u16(&c);
	no->total = cursor_u16(&c);
	return c.bad || no->number == 0 || no->number > no->total ? -1 : 0;
}

int
ike2_unseal(const struct ike2_key *k, const uint8_t *msg, size_t len,
    const struct ike2_part *sk, uint8_t *out)
{
	size_t	       head = sk->type == IKE2_P_FRAGMENT ? FRAGMENT_LEN : 0;
	size_t	       inner, icv = icv_len(k), pad;
	const uint8_t *iv, *end = msg + len;
	uint8_t	       tag[IKE_HASH_MAX];
	bool	       ok;

	/* The ICV is the end of the message, whatever lengths are inside. */
	if (sk->body < msg || sk->body + sk->len != end ||
	    sk->len < head + k->encr->iv_len + k->encr->block + icv)
		return -1;
	iv = sk->body + head;
	inner = sk->len - head - k->encr->iv_len - icv;
	if (inner % k->encr->block != 0)
		return -1;
	memcpy(out, iv + k->encr->iv_len, inner);
	if (k->integ == NULL) {
		memcpy(tag, end - icv, icv);
		ok = aead(k, false, iv, msg, (size_t)(iv - msg), out, inner,
		    tag);
	} else
		ok = mac(k, msg, len - icv, tag) &&
		    compare_secret(tag, end - icv, icv) == 0 &&
		    cbc(k, false, iv, out, inner);
	if (ok) {
		/* Authentic, so a wrong one is the peer's mistake (§3.14: its
		 * value is free otherwise). */
		pad = out[inner - 1];
		ok = pad < inner;
	}
	if (!ok) {
		ERR_clear_error();
		wipe(out, inner);
		return -1;
	}
	return (int)(inner - 1 - pad);
}
