/* pair.c - a pair of SAs, and which of a connection carries what */
#include "config.h"

#include <stdlib.h>

#include "net/ip.h"
#include "oe/connection.h"
#include "oe/esp/dataplane.h"
#include "oe/pair.h"

bool
pair_is_whole(const struct sa_pair *p)
{
	return p->ours.protocol == 0;
}

bool
pair_takes(const struct sa_pair *p, const uint8_t *pkt,
    const struct ip_info *ip, bool in)
{
	uint16_t sport, dport;

	if (pair_is_whole(p))
		return true;
	if (ip->protocol != p->ours.protocol)
		return false;
	if (p->ours.port == 0 && p->theirs.port == 0)
		return true;
	if (!ip_ports(pkt, ip, &sport, &dport))
		return false;
	return (p->ours.port == 0 || p->ours.port == (in ? dport : sport)) &&
	    (p->theirs.port == 0 || p->theirs.port == (in ? sport : dport));
}

void
pair_free(struct sa_pair *p)
{
	struct core *c = p->connection->core;

	esp_pair_down(p->esp);
	HASH_DEL(c->sad, p);
	HASH_DELETE(hh_out, c->sad_out, p);
	TAILQ_REMOVE(&p->connection->pairs, p, entry);
	if (c->shell->spi_put != NULL)
		c->shell->spi_put(c->shell_arg, p->spi_in);
	free(p);
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
connection_any_pair(const struct connection *conn)
{
	struct sa_pair *p = connection_pair(conn);

	if (p != NULL)
		return p;
	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p->confirmed)
			return p;
	}
	return NULL;
}
