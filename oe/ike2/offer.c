/* offer.c - SA payloads: what is offered, chosen, accepted */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "oe/ike/dh.h"
#include "oe/ike2/offer.h"

#define ATTR_KEY_LENGTH	14	/* §3.3.5, the only one there is */
#define ATTR_SHORT	0x8000
#define ESP_SPI_MIN	256	/* RFC 4303 §2.1: lower ones are reserved */
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

struct cipher { uint16_t id, bits; unsigned esp; };

/* Best first.  RFC 8247 §2 and RFC 8221 §5: nothing of SHOULD NOT or worse. */
static const struct cipher aeads[] = {
	{ IKE2_ENCR_AES_GCM_16, 256, IKE2_ESP_AES_GCM_256 },
	{ IKE2_ENCR_AES_GCM_16, 128, IKE2_ESP_AES_GCM_128 },
	{ IKE2_ENCR_CHACHA20_POLY1305, 0, IKE2_ESP_CHACHA20 },
};
static const struct cipher plains[] = {
	{ IKE2_ENCR_AES_CBC, 256, IKE2_ESP_AES_CBC_256 },
	{ IKE2_ENCR_AES_CBC, 128, IKE2_ESP_AES_CBC_128 },
};
static const uint16_t prfs[] = { IKE2_PRF_HMAC_SHA2_512,
	IKE2_PRF_HMAC_SHA2_384, IKE2_PRF_HMAC_SHA2_256 };
static const uint16_t integs[] = { IKE2_INTEG_HMAC_SHA2_256_128,
	IKE2_INTEG_HMAC_SHA2_384_192, IKE2_INTEG_HMAC_SHA2_512_256 };
static const uint16_t groups[] = { IKE2_KE_CURVE25519, IKE2_KE_ECP_256,
	IKE2_KE_ECP_384, IKE2_KE_MODP_3072, IKE2_KE_MODP_2048,
	IKE2_KE_MODP_4096 };

static bool
cipher_is_wanted(const struct cipher *c, const struct ike2_terms *t)
{
	return t->protocol != IKE2_PROTO_ESP || t->ciphers == 0 ||
	    (t->ciphers & c->esp) != 0;
}

/* Is there one at all? */
static bool
any_is_wanted(const struct cipher *c, size_t n, const struct ike2_terms *t)
{
	while (n-- > 0) {
		if (cipher_is_wanted(c++, t))
			return true;
	}
	return false;
}

bool
ike2_ke_allowed(unsigned group)
{
	size_t i;

	for (i = 0; i < COUNT(groups); i++) {
		if (groups[i] == group)
			return ike_group_len(group) != 0;
	}
	return false;
}

/* --- writing --- */

struct offering {
	struct writer *w;
	size_t	       proposal;	/* where it begins */
	size_t	       last;		/* where its last transform
					 * begins; 0: none yet */
	uint8_t	       n;
};

static void
put_transform(struct offering *o, uint8_t type, uint16_t id, uint16_t bits)
{
	struct writer *w = o->w;

	if (o->last != 0 && !w->bad)
		w->base[o->last] = 3;	/* more */
	o->last = w->len;
	writer_u16(w, 0);
	writer_u16(w, bits == 0 ? 8 : 12);
	writer_u8(w, type);
	writer_u8(w, 0);
	writer_u16(w, id);
	if (bits != 0) {
		writer_u16(w, ATTR_SHORT | ATTR_KEY_LENGTH);
		writer_u16(w, bits);
	}
	o->n++;
}

static void
open_proposal(struct offering *o, struct writer *w, uint8_t number,
    const struct ike2_terms *t, uint64_t spi)
{
	uint8_t text[8];

	o->w = w;
	o->proposal = w->len;
	o->last = 0;
	o->n = 0;
	writer_u32(w, 0);		/* last, RESERVED, length */
	writer_u8(w, number);
	writer_u8(w, t->protocol);
	writer_u8(w, t->spi_len);
	writer_u8(w, 0);
	store_u64(text, spi);
	writer_put(w, text + 8 - t->spi_len, t->spi_len);
}

