/* offload_card.h - eBPF programs at both interfaces' cards (XDP), before those at tc */
#ifndef NAT_OFFLOAD_CARD_H
#define NAT_OFFLOAD_CARD_H

#include "nat/dataplane_config.h"

struct offload;

/* Before the object is loaded: whether its programs for cards are, too. */
void	offload_cards_choose(struct offload *o, enum dataplane_offload where,
	    const char *public_if, const char *private_if);
/* After it: puts them at both cards or at neither; says once why not. */
void	offload_cards_attach(struct offload *o);
/* Each second while packets come: may they send on, as things are now? */
void	offload_cards_look(struct offload *o);
void	offload_cards_close(struct offload *o);

#endif
