/* tick.h - what IKEv1 does because time passes */
#ifndef OE_IKE1_TICK_H
#define OE_IKE1_TICK_H

#include "oe/ike1/table.h"

/* Sets when the next tick is due. */
void	tick_engine(struct ike1 *e, uint64_t now);

#endif
