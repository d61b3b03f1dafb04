/* server_internal.h - what server.c, tcp.c and udp.c know of each other */
#ifndef RSIPD_SERVER_INTERNAL_H
#define RSIPD_SERVER_INTERNAL_H

#include <event2/event.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "base/ratelimit.h"
#include "rsipd/endpoint.h"
#include "rsipd/server.h"

struct inbox;
struct tcp_connection;
struct udp_turn;

struct server {
	struct event_base *base;
	struct server_config config;
	struct gateway *gateway;
	int	 tcp_fd, udp_fd;
	struct listener *listener;	/* has tcp_fd, once
					 * there is a gateway */
	struct inbox *inbox;		/* of udp_fd, from udp_start() on */
	struct udp_turn *turn;		/* answers by UDP that leave together;
					 * NULL: no datagram is read now */
	struct event *udp_event, *tick;	/* tick: while anybody's silence
					 * ends something */
	uint64_t tick_at;		/* UINT64_MAX: not set */
	struct tcp_connection *connections;	/* uthash by id */
	size_t	 nconnections;
	size_t	 files;			/* that connections may use */
	TAILQ_HEAD(, tcp_connection) all;	/* longest there first */
	uint64_t next_id;
	struct endpoints *endpoints;
	struct ratelimit log;
	struct server_counts counts;
	uint8_t	 in[GATEWAY_MESSAGE_MAX];	/* of one connection, while it
						 * is read */
	uint8_t	 out[GATEWAY_MESSAGE_MAX];
};

/* tcp.c: listens; ends all connections; sends, asks and flushes as server.h
 * says; looks for connections whose time is over. */
void	tcp_start(struct server *s);
void	tcp_stop(struct server *s);
void	tcp_send(struct server *s, const struct gateway_peer *to, bool answer,
	    const uint8_t *msg, size_t len);
void	tcp_probe(struct server *s, uint64_t id);
void	tcp_flush(struct server *s);
/* Ends the silent.  When the next will have been silent for too long, as things
 * are; UINT64_MAX: none. */
uint64_t tcp_tick(struct server *s, uint64_t now);

/* udp.c: reads datagrams from now on; an answer, or something unasked. */
void	udp_start(struct server *s);
void	udp_send(struct server *s, const struct gateway_peer *to, bool answer,
	    const uint8_t *msg, size_t len);

#endif
