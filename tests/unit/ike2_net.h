/* ike2_net.h - IKEv2 engines for the fake network, and the two with which most tests begin */
#ifndef TESTS_UNIT_IKE2_NET_H
#define TESTS_UNIT_IKE2_NET_H

#include "oe/ike2/ike2.h"
#include "tests/unit/ike_net.h"

/* c NULL: defaults with key and identity filled in. */
struct net_host *ike2_host_add(struct net *net, const char *addr,
	    const char *id, EVP_PKEY *key, const struct ike2_config *c);

/* The peer has lost all that it knew: another engine, without a word. */
void	ike2_host_restart(struct net_host *h, const struct ike2_config *c);

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
