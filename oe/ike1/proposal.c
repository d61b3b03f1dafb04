/* proposal.c - SA payloads: what is offered and what is chosen */
#include "config.h"

#include <string.h>

#include "oe/esp/algorithm.h"
#include "oe/ike1/proposal.h"

/* Phase 1 attribute types (RFC 2409 App. A). */
enum { P1_ENC = 1, P1_HASH = 2, P1_AUTH = 3, P1_GROUP = 4, P1_LIFE_TYPE = 11,
	P1_LIFE = 12, P1_KEY_LEN = 14 };
/* Phase 2 attribute types (RFC 2407 §4.5; RFC 4304 for ESN is 11). */
enum { P2_LIFE_TYPE = 1, P2_LIFE = 2, P2_GROUP = 3, P2_ENCAPSULATION = 4,
	P2_AUTH = 5, P2_KEY_LEN = 6, P2_ESN = 11 };
enum { LIFE_SECONDS = 1, LIFE_KILOBYTES = 2 };
enum { ESN_64_BIT = 1 };
#define KEY_IKE		1	/* the one ISAKMP transform (RFC 2407 §4.4.2) */
#define ESP_SPI_MIN	256	/* RFC 4303 §2.1: lower ones are reserved */

struct phase1_offer { uint16_t enc, bits, hash, group; bool legacy; };
static const struct phase1_offer phase1_offers[] = {
	{ IKE1_AES_CBC, 256, IKE_SHA2_256, 14, false },
	{ IKE1_AES_CBC, 128, IKE_SHA2_256, 14, false },
	{ IKE1_AES_CBC, 256, IKE_SHA2_256, 19, false },
	{ IKE1_AES_CBC, 256, IKE_SHA2_512, 20, false },
	{ IKE1_AES_CBC, 256, IKE_SHA2_512, 15, false },
	{ IKE1_AES_CBC, 128, IKE_SHA1, 14, true },
	{ IKE1_AES_CBC, 128, IKE_SHA1, 5, true },
	{ IKE1_3DES_CBC, 0, IKE_SHA1, 5, true },
	{ IKE1_3DES_CBC, 0, IKE_MD5, 5, true },
	{ IKE1_3DES_CBC, 0, IKE_SHA1, 2, true },
	{ IKE1_3DES_CBC, 0, IKE_MD5, 2, true },
};

