/* door.h - several versions of IKE as one engine */
#ifndef OE_IKE_DOOR_H
#define OE_IKE_DOOR_H

#include "oe/keying.h"

/*
 * A datagram goes to an engine by the version in its header, an answer by the
 * version in its token, a request to the version that it names or else to the
 * engine that came first; what is said about a connection goes to all, as one
 * may have SAs of both.
 */
struct door;
extern const struct keying_engine door_engine;	/* e is a struct door * */

/* No engines yet: nothing happens, requests are refused. */
struct door *door_new(void);
/*
 * e becomes the door's.  It takes the place of the engine of the same version,
 * if there is one, which is shut down (peers are told) and freed.
 */
void	door_set(struct door *d, uint64_t now,
	    const struct keying_engine *engine, void *e);
/* A version that is not spoken any more: its engine, if there is one, is
 * shut down and freed. */
void	door_close(struct door *d, uint64_t now, unsigned version);

/* Tokens of an engine of this version begin with this one and count on. */
#define DOOR_TOKEN(version)	((uint64_t)(version) << 56)

#endif
