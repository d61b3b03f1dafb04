/* demux_reader.c - when the demux table's readers are inside, so that memory is freed when none can see it */
#include "config.h"

#include <stdlib.h>

#include "base/slab.h"
#include "nat/demux_reader.h"
#include "nat/demux_table.h"

void
demux_online(struct demux *d, unsigned reader)
{
	uint64_t epoch;

	epoch = atomic_load_explicit(&d->epoch, memory_order_acquire);
	/* What the last batch read is read before the writer may free it. */
	atomic_store_explicit(&d->readers[reader].epoch, epoch,
	    memory_order_release);
	/* Either the writer sees us inside or we see what it unlinked. */
	atomic_thread_fence(memory_order_seq_cst);
}

void
demux_offline(struct demux *d, unsigned reader)
{
	atomic_store_explicit(&d->readers[reader].epoch, 0,
	    memory_order_release);
}

static void
retire(struct demux *d, void *memory, struct demux_entry *e)
{
	struct demux_retired *r;

	r = slab_get(d->slab, sizeof(*r));
	if (r == NULL)
		return;		/* a leak is better than a fault */
	atomic_thread_fence(memory_order_seq_cst);
	r->memory = memory;
	r->entry = e;
	r->epoch = atomic_fetch_add(&d->epoch, 1) + 1;
	STAILQ_INSERT_TAIL(&d->retired, r, next);
}

void
demux_retire(struct demux *d, void *memory)
{
	retire(d, memory, NULL);
}

void
demux_retire_entry(struct demux *d, struct demux_entry *e)
{
	retire(d, NULL, e);
}

void
demux_entry_free(struct demux *d, struct demux_entry *e)
{
	if (e == NULL)
		return;
	free(atomic_load(&e->passed));
	free(e->taught);
	slab_put(d->slab, e, demux_entry_size(e));
}

uint64_t
demux_oldest_reader(struct demux *d)
{
	uint64_t oldest = UINT64_MAX, e;

	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < DEMUX_READERS; i++) {
		e = atomic_load_explicit(&d->readers[i].epoch,
		    memory_order_acquire);
		if (e != 0 && e < oldest)
			oldest = e;
	}
	return oldest;
}

void
demux_reclaim(struct demux *d, uint64_t oldest)
{
	struct demux_retired *r;

	while ((r = STAILQ_FIRST(&d->retired)) != NULL && r->epoch <= oldest) {
		STAILQ_REMOVE_HEAD(&d->retired, next);
		free(r->memory);
		demux_entry_free(d, r->entry);
		slab_put(d->slab, r, sizeof(*r));
	}
}
