/* packet_equal.h - do two views of a packet say the same? */
#ifndef TESTS_UNIT_PACKET_EQUAL_H
#define TESTS_UNIT_PACKET_EQUAL_H

#include "net/ip.h"

static inline bool
packet_equal(const struct packet_view *a, const struct packet_view *b)
{
	return a->data == b->data && a->len == b->len &&
	    a->header == b->header && addr_equal(&a->src, &b->src) &&
	    addr_equal(&a->dst, &b->dst) && a->tos == b->tos &&
	    a->ttl == b->ttl && a->protocol == b->protocol && a->df == b->df &&
	    a->more == b->more && a->frag == b->frag && a->id == b->id &&
	    a->label == b->label;
}

#endif
