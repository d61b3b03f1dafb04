/* resolver.h - IPv4 addresses of names through c-ares on libevent */
#ifndef RSIPD_RESOLVER_H
#define RSIPD_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct resolver;

/* Called once for each name asked, never before resolver_ask() returns; network
 * order, n 0: none. */
typedef void (*resolver_fn)(void *arg, uint64_t ticket, const uint32_t *addrs, size_t n);

/* servers: network order; n 0: those of /etc/resolv.conf.  Reads files: call it
 * before priv_lock().  NULL after one log line. */
struct resolver *resolver_new(struct event_base *base, const uint32_t *servers,
	    size_t n, resolver_fn fn, void *arg);
/* Names under way are dropped without their call. */
void	resolver_free(struct resolver *r);
/* 0, or -1: out of memory. */
int	resolver_ask(struct resolver *r, const char *name, uint64_t ticket);

#endif
