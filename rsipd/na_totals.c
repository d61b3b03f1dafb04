/* na_totals.c - what all gateways of a machine come to together */
#include "config.h"

#include <string.h>

#include "rsipd/na.h"

static void
add_gateway(struct gateway_counts *to, const struct gateway_counts *n)
{
	size_t i;

	to->registrations += n->registrations;
	to->half_open += n->half_open;
	to->bindings += n->bindings;
	to->waiting += n->waiting;
	to->requests += n->requests;
	to->answers += n->answers;
	to->asynchronous += n->asynchronous;
	to->foreign += n->foreign;
	to->unknown += n->unknown;
	to->evicted += n->evicted;
	to->stale += n->stale;
	for (i = 0; i < sizeof(to->errors) / sizeof(to->errors[0]); i++)
		to->errors[i] += n->errors[i];
}

static void
add_server(struct server_counts *to, const struct server_counts *n)
{
	to->connections += n->connections;
	to->endpoints += n->endpoints;
	to->accepted += n->accepted;
	to->refused += n->refused;
	to->timed_out += n->timed_out;
	to->duplicates += n->duplicates;
	to->foreign += n->foreign;
}

static void
add_pool(struct pool_counts *to, const struct pool_counts *n)
{
	to->addresses += n->addresses;
	to->whole += n->whole;
	to->ports += n->ports;
	to->ports_free += n->ports_free;
	to->ports_resting += n->ports_resting;
	to->spis_free += n->spis_free;
	to->spis_leased += n->spis_leased;
	to->spis_resting += n->spis_resting;
	to->bytes += n->bytes;
}

static void
add_store(struct store_counts *to, const struct store_counts *n)
{
	to->records += n->records;
	to->loaded += n->loaded;
	to->writes += n->writes;
	to->failures += n->failures;
	to->behind |= n->behind;
	to->late |= n->late;
}

/* Of several the state of the one that serves, or is the
 * nearest to it; what is amiss with the store is so for all. */
static void
add_shared(struct shared_counts *to, const struct shared_counts *n)
{
	if (n->state > to->state)
		to->state = n->state;
	to->held += n->held;
	to->ours += n->ours;
	if (to->epoch == 0)
		to->epoch = n->epoch;
	to->log += n->log;
	if (n->silent > to->silent)
		to->silent = n->silent;
	to->loads += n->loads;
	to->records += n->records;
	to->writes += n->writes;
	to->failures += n->failures;
	to->refused += n->refused;
	to->lost += n->lost;
	to->underway += n->underway;
}

enum shared_state
na_state(const struct na *n)
{
	struct shared_counts shared;

	if (n->shared == NULL)
		return SHARED_ACTIVE;
	shared_count(n->shared, &shared);
	return shared.state;
}

void
na_total(const struct na *list, size_t n, struct na_totals *out)
{
	struct gateway_counts gateway;
	struct server_counts  server;
	struct pool_counts    pool;
	struct store_counts   store;
	struct shared_counts  shared;
	size_t		      i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < n; i++) {
		gateway_count(list[i].gateway, &gateway);
		add_gateway(&out->gateway, &gateway);
		server_count(list[i].server, &server);
		add_server(&out->server, &server);
		pool_count(gateway_pool(list[i].gateway), &pool);
		add_pool(&out->pool, &pool);
		if (list[i].keep != NULL) {
			store_count(keep_store(list[i].keep), &store);
			add_store(&out->store, &store);
		}
		if (list[i].shared != NULL) {
			shared_count(list[i].shared, &shared);
			add_shared(&out->shared, &shared);
		}
	}
}
