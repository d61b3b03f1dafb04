/* prefixes.c - a table of prefixes of both families, longest match */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "net/prefixes.h"

#define FAMILIES	2
#define LENGTHS		129

/* Addresses of one length, sorted, and beside them their values. */
struct prefixes_length {
	uint8_t (*bytes)[16];
	uint8_t	 *values;
	size_t	  n, cap;
};

/* A look-up is a binary search for each length that there is. */
struct prefixes {
	size_t		       value_size, n;
	struct prefixes_length length[FAMILIES][LENGTHS];
};

static const int families[FAMILIES] = { AF_INET, AF_INET6 };

/* Where a family's lengths stand; -1 of none. */
static int
family_index(int family)
{
	return family == AF_INET ? 0 : family == AF_INET6 ? 1 : -1;
}

struct prefixes *
prefixes_new(size_t value_size)
{
	struct prefixes *p = xcalloc(1, sizeof(*p));

	p->value_size = value_size;
	return p;
}

void
prefixes_free(struct prefixes *p)
{
	unsigned f, plen;

	if (p == NULL)
		return;
	for (f = 0; f < FAMILIES; f++) {
		for (plen = 0; plen < LENGTHS; plen++) {
			free(p->length[f][plen].bytes);
			free(p->length[f][plen].values);
		}
	}
	free(p);
}

/* Index of the first address not below that one. */
static size_t
lower_bound(const struct prefixes_length *l, const uint8_t bytes[16])
{
	size_t lo = 0, hi = l->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (memcmp(l->bytes[mid], bytes, 16) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
length_has(const struct prefixes_length *l, size_t i, const uint8_t bytes[16])
{
	return i < l->n && memcmp(l->bytes[i], bytes, 16) == 0;
}

static void
length_grow(struct prefixes_length *l, size_t value_size)
{
	if (l->n < l->cap)
		return;
	l->cap = l->cap == 0 ? 4 : l->cap * 2;
	l->bytes = xrealloc(l->bytes, l->cap, sizeof(*l->bytes));
	l->values = xrealloc(l->values, l->cap, value_size);
}

int
prefixes_add(struct prefixes *p, const struct prefix *prefix,
    const void *value)
{
	int	      f = family_index(prefix->addr.family);
	struct prefix cut = prefix_of(&prefix->addr, prefix->plen);
	struct prefixes_length *l;
	size_t	      i;

	if (f == -1) {
		errno = EINVAL;
		return -1;
	}
	l = &p->length[f][cut.plen];
	i = lower_bound(l, cut.addr.bytes);
	if (length_has(l, i, cut.addr.bytes)) {
		errno = EEXIST;
		return -1;
	}
	length_grow(l, p->value_size);
	memmove(l->bytes + i + 1, l->bytes + i,
	    (l->n - i) * sizeof(*l->bytes));
	memmove(l->values + (i + 1) * p->value_size,
	    l->values + i * p->value_size, (l->n - i) * p->value_size);
	memcpy(l->bytes[i], cut.addr.bytes, 16);
	memcpy(l->values + i * p->value_size, value, p->value_size);
	l->n++;
	p->n++;
	return 0;
}

size_t
prefixes_count(const struct prefixes *p)
{
	return p->n;
}

/* Most lengths have no prefix, and cost nothing more than this. */
static bool
has_length(const struct prefixes *p, int family, unsigned plen)
{
	int f = family_index(family);

	return f != -1 && p->length[f][plen].n != 0;
}

void *
prefixes_get(const struct prefixes *p, const struct prefix *prefix)
{
	int		family = prefix->addr.family;
	unsigned	bits = addr_bits(family);
	unsigned	plen = prefix->plen < bits ? prefix->plen : bits;
	struct prefix	cut;
	const struct prefixes_length *l;
	size_t		i;

	if (!has_length(p, family, plen))
		return NULL;
	cut = prefix_of(&prefix->addr, plen);
	l = &p->length[family_index(family)][plen];
	i = lower_bound(l, cut.addr.bytes);
	return length_has(l, i, cut.addr.bytes) ?
	    l->values + i * p->value_size : NULL;
}

void *
prefixes_find(const struct prefixes *p, const struct addr *a,
    struct prefix *which)
{
	int	      plen = (int)addr_bits(a->family);
	struct prefix cut;
	void	     *value;

	for (; addr_is_set(a) && plen >= 0; plen--) {
		cut = (struct prefix){ *a, (uint8_t)plen };
		if ((value = prefixes_get(p, &cut)) == NULL)
			continue;
		if (which != NULL)
			*which = prefix_of(a, (unsigned)plen);
		return value;
	}
	return NULL;
}

void
prefixes_holding(const struct prefixes *p, const struct addr *a,
    prefixes_fn fn, void *arg)
{
	unsigned      plen;
	struct prefix cut;
	void	     *value;

	for (plen = 0; plen <= addr_bits(a->family); plen++) {
		if (!has_length(p, a->family, plen))
			continue;
		cut = prefix_of(a, plen);
		if ((value = prefixes_get(p, &cut)) != NULL)
			fn(arg, &cut, value);
	}
}

void
prefixes_each(const struct prefixes *p, prefixes_fn fn, void *arg)
{
	const struct prefixes_length *l;
	struct prefix		      prefix;
	unsigned		      f, plen;
	size_t			      i;

	for (f = 0; f < FAMILIES; f++) {
		for (plen = 0; plen < LENGTHS; plen++) {
			l = &p->length[f][plen];
			for (i = 0; i < l->n; i++) {
				prefix.addr = addr_from_bytes(families[f],
				    l->bytes[i]);
				prefix.plen = (uint8_t)plen;
				fn(arg, &prefix, l->values + i * p->value_size);
			}
		}
	}
}
