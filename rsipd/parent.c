/* parent.c - a gateway behind a gateway: what this machine's own rsipc has leased is what we lease on */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/control.h"
#include "base/json.h"
#include "rsipd/parent.h"

#define WAIT_MS	300	/* our hosts wait as long */

static void
add_ports(struct pool_address *a, json_object *ports)
{
	struct demux_range r;
	size_t		   i, n = json_object_array_length(ports);

	for (i = 0; i < n && a->nports < POOL_RANGES_MAX; i++) {
		if (conf_port_range(json_object_get_string(
		    json_object_array_get_idx(ports, i)), &r.lo, &r.hi) == 0)
			a->ports[a->nports++] = r;
	}
}

static void
add_spis(struct pool_address *a, json_object *spis)
{
	unsigned long spi;
	size_t	      i, n = json_object_array_length(spis);

	for (i = 0; i < n && a->nspis < POOL_SPIS_MAX; i++) {
		spi = strtoul(json_object_get_string(
		    json_object_array_get_idx(spis, i)), NULL, 16);
		if (spi >= POOL_SPI_MIN && spi <= UINT32_MAX)
			a->spis[a->nspis++] = (uint32_t)spi;
	}
}

/* One binding; those of another address than the first are left out. */
static void
add_row(struct parent_lease *l, json_object *row)
{
	json_object *address, *ports, *spis, *expires;
	struct addr  a;
	int64_t	     left;

	address = json_member(row, "address", json_type_string);
	ports = json_member(row, "ports", json_type_array);
	spis = json_member(row, "spis", json_type_array);
	expires = json_member(row, "expires", json_type_int);
	if (address == NULL || ports == NULL || spis == NULL ||
	    expires == NULL ||
	    addr_parse(&a, json_object_get_string(address)) == -1 ||
	    a.family != AF_INET ||
	    (addr_is_set(&l->what.addr) && !addr_equal(&l->what.addr, &a)))
		return;
	l->what.addr = a;
	add_ports(&l->what, ports);
	add_spis(&l->what, spis);
	left = json_object_get_int64(expires);
	if (left < 0)
		left = 0;
	if (left < l->expires)
		l->expires = (uint32_t)left;
}

int
parent_ask(const char *path, struct parent_lease *out)
{
	json_object *req = json_object_new_object(), *answer, *rows;
	size_t	     i;

	memset(out, 0, sizeof(*out));
	out->expires = UINT32_MAX;
	out->what.few_spis = true;
	json_object_object_add(req, "command",
	    json_object_new_string("leases"));
	answer = control_ask(path, req, WAIT_MS);
	json_object_put(req);
	if (answer == NULL)
		return -1;
	rows = json_member(answer, "rows", json_type_array);
	for (i = 0; rows != NULL && i < json_object_array_length(rows); i++)
		add_row(out, json_object_array_get_idx(rows, i));
	json_object_put(answer);
	return addr_is_set(&out->what.addr) && out->what.nports != 0 ? 0 : -1;
}

static bool
has_range(const struct pool_address *a, struct demux_range r)
{
	unsigned i;

	for (i = 0; i < a->nports; i++) {
		if (a->ports[i].lo <= r.lo && r.hi <= a->ports[i].hi)
			return true;
	}
	return false;
}

bool
parent_contains(const struct pool_address *now,
    const struct pool_address *before)
{
	size_t	 i, k;
	unsigned r;

	if (!addr_equal(&now->addr, &before->addr))
		return false;
	for (r = 0; r < before->nports; r++) {
		if (!has_range(now, before->ports[r]))
			return false;
	}
	for (i = 0; i < before->nspis; i++) {
		for (k = 0; k < now->nspis && now->spis[k] != before->spis[i];
		    k++)
			;
		if (k == now->nspis)
			return false;
	}
	return true;
}