static void
close_proposal(struct offering *o, bool more)
{
	struct writer *w = o->w;

	if (w->bad)
		return;
	w->base[o->proposal] = more ? 2 : 0;
	w->base[o->proposal + 7] = o->n;
	writer_patch_u16(w, o->proposal + 2, (uint16_t)(w->len - o->proposal));
}

/* The group of the KE payload first: it is the one that costs no round trip. */
static void
put_groups(struct offering *o, const struct ike2_terms *t)
{
	size_t i;

	if (t->first_child || t->ke == IKE2_KE_NONE)
		return;
	put_transform(o, IKE2_T_KE, t->ke, 0);
	for (i = 0; i < COUNT(groups); i++) {
		if (groups[i] != t->ke && ike2_ke_allowed(groups[i]))
			put_transform(o, IKE2_T_KE, groups[i], 0);
	}
	if (t->protocol == IKE2_PROTO_ESP)
		put_transform(o, IKE2_T_KE, IKE2_KE_NONE, 0);
}

static void
put_proposal(struct writer *w, const struct ike2_terms *t, uint64_t spi,
    bool aead, uint8_t number, bool more)
{
	const struct cipher *c = aead ? aeads : plains;
	size_t		     i, n = aead ? COUNT(aeads) : COUNT(plains);
	struct offering	     o;

	open_proposal(&o, w, number, t, spi);
	for (i = 0; i < n; i++) {
		if (cipher_is_wanted(&c[i], t))
			put_transform(&o, IKE2_T_ENCR, c[i].id, c[i].bits);
	}
	for (i = 0; t->protocol == IKE2_PROTO_IKE && i < COUNT(prfs); i++)
		put_transform(&o, IKE2_T_PRF, prfs[i], 0);
	for (i = 0; !aead && i < COUNT(integs); i++)
		put_transform(&o, IKE2_T_INTEG, integs[i], 0);
	put_groups(&o, t);
	if (t->protocol == IKE2_PROTO_ESP) {
		if (!t->no_esn)
			put_transform(&o, IKE2_T_ESN, 1, 0);
		put_transform(&o, IKE2_T_ESN, 0, 0);
	}
	close_proposal(&o, more);
}

void
ike2_offer_write(struct writer *w, const struct ike2_terms *t, uint64_t spi)
{
	bool aead = any_is_wanted(aeads, COUNT(aeads), t);
	bool plain = any_is_wanted(plains, COUNT(plains), t);

	if (aead)
		put_proposal(w, t, spi, true, 1, plain);
	if (plain)
		put_proposal(w, t, spi, false, aead ? 2 : 1, false);
}

void
ike2_offer_answer(struct writer *w, const struct ike2_choice *c,
    const struct ike2_terms *t, uint64_t spi)
{
	struct offering o;

	open_proposal(&o, w, c->number, t, spi);
	put_transform(&o, IKE2_T_ENCR, c->suite.encr, c->suite.bits);
	if (c->types & 1u << IKE2_T_PRF)
		put_transform(&o, IKE2_T_PRF, c->suite.prf, 0);
	if (c->types & 1u << IKE2_T_INTEG)
		put_transform(&o, IKE2_T_INTEG, c->suite.integ, 0);
	if (c->types & 1u << IKE2_T_KE)
		put_transform(&o, IKE2_T_KE, c->suite.ke, 0);
	if (c->types & 1u << IKE2_T_ESN)
		put_transform(&o, IKE2_T_ESN, c->suite.esn, 0);
	close_proposal(&o, false);
}

/* --- reading --- */

struct proposal {
	uint8_t	      number, protocol, spi_len, transforms;
	const uint8_t *spi;
	struct cursor body;		/* the proposal's transforms */
};

struct transform {
	uint8_t	 type;
	uint16_t id, bits;
	bool	 strange;		/* an attribute that we do not know */
};

