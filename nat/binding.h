/* binding.h - what one binding gives to one host, and what passed under it (RFC 3103 §7, §8) */
#ifndef NAT_BINDING_H
#define NAT_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/tunnel.h"

/* Ports and SPIs are in host order, times in milliseconds of clock_now(). */

/* As RFC 3103 §8.11 numbers them. */
enum demux_remote {
	DEMUX_REMOTE_MACRO = 1,
	DEMUX_REMOTE_MICRO = 2,
	DEMUX_REMOTE_NONE = 3
};

/* Packet threads that may look up at once what is bound. */
#define DEMUX_READERS	64

struct demux_range { uint16_t lo, hi; };

/*
 * An address as tables of what is bound have it, the demultiplexer's and the
 * pool's.  What can be bound is IPv4 (demux_add()), and four bytes instead of
 * seventeen keep a slot at half a cache line, and a million bindings in memory.
 * It is made here from what all others speak, and nowhere else; of what is not
 * IPv4 it is 0, which is nobody's.
 */
struct demux_addr {
	uint32_t v4;			/* network order */
};

static inline struct demux_addr
demux_addr_of(const struct addr *a)
{
	return (struct demux_addr){ addr_v4(a) };
}

static inline struct addr
demux_addr_full(struct demux_addr a)
{
	return a.v4 != 0 ? addr_from_v4(a.v4) : (struct addr){ 0 };
}

static inline bool
demux_addr_equal(struct demux_addr a, struct demux_addr b)
{
	return a.v4 == b.v4;
}

/* What one binding gives to one host.  Pointers are read during the call
 * only. */
struct demux_binding {
	uint32_t grantor;	/* which of 256 gateways has the two ids
				 * that follow */
	uint32_t client_id;
	uint32_t bind_id;	/* unique with client_id */
	struct addr host;	/* Xa: where the tunnel ends */
	struct addr gateway;	/* Na: where it begins */
	enum tunnel_type tunnel;
	struct addr local;	/* leased address, Nb */
	bool whole;		/* RSA-IP: every port, SPI and cookie of
				 * local */
	bool ipsec;		/* IKE from port 500 with learnt or leased
				 * cookies allowed */
	bool listen;		/* LISTEN: from remotes not contacted before
				 * (§9.16) */
	const struct demux_range *ports;
	size_t nports;
	const uint32_t *spis;	/* host's inbound SPIs, ESP and AH both */
	size_t nspis;
	const uint64_t *cookies; /* negotiated initiator cookies; more are
				  * learnt */
	size_t ncookies;
	enum demux_remote remote_policy;
	struct addr remote;	/* MACRO, MICRO; none or unspecified: anybody */
	struct demux_range remote_ports;	/* MICRO */
};

struct demux_usage {
	uint64_t last_used;	/* 0: never */
	uint64_t packets_in, bytes_in, packets_out, bytes_out;
};

/*
 * Somebody else who forwards under the bindings (offload.h) hears of them, on
 * the control thread: of what is added when it is, of what is removed before
 * anybody else may get it.  added returns a number, 0 for none, by which it
 * knows the binding and which targets carry; usage adds what passed there.  Set
 * before the first binding.
 */
struct demux_watcher {
	uint32_t (*added)(void *arg, const struct demux_binding *b);
	void (*removed)(void *arg, uint32_t slot,
	    const struct demux_binding *b);
	void (*usage)(void *arg, uint32_t slot, struct demux_usage *u);
};

#endif
