/* ike2_host.c - IKEv2 engines for the fake network */
#include "config.h"

#include "tests/unit/ike2_host.h"

static const struct keying_ops *net_ops;

static void *
make_engine(struct net_host *h, const void *config,
    const struct keying_ops *ops)
{
	struct ike2_config c = { 0 };

	if (config != NULL)
		c = *(const struct ike2_config *)config;
	net_ops = ops;
	c.key = h->key;
	c.my_id = h->id;
	c.spent = net_spent;
	return ike2_new(&c, ops, h);
}

struct net_host *
ike2_host_add(struct net *n, const char *addr, const char *id, EVP_PKEY *key,
    const struct ike2_config *c)
{
	return net_host_add(n, addr, id, key, &ike2_engine, make_engine, c);
}

void
ike2_host_restart(struct net_host *h, const struct ike2_config *c)
{
	h->engine->free(h->ike);
	h->ike = make_engine(h, c, net_ops);
}
