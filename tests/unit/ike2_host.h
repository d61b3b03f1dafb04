/* ike2_host.h - IKEv2 engines for the fake network */
#ifndef TESTS_UNIT_IKE2_HOST_H
#define TESTS_UNIT_IKE2_HOST_H

#include "oe/ike2/ike2.h"
#include "tests/unit/ike_net.h"

/* c NULL: defaults with key and identity filled in. */
struct net_host *ike2_host_add(struct net *net, const char *addr,
	    const char *id, EVP_PKEY *key, const struct ike2_config *c);

/* The peer has lost all that it knew: another engine, without a word. */
void	ike2_host_restart(struct net_host *h, const struct ike2_config *c);

#endif
