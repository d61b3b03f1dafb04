/* offer.c - the different Phase 1 offers that initiators make, each kept once for all of them */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "oe/ike1/offer.h"

/*
 * All hosts of one make offer the same.  Offers of our own make, and those of
 * peers that have proved who they are, are safe from strangers, who may invent
 * as many as they like: these replace each other at random.
 */

static void
offer_free(struct ike1 *e, struct ike1_offer *o)
{
	HASH_DEL(e->by_offer, o);
	e->offers[o->index] = NULL;
	e->noffers--;
	e->nproved -= o->proved;
	free(o);
}

/* A place for one more, a stranger's if need be. */
static unsigned
offer_place(struct ike1 *e)
{
	unsigned i;

	do
		i = random_uniform(IKE1_OFFERS_MAX);
	while (e->offers[i] != NULL && (e->offers[i]->proved ||
	    e->noffers < IKE1_OFFERS_MAX));
	return i;
}

static struct ike1_offer *
offer_find(struct ike1 *e, const uint8_t *body, size_t len, uint8_t digest[32])
{
	struct ike1_offer *o;

	ike_digest(body, len, digest);
	HASH_FIND(hh, e->by_offer, digest, 32, o);
	return o;
}

static struct ike1_offer *
offer_add(struct ike1 *e, const uint8_t *body, size_t len,
    const uint8_t digest[32])
{
	struct ike1_offer *o;
	struct ike1_suite  suite;
	struct writer	  w;
	uint8_t		  answer[IKE1_OFFER_ANSWER_MAX];
	unsigned	  i;

	writer_init(&w, answer, sizeof(answer));
	if (proposal_choose_phase1(body, len, 1u << IKE1_PRESHARED |
	    (e->c.key != NULL ? 1u << IKE1_RSA_SIG : 0), e->c.legacy, &suite,
	    &w) == -1 || w.bad || (o = calloc(1, sizeof(*o) + len)) == NULL)
		return NULL;
	memcpy(o->digest, digest, sizeof(o->digest));
	memcpy(o->answer, answer, w.len);
	o->answer_len = w.len;
	memcpy(o->body, body, len);
	o->len = len;
	o->suite = suite;
	i = offer_place(e);
	if (e->offers[i] != NULL)
		offer_free(e, e->offers[i]);
	o->index = i;
	e->offers[i] = o;
	e->noffers++;
	HASH_ADD(hh, e->by_offer, digest, sizeof(o->digest), o);
	return o;
}

struct ike1_offer *
offer_get(struct ike1 *e, uint64_t now, const uint8_t *body, size_t len)
{
	struct ike1_offer *o;
	uint8_t		  digest[32];

	if ((o = offer_find(e, body, len, digest)) == NULL)
		o = offer_add(e, body, len, digest);
	if (o != NULL)
		o->used = now;
	return o;
}

struct ike1_offer *
offer_at(struct ike1 *e, unsigned index)
{
	return index < IKE1_OFFERS_MAX ? e->offers[index] : NULL;
}

void
offer_prove(struct ike1 *e, uint64_t now, const uint8_t *body, size_t len)
{
	struct ike1_offer *o = offer_get(e, now, body, len), *oldest = NULL;
	unsigned	  i;

	if (o == NULL || o->proved)
		return;
	if (e->nproved >= IKE1_OFFERS_PROVED) {
		for (i = 0; i < IKE1_OFFERS_MAX; i++) {
			if (e->offers[i] != NULL && e->offers[i]->proved &&
			    !e->offers[i]->own && (oldest == NULL ||
			    e->offers[i]->used < oldest->used))
				oldest = e->offers[i];
		}
		if (oldest == NULL)
			return;
		oldest->proved = false;
		e->nproved--;
	}
	o->proved = true;
	e->nproved++;
}

/* What our own make offers, with the lifetime that we would. */
void
offers_init(struct ike1 *e)
{
	static const uint16_t auths[] = { IKE1_RSA_SIG, IKE1_PRESHARED };
	struct ike1_offer     *o;
	struct writer	      w;
	uint8_t		      body[1024];
	unsigned	      i;

	for (i = 0; i < 4; i++) {
		writer_init(&w, body, sizeof(body));
		proposal_offer_phase1(&w, auths[i % 2], i >= 2,
		    e->c.phase1_lifetime);
		if (w.bad || (o = offer_get(e, 0, body, w.len)) == NULL)
			continue;
		o->own = true;
		offer_prove(e, 0, body, w.len);
	}
}

void
offers_free(struct ike1 *e)
{
	struct ike1_offer *o, *next;

	HASH_ITER(hh, e->by_offer, o, next)
		offer_free(e, o);
}
