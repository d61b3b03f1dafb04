/* dns.h - asynchronous look-ups of OE's records, of all resolvers at once */
#ifndef OE_DNS_H
#define OE_DNS_H

#include "oe/record.h"

struct event_base;
struct dns;

#define DNS_PENDING_MAX	4096	/* look-ups under way; more are
				 * answered "time-out" */

/* servers: at least one, the one believed first is first.
 * timeout: of the first try, milliseconds; each next waits twice as long.
 * NULL after one log line. */
struct dns *dns_new(struct event_base *base, const struct addr *servers,
	    size_t n, unsigned timeout, unsigned tries, unsigned rsa_min_bits);
/* Look-ups under way are dropped without their call. */
void	dns_free(struct dns *d);
/* Other servers and times; look-ups under way are asked again, of these. */
void	dns_configure(struct dns *d, const struct addr *servers, size_t n,
	    unsigned timeout, unsigned tries, unsigned rsa_min_bits);

typedef void (*dns_fn)(void *arg, const struct record_answer *a);
/* Calls fn once, never before this returns. The answer is borrowed.  ours: a
 * program of this host waits, not a stranger; sockets are few, and those of
 * strangers wait for half of them. */
void	dns_query(struct dns *d, const char *name, uint16_t type, bool ours,
	    dns_fn fn, void *arg);

#endif
