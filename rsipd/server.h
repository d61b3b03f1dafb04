/* server.h - RSIP's sockets: TCP connections and UDP endpoints of hosts (RFC 3103 §5) */
#ifndef RSIPD_SERVER_H
#define RSIPD_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rsipd/gateway.h"

struct event_base;
struct server;

struct server_config {
	const char *ifname;		/* only what comes in here is heard */
	struct addr addr;
	uint16_t port;
	bool	 early;			/* the address may come later */
	size_t	 beside;		/* servers in this process, this
					 * one too: they share its files */
	size_t	 max_connections, max_host_connections, max_endpoints;
};

/* Opens both sockets; NULL after one log line. */
struct server *server_open(struct event_base *base,
	    const struct server_config *c);
void	server_close(struct server *s);
/* Somebody came, spoke, or is registered no more: who is silent is looked for
 * soon. */
void	server_wake(struct server *s, uint64_t now);
/* Requests go to the gateway from now on. */
void	server_start(struct server *s, struct gateway *g);
/* Hears hosts, as from the start on, or hears none: their connections end. */
void	server_set_open(struct server *s, bool open);
/* Another interface or address: hosts' connections
 * end.  -1 after one log line, and all is as it was. */
int	server_move(struct server *s, const char *ifname,
	    const struct addr *addr);
/* For what comes from now on; what is there stays. */
void	server_set_limits(struct server *s, size_t max_connections,
	    size_t max_host_connections, size_t max_endpoints);

/* As gateway_ops.send. */
void	server_send(struct server *s, const struct gateway_peer *to,
	    bool answer,
	    const uint8_t *msg, size_t len);
/* As gateway_ops.probe. */
void	server_probe(struct server *s, uint64_t id);
/* Sends what can be sent at once, before the end. */
void	server_flush(struct server *s);

struct server_counts {
	size_t	 connections, endpoints;
	uint64_t accepted, refused, timed_out, duplicates, foreign;
};
/* What there is, and what has been counted since the start. */
void	server_count(const struct server *s, struct server_counts *out);

#endif
