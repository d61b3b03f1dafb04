/* ike_pair.h - the two engines with which most tests of IKE begin */
#ifndef TESTS_UNIT_IKE_PAIR_H
#define TESTS_UNIT_IKE_PAIR_H

#include "tests/unit/ike1_net.h"

extern struct net net;
/* x behind its own address, y public: the picture's two ends. */
extern struct net_host *x, *y;

/* c NULL: defaults.  Each fails the test that calls it. */
void	picture(uint32_t seed, const struct ike1_config *c);
/* x asks y for one pair of SAs, and both have it. */
void	key_up(void);
/* No SPI is left over. */
void	end_clean(void);

#endif
