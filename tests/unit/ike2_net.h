/* ike2_net.h - the two IKEv2 engines with which most tests begin */
#ifndef TESTS_UNIT_IKE2_NET_H
#define TESTS_UNIT_IKE2_NET_H

#include "tests/unit/ike2_host.h"

extern struct net net;
/* x behind its own address, y public: the picture's two ends. */
extern struct net_host *x, *y;
/* c NULL: defaults, for both.  Each fails the test that calls it. */
void	picture2(uint32_t seed, const struct ike2_config *c);
/* x asks y for one pair of SAs, and both have it. */
void	key_up2(void);
/* No SPI is left over. */
void	end_clean2(void);

#endif
