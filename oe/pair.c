/* pair.c - a pair of SAs, and which of a connection carries what */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "net/ip.h"
#include "oe/connection.h"
#include "oe/esp/dataplane.h"
#include "oe/pair.h"

bool
pair_is_whole(const struct sa_pair *p)
{
	return p->ours.n == 1 && p->ours.ts[0].protocol == 0 &&
	    p->theirs.n == 1 && p->theirs.ts[0].protocol == 0;
}

bool
pair_is_flow(const struct sa_pair *p)
{
	return !pair_is_whole(p) && !p->our_blocks && !p->their_blocks;
}

/* later: a fragment that names no ports, for which the first one has
 * decided. */
static bool
side_takes(const struct keying_selectors *side, uint8_t protocol,
    bool has_ports, bool later, uint16_t port)
{
	const struct keying_selector *s;
	unsigned		      i;

	for (i = 0; i < side->n; i++) {
		s = &side->ts[i];
		if (s->protocol != 0 && s->protocol != protocol)
			continue;
		if (keying_selector_port(s) == 0 || later || (has_ports &&
		    port >= s->port_from && port <= s->port_to))
			return true;
	}
	return false;
}

bool
pair_takes(const struct sa_pair *p, const struct packet_view *v, bool in)
{
	uint16_t sport = 0, dport = 0;
	bool	 has_ports, later = v->frag != 0 && !pair_is_flow(p);

	if (pair_is_whole(p))
		return true;
	has_ports = packet_ports(v, &sport, &dport);
	return side_takes(&p->ours, v->protocol, has_ports, later,
	    in ? dport : sport) && side_takes(&p->theirs, v->protocol,
	    has_ports, later, in ? sport : dport);
}

void
pair_free(struct sa_pair *p)
{
	struct core *c = p->connection->core;

	spd_led_end(p->connection->spd);
	esp_pair_down(p->esp);
	HASH_DEL(c->sad, p);
	HASH_DELETE(hh_out, c->sad_out, p);
	TAILQ_REMOVE(&p->connection->pairs, p, entry);
	p->connection->nwhole -= pair_is_whole(p);
	p->connection->nblocks -= p->our_blocks;
	if (c->shell->spi_put != NULL)
		c->shell->spi_put(c->shell_arg, p->spi_in);
	free(p);
}

struct sa_pair *
pair_by_spi_out(const struct core *c, const struct addr *dst, uint32_t spi)
{
	struct sa_pair   *p;
	struct sa_out_key key;

	memset(&key, 0, sizeof(key));
	key.dst = *dst;
	key.spi = spi;
	HASH_FIND(hh_out, c->sad_out, &key, sizeof(key), p);
	return p;
}

struct sa_pair *
connection_pair(const struct connection *conn)
{
	struct sa_pair *p;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p->confirmed && pair_is_whole(p))
			return p;
	}
	return NULL;
}

struct sa_pair *
connection_carrier(const struct connection *conn)
{
	struct sa_pair *p = connection_pair(conn);

	if (p != NULL)
		return p;
	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p->confirmed && p->our_blocks)
			return p;
	}
	return NULL;
}

struct sa_pair *
connection_any_pair(const struct connection *conn)
{
	struct sa_pair *p = connection_carrier(conn);

	if (p != NULL)
		return p;
	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p->confirmed)
			return p;
	}
	return NULL;
}
