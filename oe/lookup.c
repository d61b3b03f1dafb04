/* lookup.c - DNS questions whose askers may die before the answer */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "oe/core.h"
#include "oe/dns.h"
#include "oe/keying.h"
#include "oe/lookup.h"
#include "oe/record.h"

static void
lookup_answered(void *arg, const struct record_answer *a)
{
	struct lookup *l = arg;

	TAILQ_REMOVE(&l->core->lookups, l, entry);
	l->core->nlookups[l->cause]--;
	l->core->dns_silent = a->status == RECORD_TIMEOUT ?
	    l->core->dns_silent + 1 : 0;
	if (l->owner != NULL)
		l->fn(l->core, l->owner, l->tag, a);
	free(l);
}

int
lookup_start(struct core *c, enum cause cause, const char *name, uint16_t type,
    lookup_fn fn, void *owner, unsigned tag)
{
	struct lookup *l;

	if (c->nlookups[cause] >= LOOKUPS_MAX) {
		c->count.limits++;
		return -1;
	}
	l = xcalloc(1, sizeof(*l));
	l->core = c;
	l->cause = cause;
	l->fn = fn;
	l->owner = owner;
	l->tag = tag;
	TAILQ_INSERT_TAIL(&c->lookups, l, entry);
	c->nlookups[cause]++;
	c->ops->dns_query(c->ops_arg, name, type, cause, lookup_answered, l);
	return 0;
}

const uint16_t lookup_key_types[LOOKUP_KEY_TYPES] = {
	[LOOKUP_KEY] = RECORD_TYPE_KEY,
	[LOOKUP_IPSECKEY] = RECORD_TYPE_IPSECKEY,
	[LOOKUP_TXT] = RECORD_TYPE_TXT,
};

unsigned
lookup_keys(struct core *c, enum cause cause, const char *name,
    lookup_fn fn, void *owner)
{
	unsigned tag, n = 0;

	for (tag = 0; tag < LOOKUP_KEY_TYPES; tag++)
		n += lookup_start(c, cause, name, lookup_key_types[tag], fn,
		    owner, tag) == 0;
	return n;
}

void
lookups_forget(struct core *c, const void *owner)
{
	struct lookup *l;

	TAILQ_FOREACH(l, &c->lookups, entry) {
		if (l->owner == owner)
			l->owner = NULL;
	}
}

int
lookup_key_name(const struct keying_id *id, char out[KEYING_NAME_MAX + 1])
{
	char name[ADDR_REVERSE_MAX];

	switch (id->type) {
	case KEYING_ID_ADDR:
		snprintf(out, KEYING_NAME_MAX + 1, "%s",
		    addr_reverse_name(&id->addr, name));
		return *out != '\0' ? 0 : -1;
	case KEYING_ID_FQDN:
		snprintf(out, KEYING_NAME_MAX + 1, "%s", id->name);
		return 0;
	}
	return -1;
}