/* The next one, or false at the end or at a malformed one (then c->bad). */
static bool
next_proposal(struct cursor *c, unsigned *number, struct proposal *p)
{
	uint8_t	 more;
	uint16_t len;

	if (c->bad || cursor_left(c) == 0)
		return false;
	more = cursor_u8(c);
	cursor_u8(c);
	len = cursor_u16(c);
	if (len < 8) {
		c->bad = true;
		return false;
	}
	p->body = cursor_sub(c, len - 4u);
	p->number = cursor_u8(&p->body);
	p->protocol = cursor_u8(&p->body);
	p->spi_len = cursor_u8(&p->body);
	p->transforms = cursor_u8(&p->body);
	p->spi = cursor_take(&p->body, p->spi_len);
	/* §3.3.1: numbers count up from one, as answers name them. */
	if (p->body.bad || p->number != ++*number ||
	    more != (cursor_left(c) == 0 ? 0 : 2))
		c->bad = true;
	return !c->bad;
}

static bool
next_transform(struct proposal *p, struct transform *t)
{
	struct cursor *c = &p->body, body;
	uint16_t       len, attr, value;
	uint8_t	       more;

	if (c->bad)
		return false;
	if (cursor_left(c) == 0) {
		c->bad = p->transforms != 0;
		return false;
	}
	more = cursor_u8(c);
	cursor_u8(c);
	len = cursor_u16(c);
	if (len < 8 || p->transforms-- == 0) {
		c->bad = true;
		return false;
	}
	body = cursor_sub(c, len - 4u);
	t->type = cursor_u8(&body);
	cursor_u8(&body);
	t->id = cursor_u16(&body);
	t->bits = 0;
	t->strange = false;
	while (!body.bad && cursor_left(&body) != 0) {
		attr = cursor_u16(&body);
		value = cursor_u16(&body);
		if (attr == (ATTR_SHORT | ATTR_KEY_LENGTH) && t->bits == 0 &&
		    value != 0)
			t->bits = value;
		else {
			t->strange = true;
			if (!(attr & ATTR_SHORT))
				cursor_take(&body, value);
		}
	}
	if (body.bad || more != (cursor_left(c) == 0 ? 0 : 3))
		c->bad = true;
	return !c->bad;
}

/* The SPI of a proposal that is about what t says; false: it is
 * about another thing. */
static bool
read_spi(const struct proposal *p, const struct ike2_terms *t, uint64_t *spi)
{
	uint8_t i;

	*spi = 0;
	if (p->protocol != t->protocol || p->spi_len != t->spi_len)
		return false;
	for (i = 0; i < p->spi_len; i++)
		*spi = *spi << 8 | p->spi[i];
	return t->spi_len == 0 || (*spi != 0 &&
	    (t->protocol != IKE2_PROTO_ESP || *spi >= ESP_SPI_MIN));
}

/* What a proposal has of that which we have: bits by place in our tables. */
struct common {
	unsigned aead, plain, prf, integ, ke, esn;
	bool	 integ_none, ke_none, ke_named;
	bool	 unknown_type;
	unsigned types;
};

static unsigned
place(const uint16_t *table, size_t n, uint16_t id)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (table[i] == id)
			return 1u << i;
	}
	return 0;
}

static unsigned
cipher_place(const struct cipher *table, size_t n, const struct transform *t,
    const struct ike2_terms *terms)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (table[i].id == t->id && table[i].bits == t->bits &&
		    cipher_is_wanted(&table[i], terms))
			return 1u << i;
	}
	return 0;
}

