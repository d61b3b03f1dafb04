/* policy.h - what each host may do: flow policy, leases, limits, secrets (RFC 3103 §7, §10.3) */
#ifndef RSIPD_POLICY_H
#define RSIPD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/binding.h"
#include "net/addr.h"
#include "proto/rsip.h"

#define POLICY_SECRET_MIN	16	/* bytes; less can be guessed */
#define POLICY_SECRET_MAX	256
#define POLICY_REMOTES_MAX	1024	/* of one section */
#define POLICY_ADDRESSES_MAX	256

/* Hosts on the public side that flow policy lets a host contact. */
struct policy_remote {
	struct prefix to;
	struct demux_range ports;	/* 1-65535: any */
};

struct policy_secret {
	uint32_t key_id;
	size_t	 len;
	uint8_t	 secret[POLICY_SECRET_MAX];
};

/* Which members of a section were configured and override what is above it. */
#define POLICY_HAS_REGISTER	0x0001u
#define POLICY_HAS_LOCAL	0x0002u
#define POLICY_HAS_REMOTE	0x0004u
#define POLICY_HAS_LISTEN	0x0008u
#define POLICY_HAS_IPSEC	0x0010u
#define POLICY_HAS_RSA_IP	0x0020u
#define POLICY_HAS_AUTH		0x0040u
#define POLICY_HAS_LEASE	0x0080u
#define POLICY_HAS_LEASE_MAX	0x0100u
#define POLICY_HAS_REGISTRATION	0x0200u
#define POLICY_HAS_BINDINGS	0x0400u
#define POLICY_HAS_PORTS	0x0800u
#define POLICY_HAS_SPIS		0x1000u
#define POLICY_HAS_REMOTES	0x2000u
#define POLICY_HAS_ADDRESSES	0x4000u
#define POLICY_HAS_SECRET	0x8000u
#define POLICY_HAS_TUNNELS	0x10000u

/* Pointers are into the policies this came from. */
struct policy {
	uint32_t has;			/* POLICY_HAS_*; all of them
					 * after policies_find() */
	bool	 may_register;
	uint8_t	 local;			/* enum rsip_local_policy */
	uint8_t	 remote;		/* enum rsip_remote_policy */
	bool	 listen;
	bool	 ipsec;
	bool	 rsa_ip;
	bool	 require_auth;
	bool	 ipip, gre;
	uint32_t lease, lease_max, registration;	/* seconds */
	uint32_t max_bindings, max_ports, max_spis;
	const struct policy_remote *remotes;	/* none: every remote
						 * is allowed */
	size_t	 nremotes;
	const struct addr *addresses;	/* pool addresses it may
					 * have; none: all */
	size_t	 naddresses;
	const struct policy_secret *secret;	/* NULL: none */
};

struct policies;

/* The whole is of the base, which has every member (see POLICY_HAS_*). */
struct policies *policies_new(const struct policy *base);
/* Wipes the secrets. NULL is allowed. */
void	policies_free(struct policies *p);
/*
 * A section for hosts in a prefix; remotes, addresses and the
 * secret are copied.  Returns 0, or -1 with errno: EEXIST, ENOMEM.
 */
int	policies_add(struct policies *p, const struct prefix *hosts,
	    const struct policy *section);
/* What holds for a host: the base, overridden by each section that it is in,
 * the shortest prefix first. */
void	policies_find(const struct policies *p, const struct addr *host,
	    struct policy *out);

/* Is the host in any section? */
bool	policies_name(const struct policies *p, const struct addr *host);

/* May a host with this policy have the pool address, contact the remote (ports
 * in host order; hi 0: any)? */
bool	policy_allows_local(const struct policy *p, const struct addr *addr);
bool	policy_allows_remote(const struct policy *p, const struct addr *addr,
	    struct demux_range ports);

/* Calls fn for the network of each section, and its struct policy. */
void	policies_each(const struct policies *p,
	    void (*fn)(void *arg, const struct prefix *hosts, void *policy),
	    void *arg);

/* Is any section allowed what makes a method or message supported at all? */
bool	policies_any(const struct policies *p,
	    bool (*test)(const struct policy *));

#endif
