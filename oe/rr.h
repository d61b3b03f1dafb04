/* rr.h - resource records of a DNS message (RFC 1035 §4.1), whoever sent it */
#ifndef OE_RR_H
#define OE_RR_H

#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

#define RR_NAME_MAX	256	/* as text, with the final NUL */

/* Types that are not OE's own: see oe/record.h. */
#define RR_TYPE_A	1
#define RR_TYPE_CNAME	5
#define RR_TYPE_SOA	6
#define RR_TYPE_PTR	12
#define RR_TYPE_SRV	33

struct rr_message {
	unsigned flags;			/* the header's second word */
	unsigned nanswers, nauthority;
	struct cursor answers;	/* where they begin; the authority's follow */
};
/* Reads header and questions; -1: it is no whole answer. */
int	rr_begin(struct rr_message *m, const uint8_t *msg, size_t len);

/* Reads a possibly compressed name as text: lower case, without a final dot,
 * with '?' for what could be taken for something else.  -1: it is bad. */
int	rr_name(struct cursor *c, const uint8_t *msg, size_t len, char *out);

struct rr {
	char	 owner[RR_NAME_MAX];
	uint16_t type;			/* 0: of another class than IN */
	uint32_t ttl;
	struct cursor data;		/* within the message: names
					 * may be compressed */
};
int	rr_next(struct cursor *c, const uint8_t *msg, size_t len,
	    struct rr *rr);

#endif
