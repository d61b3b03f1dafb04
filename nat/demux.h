/* demux.h - which host owns an inbound packet, and what a host may send (RFC 3104 §4, §5; RFC 3103 §7.3, §10.4) */
#ifndef NAT_DEMUX_H
#define NAT_DEMUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/tunnel.h"

/*
 * The one state that the control thread and the packet threads share: one
 * writer (every function not marked "reader"), many readers that never wait.
 * Addresses are in network order, ports and SPIs in host order, times in
 * milliseconds of clock_now().
 */
struct demux;

enum demux_remote { DEMUX_REMOTE_MACRO = 1, DEMUX_REMOTE_MICRO = 2, DEMUX_REMOTE_NONE = 3 };

struct demux_range { uint16_t lo, hi; };

/* What one binding gives to one host.  Pointers are read during the call only. */
struct demux_binding {
	uint32_t client_id;
	uint32_t bind_id;	/* unique with client_id */
	uint32_t host;		/* Xa: where the tunnel ends */
	uint32_t gateway;	/* Na: where it begins */
	enum tunnel_type tunnel;
	uint32_t local;		/* leased address, Nb */
	bool whole;		/* RSA-IP: every port, SPI and cookie of local */
	bool ipsec;		/* IKE from port 500 with learnt or leased cookies allowed */
	bool listen;		/* LISTEN: from remotes not contacted before (§9.16) */
	const struct demux_range *ports;
	size_t nports;
	const uint32_t *spis;	/* host's inbound SPIs, ESP and AH both */
	size_t nspis;
	const uint64_t *cookies;/* negotiated initiator cookies; more are learnt */
	size_t ncookies;
	enum demux_remote remote_policy;
	uint32_t remote;	/* MACRO, MICRO */
	struct demux_range remote_ports;	/* MICRO */
};

/*
 * max_entries bounds leased keys (ports, SPIs, cookies; a binding itself counts
 * one), and half as many again may be learnt.  NULL if memory is out.
 */
struct demux *demux_new(size_t max_entries);
void	demux_free(struct demux *d);

/* Another bound; what is above it stays. */
void	demux_set_max(struct demux *d, size_t max_entries);

/* ESP, AH and IKE that no host owns: the router's own (NOT_OURS) instead of DROP. */
void	demux_set_local_ipsec(struct demux *d, bool on);

/*
 * Once a second or so: takes in what readers learnt, forgets what lay idle,
 * grows the table and frees what no reader can see any more.
 */
void	demux_tick(struct demux *d, uint64_t now);

/*
 * A packet thread (0 .. DEMUX_READERS - 1) calls online before the reader
 * functions and again every batch, and offline before it sleeps: memory is
 * freed only when each thread has been seen outside.  Threads that never run
 * beside the writer (unit tests) need neither.
 */
#define DEMUX_READERS	64
void	demux_online(struct demux *d, unsigned reader);
void	demux_offline(struct demux *d, unsigned reader);

/* Has memory from malloc() that readers may still see freed when none can. */
void	demux_retire(struct demux *d, void *memory);

/*
 * Adds all of a binding or nothing.  Returns 0, or -1 with errno: EEXIST (a
 * key or the ids are taken), ENOSPC (max_entries), ENOMEM.
 */
int	demux_add(struct demux *d, const struct demux_binding *b);
/* Removes a binding with its keys and what was learnt under it; 0, or -1 if absent. */
int	demux_remove(struct demux *d, uint32_t client_id, uint32_t bind_id);

struct demux_usage {
	uint64_t last_used;	/* 0: never */
	uint64_t packets_in, bytes_in, packets_out, bytes_out;
};
/* What passed under a binding; -1 if absent. */
int	demux_usage(const struct demux *d, uint32_t client_id, uint32_t bind_id,
	    struct demux_usage *out);

/*
 * Somebody else who forwards under the bindings (offload.h) hears of them, on
 * the control thread; usage adds what passed there.  Set before the first binding.
 */
struct demux_watcher {
	void (*added)(void *arg, uint32_t client_id, uint32_t bind_id);
	void (*removed)(void *arg, uint32_t client_id, uint32_t bind_id);
	void (*usage)(void *arg, uint32_t client_id, uint32_t bind_id,
	    struct demux_usage *u);
};
void	demux_watch(struct demux *d, const struct demux_watcher *w, void *arg);

/* Everything, for "rsipctl flows": one call a key. kind: "spi" "port" "cookie" "icmp" "peer-spi" "answer". */
struct demux_entry {
	const char *kind;
	uint8_t protocol;	/* 6, 17, 50, 51, 1; 0 where it is not part of the key */
	uint32_t local, host, remote;
	uint64_t key;		/* SPI, cookie, ICMP id << 16 | sequence, ports: lo << 16 | hi,
				 * or of an answer its source << 16 | destination */
	uint32_t client_id, bind_id;
	uint64_t last_used;
};
void	demux_each(const struct demux *d, void (*fn)(void *, const struct demux_entry *), void *arg);

/* Fills how many bindings and keys there are and bytes of memory held. */
void	demux_count(const struct demux *d, size_t *bindings, size_t *keys, size_t *bytes);

enum demux_verdict {
	DEMUX_FORWARD,		/* to *out */
	DEMUX_NOT_OURS,		/* not a leased resource: let the router have it */
	DEMUX_DROP,		/* must not reach anybody (RFC 3104 §5) */
	DEMUX_MISUSE_ADDR,	/* outbound only: §10.4's four cases ... */
	DEMUX_MISUSE_ADDRPORT,
	DEMUX_MISUSE_REMOTE_ADDR,
	DEMUX_MISUSE_REMOTE_ADDRPORT,
	DEMUX_MISUSE_TUNNEL,	/* ... and the wrong tunnel type */
};

struct demux_target {
	uint32_t host, gateway;
	enum tunnel_type tunnel;
	uint32_t client_id, bind_id;
};

/*
 * Reader.  Decides about one packet that came from the public side to a leased
 * address; what stands behind its header is hostile.  Fills out on FORWARD.
 */
enum demux_verdict demux_inbound(struct demux *d, uint64_t now,
	    const struct packet_view *p, struct demux_target *out);

/*
 * Reader that also learns.  Decides about one inner packet, which is no fragment,
 * that host sent through its tunnel; FORWARD means send it to the public side.
 * Learns initiator cookies, ICMP queries and peers' SPIs where the key is new: at
 * once if nobody is writing, else through a queue that the writer drains; the
 * packet that brought it is let through.
 * Fills out (whose it was) on FORWARD and on MISUSE where the host is known.
 */
enum demux_verdict demux_outbound(struct demux *d, uint64_t now, uint32_t host,
	    enum tunnel_type tunnel, const struct packet_view *p,
	    struct demux_target *out);

/* Reader.  Does host hold anything of a leased address? */
bool	demux_holds(struct demux *d, uint32_t host, uint32_t local);

/*
 * A leased port is heard from the private side too (RFC 3103 §9.16.3: packets to
 * a listening port, whoever sends them), and may answer there, and only that.
 * expect: reader that learns; the packet from there that demux_inbound() let
 * through.  expected: reader; is a host's packet the answer to such a one, or an
 * ICMP error about it?
 */
void	demux_expect(struct demux *d, uint64_t now, const struct packet_view *p);
bool	demux_expected(struct demux *d, uint64_t now,
	    const struct packet_view *p);

#endif
