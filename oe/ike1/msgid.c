/* msgid.c - message ids: each is good once in the life of a Phase 1 SA (RFC 2408 §3.1; RFC 2409 §5.5, §5.7) */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "oe/ike1/msgid.h"

/*
 * Keys and IV of an exchange follow from its id, so a message of one that
 * is over verifies as well as it did the first time: by remembering ids alone
 * can a replay be told, or our own message that comes back.  When there are too
 * many to remember, the SA has to be renewed.
 */
#define MSGID_FIRST	32	/* places; doubled when half full */
#define MSGID_RENEW	(IKE1_MSGIDS_MAX / 4 * 3)

uint32_t
msgid_random(void)
{
	uint32_t id;

	do
		random_bytes(&id, sizeof(id));
	while (id == 0);
	return id;
}

/* An Informational may carry a Quick Mode's id (RFC 2408 §3.1, CONNECTED). */
static uint64_t
msgid_value(uint8_t exchange, uint32_t id)
{
	return (uint64_t)exchange << 32 | id;
}

/* The value's place, or the free one where it belongs; size is not 0. */
static uint64_t *
msgid_place(uint64_t *table, unsigned size, uint64_t value)
{
	uint64_t h = value * 0x9e3779b97f4a7c15u >> 32;

	if (size == 0)
		abort();
	while (table[h % size] != 0 && table[h % size] != value)
		h++;
	return &table[h % size];
}

static bool
msgid_grow(struct ike1_msgids *s)
{
	unsigned  size = s->size == 0 ? MSGID_FIRST : 2 * s->size, i;
	uint64_t *table;

	if (2 * (s->n + 1) <= s->size)
		return true;
	if (s->n >= IKE1_MSGIDS_MAX ||
	    (table = calloc(size, sizeof(*table))) == NULL)
		return false;
	for (i = 0; i < s->size; i++) {
		if (s->table[i] != 0)
			*msgid_place(table, size, s->table[i]) = s->table[i];
	}
	free(s->table);
	s->table = table;
	s->size = size;
	return true;
}

bool
msgid_use(struct ike1_sa *sa, uint64_t now, uint8_t exchange, uint32_t id)
{
	struct ike1_msgids *s = &sa->msgids;
	uint64_t	   value = msgid_value(exchange, id), *place;

	if (s->size != 0 && *msgid_place(s->table, s->size, value) == value)
		return false;
	if (s->n >= MSGID_RENEW && sa->state == IKE1_MM_UP &&
	    sa->renew_at > now) {
		sa->renew_at = now;
		ike_timer(&sa->ike->x, now);
	}
	if (!msgid_grow(s))
		return false;
	place = msgid_place(s->table, s->size, value);
	*place = value;
	s->n++;
	return true;
}

uint32_t
msgid_new(struct ike1_sa *sa, uint64_t now, uint8_t exchange)
{
	uint32_t id;
	unsigned tries = 0;

	/* With a full table there is none that is known to be fresh; by
	 * chance it is. */
	do
		id = msgid_random();
	while (!msgid_use(sa, now, exchange, id) && ++tries < 4);
	return id;
}
