/* esp.c - ESP in user space, in tunnel and in transport mode: encapsulation and decapsulation (RFC 4303) */
#include "config.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/util.h"
#include "net/ip.h"
#include "net/tunnel.h"
#include "oe/esp/esp.h"
#include "oe/esp/replay.h"
#include "oe/esp/transform.h"

#define ESP_TRAILER_LEN	2	/* pad length, next header */
#define ESP_NEXT_IPV4	4
#define ESP_NEXT_IPV6	41
#define ESP_NEXT_NONE	59
#define OUTER_TTL	64

struct esp_sa {
	struct esp_params	 p;		/* keys wiped */
	struct esp_transform	*transform;
	uint16_t		 ip_id;
	uint32_t		 label;		/* IPv6's flow label */
	struct esp_replay	 replay;
	struct esp_counters	 count;
};

struct esp_sa *
esp_sa_new(const struct esp_params *p, bool outbound)
{
	struct esp_sa *sa;

	if (outbound && (!addr_is_set(&p->src) ||
	    p->src.family != p->dst.family)) {
		log_error("ESP SA 0x%08x: from %s to %s: no two addresses of "
		    "one family", p->spi, ADDR_TEXT(&p->src),
		    ADDR_TEXT(&p->dst));
		return NULL;
	}
	if ((sa = calloc(1, sizeof(*sa))) == NULL) {
		log_error("ESP SA: out of memory");
		return NULL;
	}
	if ((sa->transform = esp_transform_new(p, outbound)) == NULL)
		goto fail;
	sa->p = *p;
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
fail:
	esp_sa_free(sa);
	return NULL;
}

void
esp_sa_free(struct esp_sa *sa)
{
	if (sa == NULL)
		return;
	esp_transform_free(sa->transform);
	esp_replay_free(&sa->replay);
	wipe_free(sa, sizeof(*sa));
}

/* Header, IV and ICV. */
static size_t
esp_overhead(const struct esp_sa *sa)
{
	return ESP_HEADER_LEN + esp_transform_iv_len(sa->transform) +
	    esp_transform_icv_len(sa->transform);
}

/* Text is padded to a multiple of it (RFC 4303 §2.4). */
static size_t
esp_align(const struct esp_sa *sa)
{
	size_t block = esp_transform_block(sa->transform);

	return block < 4 ? 4 : block;
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
	uint8_t *esp, *text;
	size_t	 head = esp_outer_len(sa), align = esp_align(sa);
	size_t	 skip = esp_spared(sa), text_len, pad, total, i, len;

	if (sa->p.transport && !esp_is_transport(sa, inner))
		return ESP_E_INNER;
	len = inner->len - skip;
	pad = (align - (len + ESP_TRAILER_LEN) % align) % align;
	text_len = len + pad + ESP_TRAILER_LEN;
	total = head + esp_overhead(sa) + text_len;
	if (total > cap || total > IP_PACKET_MAX)
		return ESP_E_LENGTH;
	/* RFC 4303 §3.3.3: the number must not cycle. */
	if (sa->count.seq >= (sa->p.esn ? UINT64_MAX : UINT32_MAX))
		return ESP_E_OVERFLOW;
	sa->count.seq++;

	esp = out + head;
	text = esp + ESP_HEADER_LEN + esp_transform_iv_len(sa->transform);
	memmove(text, inner->data + skip, len);
	store_u32(esp, sa->p.spi);
	store_u32(esp + 4, (uint32_t)sa->count.seq);
	for (i = 0; i < pad; i++)
		text[len + i] = (uint8_t)(i + 1);
	text[text_len - 2] = (uint8_t)pad;
	text[text_len - 1] = sa->p.transport ? inner->protocol :
	    inner->src.family == AF_INET6 ? ESP_NEXT_IPV6 : ESP_NEXT_IPV4;
	if (!esp_transform_seal(sa->transform, esp, text_len, sa->count.seq))
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
	overhead = esp_overhead(sa);
	if (left < overhead + ESP_TRAILER_LEN)
		return ESP_E_LENGTH;
	text_len = left - overhead;
	if (text_len % esp_transform_block(sa->transform) != 0 ||
	    skip + text_len > cap)
		return ESP_E_LENGTH;
	if (!esp_replay_check(&sa->replay, load_u32(esp + 4), &seq)) {
		sa->count.replays++;
		return ESP_E_REPLAY;
	}
	text = out + skip;
	if (!esp_transform_open(sa->transform, esp, text_len, seq, text)) {
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

void
esp_sa_move(struct esp_sa *sa, const struct addr *dst, uint16_t port)
{
	sa->p.dst = *dst;
	sa->p.encap_dport = port;
}

size_t
esp_inner_mtu(const struct esp_sa *sa, size_t mtu)
{
	size_t fixed = esp_outer_len(sa) + esp_overhead(sa);
	size_t align = esp_align(sa);

	if (mtu < fixed + align)
		return 0;
	return (mtu - fixed) / align * align - ESP_TRAILER_LEN +
	    esp_spared(sa);
}
