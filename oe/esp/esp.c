/* esp.c - ESP in user space, in tunnel and in transport mode: encapsulation and decapsulation (RFC 4303) */
#include "config.h"

#include <netinet/in.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/util.h"
#include "net/ip.h"
#include "net/tunnel.h"
#include "oe/esp/algorithm.h"
#include "oe/esp/esp.h"
#include "oe/esp/replay.h"

#define ESP_HEADER_LEN	8	/* SPI, sequence number */
#define ESP_TRAILER_LEN	2	/* pad length, next header */
#define ESP_NEXT_IPV4	4
#define ESP_NEXT_IPV6	41
#define ESP_NEXT_NONE	59
#define SALT_LEN	4
#define OUTER_TTL	64

struct esp_sa {
	struct esp_params	 p;		/* keys wiped */
	const struct esp_algorithm *alg;
	const struct esp_integrity *integrity;	/* NULL with combined modes */
	EVP_CIPHER_CTX		*cipher;
	EVP_MAC_CTX		*mac;
	EVP_CIPHER_CTX		*iv_cipher;	/* makes CBC's IVs */
	uint8_t			 salt[SALT_LEN];
	bool			 outbound;
	uint16_t		 ip_id;
	uint32_t		 label;		/* IPv6's flow label */
	struct esp_replay	 replay;
	struct esp_counters	 count;
};

