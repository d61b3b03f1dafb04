/* classes.c - which class a destination belongs to: prefixes, longest match */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "net/prefixes.h"
#include "oe/classes.h"

/* What a prefix brings with it. */
struct class_value {
	enum oe_class class;
	unsigned      tunnel;
};

/* A look-up happens once a new destination, not once a packet. */
struct classes {
	struct prefixes *prefixes;
	size_t		 of_class[OE_CLASS_TUNNEL + 1];
};

struct classes *
classes_new(void)
{
	struct classes *p = xcalloc(1, sizeof(*p));

	p->prefixes = prefixes_new(sizeof(struct class_value));
	return p;
}

void
classes_free(struct classes *p)
{
	if (p == NULL)
		return;
	prefixes_free(p->prefixes);
	free(p);
}

static struct prefix
prefix_v4(uint32_t net, unsigned plen)
{
	struct addr a = addr_from_v4(net);

	return prefix_of(&a, plen);
}

int
classes_add(struct classes *p, uint32_t net, unsigned plen, enum oe_class class,
    unsigned tunnel)
{
	struct prefix		  prefix = prefix_v4(net, plen);
	struct class_value	  new = { class, tunnel };
	const struct class_value *old;

	if ((old = prefixes_get(p->prefixes, &prefix)) != NULL)
		return old->class == class ? 1 : -1;
	if (prefixes_add(p->prefixes, &prefix, &new) == -1)
		return -1;
	p->of_class[class]++;
	return 0;
}

int
classes_find(const struct classes *p, uint32_t addr, struct class_match *m)
{
	struct addr		  a = addr_from_v4(addr);
	struct prefix		  which;
	const struct class_value *value;

	if ((value = prefixes_find(p->prefixes, &a, &which)) == NULL)
		return -1;
	*m = (struct class_match){ .class = value->class,
		.net = addr_v4(&which.addr), .plen = which.plen,
		.tunnel = value->tunnel };
	return 0;
}

size_t
classes_count(const struct classes *p)
{
	return prefixes_count(p->prefixes);
}

bool
classes_has(const struct classes *p, enum oe_class class)
{
	return p->of_class[class] > 0;
}

struct class_walk {
	void (*fn)(void *, uint32_t, unsigned, enum oe_class);
	void  *arg;
};

static void
class_visit(void *arg, const struct prefix *prefix, void *value)
{
	const struct class_walk *w = arg;

	w->fn(w->arg, addr_v4(&prefix->addr), prefix->plen,
	    ((const struct class_value *)value)->class);
}

void
classes_each(const struct classes *p,
    void (*fn)(void *, uint32_t, unsigned, enum oe_class), void *arg)
{
	struct class_walk w = { fn, arg };

	prefixes_each(p->prefixes, class_visit, &w);
}

const char *
oe_class_name(enum oe_class c)
{
	switch (c) {
	case OE_CLASS_DENY:
		return "deny";
	case OE_CLASS_CLEAR:
		return "always-clear-text";
	case OE_CLASS_PERMISSIVE:
		return "OE-permissive";
	case OE_CLASS_PARANOID:
		return "OE-paranoid";
	case OE_CLASS_TUNNEL:
		return "configured tunnel";
	}
	return "unknown";
}