struct phase2_offer {
	enum esp_cipher cipher;
	uint16_t	bits;
	enum esp_auth	auth;
	bool		legacy;
};
/* GCM first: CBC cannot be encrypted in parallel and takes twice the time. */
static const struct phase2_offer phase2_offers[] = {
	{ ESP_AES_GCM_16, 256, ESP_AUTH_NONE, false },
	{ ESP_AES_GCM_16, 128, ESP_AUTH_NONE, false },
	{ ESP_AES_CBC, 256, ESP_AUTH_HMAC_SHA2_256, false },
	{ ESP_AES_CBC, 128, ESP_AUTH_HMAC_SHA2_256, false },
	{ ESP_AES_CBC, 256, ESP_AUTH_HMAC_SHA2_512, false },
	{ ESP_AES_CBC, 128, ESP_AUTH_HMAC_SHA1, true },
	{ ESP_3DES_CBC, 0, ESP_AUTH_HMAC_SHA1, true },
	{ ESP_3DES_CBC, 0, ESP_AUTH_HMAC_MD5, true },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* The generic header of a payload inside the SA payload. */
static size_t
sub_open(struct writer *w, uint8_t next)
{
	size_t start = w->len;

	writer_u8(w, next);
	writer_u8(w, 0);
	writer_u16(w, 0);
	return start;
}

static void
sub_close(struct writer *w, size_t start)
{
	if (!w->bad)
		writer_patch_u16(w, start + 2, (uint16_t)(w->len - start));
}

/* The one proposal of an SA payload, of n transforms (RFC 2408 §3.5); spi: of
 * ESP, as an ISAKMP SA's is in the header. */
static size_t
proposal_open(struct writer *w, uint8_t number, uint8_t protocol, size_t n,
    uint32_t spi)
{
	size_t start;

	writer_u32(w, IPSEC_DOI);
	writer_u32(w, IPSEC_SIT_IDENTITY);
	start = sub_open(w, ISAKMP_NONE);
	writer_u8(w, number);
	writer_u8(w, protocol);
	writer_u8(w, protocol == PROTO_ESP ? 4 : 0);
	writer_u8(w, (uint8_t)n);
	if (protocol == PROTO_ESP)
		writer_u32(w, spi);
	return start;
}

static size_t
transform_open(struct writer *w, bool last, size_t number, uint8_t id)
{
	size_t start = sub_open(w, last ? ISAKMP_NONE : ISAKMP_TRANSFORM);

	writer_u8(w, (uint8_t)number);
	writer_u8(w, id);
	writer_u16(w, 0);
	return start;
}

static void
phase1_attrs(struct writer *w, const struct ike1_suite *s)
{
	isakmp_attr(w, P1_ENC, s->enc);
	if (s->enc_bits != 0)
		isakmp_attr(w, P1_KEY_LEN, s->enc_bits);
	isakmp_attr(w, P1_HASH, s->hash);
	isakmp_attr(w, P1_AUTH, s->auth);
	isakmp_attr(w, P1_GROUP, s->group);
	if (s->lifetime != 0) {
		isakmp_attr(w, P1_LIFE_TYPE, LIFE_SECONDS);
		isakmp_attr(w, P1_LIFE, s->lifetime);
	}
}

void
proposal_offer_phase1(struct writer *w, uint16_t auth, bool legacy,
    uint32_t lifetime)
{
	const struct phase1_offer *o;
	struct ike1_suite	   s;
	size_t			   proposal, transform, i, n = 0, k = 0;

	for (i = 0; i < COUNT(phase1_offers); i++)
		n += legacy || !phase1_offers[i].legacy;
	proposal = proposal_open(w, 1, PROTO_ISAKMP, n, 0);
	for (i = 0; i < COUNT(phase1_offers); i++) {
		o = &phase1_offers[i];
		if (!legacy && o->legacy)
			continue;
		k++;
		s = (struct ike1_suite){ o->enc, o->bits, o->hash, auth,
			o->group, lifetime, 0 };
		transform = transform_open(w, k == n, k, KEY_IKE);
		phase1_attrs(w, &s);
		sub_close(w, transform);
	}
	sub_close(w, proposal);
}

/* Groups of Phase 2 are those of Phase 1. */
static bool
group_allowed(uint16_t group, bool legacy)
{
	size_t i;

	for (i = 0; i < COUNT(phase1_offers); i++) {
		if (phase1_offers[i].group == group &&
		    (legacy || !phase1_offers[i].legacy))
			return true;
	}
	return false;
}

static bool
phase1_allowed(const struct ike1_suite *s, bool legacy)
{
	size_t i;
	bool   hash = false, enc = false;

	/* Each part must be one we have; a mix that we do not offer ourselves
	 * is as good as its parts. */
	for (i = 0; i < COUNT(phase1_offers); i++) {
		if (!legacy && phase1_offers[i].legacy)
			continue;
		enc = enc || (phase1_offers[i].enc == s->enc &&
		    ike1_enc_key_len(s->enc, s->enc_bits) != 0);
		hash = hash || phase1_offers[i].hash == s->hash;
	}
	return enc && hash && group_allowed(s->group, legacy);
}

/* Opens an SA payload's body up to its first proposal. */
static int
sa_read(const uint8_t *sa, size_t len, struct cursor *c)
{
	cursor_init(c, sa, len);
	if (cursor_u32(c) != IPSEC_DOI || cursor_u32(c) != IPSEC_SIT_IDENTITY ||
	    c->bad)
		return -1;
	return 0;
}

/* The head of a proposal or transform (RFC 2408 §3.5, §3.6): its rest, and
 * whether another one of that type follows.  -1: it is malformed. */
static int
part_next(struct cursor *c, uint8_t type, struct cursor *body, bool *more)
{
	uint8_t	 next;
	uint16_t len;

	next = cursor_u8(c);
	cursor_u8(c);
	len = cursor_u16(c);
	if (c->bad || len < 8 || (next != ISAKMP_NONE && next != type))
		return -1;
	*body = cursor_sub(c, len - 4u);
	*more = next == type;
	return 0;
}

struct proposal {
	uint8_t	      number, protocol, spi_size, transforms;
	const uint8_t *spi;
	struct cursor body;		/* the proposal's transforms */
	bool	      more;
};

static int
proposal_next(struct cursor *c, struct proposal *p)
{
	if (part_next(c, ISAKMP_PROPOSAL, &p->body, &p->more) == -1)
		return -1;
	p->number = cursor_u8(&p->body);
	p->protocol = cursor_u8(&p->body);
	p->spi_size = cursor_u8(&p->body);
	p->transforms = cursor_u8(&p->body);
	p->spi = cursor_take(&p->body, p->spi_size);
	return c->bad || p->body.bad ? -1 : 0;
}

struct transform {
	uint8_t	      number, id;
	struct cursor attrs;
	bool	      more;
};

static int
transform_next(struct cursor *c, struct transform *t)
{
	if (part_next(c, ISAKMP_TRANSFORM, &t->attrs, &t->more) == -1)
		return -1;
	t->number = cursor_u8(&t->attrs);
	t->id = cursor_u8(&t->attrs);
	cursor_u16(&t->attrs);
	return c->bad || t->attrs.bad ? -1 : 0;
}

/* What a proposal is of, and the attributes that its transforms may have. */
struct phase {
	uint8_t	 protocol;
	uint16_t life_type;	/* the life itself is the type after it */
	uint32_t known;		/* by type: 1 << type */
};

static const struct phase phase1 = { PROTO_ISAKMP, P1_LIFE_TYPE,
	1u << P1_ENC | 1u << P1_HASH | 1u << P1_AUTH | 1u << P1_GROUP |
	1u << P1_LIFE_TYPE | 1u << P1_LIFE | 1u << P1_KEY_LEN };
static const struct phase phase2 = { PROTO_ESP, P2_LIFE_TYPE,
	1u << P2_LIFE_TYPE | 1u << P2_LIFE | 1u << P2_GROUP |
	1u << P2_ENCAPSULATION | 1u << P2_AUTH | 1u << P2_KEY_LEN |
	1u << P2_ESN };

struct attributes {
	uint32_t value[16];	/* by type; 0: not said */
	uint32_t id;		/* the transform's */
	uint32_t lifetime;	/* seconds, 0: not said */
	uint64_t bytes;
};

/* Reads transform attributes; -1 if one is unknown or malformed: a transform
 * we do not understand whole is one we do not choose (RFC 2408 §4.2). */
static int
attributes_read(const struct phase *phase, const struct transform *t,
    struct attributes *out)
{
	struct cursor	   c = t->attrs;
	struct isakmp_attr a;

	memset(out, 0, sizeof(*out));
	out->id = t->id;
	while (isakmp_attr_next(&c, &a)) {
		if (a.type > 15 || !(phase->known & 1u << a.type))
			return -1;
		out->value[a.type] = a.value;
		if (phase == &phase2 && a.type == P2_ESN &&
		    a.value != ESN_64_BIT)	/* RFC 4304 §2 */
			return -1;
		if (a.type != phase->life_type + 1)
			continue;
		if (out->value[phase->life_type] == LIFE_SECONDS)
			out->lifetime = a.value;
		else if (out->value[phase->life_type] == LIFE_KILOBYTES)
			out->bytes = (uint64_t)a.value * 1024;
	}
	/* RFC 3602 §5.3 asks for the attribute; older peers forget it. */
	if (phase == &phase2 && t->id == ESP_AES_CBC &&
	    out->value[P2_KEY_LEN] == 0)
		out->value[P2_KEY_LEN] = 128;
	return c.bad ? -1 : 0;
}

static struct ike1_suite
phase1_suite(const struct attributes *a)
{
	return (struct ike1_suite){ .enc = (uint16_t)a->value[P1_ENC],
		.enc_bits = (uint16_t)a->value[P1_KEY_LEN],
		.hash = (uint16_t)a->value[P1_HASH],
		.auth = (uint16_t)a->value[P1_AUTH],
		.group = (uint16_t)a->value[P1_GROUP],
		.lifetime = a->lifetime, .bytes = a->bytes };
}

static struct ike1_esp_suite
phase2_suite(const struct attributes *a)
{
	return (struct ike1_esp_suite){ .cipher = (enum esp_cipher)a->id,
		.cipher_bits = (uint16_t)a->value[P2_KEY_LEN],
		.auth = (enum esp_auth)a->value[P2_AUTH],
		.group = (uint16_t)a->value[P2_GROUP],
		.encapsulation = (uint16_t)a->value[P2_ENCAPSULATION],
		.lifetime = a->lifetime, .bytes = a->bytes,
		.esn = a->value[P2_ESN] != 0 };
}

static struct proposal_choice
choice_of(const struct proposal *p, const struct transform *t)
{
	return (struct proposal_choice){ .proposal = p->number,
		.protocol = p->protocol, .transform = t->number,
		.transform_id = t->id, .attrs = t->attrs.p,
		.attrs_len = cursor_left(&t->attrs) };
}

void
proposal_answer(struct writer *w, const struct proposal_choice *c, uint32_t spi)
{
	size_t proposal, transform;

	proposal = proposal_open(w, c->proposal, c->protocol, 1, spi);
	transform = transform_open(w, true, c->transform, c->transform_id);
	/* Unchanged, as RFC 2408 §4.2 demands. */
	writer_put(w, c->attrs, c->attrs_len);
	sub_close(w, transform);
	sub_close(w, proposal);
}

/* The one transform of the one proposal that an answer holds, if offer has it,
 * equal in every attribute. */
static int
answer_accept(const struct phase *phase, const uint8_t *sa, size_t len,
    const uint8_t *offer, size_t offer_len, struct proposal *p,
    struct attributes *a)
{
	struct cursor	  c;
	struct proposal	  own;
	struct transform  t;
	struct attributes mine;

	if (sa_read(sa, len, &c) == -1 || proposal_next(&c, p) == -1 ||
	    p->more || p->protocol != phase->protocol ||
	    transform_next(&p->body, &t) == -1 || t.more ||
	    attributes_read(phase, &t, a) == -1 ||
	    sa_read(offer, offer_len, &c) == -1 ||
	    proposal_next(&c, &own) == -1)
		return -1;
	do {
		if (transform_next(&own.body, &t) == -1 ||
		    attributes_read(phase, &t, &mine) == -1)
			return -1;
		if (memcmp(a, &mine, sizeof(mine)) == 0)
			return 0;
	} while (t.more);
	return -1;
}

int
proposal_choose_phase1(const uint8_t *sa, size_t len, unsigned auths,
    bool legacy, struct ike1_suite *out, struct writer *answer)
{
	struct cursor	       c;
	struct proposal	       p;
	struct transform       t;
	struct attributes      a;
	struct proposal_choice choice;

	if (sa_read(sa, len, &c) == -1 || proposal_next(&c, &p) == -1 ||
	    p.more || p.protocol != PROTO_ISAKMP)
		return -1;
	do {
		if (transform_next(&p.body, &t) == -1)
			return -1;
		if (t.id != KEY_IKE || attributes_read(&phase1, &t, &a) == -1)
			continue;
		*out = phase1_suite(&a);
		if (out->auth > 31 || !(auths & 1u << out->auth) ||
		    !phase1_allowed(out, legacy))
			continue;
		choice = choice_of(&p, &t);
		proposal_answer(answer, &choice, 0);
		return answer->bad ? -1 : 0;
	} while (t.more);
	return -1;
}

int
proposal_accept_phase1(const uint8_t *sa, size_t len, const uint8_t *offer,
    size_t offer_len, struct ike1_suite *out)
{
	struct proposal	  p;
	struct attributes a;

	if (answer_accept(&phase1, sa, len, offer, offer_len, &p, &a) == -1)
		return -1;
	*out = phase1_suite(&a);
	return 0;
}

static void
phase2_attrs(struct writer *w, const struct phase2_offer *o,
    const struct proposal_phase2 *p, bool esn)
{
	isakmp_attr(w, P2_LIFE_TYPE, LIFE_SECONDS);
	isakmp_attr(w, P2_LIFE, p->lifetime);
	if (p->kilobytes != 0) {
		isakmp_attr(w, P2_LIFE_TYPE, LIFE_KILOBYTES);
		isakmp_attr(w, P2_LIFE, p->kilobytes);
	}
	isakmp_attr(w, P2_GROUP, p->group);
	isakmp_attr(w, P2_ENCAPSULATION, p->encapsulation);
	if (esn)
		isakmp_attr(w, P2_ESN, ESN_64_BIT);
	if (o->auth != ESP_AUTH_NONE)
		isakmp_attr(w, P2_AUTH, o->auth);
	if (o->bits != 0)
		isakmp_attr(w, P2_KEY_LEN, o->bits);
}

void
proposal_offer_phase2(struct writer *w, uint32_t spi,
    const struct proposal_phase2 *p)
{
	const struct phase2_offer *o;
	size_t			   proposal, transform, i, n = 0, k = 0;
	bool			   esn;

	for (i = 0; i < COUNT(phase2_offers); i++) {
		o = &phase2_offers[i];
		n += o->legacy ? p->legacy : p->esn ? 2 : 1;
	}
	proposal = proposal_open(w, 1, PROTO_ESP, n, spi);
	for (i = 0; i < 2 * COUNT(phase2_offers); i++) {
		/* Each with 64-bit sequence numbers, then without. */
		o = &phase2_offers[i / 2];
		esn = i % 2 == 0;
		if ((o->legacy && !p->legacy) ||
		    (esn && (o->legacy || !p->esn)))
			continue;
		k++;
		transform = transform_open(w, k == n, k, (uint8_t)o->cipher);
		phase2_attrs(w, o, p, esn);
		sub_close(w, transform);
	}
	sub_close(w, proposal);
}

static bool
phase2_allowed(const struct ike1_esp_suite *s, bool legacy)
{
	size_t i;

	/* PFS MUST be specified (draft -17 §4.6.2). */
	if (!group_allowed(s->group, legacy) ||
	    esp_cipher_key_len(s->cipher, s->cipher_bits) == 0)
		return false;
	for (i = 0; i < COUNT(phase2_offers); i++) {
		if ((legacy || !phase2_offers[i].legacy) &&
		    phase2_offers[i].cipher == s->cipher &&
		    phase2_offers[i].auth == s->auth)
			return true;
	}
	/* Any strong pair that is not in our list: AES with SHA1 and MD5 count
	 * as legacy. */
	return legacy && s->cipher == ESP_AES_CBC &&
	    esp_auth_key_len(s->auth) != 0;
}

int
proposal_choose_phase2(const uint8_t *sa, size_t len, uint16_t encapsulation,
    bool legacy, struct ike1_esp_suite *out, uint32_t *spi,
    struct proposal_choice *choice)
{
	struct cursor	 c;
	struct proposal	 p, other;
	struct transform t;
	struct attributes a;
	bool		 bundle;

	if (sa_read(sa, len, &c) == -1)
		return -1;
	do {
		if (proposal_next(&c, &p) == -1)
			return -1;
		/* Proposals of one number belong together (AH and ESP): we do
		 * ESP alone, so such a bundle is passed over whole. */
		bundle = false;
		while (p.more) {
			struct cursor peek = c;

			if (proposal_next(&peek, &other) == -1)
				return -1;
			if (other.number != p.number)
				break;
			bundle = true;
			c = peek;
			p.more = other.more;
		}
		if (bundle || p.protocol != PROTO_ESP || p.spi_size != 4)
			continue;
		*spi = load_u32(p.spi);
		if (*spi < ESP_SPI_MIN)
			continue;
		do {
			if (transform_next(&p.body, &t) == -1)
				return -1;
			if (attributes_read(&phase2, &t, &a) == -1)
				continue;
			*out = phase2_suite(&a);
			if (out->encapsulation != encapsulation ||
			    !phase2_allowed(out, legacy))
				continue;
			*choice = choice_of(&p, &t);
			return 0;
		} while (t.more);
	} while (p.more);
	return -1;
}

void
proposal_put_lifetime(struct writer *w, uint32_t seconds)
{
	isakmp_attr(w, P2_LIFE_TYPE, LIFE_SECONDS);
	isakmp_attr(w, P2_LIFE, seconds);
}

void
proposal_get_lifetime(const uint8_t *p, size_t len, uint32_t *seconds,
    uint64_t *bytes)
{
	struct cursor	   c;
	struct isakmp_attr a;
	unsigned	   life_type = 0;

	cursor_init(&c, p, len);
	while (isakmp_attr_next(&c, &a)) {
		if (a.type == P2_LIFE_TYPE)
			life_type = a.value;
		else if (a.type != P2_LIFE || a.value == 0)
			continue;
		else if (life_type == LIFE_SECONDS &&
		    (*seconds == 0 || a.value < *seconds))
			*seconds = a.value;
		else if (life_type == LIFE_KILOBYTES && (*bytes == 0 ||
		    (uint64_t)a.value * 1024 < *bytes))
			*bytes = (uint64_t)a.value * 1024;
	}
}

int
proposal_accept_phase2(const uint8_t *sa, size_t len, const uint8_t *offer,
    size_t offer_len, struct ike1_esp_suite *out, uint32_t *spi)
{
	struct proposal	  p;
	struct attributes a;

	if (answer_accept(&phase2, sa, len, offer, offer_len, &p, &a) == -1 ||
	    p.spi_size != 4 || (*spi = load_u32(p.spi)) < ESP_SPI_MIN)
		return -1;
	*out = phase2_suite(&a);
	return 0;
}
