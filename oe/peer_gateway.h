/* peer_gateway.h - who may speak for a destination (draft -17 §5) */
#ifndef OE_PEER_GATEWAY_H
#define OE_PEER_GATEWAY_H

#include "oe/connection.h"

#define PEER_GATEWAYS_MAX	4		/* tried one after another
						 * for one destination */

struct peer_gateway {			/* who may speak for a
					 * destination, with what keys */
	struct keying_id id;		/* type 0: whoever proves
					 * one of the keys */
	struct addr	 addr;
	uint16_t	 precedence;
	unsigned	 nkeys;
	struct pubkey	*keys;
};

/* Replaces conn's gateways by those an answer names, strongest first. */
void	peer_gateways_set(struct connection *conn,
	    const struct record_answer *a);
/* The destination itself, whoever answers there. */
void	peer_gateways_blind(struct connection *conn);
void	peer_gateways_clear(struct connection *conn);
/* Adds what a KEY look-up found; drops gateways that have no key at the end. */
void	peer_gateway_add_keys(struct peer_gateway *g,
	    const struct record_answer *a);
void	peer_gateways_drop_unusable(struct connection *conn);
/* Leaves one: the peer that proved itself. */
void	peer_gateways_keep_peer(struct connection *conn,
	    const struct keying_child *k);
bool	peer_gateways_have_key(const struct connection *conn,
	    const struct pubkey *key);

#endif
