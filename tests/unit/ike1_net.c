/* ike1_net.c - IKEv1 engines for the fake network */
#include "config.h"

#include "tests/unit/ike1_net.h"

static void *
make_engine(struct net_host *h, const void *config,
    const struct keying_ops *ops)
{
	struct ike1_config c = { .rsa_min_bits = 2048 };

	if (config != NULL)
		c = *(const struct ike1_config *)config;
	c.key = h->key;
	c.my_id = h->id;
	c.spent = net_spent;
	return ike1_new(&c, ops, h);
}

struct net_host *
ike1_host_add(struct net *net, const char *addr, const char *id, EVP_PKEY *key,
    const struct ike1_config *c)
{
	return net_host_add(net, addr, id, key, &ike1_engine, make_engine, c);
}
