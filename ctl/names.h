/* names.h - DNS as rsipctl asks it: one question at a time, checked by DNSSEC from the trust anchor on */
#ifndef CTL_NAMES_H
#define CTL_NAMES_H

#include <stdbool.h>

#include "net/validate.h"
#include "oe/rr.h"

struct names;

struct names_config {
	struct addr resolver;		/* none: those of /etc/resolv.conf */
	const char *anchors;		/* file; NULL: as daemons have it */
};

struct names_answer {
	enum validator_verdict verdict;	/* of what was not to be checked:
					 * VALIDATOR_INSECURE */
	bool	 none;			/* there is no such name */
	size_t	 len;			/* of msg; 0: none */
	uint8_t	*msg;			/* good until the next question */
	char	 why[VALIDATOR_WHY_MAX];
};

/* NULL after one log line. */
struct names *names_open(const struct names_config *c);
void	names_close(struct names *n);
/* The resolvers that are asked, in words. */
const char *names_servers(const struct names *n);

/* checked: by DNSSEC; else as the resolver says.  Waits some seconds. */
void	names_ask(struct names *n, const char *name, uint16_t type,
	    bool checked, struct names_answer *out);

/* A name's IPv4 addresses; how many, at most cap. */
size_t	names_addresses(struct names *n, const char *name, struct addr *out,
	    size_t cap);
/*
 * The zone that a name is in, and the name of its primary server, as its SOA
 * record has them (RFC 2136 §4.3).  0, or -1: nobody says.
 */
int	names_zone(struct names *n, const char *name, char zone[RR_NAME_MAX],
	    char primary[RR_NAME_MAX]);

#endif
