/* engine_ike.h - the engine's versions of IKE, and what they ask of the core */
#ifndef OE_ENGINE_IKE_H
#define OE_ENGINE_IKE_H

#include "oe/ike/door.h"

struct core;
struct oe_config;

/* The versions that are wanted, each anew; the first is asked first.  0, or -1
 * after one log line. */
int	engine_ike_begin(struct core *core, struct door *door,
	    const struct oe_config *c);

#endif
