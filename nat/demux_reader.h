/* demux_reader.h - when the demux table's readers are inside, so that memory is freed when none can see it */
#ifndef NAT_DEMUX_READER_H
#define NAT_DEMUX_READER_H

#include <stdint.h>

#include "nat/binding.h"

struct demux;
struct demux_entry;

/*
 * A packet thread (0 .. DEMUX_READERS - 1) calls online before the reader
 * functions and again every batch, and offline before it sleeps: memory is
 * freed only when each thread has been seen outside.  Threads that never run
 * beside the writer (unit tests) need neither.
 */
void	demux_online(struct demux *d, unsigned reader);
void	demux_offline(struct demux *d, unsigned reader);

/* Has memory from malloc() that readers may still see freed when none can. */
void	demux_retire(struct demux *d, void *memory);
/* The same with an entry of the table. */
void	demux_retire_entry(struct demux *d, struct demux_entry *e);

/* --- the writer ---------------------------------------------------------- */

/* Since when the reader that is longest inside has been there. */
uint64_t demux_oldest_reader(struct demux *d);
/* Frees what was retired before that. */
void	 demux_reclaim(struct demux *d, uint64_t oldest);
/* An entry that no reader sees. */
void	 demux_entry_free(struct demux *d, struct demux_entry *e);

#endif