static EVP_MAC_CTX *
mac_context(const struct esp_integrity *in, const uint8_t *key, size_t len)
{
	OSSL_PARAM   params[2];
	EVP_MAC_CTX *ctx = NULL;
	EVP_MAC	    *mac;
	char	     digest[16];

	memcpy(digest, in->digest, strlen(in->digest) + 1);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
	    digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	if ((mac = EVP_MAC_fetch(NULL, "HMAC", NULL)) == NULL)
		return NULL;
	ctx = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	if (ctx != NULL && EVP_MAC_init(ctx, key, len, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

/* IVs must be unpredictable (RFC 3602 §3): a counter under a key of its own. */
static EVP_CIPHER_CTX *
iv_context(void)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t		key[16];

	random_bytes(key, sizeof(key));
	if (ctx != NULL && (EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL,
	    key, NULL) != 1 || EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	wipe(key, sizeof(key));
	return ctx;
}

struct esp_sa *
esp_sa_new(const struct esp_params *p, bool outbound)
{
	struct esp_sa	 *sa;
	const EVP_CIPHER *cipher;
	size_t		  key_len;

	if ((sa = calloc(1, sizeof(*sa))) == NULL) {
		log_error("ESP SA: out of memory");
		return NULL;
	}
	sa->p = *p;
	sa->outbound = outbound;
	sa->alg = esp_algorithm(p->cipher);
	sa->integrity = esp_integrity(p->auth);
	if (outbound && (!addr_is_set(&p->src) ||
	    p->src.family != p->dst.family)) {
		log_error("ESP SA 0x%08x: from %s to %s: no two addresses of "
		    "one family", p->spi, ADDR_TEXT(&p->src),
		    ADDR_TEXT(&p->dst));
		goto fail;
	}
	if (sa->alg == NULL ||
	    (cipher = esp_algorithm_evp(sa->alg, p->cipher_len)) == NULL ||
	    (sa->alg->aead && p->auth != ESP_AUTH_NONE) ||
	    (!sa->alg->aead && sa->integrity == NULL) ||
	    (sa->integrity != NULL && p->auth_len != sa->integrity->key_len)) {
		log_error("ESP SA 0x%08x: unknown algorithm or key length "
		    "(cipher %d, %zu bytes; authentication %d, %zu bytes)",
		    p->spi, p->cipher, p->cipher_len, p->auth, p->auth_len);
		goto fail;
	}
	key_len = p->cipher_len;
	if (sa->alg->aead) {
		/* RFC 4106 §8.1, RFC 7634 §2: the last four bytes are the
		 * salt. */
		key_len -= SALT_LEN;
		memcpy(sa->salt, p->cipher_key + key_len, SALT_LEN);
	}
	sa->cipher = EVP_CIPHER_CTX_new();
	if (sa->cipher == NULL || EVP_CipherInit_ex(sa->cipher, cipher, NULL,
	    p->cipher_key, NULL, outbound) != 1 ||
	    EVP_CIPHER_CTX_set_padding(sa->cipher, 0) != 1)
		goto crypto;
	if (sa->integrity != NULL && (sa->mac = mac_context(sa->integrity,
	    p->auth_key, p->auth_len)) == NULL)
		goto crypto;
	if (!sa->alg->aead && outbound &&
	    (sa->iv_cipher = iv_context()) == NULL)
		goto crypto;
	wipe(sa->p.cipher_key, sizeof(sa->p.cipher_key));
	wipe(sa->p.auth_key, sizeof(sa->p.auth_key));
	random_bytes(&sa->ip_id, sizeof(sa->ip_id));
	/* So that routers with several ways keep to one. */
	sa->label = (uint32_t)hash_bytes(&p->spi, sizeof(p->spi)) & 0xfffff;
	if (!outbound && esp_replay_init(&sa->replay, p->replay_window,
	    p->esn) == -1) {
		log_error("ESP SA: out of memory");
		goto fail;
	}
	return sa;
crypto:
	log_error("ESP SA 0x%08x: OpenSSL refuses %s: %s", p->spi,
	    esp_cipher_name(p->cipher, p->cipher_len),
	    ERR_reason_error_string(ERR_get_error()));
fail:
	esp_sa_free(sa);
	return NULL;
}

void
esp_sa_free(struct esp_sa *sa)
{
	if (sa == NULL)
		return;
	EVP_CIPHER_CTX_free(sa->cipher);
	EVP_CIPHER_CTX_free(sa->iv_cipher);
	EVP_MAC_CTX_free(sa->mac);
	esp_replay_free(&sa->replay);
	wipe_free(sa, sizeof(*sa));
}

/* The ICV over an ESP packet from its header on; with ESN the high half of the
 * sequence number follows it (RFC 4303 §2.2.1). */
static bool
esp_icv(struct esp_sa *sa, const uint8_t *esp, size_t len, uint32_t seq_high,
    uint8_t out[EVP_MAX_MD_SIZE])
{
	uint8_t high[4];
	size_t	n;

	store_u32(high, seq_high);
	return EVP_MAC_init(sa->mac, NULL, 0, NULL) == 1 &&
	    EVP_MAC_update(sa->mac, esp, len) == 1 &&
	    (!sa->p.esn || EVP_MAC_update(sa->mac, high, 4) == 1) &&
	    EVP_MAC_final(sa->mac, out, &n, EVP_MAX_MD_SIZE) == 1;
}

/* Nonce and additional data (RFC 4106 §4, §5; RFC 7634 §2). */
static bool
aead_begin(struct esp_sa *sa, const uint8_t *esp, const uint8_t *iv,
    uint32_t seq_high)
{
	uint8_t nonce[12], aad[12];
	size_t	n = ESP_HEADER_LEN;
	int	m;

	memcpy(nonce, sa->salt, SALT_LEN);
	memcpy(nonce + SALT_LEN, iv, 8);
	memcpy(aad, esp, ESP_HEADER_LEN);
	if (sa->p.esn) {
		store_u32(aad + 4, seq_high);
		memcpy(aad + 8, esp + 4, 4);
		n = 12;
	}
	return
	    EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, nonce, -1) == 1 &&
	    EVP_CipherUpdate(sa->cipher, NULL, &m, aad, (int)n) == 1;
}

static bool
esp_make_iv(struct esp_sa *sa, uint8_t *iv)
{
	uint8_t block[16] = { 0 }, out[16];
	int	n;

	store_u64(block, sa->count.seq);
	if (sa->alg->aead) {
		/* Never repeats under one key (RFC 4106 §3.1). */
		memcpy(iv, block, 8);
		return true;
	}
	if (EVP_EncryptUpdate(sa->iv_cipher, out, &n, block, 16) != 1)
		return false;
	memcpy(iv, out, sa->alg->iv_len);
	return true;
}

static size_t
esp_icv_len(const struct esp_sa *sa)
{
	return sa->alg->aead ? sa->alg->icv_len : sa->integrity->icv_len;
}

/* What of a packet its ESP does not carry: the header that stands before it. */
static size_t
esp_spared(const struct esp_sa *sa)
{
	return sa->p.transport ? ip_header_len(sa->p.src.family) : 0;
}

/* RFC 4303 §3.1.1: between the two ends themselves, whole datagrams, and here
 * without options. */
static bool
esp_is_transport(const struct esp_sa *sa, const struct packet_view *v)
{
	return addr_equal(&v->src, &sa->p.src) &&
	    addr_equal(&v->dst, &sa->p.dst) && v->header == esp_spared(sa) &&
	    !packet_is_fragment(v);
}

static size_t
esp_outer_len(const struct esp_sa *sa)
{
	return ip_header_len(sa->p.src.family) +
	    (sa->p.encap_dport != 0 ? (size_t)UDP_HEADER_LEN : 0);
}

static void
esp_outer(struct esp_sa *sa, const struct packet_view *inner, uint8_t *out,
    size_t total, struct packet_view *outer)
{
	uint8_t *udp = out + ip_header_len(sa->p.src.family);
	size_t	 len = total - (size_t)(udp - out);
	uint16_t sum;

	/* DSCP and ECN are copied (RFC 4301 §5.1.2.1, RFC 6040 §4.1), and so is
	 * DF: path MTU discovery must see the whole way (RFC 4301 §8.1). */
	*outer = (struct packet_view){ .src = sa->p.src, .dst = sa->p.dst,
		.tos = inner->tos, .df = inner->df,
		.ttl = sa->p.transport ? inner->ttl : OUTER_TTL,
		.id = sa->ip_id++, .label = sa->label, .len = total,
		.protocol = sa->p.encap_dport != 0 ? IPPROTO_UDP :
		    IPPROTO_ESP };
	ip_write(out, outer);
	if (sa->p.encap_dport == 0)
		return;
	store_u16(udp, sa->p.encap_sport);
	store_u16(udp + 2, sa->p.encap_dport);
	store_u16(udp + 4, (uint16_t)len);
	store_u16(udp + 6, 0);		/* RFC 3948 §2.1 */
	if (sa->p.src.family != AF_INET6)
		return;
	/* Over IPv6 nobody takes one without (RFC 8200 §8.1). */
	sum = checksum_fold(checksum_add(ip_pseudo_sum(&sa->p.src, &sa->p.dst,
	    IPPROTO_UDP, len), udp, len));
	store_u16(udp + 6, sum == 0 ? 0xffff : sum);
}

enum esp_error
esp_seal(struct esp_sa *sa, const struct packet_view *inner, uint8_t *out,
    size_t cap, struct packet_view *outer)
{
	uint8_t	       icv[EVP_MAX_MD_SIZE], *esp, *iv, *text, next;
	size_t	       head = esp_outer_len(sa), icv_len = esp_icv_len(sa);
	size_t	       align = sa->alg->block < 4 ? 4 : sa->alg->block;
	size_t	       skip = esp_spared(sa), text_len, pad, total, i, len;
	uint32_t       seq_high;
	int	       n, m = 0;
	bool	       ok;

	if (sa->p.transport && !esp_is_transport(sa, inner))
		return ESP_E_INNER;
	len = inner->len - skip;
	pad = (align - (len + ESP_TRAILER_LEN) % align) % align;
	text_len = len + pad + ESP_TRAILER_LEN;
	total = head + ESP_HEADER_LEN + sa->alg->iv_len + text_len + icv_len;
	if (total > cap || total > IP_PACKET_MAX)
		return ESP_E_LENGTH;
	/* RFC 4303 §3.3.3: the number must not cycle. */
	if (sa->count.seq >= (sa->p.esn ? UINT64_MAX : UINT32_MAX))
		return ESP_E_OVERFLOW;
	sa->count.seq++;
	seq_high = (uint32_t)(sa->count.seq >> 32);

	esp = out + head;
	iv = esp + ESP_HEADER_LEN;
	text = iv + sa->alg->iv_len;
	store_u32(esp, sa->p.spi);
	store_u32(esp + 4, (uint32_t)sa->count.seq);
	if (!esp_make_iv(sa, iv))
		return ESP_E_INTERNAL;
	next = sa->p.transport ? inner->protocol :
	    inner->src.family == AF_INET6 ? ESP_NEXT_IPV6 : ESP_NEXT_IPV4;
	memmove(text, inner->data + skip, len);
	for (i = 0; i < pad; i++)
		text[len + i] = (uint8_t)(i + 1);
	text[text_len - 2] = (uint8_t)pad;
	text[text_len - 1] = next;

	if (sa->alg->aead) {
		ok = aead_begin(sa, esp, iv, seq_high) &&
		    EVP_CipherUpdate(sa->cipher, text, &n, text,
		    (int)text_len) == 1 &&
		    EVP_CipherFinal_ex(sa->cipher, text + n, &m) == 1 &&
		    EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_GET_TAG,
		    (int)icv_len, text + text_len) == 1;
	} else {
		ok = EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, iv,
		    -1) == 1 &&
		    EVP_CipherUpdate(sa->cipher, text, &n, text,
		    (int)text_len) == 1 && n == (int)text_len &&
		    esp_icv(sa, esp, total - head - icv_len, seq_high, icv);
		if (ok)
			memcpy(text + text_len, icv, icv_len);
	}
	if (!ok)
		return ESP_E_INTERNAL;
	esp_outer(sa, inner, out, total, outer);
	sa->count.packets++;
	sa->count.bytes += skip + len;
	return ESP_OK;
}

