/* demux_answer.c - what a host may answer to a neighbour that spoke to its leased port first */
#include "config.h"

#include "nat/demux_answer.h"
#include "nat/demux_key.h"
#include "nat/demux_learn.h"
#include "nat/demux_owner.h"
#include "net/icmp.h"

void
demux_expect(struct demux *d, uint64_t now, const struct packet_view *p)
{
	struct demux_entry *e;
	struct demux_key    k;
	uint16_t	    sport, dport;

	if (p->len < p->header + 8 || !packet_ports(p, &sport, &dport))
		return;
	k = demux_key_answer(p->protocol, &p->dst, dport, &p->src, sport);
	if (demux_find_used(d, &k, now) != NULL)
		return;
	e = demux_port_owner(d, &p->dst, dport);
	if (e != NULL)
		demux_learn(d, &k, e, now);
}

bool
demux_expected(struct demux *d, uint64_t now, const struct packet_view *p)
{
	struct packet_view q;
	struct demux_key   k;
	uint16_t	   sport, dport;

	if (packet_ports(p, &sport, &dport))
		k = demux_key_answer(p->protocol, &p->src, sport, &p->dst,
		    dport);
	else if (icmp_quoted(p, &q) && packet_ports(&q, &sport, &dport))
		k = demux_key_answer(q.protocol, &q.dst, dport, &q.src, sport);
	else
		return false;
	return demux_find_used(d, &k, now) != NULL;
}
