/* reassemble.h - fragments that a host sends through its tunnel made whole, so that its datagrams are judged whole */
#ifndef NAT_REASSEMBLE_H
#define NAT_REASSEMBLE_H

#include "net/ip.h"

/*
 * One packet thread's: all fragments of one host come to the same one.  In any
 * order; what overlaps is forged or broken and ends its datagram (RFC 1858, RFC
 * 5722 §4).  Bounded by REASSEMBLE_MAX datagrams, REASSEMBLE_PER_HOST of one
 * host; the oldest makes room, and what is not whole in time goes.  Pure.
 */
#define REASSEMBLE_MAX		64
#define REASSEMBLE_PER_HOST	8
#define REASSEMBLE_TIME		30000	/* ms */
#define REASSEMBLE_BYTES	65535	/* of a datagram with its header */

struct reassemble;

/* NULL if memory is out. */
struct reassemble *reassemble_new(void);
void	reassemble_free(struct reassemble *r);	/* NULL is allowed */

/*
 * Takes in one fragment of host's at now (ms).  Returns the
 * datagram if it is whole now: header without the marks of a fragment, ECN
 * combined (RFC 3168 §5.3); it stays until the next call.  Else NULL.
 */
const uint8_t *reassemble_add(struct reassemble *r, uint64_t now,
	    const struct addr *host, const struct packet_view *p, size_t *len);

#endif