/* Finds the ESP header in a raw or UDP-encapsulated packet. */
static const uint8_t *
esp_find(const struct packet_view *v, size_t *left)
{
	size_t off = v->header;

	if (packet_is_fragment(v))
		return NULL;
	if (v->protocol == IPPROTO_UDP)
		off += UDP_HEADER_LEN;
	else if (v->protocol != IPPROTO_ESP)
		return NULL;
	if (v->len < off + ESP_HEADER_LEN)
		return NULL;
	*left = v->len - off;
	return v->data + off;
}

bool
esp_spi(const struct packet_view *v, uint32_t *spi)
{
	const uint8_t *esp;
	size_t	       left;

	if ((esp = esp_find(v, &left)) == NULL)
		return false;
	/* Zero is the non-ESP marker of RFC 3948 §2.2, and never an SPI. */
	return (*spi = load_u32(esp)) != 0;
}

/* Decrypts and authenticates text in place of out; false on any failure. */
static bool
esp_decrypt(struct esp_sa *sa, const uint8_t *esp, size_t len,
    uint32_t seq_high, uint8_t *out)
{
	const uint8_t *iv = esp + ESP_HEADER_LEN;
	const uint8_t *text = iv + sa->alg->iv_len;
	size_t	       icv_len = esp_icv_len(sa);
	size_t	       text_len = len - ESP_HEADER_LEN - sa->alg->iv_len -
	    icv_len;
	uint8_t	       icv[EVP_MAX_MD_SIZE];
	int	       n, m;

	if (sa->alg->aead) {
		memcpy(icv, text + text_len, icv_len);
		return aead_begin(sa, esp, iv, seq_high) &&
		    EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_SET_TAG,
		    (int)icv_len, icv) == 1 &&
		    EVP_CipherUpdate(sa->cipher, out, &n, text,
		    (int)text_len) == 1 &&
		    EVP_CipherFinal_ex(sa->cipher, out + n, &m) == 1;
	}
	/* The ICV first: nothing is decrypted that was not authenticated. */
	return esp_icv(sa, esp, len - icv_len, seq_high, icv) &&
	    compare_secret(icv, text + text_len, icv_len) == 0 &&
	    EVP_CipherInit_ex(sa->cipher, NULL, NULL, NULL, iv, -1) == 1 &&
	    EVP_CipherUpdate(sa->cipher, out, &n, text, (int)text_len) == 1 &&
	    n == (int)text_len;
}

