/* mark.h - marks of packets that the data plane has dealt with, for the threads and the rules */
#ifndef NAT_MARK_H
#define NAT_MARK_H

/*
 * Packets that the data plane has dealt with carry a mark: all of them match
 * MARK_OURS under the mask, and the low byte says where they may go.
 */
#define MARK_OURS	0x52000000u
#define MARK_MASK	0xff000000u
#define MARK_HOST	(MARK_OURS | 0)	/* in a tunnel, to a host */
#define MARK_OUT	(MARK_OURS | 1)	/* out of one, to the public side */
#define MARK_ROUTER	(MARK_OURS | 2)	/* out of one, to the router's own
					 * public address: tracked */
#define MARK_ANSWER	(MARK_OURS | 3)	/* out of one, to a neighbour that spoke
					 * to a leased port first */

/* The same as firewalls' rules write them. */
#define MARK_TEXT_OURS		"0x52000000"
#define MARK_TEXT_MASK		"0xff000000"
#define MARK_TEXT_HOST		"0x52000000"
#define MARK_TEXT_OUT		"0x52000001"
#define MARK_TEXT_ROUTER	"0x52000002"
#define MARK_TEXT_ANSWER	"0x52000003"
_Static_assert(MARK_OURS == 0x52000000 && MARK_MASK == 0xff000000 &&
    MARK_HOST == 0x52000000 && MARK_OUT == 0x52000001 &&
    MARK_ROUTER == 0x52000002 && MARK_ANSWER == 0x52000003,
    "the rules and the threads speak of the same marks");

#endif
