/* classes.c - which class a destination belongs to: prefixes, longest match */
#include "config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "oe/classes.h"

struct class_prefix {
	uint32_t net;		/* host order */
	uint8_t	 plen;
	uint8_t	 class;
	unsigned tunnel;
};

/* One sorted array a prefix length: a look-up is at most 33 binary searches,
 * and happens once a new destination, not once a packet. */
struct classes {
	struct class_prefix *at[33];
	size_t	       n[33];
	size_t	       of_class[OE_CLASS_TUNNEL + 1];
};

struct classes *
classes_new(void)
{
	return xcalloc(1, sizeof(struct classes));
}

void
classes_free(struct classes *p)
{
	unsigned i;

	if (p == NULL)
		return;
	for (i = 0; i <= 32; i++)
		free(p->at[i]);
	free(p);
}

/* Index of the first entry not below net. */
static size_t
lower_bound(const struct class_prefix *a, size_t n, uint32_t net)
{
	size_t lo = 0, mid;

	while (lo < n) {
		mid = lo + (n - lo) / 2;
		if (a[mid].net < net)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

int
classes_add(struct classes *p, uint32_t net, unsigned plen, enum oe_class class,
    unsigned tunnel)
{
	uint32_t       host = ntohl(net);
	struct class_prefix *a;
	size_t	       i;

	i = lower_bound(p->at[plen], p->n[plen], host);
	if (i < p->n[plen] && p->at[plen][i].net == host)
		return p->at[plen][i].class == class ? 1 : -1;
	a = xrealloc(p->at[plen], p->n[plen] + 1, sizeof(*a));
	p->at[plen] = a;
	memmove(a + i + 1, a + i, (p->n[plen] - i) * sizeof(*a));
	a[i] = (struct class_prefix){ host, (uint8_t)plen, (uint8_t)class, tunnel };
	p->n[plen]++;
	p->of_class[class]++;
	return 0;
}

int
classes_find(const struct classes *p, uint32_t addr, struct class_match *m)
{
	uint32_t host = ntohl(addr), net;
	size_t	 i;
	int	 plen;

	for (plen = 32; plen >= 0; plen--) {
		net = plen == 0 ? 0 : host & 0xffffffffu << (32 - plen);
		i = lower_bound(p->at[plen], p->n[plen], net);
		if (i == p->n[plen] || p->at[plen][i].net != net)
			continue;
		m->class = p->at[plen][i].class;
		m->net = htonl(net);
		m->plen = (unsigned)plen;
		m->tunnel = p->at[plen][i].tunnel;
		return 0;
	}
	return -1;
}

size_t
classes_count(const struct classes *p)
{
	size_t	 n = 0;
	unsigned i;

	for (i = 0; i <= 32; i++)
		n += p->n[i];
	return n;
}

bool
classes_has(const struct classes *p, enum oe_class class)
{
	return p->of_class[class] > 0;
}

void
classes_each(const struct classes *p,
    void (*fn)(void *, uint32_t, unsigned, enum oe_class), void *arg)
{
	unsigned plen;
	size_t	 i;

	for (plen = 0; plen <= 32; plen++) {
		for (i = 0; i < p->n[plen]; i++)
			fn(arg, htonl(p->at[plen][i].net), plen,
			    (enum oe_class)p->at[plen][i].class);
	}
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
