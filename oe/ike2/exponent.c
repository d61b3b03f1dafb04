/* exponent.c - what IKE_SA_INIT is answered with: an exponent of each group kept ready, another once one is used (RFC 7296 §2.12) */
#include "config.h"

#include <stdlib.h>

#include "oe/ike2/exponent.h"
#include "oe/ike2/offer.h"

/* With which the peers of today begin; others wait for the first who shows a
 * cookie. */
static const uint16_t usual[] = { IKE2_KE_CURVE25519, IKE2_KE_ECP_256 };

/* The place of a group's, or of one that is not there yet; NULL: more groups
 * than we have. */
static struct ike2_exponent **
exponent_place(struct ike2 *e, uint16_t group)
{
	unsigned i;

	for (i = 0; i < IKE2_EXPONENTS; i++) {
		if (e->ready[i] == NULL || e->ready[i]->group == group)
			return &e->ready[i];
	}
	return NULL;
}

bool
ike2_exponent_is_ready(const struct ike2 *e, uint16_t group)
{
	unsigned i;

	for (i = 0; i < IKE2_EXPONENTS && e->ready[i] != NULL; i++) {
		if (e->ready[i]->group == group)
			return true;
	}
	return false;
}

int
ike2_exponent_make(struct ike2 *e, uint16_t group)
{
	struct ike2_exponent **place = exponent_place(e, group);
	struct ike2_exponent  *x;

	if (place == NULL || (x = calloc(1, sizeof(*x))) == NULL)
		return -1;
	if ((x->dh = ike_dh_new(group)) == NULL) {
		free(x);
		return -1;
	}
	x->group = group;
	x->due = IKE_NEVER;
	x->holders = 1;
	ike2_exponent_put(*place);
	*place = x;
	return 0;
}

struct ike2_exponent *
ike2_exponent_get(struct ike2 *e, uint64_t now, uint16_t group)
{
	struct ike2_exponent **place = exponent_place(e, group);

	if (place == NULL || *place == NULL)
		return NULL;
	if ((*place)->due == IKE_NEVER) {
		(*place)->due = now + IKE2_EXPONENT_TIME;
		ike_timer(&e->x, (*place)->due);
	}
	(*place)->holders++;
	return *place;
}

void
ike2_exponent_put(struct ike2_exponent *x)
{
	if (x == NULL || --x->holders != 0)
		return;
	ike_dh_free(x->dh);
	free(x);
}

int
ike2_exponent_derive(struct ike2 *e, struct ike2_exponent *x,
    const uint8_t *peer, size_t len, uint8_t *out)
{
	struct ike2_exponent **place = exponent_place(e, x->group);
	int		       n = ike_dh_derive(x->dh, peer, len, out);

	/* Without another one it stays, else nobody is answered any more. */
	if (n != -1 && place != NULL && *place == x)
		ike2_exponent_make(e, x->group);
	return n;
}

void
ike2_exponents_begin(struct ike2 *e)
{
	unsigned i;

	for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		ike2_exponent_make(e, usual[i]);
}

void
ike2_exponents_tick(struct ike2 *e, uint64_t now)
{
	unsigned i;

	for (i = 0; i < IKE2_EXPONENTS && e->ready[i] != NULL; i++) {
		if (now >= e->ready[i]->due &&
		    ike2_exponent_make(e, e->ready[i]->group) == -1)
			e->ready[i]->due = now + IKE2_EXPONENT_TIME;
		ike_timer(&e->x, e->ready[i]->due);
	}
}

void
ike2_exponents_free(struct ike2 *e)
{
	unsigned i;

	for (i = 0; i < IKE2_EXPONENTS; i++) {
		ike2_exponent_put(e->ready[i]);
		e->ready[i] = NULL;
	}
}
