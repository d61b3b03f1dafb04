/* rules_put.c - what of a leased address comes to the queues, in either firewall's words */
#include "config.h"

#include "nat/rules_put.h"

static void
put(FILE *f, const struct rules_plan *p, const struct rules_words *w,
    const char *addr, enum rules_kind kind, const struct demux_range *ports,
    bool bypass)
{
	for (size_t i = 0; i < 3 && w->of[kind][i] != NULL; i++) {
		fprintf(f, "%s%s%s", w->to, addr, w->of[kind][i]);
		if (ports != NULL)
			fprintf(f, "%u%c%u", ports->lo, w->dash, ports->hi);
		w->queue(f, p, bypass);
	}
}

static void
put_local(FILE *f, const struct rules_plan *p,
    const struct dataplane_pool *pool, const struct rules_words *w)
{
	const char *addr = ADDR_TEXT(&pool->addr);

	put(f, p, w, addr, RULES_IPSEC, NULL, p->config->local_ipsec);
	put(f, p, w, addr, RULES_NATT, NULL, true);
	for (unsigned i = 0; i < pool->nports; i++)
		put(f, p, w, addr, RULES_PORTS, &pool->ports[i],
		    p->config->linger == 0);
	put(f, p, w, addr, RULES_ICMP, NULL, true);
}

void
rules_put_pool(FILE *f, const struct rules_plan *p,
    const struct dataplane_pool *pool, const struct rules_words *w)
{
	if (!pool->local)
		put(f, p, w, ADDR_TEXT(&pool->addr), RULES_ALL, NULL, false);
	else if (!p->away)
		put_local(f, p, pool, w);
}

void
rules_put_away(FILE *f, const struct rules_plan *p,
    const struct dataplane_pool *pool, const struct rules_words *w)
{
	if (pool->local && p->away)
		put_local(f, p, pool, w);
}

void
rules_put_each(FILE *f, const char *before, const struct prefix *list, size_t n,
    const char *after)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s%s\n", before, PREFIX_TEXT(&list[i]), after);
}
