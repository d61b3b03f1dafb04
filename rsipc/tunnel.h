/* tunnel.h - inner packets to and from the gateway: IP-IP (RFC 2003) and GRE (RFC 2784) */
#ifndef RSIPC_TUNNEL_H
#define RSIPC_TUNNEL_H

#include <stdint.h>

#include "net/tunnel.h"
#include "proto/rsip.h"

struct event_base;
struct tunnel;

/* A whole inner IPv4 packet from the other end. */
typedef void (*tunnel_fn)(void *arg, const struct packet_view *p);
/* No more packets for now. */
typedef void (*tunnel_end_fn)(void *arg);

/*
 * Opens the raw sockets (CAP_NET_RAW).  fn takes what comes, too_big what was
 * sent, has DF set and does not fit the path to the gateway (tunnel_mtu() says
 * what does).  NULL after one log line.
 */
struct tunnel *tunnel_new(struct event_base *base, tunnel_fn fn,
	    tunnel_end_fn end, tunnel_fn too_big, void *arg);
void	tunnel_free(struct tunnel *t);

/* The two ends; only packets from remote to local are taken.  Without a remote
 * one nothing goes in or out.  0, or -1 after one log line: packets
 * go out, and may not come in. */
int	tunnel_set(struct tunnel *t, enum rsip_tunnel type,
	    const struct addr *local, const struct addr *remote);

/*
 * Sends one inner packet (copied), which may wait for those that follow until
 * the end of this turn of the event loop: one system call takes many.  0; or -1
 * with errno: ENOTCONN, or EMSGSIZE for what no tunnel takes.
 */
int	tunnel_send(struct tunnel *t, const struct packet_view *p);
/* What tunnel_set() said; false: no remote end, or no IP-IP. */
bool	tunnel_is_ipip(const struct tunnel *t, struct addr *local,
	    struct addr *remote);
/* Largest inner packet the kernel thinks will pass; 0: unknown. */
unsigned tunnel_mtu(const struct tunnel *t);

struct tunnel_counters {
	uint64_t in_packets, in_bytes, out_packets, out_bytes;
	uint64_t in_foreign;		/* from another source
					 * than the gateway */
	uint64_t in_malformed, out_failed;
};
const struct tunnel_counters *tunnel_counters(const struct tunnel *t);

#endif
