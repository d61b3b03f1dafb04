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

int
classes_add(struct classes *c, const struct prefix *p, enum oe_class class,
    unsigned tunnel)
{
	struct class_value	  new = { class, tunnel };
	const struct class_value *old;

	if ((old = prefixes_get(c->prefixes, p)) != NULL)
		return old->class == class ? 1 : -1;
	if (prefixes_add(c->prefixes, p, &new) == -1)
		return -1;
	c->of_class[class]++;
	return 0;
}

int
classes_find(const struct classes *c, const struct addr *addr,
    struct class_match *m)
{
	const struct class_value *value;

	if ((value = prefixes_find(c->prefixes, addr, &m->prefix)) == NULL)
		return -1;
	m->class = value->class;
	m->tunnel = value->tunnel;
	return 0;
}

size_t
classes_count(const struct classes *c)
{
	return prefixes_count(c->prefixes);
}

bool
classes_has(const struct classes *c, enum oe_class class)
{
	return c->of_class[class] > 0;
}

struct class_walk {
	classes_fn fn;
	void	  *arg;
};

static void
class_visit(void *arg, const struct prefix *p, void *value)
{
	const struct class_walk *w = arg;

	w->fn(w->arg, p, ((const struct class_value *)value)->class);
}

void
classes_each(const struct classes *c, classes_fn fn, void *arg)
{
	struct class_walk w = { fn, arg };

	prefixes_each(c->prefixes, class_visit, &w);
}

const char *
oe_class_name(enum oe_class c)
{
	static const char *const names[] = { [OE_CLASS_DENY] = "deny",
		[OE_CLASS_CLEAR] = "always-clear-text",
		[OE_CLASS_PERMISSIVE] = "OE-permissive",
		[OE_CLASS_PARANOID] = "OE-paranoid",
		[OE_CLASS_TUNNEL] = "configured tunnel" };

	return names[c];
}