static void
note_transform(struct common *m, const struct transform *t,
    const struct ike2_terms *terms)
{
	if (t->type < IKE2_T_ENCR || t->type > IKE2_T_ESN) {
		m->unknown_type = true;
		return;
	}
	m->types |= 1u << t->type;
	if (t->strange || (t->bits != 0 && t->type != IKE2_T_ENCR))
		return;
	switch (t->type) {
	case IKE2_T_ENCR:
		m->aead |= cipher_place(aeads, COUNT(aeads), t, terms);
		m->plain |= cipher_place(plains, COUNT(plains), t, terms);
		break;
	case IKE2_T_PRF:
		m->prf |= place(prfs, COUNT(prfs), t->id);
		break;
	case IKE2_T_INTEG:
		m->integ |= place(integs, COUNT(integs), t->id);
		m->integ_none = m->integ_none || t->id == IKE2_INTEG_NONE;
		break;
	case IKE2_T_KE:
		if (ike2_ke_allowed(t->id))
			m->ke |= place(groups, COUNT(groups), t->id);
		m->ke_none = m->ke_none || t->id == IKE2_KE_NONE;
		m->ke_named = m->ke_named || (t->id == terms->ke &&
		    ike2_ke_allowed(t->id));
		break;
	case IKE2_T_ESN:
		if (t->id <= 1)
			m->esn |= 1u << t->id;
		break;
	}
}

/* The lowest bit's place in a table of n: what we like best. */
static size_t
best(unsigned bits, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && !(bits & 1u << i))
		i++;
	return i;
}

static bool
pick_ke(struct common *m, const struct ike2_terms *t, struct ike2_suite *s)
{
	if (t->first_child) {
		/* §1.2: there can be none; some peers list
		 * groups nevertheless. */
		m->types &= ~(1u << IKE2_T_KE);
		return true;
	}
	if (m->ke_named)
		s->ke = t->ke;
	else if (t->protocol == IKE2_PROTO_ESP && (m->ke_none ||
	    !(m->types & 1u << IKE2_T_KE)) && (t->ke == 0 || m->ke == 0))
		s->ke = IKE2_KE_NONE;
	else if (m->ke != 0)
		s->ke = groups[best(m->ke, COUNT(groups))];
	else
		return false;
	return true;
}

/* Picks one of each type, or false: this proposal cannot be taken. */
static bool
pick(struct common *m, const struct ike2_terms *t, struct ike2_suite *s)
{
	bool no_integ = m->integ_none || !(m->types & 1u << IKE2_T_INTEG);

	memset(s, 0, sizeof(*s));
	if (m->unknown_type)
		return false;
	/* RFC 5282 §8: with a MAC there is no combined mode. */
	if (m->aead != 0 && no_integ) {
		s->encr = aeads[best(m->aead, COUNT(aeads))].id;
		s->bits = aeads[best(m->aead, COUNT(aeads))].bits;
	} else if (m->plain != 0 && m->integ != 0) {
		s->encr = plains[best(m->plain, COUNT(plains))].id;
		s->bits = plains[best(m->plain, COUNT(plains))].bits;
		s->integ = integs[best(m->integ, COUNT(integs))];
	} else
		return false;
	if (!pick_ke(m, t, s))
		return false;
	if (t->protocol == IKE2_PROTO_IKE) {
		if (m->prf == 0 || (m->types & 1u << IKE2_T_ESN))
			return false;
		s->prf = prfs[best(m->prf, COUNT(prfs))];
		return true;
	}
	if (m->types & 1u << IKE2_T_PRF)
		return false;
	/* ESN is mandatory in ESP, and yet some leave it out: 32 bits then. */
	s->esn = (m->esn & 2) != 0 && !t->no_esn;
	return s->esn || (m->esn & 1) != 0 || !(m->types & 1u << IKE2_T_ESN);
}

enum ike2_offer_result
ike2_offer_choose(const uint8_t *body, size_t len, const struct ike2_terms *t,
    struct ike2_choice *out)
{
	struct ike2_suite suite;
	struct transform  tr;
	struct proposal	  p;
	struct common	  m;
	struct cursor	  c;
	uint64_t	  spi;
	unsigned	  number = 0;
	bool		  found = false;

