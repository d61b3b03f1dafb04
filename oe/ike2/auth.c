/* auth.c - AUTH payloads: what is signed, and by which method */
#include "config.h"

#include <string.h>

#include "base/util.h"
#include "oe/ike2/auth.h"

#define BODY_HEAD	4		/* method and RESERVED */
#define CHUNKS		3
static const char key_pad[] = "Key Pad for IKEv2"; /* 17 octets, no final 0 */

/* Whose prf(SK_p, ID) goes in, and as method 13's secret. */
static const uint8_t *
sk_p(const struct ike2_signed *s)
{
	return s->initiator ? s->keys->pi : s->keys->pr;
}

/* Message, nonce, MACed ID; the last is written to maced. */
static int
signed_octets(const struct ike2_signed *s, uint8_t maced[IKE2_PRF_MAX],
    struct ike_chunk c[CHUNKS])
{
	const struct ike2_prf_info *prf = s->keys->prf;
	struct ike_chunk	    id = { s->id, s->id_len };

	if (ike_prf(prf->hash, sk_p(s), prf->len, &id, 1, maced) == -1)
		return -1;
	c[0] = (struct ike_chunk){ s->message, s->message_len };
	c[1] = (struct ike_chunk){ s->nonce->p, s->nonce->len };
	c[2] = (struct ike_chunk){ maced, prf->len };
	return 0;
}

/* prf(prf(secret, "Key Pad for IKEv2"), octets); out holds IKE2_PRF_MAX. */
static int
mac(const struct ike2_signed *s, const uint8_t *secret, size_t secret_len,
    uint8_t *out)
{
	const struct ike2_prf_info *prf = s->keys->prf;
	uint8_t			    key[IKE2_PRF_MAX], maced[IKE2_PRF_MAX];
	struct ike_chunk	    pad = { key_pad, sizeof(key_pad) - 1 };
	struct ike_chunk	    c[CHUNKS];
	int			    rc = -1;

	if (signed_octets(s, maced, c) == 0 &&
	    ike_prf(prf->hash, secret, secret_len, &pad, 1, key) == 0)
		rc = ike_prf(prf->hash, key, prf->len, c, CHUNKS, out);
	wipe(key, sizeof(key));
	return rc;
}

int
ike2_auth_make(const struct ike2_signed *s, const struct ike2_credential *c,
    uint8_t *out)
{
	uint8_t		 maced[IKE2_PRF_MAX];
	struct ike_chunk chunks[CHUNKS];
	int		 len;

	memset(out, 0, BODY_HEAD);
	if (c->key == NULL) {
		out[0] = c->psk != NULL ? IKE2_METHOD_PSK : IKE2_METHOD_NULL;
		if (mac(s, c->psk != NULL ? c->psk : sk_p(s), c->psk != NULL ?
		    c->psk_len : s->keys->prf->len, out + BODY_HEAD) == -1)
			return -1;
		return (int)(BODY_HEAD + s->keys->prf->len);
	}
	out[0] = IKE2_METHOD_DIGITAL;
	if (signed_octets(s, maced, chunks) == -1)
		return -1;
	len = ike_sign_digital(c->key, c->hashes, !c->pkcs1, chunks, CHUNKS,
	    out + BODY_HEAD);
	/* Who does not know RFC 7427 may know RFC 4754. */
	if (len == -1)
		len = ike_sign_method(c->key, chunks, CHUNKS, &out[0],
		    out + BODY_HEAD);
	return len == -1 ? -1 : BODY_HEAD + len;
}

uint8_t
ike2_auth_method(const uint8_t *body, size_t len)
{
	return len <= BODY_HEAD ? 0 : body[0];
}

static bool
key_is_long_enough(EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "RSA") != 1 ||
	    EVP_PKEY_get_bits(key) >= IKE2_RSA_BITS_MIN;
}

bool
ike2_auth_verify_key(const struct ike2_signed *s, EVP_PKEY *key, bool legacy,
    const uint8_t *body, size_t len)
{
	uint8_t		 maced[IKE2_PRF_MAX];
	struct ike_chunk c[CHUNKS];
	const uint8_t	*data = body + BODY_HEAD;

	if (len <= BODY_HEAD || !key_is_long_enough(key) ||
	    signed_octets(s, maced, c) == -1)
		return false;
	len -= BODY_HEAD;
	switch (body[0]) {
	case IKE2_METHOD_RSA:
		return legacy && ike_verify_method(key, IKE_METHOD_RSA, c,
		    CHUNKS, data, len);
	case IKE2_METHOD_ECDSA_256:
	case IKE2_METHOD_ECDSA_384:
	case IKE2_METHOD_ECDSA_521:
		return ike_verify_method(key, body[0], c, CHUNKS, data, len);
	case IKE2_METHOD_DIGITAL:
		return ike_verify_digital(key, IKE_SIGN_HASHES, c, CHUNKS, data,
		    len);
	default:
		return false;
	}
}

static bool
verify_mac(const struct ike2_signed *s, uint8_t method, const uint8_t *secret,
    size_t secret_len, const uint8_t *body, size_t len)
{
	uint8_t want[IKE2_PRF_MAX];
	bool	ok;

	/* The whole of it: a prefix of a MAC is soon guessed. */
	ok = len == BODY_HEAD + s->keys->prf->len && body[0] == method &&
	    mac(s, secret, secret_len, want) == 0 &&
	    compare_secret(want, body + BODY_HEAD, s->keys->prf->len) == 0;
	wipe(want, sizeof(want));
	return ok;
}

bool
ike2_auth_verify_psk(const struct ike2_signed *s, const uint8_t *psk,
    size_t psk_len, const uint8_t *body, size_t len)
{
	return psk_len != 0 && verify_mac(s, IKE2_METHOD_PSK, psk, psk_len,
	    body, len);
}

bool
ike2_auth_verify_null(const struct ike2_signed *s, const uint8_t *body,
    size_t len)
{
	return verify_mac(s, IKE2_METHOD_NULL, sk_p(s), s->keys->prf->len, body,
	    len);
}

void
ike2_hashes_write(struct writer *w)
{
	unsigned h;

	for (h = IKE_SIGN_SHA2_256; h <= IKE_SIGN_IDENTITY; h++)
		writer_u16(w, (uint16_t)h);
}

unsigned
ike2_hashes_read(const uint8_t *data, size_t len)
{
	struct cursor c;
	unsigned      set = 0;
	uint16_t      h;

	cursor_init(&c, data, len);
	while (cursor_left(&c) >= 2) {
		h = cursor_u16(&c);
		if (h >= IKE_SIGN_SHA2_256 && h <= IKE_SIGN_IDENTITY)
			set |= 1u << h;
	}
	return set;
}
