/* ike2_net.c - IKEv2 engines for the fake network, and the two with which most tests begin */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/ike2_net.h"

struct net	 net;
struct net_host *x, *y;

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

void
picture2(uint32_t seed, const struct ike2_config *c)
{
	net_init(&net, seed);
	x = ike2_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0), c);
	y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1), c);
}

void
key_up2(void)
{
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->nchildren, 1);
	assert_int_equal(y->nchildren, 1);
	assert_true(net_agree(x, y));
}

void
end_clean2(void)
{
	assert_true(net_end(&net));
}
