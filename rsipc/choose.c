/* choose.c - which gateway: the one of the configuration, the default route's next hop, or one that DNS names */
#include "config.h"

#include <string.h>

#include "base/log.h"
#include "net/rtnl.h"
#include "rsipc/capture.h"
#include "rsipc/choose.h"

static void
on_found(void *arg, const struct dnssd_gateway *g, size_t n)
{
	struct choose *c = arg;
	size_t	       i;

	for (i = c->n = 0; i < n; i++) {
		if (addr_equal(&g[i].addr, &c->hop))
			continue;
		log_info("DNS names an RSIP gateway: %s port %u",
		    ADDR_TEXT(&g[i].addr), g[i].port);
		c->other[c->n++] = g[i];
	}
	c->at = 0;
	if (c->n > 0)
		c->found(c->arg);
}

void
choose_open(struct choose *c, struct event_base *base,
    void (*found)(void *arg), void *arg)
{
	memset(c, 0, sizeof(*c));
	c->found = found;
	c->arg = arg;
	c->discover = discover_new(base, on_found, c);
}

void
choose_close(struct choose *c)
{
	discover_free(c->discover);
	c->discover = NULL;
}

bool
choose_way(struct choose *c, const struct settings *s, struct choose_way *out)
{
	struct addr hop;

	out->gateway = s->gateway;
	out->port = s->port;
	if (!addr_is_set(&s->gateway)) {
		if (rtnl_default_route(AF_INET, &hop, out->link) == -1 ||
		    !addr_is_set(&hop))
			return false;
		if (!addr_equal(&hop, &c->hop)) {
			discover_stop(c->discover);
			c->n = c->at = 0;
			c->asked = 0;
			c->hop = hop;
		}
		out->gateway = hop;
		if (c->at > 0) {
			out->gateway = c->other[c->at - 1].addr;
			out->port = c->other[c->at - 1].port;
		}
	}
	return rtnl_route_get(&out->gateway, CAPTURE_MARK, &out->addr, NULL,
	    out->link) == 0;
}

void
choose_ask(struct choose *c, const struct settings *s, uint64_t now)
{
	if (addr_is_set(&s->gateway) || !s->discover ||
	    (c->asked != 0 && now < c->asked + CHOOSE_ASK_AGAIN))
		return;
	c->asked = now;
	(void)discover_start(c->discover);
}

void
choose_next(struct choose *c)
{
	c->at = c->at < c->n ? c->at + 1 : 0;
}

bool
choose_more(const struct choose *c)
{
	return c->at < c->n;
}
