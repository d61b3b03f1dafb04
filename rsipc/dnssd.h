/* dnssd.h - RSIP gateways that DNS names for a domain (RFC 2782, RFC 6763): what to ask, and what answers say */
#ifndef RSIPC_DNSSD_H
#define RSIPC_DNSSD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "oe/record.h"
#include "oe/rr.h"

#define DNSSD_SERVICE	"_rsip._tcp"	/* the port is UDP's as well */
#define DNSSD_DOMAINS_MAX 6	/* as resolv.conf(5) has it */
#define DNSSD_ASKS_MAX	24	/* whatever answers make us ask */
#define DNSSD_FOUND_MAX	8

struct dnssd_gateway {
	struct addr addr;
	uint16_t port;			/* host order */
	uint16_t priority, weight;
};

struct dnssd_ask {
	char	 name[RR_NAME_MAX];
	uint16_t type;
	struct dnssd_gateway of;	/* whose address it is */
};

/* Pure: asks[at] is to be asked until at == n, each answered
 * by dnssd_answer(). */
struct dnssd {
	struct dnssd_ask ask[DNSSD_ASKS_MAX];
	size_t	n, at;
	struct dnssd_gateway found[DNSSD_FOUND_MAX];
	size_t	nfound;
};

/* Domains of one resolv.conf line ("search a b", "domain a"), in place of those
 * that were there; false if the line is another one. */
bool	dnssd_domains(const char *line, char out[][RR_NAME_MAX], size_t *n);

/* Makes the list of questions for n domains, the first of
 * which is asked first. */
void	dnssd_begin(struct dnssd *d, char domain[][RR_NAME_MAX], size_t n);
/* The question under way; NULL: there is none any more. */
const struct dnssd_ask *dnssd_next(const struct dnssd *d);
/* The answer to it: RECORD_FAILED if it is none, and others may know better. */
enum record_status dnssd_answer(struct dnssd *d, const uint8_t *msg,
	    size_t len);
/* On to the next question. */
void	dnssd_step(struct dnssd *d);
/* Puts what was found into the order to try it in (RFC 2782): random decides as
 * weights say. */
void	dnssd_order(struct dnssd *d, uint32_t (*random)(uint32_t bound));

#endif
