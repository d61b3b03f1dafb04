/* ike2_net.c - the two IKEv2 engines with which most tests begin */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/ike2_net.h"

struct net	 net;
struct net_host *x, *y;

void
picture2(uint32_t seed, const struct ike2_config *c)
{
	net_init(&net, seed);
	x = ike2_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0), c);
	y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10",
	    net_key(1), c);
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
