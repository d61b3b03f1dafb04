/* dns.h - asynchronous look-ups of OE's records, of all resolvers at once */
#ifndef OE_DNS_H
#define OE_DNS_H

#include "oe/record.h"

struct event_base;
struct dns;

#define DNS_PENDING_MAX	4096	/* look-ups under way; more are
				 * answered "time-out" */

/* Who says whether an answer stands up to DNSSEC. */
enum dns_validate {
	DNS_VALIDATE_NO,	/* nobody: no answer is authentic */
	DNS_VALIDATE_RESOLVER,	/* one that is trusted, by its AD bit */
	DNS_VALIDATE_LOCAL,	/* net/validator.h; where that
				 * cannot, the same */
};

struct dns_config {
	const struct addr *servers;	/* at least one, the one
					 * believed first is first */
	size_t	 nservers;
	const struct addr *trusted;	/* whose AD bit counts, beside
					 * servers of this host */
	size_t	 ntrusted;
	enum dns_validate validate;
	unsigned timeout;		/* of the first try, milliseconds;
					 * each next waits twice as long */
	unsigned tries, rsa_min_bits;
};

/* All of c is copied.  NULL after one log line. */
struct dns *dns_new(struct event_base *base, const struct dns_config *c);
/* Look-ups under way are dropped without their call. */
void	dns_free(struct dns *d);
/* Where servers are others, look-ups under way are asked again, of these. */
void	dns_configure(struct dns *d, const struct dns_config *c);

/* Is an AD bit of that server's to be believed? */
bool	dns_config_trusts(const struct dns_config *c,
	    const struct addr *server);

typedef void (*dns_fn)(void *arg, const struct record_answer *a);
/* Calls fn once, never before this returns. The answer is borrowed.  ours: a
 * program of this host waits, not a stranger; sockets are few, and those of
 * strangers wait for half of them. */
void	dns_query(struct dns *d, const char *name, uint16_t type, bool ours,
	    dns_fn fn, void *arg);

#endif