/* Is what was decrypted well padded, and what is in it?  An esp_error, or the
 * length without padding. */
static int
esp_unpad(const uint8_t *text, size_t len)
{
	size_t pad = text[len - 2], i;

	if (text[len - 1] == ESP_NEXT_NONE)
		return ESP_E_DUMMY;
	if (pad + ESP_TRAILER_LEN > len)
		return ESP_E_AUTH;
	for (i = 0; i < pad; i++) {
		/* RFC 4303 §2.4: 1, 2, 3, ... */
		if (text[len - ESP_TRAILER_LEN - pad + i] != i + 1)
			return ESP_E_AUTH;
	}
	return (int)(len - ESP_TRAILER_LEN - pad);
}

/* What was in a tunnel: a packet of the family that was said. */
static bool
esp_inner_tunnelled(uint8_t *out, size_t len, uint8_t next,
    const struct packet_view *outer, struct packet_view *inner)
{
	int tos;

	if ((next != ESP_NEXT_IPV4 && next != ESP_NEXT_IPV6) ||
	    !packet_parse(inner, out, len) || next !=
	    (inner->src.family == AF_INET6 ? ESP_NEXT_IPV6 : ESP_NEXT_IPV4) ||
	    (tos = tunnel_leave_tos(inner->tos, outer->tos)) == -1)
		return false;
	ip_set_tos(out, (uint8_t)tos);
	inner->tos = (uint8_t)tos;
	return true;
}

