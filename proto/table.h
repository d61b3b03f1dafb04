/* table.h - which parameters each message requires and allows (RFC 3103 §9, RFC 3104 §6.2) */
#ifndef PROTO_TABLE_H
#define PROTO_TABLE_H

#include "proto/rsip.h"

/* A place for a parameter in a message;
 * its bit in rsip_message.has names it. */
struct rsip_slot {
	uint16_t bit;		/* RSIP_HAS_*, none of a
				 * vendor's; 0 ends a list */
	uint8_t	 param;		/* enum rsip_param; tuples:
				 * RSIP_PARAM_INDICATOR */
	bool	 repeat;	/* may stand more than once */
};

#define RSIP_REQUIRED_MAX	10	/* with the end */
#define RSIP_OPTIONAL_MAX	4

struct rsip_layout {
	const char	*name;			/* as RFC 3103 App. B
						 * spells it */
	bool		 response;		/* sent by gateways */
	bool		 may_need_no_ports;	/* zero-length ports
						 * (RFC 3104 §6.2) */
	struct rsip_slot required[RSIP_REQUIRED_MAX];	/* in this order */
	struct rsip_slot optional[RSIP_OPTIONAL_MAX];	/* in any order */
};

/* The layout of a message type, or NULL if there is no such type. */
const struct rsip_layout *rsip_layout(unsigned type);

#endif
