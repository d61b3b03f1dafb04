/* demux_ids.h - a binding of the demux table by its ids, for tests: each look-up walks the table */
#ifndef TESTS_UNIT_DEMUX_IDS_H
#define TESTS_UNIT_DEMUX_IDS_H

#include "nat/demux.h"
#include "nat/demux_hash.h"
#include "nat/demux_learn.h"

/* NULL: there is none. */
static inline struct demux_entry *
demux_of_ids(struct demux *d, uint32_t grantor, uint32_t client_id,
    uint32_t bind_id)
{
	struct demux_table *t;
	struct demux_entry *e = NULL;
	size_t		    i;

	demux_lock(d);
	t = atomic_load(&d->table);
	for (i = 0; i < t->nslots && e == NULL; i++) {
		e = demux_slot_owner(&t->slots[i], DEMUX_KIND_HOST);
		while (e != NULL && (e->grantor != grantor ||
		    e->client_id != client_id || e->bind_id != bind_id))
			e = atomic_load(&e->next_of_host);
	}
	demux_unlock(d);
	return e;
}

/* 0, or -1: there is none. */
static inline int
demux_remove_ids(struct demux *d, uint32_t grantor, uint32_t client_id,
    uint32_t bind_id)
{
	struct demux_entry *e = demux_of_ids(d, grantor, client_id, bind_id);

	if (e == NULL)
		return -1;
	demux_remove(d, e);
	return 0;
}

static inline int
demux_usage_ids(struct demux *d, uint32_t grantor, uint32_t client_id,
    uint32_t bind_id, struct demux_usage *out)
{
	struct demux_entry *e = demux_of_ids(d, grantor, client_id, bind_id);

	if (e == NULL)
		return -1;
	demux_usage(d, e, out);
	return 0;
}

#endif