/* In transport mode: what the outer header would have stood before. */
static bool
esp_inner_of_outer(uint8_t *out, size_t len, uint8_t next,
    const struct packet_view *outer, struct packet_view *inner)
{
	struct packet_view v = { .src = outer->src, .dst = outer->dst,
		.tos = outer->tos, .ttl = outer->ttl, .df = outer->df,
		.id = outer->id, .label = outer->label, .len = len,
		.protocol = next };

	if (len > IP_PACKET_MAX)
		return false;
	ip_write(out, &v);
	return packet_parse(inner, out, len);
}

enum esp_error
esp_open(struct esp_sa *sa, const struct packet_view *outer, uint8_t *out,
    size_t cap, struct packet_view *inner)
{
	const uint8_t *esp;
	uint8_t	      *text, next;
	size_t	       left, overhead, text_len;
	size_t	       skip = sa->p.transport ?
	    ip_header_len(outer->src.family) : 0;
	uint64_t       seq;
	int	       n;

	if ((esp = esp_find(outer, &left)) == NULL)
		return ESP_E_LENGTH;
	overhead = ESP_HEADER_LEN + sa->alg->iv_len + esp_icv_len(sa);
	if (left < overhead + ESP_TRAILER_LEN)
		return ESP_E_LENGTH;
	text_len = left - overhead;
	if (text_len % sa->alg->block != 0 || skip + text_len > cap)
		return ESP_E_LENGTH;
	if (!esp_replay_check(&sa->replay, load_u32(esp + 4), &seq)) {
		sa->count.replays++;
		return ESP_E_REPLAY;
	}
	text = out + skip;
	if (!esp_decrypt(sa, esp, left, (uint32_t)(seq >> 32), text)) {
		ERR_clear_error();
		sa->count.auth_failures++;
		return ESP_E_AUTH;
	}
	esp_replay_update(&sa->replay, seq);
	sa->count.seq = esp_replay_top(&sa->replay);
	if ((n = esp_unpad(text, text_len)) < 0)
		return n;
	next = text[text_len - 1];
	if (!(sa->p.transport ? esp_inner_of_outer : esp_inner_tunnelled)(out,
	    skip + (size_t)n, next, outer, inner))
		return ESP_E_INNER;
	sa->count.packets++;
	sa->count.bytes += inner->len;
	return ESP_OK;
}

void
esp_sa_counters(const struct esp_sa *sa, struct esp_counters *out)
{
	*out = sa->count;
}

const struct esp_params *
esp_sa_params(const struct esp_sa *sa)
{
	return &sa->p;
}

void
esp_sa_move(struct esp_sa *sa, const struct addr *dst, uint16_t port)
{
	sa->p.dst = *dst;
	sa->p.encap_dport = port;
}

size_t
esp_inner_mtu(const struct esp_sa *sa, size_t mtu)
{
	size_t fixed = esp_outer_len(sa) + ESP_HEADER_LEN + sa->alg->iv_len +
	    esp_icv_len(sa);
	size_t align = sa->alg->block < 4 ? 4 : sa->alg->block;

	if (mtu < fixed + align)
		return 0;
	return (mtu - fixed) / align * align - ESP_TRAILER_LEN +
	    esp_spared(sa);
}
