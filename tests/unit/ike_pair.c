/* ike_pair.c - the two engines with which most tests of IKE begin */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/ike_pair.h"

struct net	 net;
struct net_host *x, *y;

void
picture(uint32_t seed, const struct ike1_config *c)
{
	net_init(&net, seed);
	x = ike1_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0), c);
	y = ike1_host_add(&net, "198.51.100.10", "198.51.100.10",
	    net_key(1), c);
}

void
key_up(void)
{
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->nchildren, 1);
	assert_int_equal(y->nchildren, 1);
	assert_true(net_agree(x, y));
}

void
end_clean(void)
{
	assert_true(net_end(&net));
}
