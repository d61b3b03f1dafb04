/* lead.c - packets that may be sealed and opened before the engine sees them: when, and until when */
#include "config.h"

#include "net/ip.h"
#include "oe/connection.h"
#include "oe/lead.h"
#include "oe/pair.h"
#include "oe/pathmtu.h"

/* A lease's packets have more to be asked for than two addresses. */
static bool
shares(const struct core *c)
{
	return c->shell->shares != NULL && c->shell->shares(c->shell_arg);
}

/* Neither flows, nor other hosts, nor other peers have keys of their own there,
 * and nothing is to be changed in a packet. */
static bool
lead_may(const struct connection *conn, const struct sa_pair *p,
    const struct packet_view *v)
{
	const struct spd_entry	*e = conn->spd;
	const struct connection *other;
	const struct sa_pair	*q;

	if (e->policy != SPD_ENCRYPT || e->nshared != 0 ||
	    shares(conn->core) || addr_is_set(&p->inner) ||
	    conn->crossed != NULL || pathmtu_doubts(conn) ||
	    !spd_key_is_of_hosts(&e->key) ||
	    !addr_equal(&e->key.src.addr, &v->src) ||
	    !addr_equal(&e->key.dst.addr, &v->dst))
		return false;
	TAILQ_FOREACH(other, &e->connections, entry) {
		TAILQ_FOREACH(q, &other->pairs, entry) {
			if (other != conn || !pair_is_whole(q))
				return false;
		}
	}
	return true;
}

void
lead_begin(struct connection *conn, struct sa_pair *p,
    const struct packet_view *v, size_t mtu)
{
	struct spd_entry *e = conn->spd;
	struct esp_lead	  lead;

	if (p->unled || e == NULL || e->led != NULL || !lead_may(conn, p, v))
		return;
	lead = (struct esp_lead){ .src = v->src, .dst = v->dst, .mtu = mtu };
	p->unled = !esp_pair_lead(p->esp, &lead);
	if (!p->unled)
		e->led = p->esp;
}
