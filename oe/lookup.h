/* lookup.h - DNS questions whose askers may die before the answer */
#ifndef OE_LOOKUP_H
#define OE_LOOKUP_H

#include "oe/core.h"

#define LOOKUPS_MAX	1024	/* DNS questions under way, for each cause */

typedef void (*lookup_fn)(struct core *core, void *owner, unsigned tag,
	    const struct record_answer *a);

/* A DNS question whose asker may die before the answer. */
struct lookup {
	TAILQ_ENTRY(lookup) entry;
	struct core	*core;
	void		*owner;		/* NULL: nobody waits any more */
	enum cause	 cause;
	unsigned	 tag;
	lookup_fn	 fn;
};

/* Asks DNS; fn gets the answer later unless lookups_forget(owner) was called.
 * 0, or -1 at the limit. */
int	lookup_start(struct core *c, enum cause cause, const char *name,
	    uint16_t type, lookup_fn fn, void *owner, unsigned tag);
void	lookups_forget(struct core *c, const void *owner);
/* The records that an identity's key may stand in, of its name; as tags. */
enum { LOOKUP_KEY, LOOKUP_IPSECKEY, LOOKUP_TXT, LOOKUP_KEY_TYPES };
extern const uint16_t lookup_key_types[LOOKUP_KEY_TYPES];
/* Asks for each of them.  How many questions were begun. */
unsigned lookup_keys(struct core *c, enum cause cause, const char *name,
	    lookup_fn fn, void *owner);
/* Name of an identity's KEY: reverse for addresses, forward
 * for FQDN. 0, or -1. */
int	lookup_key_name(const struct keying_id *id,
	    char out[KEYING_NAME_MAX + 1]);

#endif
