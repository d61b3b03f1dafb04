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
