/* ike1_net.h - IKEv1 engines for the fake network */
#ifndef TESTS_UNIT_IKE1_NET_H
#define TESTS_UNIT_IKE1_NET_H

#include "oe/ike1/ike1.h"
#include "tests/unit/ike_net.h"

/* c NULL: defaults with key and identity filled in. */
struct net_host *ike1_host_add(struct net *net, const char *addr,
	    const char *id, EVP_PKEY *key, const struct ike1_config *c);

#endif