	memset(out, 0, sizeof(*out));
	cursor_init(&c, body, len);
	while (next_proposal(&c, &number, &p)) {
		memset(&m, 0, sizeof(m));
		while (next_transform(&p, &tr))
			note_transform(&m, &tr, t);
		if (p.body.bad)
			return IKE2_OFFER_MALFORMED;
		/* The rest is read too: a malformed offer is none. */
		if (found || !read_spi(&p, t, &spi) || !pick(&m, t, &suite))
			continue;
		found = true;
		out->suite = suite;
		out->number = p.number;
		out->types = m.types;
		out->spi = spi;
	}
	if (c.bad || number == 0)
		return IKE2_OFFER_MALFORMED;
	return found ? IKE2_OFFER_OK : IKE2_OFFER_NONE;
}

/* The one of our proposals with this number. */
static bool
own_proposal(const uint8_t *offer, size_t len, uint8_t number,
    struct proposal *p)
{
	struct cursor c;
	unsigned      n = 0;

	cursor_init(&c, offer, len);
	while (next_proposal(&c, &n, p)) {
		if (p->number == number)
			return true;
	}
	return false;
}

/* Is it among those of our proposal? */
static bool
was_offered(struct proposal own, const struct transform *t)
{
	struct transform o;

	while (next_transform(&own, &o)) {
		if (o.type == t->type && o.id == t->id && o.bits == t->bits)
			return true;
	}
	return false;
}

enum ike2_offer_result
ike2_offer_accept(const uint8_t *body, size_t len, const uint8_t *offer,
    size_t offer_len, const struct ike2_terms *t, struct ike2_suite *out,
    uint64_t *spi)
{
	struct ike2_terms terms = *t;
	struct transform  tr;
	struct proposal	  p, own;
	struct common	  m;
	struct cursor	  c;
	unsigned	  number;

	memset(out, 0, sizeof(*out));
	*spi = 0;
	if (len < 8 || body[4] == 0)
		return IKE2_OFFER_MALFORMED;
	/* The only one has the number of ours that it accepts. */
	number = body[4] - 1u;
	cursor_init(&c, body, len);
	if (!next_proposal(&c, &number, &p))
		return IKE2_OFFER_MALFORMED;
	if (cursor_left(&c) != 0 || !own_proposal(offer, offer_len, p.number,
	    &own) || !read_spi(&p, t, spi))
		return IKE2_OFFER_NONE;
	memset(&m, 0, sizeof(m));
	while (next_transform(&p, &tr)) {
		if (tr.strange || tr.type > IKE2_T_ESN ||
		    (m.types & 1u << tr.type) || !was_offered(own, &tr))
			return IKE2_OFFER_NONE;
		if (tr.type == IKE2_T_KE)
			terms.ke = tr.id;
		note_transform(&m, &tr, &terms);
	}
	if (p.body.bad)
		return IKE2_OFFER_MALFORMED;
	return pick(&m, &terms, out) ? IKE2_OFFER_OK : IKE2_OFFER_NONE;
}

const char *
ike2_suite_text(const struct ike2_suite *s, char *out, size_t cap)
{
	const struct ike2_encr_info  *e = ike2_encr_info(s->encr, s->bits);
	const struct ike2_integ_info *i = ike2_integ_info(s->integ);
	const struct ike2_prf_info   *p = ike2_prf_info(s->prf);

	snprintf(out, cap, "%s%s%s%s%s%s%s%s", e == NULL ? "unknown" : e->name,
	    i == NULL ? "" : ", ", i == NULL ? "" : i->name,
	    p == NULL ? "" : ", ", p == NULL ? "" : p->name,
	    s->ke == 0 ? "" : ", ", s->ke == 0 ? "" : ike_group_name(s->ke),
	    s->esn ? ", ESN" : "");
	return out;
}

void
ike2_ke_put(struct ike2_builder *b, uint16_t group, const struct ike_dh *dh)
{
	ike2_open(b, IKE2_P_KE);
	writer_u16(&b->w, group);
	writer_u16(&b->w, 0);
	writer_put(&b->w, ike_dh_public(dh), ike_group_len(group));
	ike2_close(b);
}
