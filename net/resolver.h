/* resolver.h - DNS through c-ares on libevent: addresses of names, whole messages */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

#define RESOLVER_SERVERS_MAX	16
#define RESOLVER_ADDRS_MAX	16
#define RESOLVER_UDP_SIZE	1232	/* EDNS: what crosses every
					 * link unfragmented */

struct event_base;
struct resolver;

struct resolver_options {
	const struct addr *servers;	/* copied */
	size_t	 nservers;		/* 0: those of /etc/resolv.conf */
	unsigned timeout;		/* of the first try, milliseconds;
					 * each next longer */
	unsigned tries;
	uint32_t mark;			/* of the sockets (SO_MARK); 0: none */
	/* Only messages are asked for: none of the host's files says how, and
	 * an answer is one whatever its RCODE is. */
	bool	 messages;
};

struct resolver_answer {
	bool	       timeout;		/* no server said anything */
	const uint8_t *msg;		/* to a message; NULL: none */
	size_t	       len;
	struct addr    addr[RESOLVER_ADDRS_MAX];	/* of a name */
	size_t	       naddrs;
};

/* Called once for each question, never before its resolver_ask_...()
 * returns, nor inside c-ares: the resolver may be freed then.  The
 * answer is borrowed. */
typedef void (*resolver_fn)(void *arg, uint64_t ticket,
	    const struct resolver_answer *a);

/* Reads files unless it is for messages: call it before priv_lock().  NULL
 * after one line for debugging. */
struct resolver *resolver_new(struct event_base *base,
	    const struct resolver_options *o, resolver_fn fn, void *arg);
/* Questions under way are dropped without their call.  NULL is allowed. */
void	resolver_free(struct resolver *r);
/* IPv4 addresses of a name.  0, or -1: out of memory. */
int	resolver_ask_name(struct resolver *r, const char *name,
	    uint64_t ticket);
/* A whole message, sent as it is.  0, or -1: out of memory. */
int	resolver_ask_message(struct resolver *r, const uint8_t *msg, size_t len,
	    uint64_t ticket);

#endif
