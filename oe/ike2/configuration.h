/* configuration.h - Configuration payloads, as far as they lend addresses (RFC 7296 §2.19, §3.15) */
#ifndef OE_IKE2_CONFIGURATION_H
#define OE_IKE2_CONFIGURATION_H

#include "net/addr.h"
#include "oe/ike2/message.h"

enum ike2_cfg_type {
	IKE2_CFG_REQUEST = 1,
	IKE2_CFG_REPLY = 2,
	IKE2_CFG_SET = 3,
	IKE2_CFG_ACK = 4,
};

struct ike2_cfg {
	uint8_t	    type;
	bool	    v4, v6;		/* an INTERNAL_IPn_ADDRESS is there */
	struct addr addr4, addr6;	/* none: any will do (in a request) */
};

/* A payload's body: the first address of each family; all else is passed over.
 * 0, or -1: malformed. */
int	ike2_cfg_read(struct ike2_cfg *c, const uint8_t *body, size_t len);
void	ike2_cfg_put(struct ike2_builder *b, const struct ike2_cfg *c);

#endif
