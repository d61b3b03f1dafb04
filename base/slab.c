/* slab.c - many records of a few small sizes, without bytes beside each, in memory that goes back to the kernel */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>

#include "base/sanitized.h"
#include "base/slab.h"

#define CHUNK	65536		/* bytes, and what its address is a multiple
				 * of; no page is larger */
#define ALIGN	8
#define SIZES	(SLAB_MAX / ALIGN)

/* A record that was given back, until it is given again. */
struct slab_spare {
	struct slab_spare *next;
};

/* Records follow, of which those up to fresh were given once at least. */
struct slab_chunk {
	LIST_ENTRY(slab_chunk) entry;	/* of those with room */
	struct slab_spare *spare;
	uint32_t used, fresh;		/* records; bytes */
};

/* Records of 64 bytes are not to lie on two cache lines. */
#define FIRST	64
_Static_assert(sizeof(struct slab_chunk) <= FIRST, "a chunk's head");

LIST_HEAD(slab_list, slab_chunk);

struct slab {
	struct slab_list room[SIZES];	/* by size: chunks with room */
	size_t		 bytes;
};

struct slab *
slab_new(void)
{
	return calloc(1, sizeof(struct slab));
}

static void
chunk_free(struct slab *s, struct slab_chunk *c)
{
	LIST_REMOVE(c, entry);
	munmap(c, CHUNK);
	s->bytes -= CHUNK;
}

void
slab_free(struct slab *s)
{
	struct slab_chunk *c;
	size_t		   i;

	for (i = 0; s != NULL && i < SIZES; i++) {
		while ((c = LIST_FIRST(&s->room[i])) != NULL)
			chunk_free(s, c);
	}
	free(s);
}

/* The kernel aligns to pages only: of twice as much one is aligned. */
static struct slab_chunk *
chunk_new(struct slab *s, struct slab_list *room)
{
	struct slab_chunk *c;
	size_t		   before;
	uint8_t		  *p;

	p = mmap(NULL, 2 * (size_t)CHUNK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)p % CHUNK;
	if (before != 0)
		munmap(p, before);
	munmap(p + before + CHUNK, CHUNK - before);
	c = (struct slab_chunk *)(void *)(p + before);
	c->fresh = FIRST;
	LIST_INSERT_HEAD(room, c, entry);
	s->bytes += CHUNK;
	return c;
}

static size_t
rounded(size_t size)
{
	return size == 0 ? ALIGN : (size + ALIGN - 1) / ALIGN * ALIGN;
}

/* Is there nothing more in it? */
static bool
chunk_full(const struct slab_chunk *c, size_t size)
{
	return c->spare == NULL && c->fresh + size > CHUNK;
}

void *
slab_get(struct slab *s, size_t size)
{
	struct slab_chunk *c;
	struct slab_list  *room;
	void		  *record;

	size = rounded(size);
	/* A sanitizer has to see each record by itself. */
	if (SANITIZED || size > SLAB_MAX)
		return calloc(1, size);
	room = &s->room[size / ALIGN - 1];
	if ((c = LIST_FIRST(room)) == NULL &&
	    (c = chunk_new(s, room)) == NULL)
		return NULL;
	if ((record = c->spare) != NULL) {
		c->spare = c->spare->next;
		memset(record, 0, size);
	} else {
		record = (uint8_t *)c + c->fresh;
		c->fresh += (uint32_t)size;
	}
	c->used++;
	if (chunk_full(c, size))
		LIST_REMOVE(c, entry);
	return record;
}

void
slab_put(struct slab *s, void *record, size_t size)
{
	struct slab_chunk *c;
	struct slab_list  *room;
	struct slab_spare *spare = record;

	size = rounded(size);
	if (record == NULL || SANITIZED || size > SLAB_MAX) {
		free(record);
		return;
	}
	room = &s->room[size / ALIGN - 1];
	c = (struct slab_chunk *)(void *)((uint8_t *)record -
	    (uintptr_t)record % CHUNK);
	if (chunk_full(c, size))
		LIST_INSERT_HEAD(room, c, entry);
	spare->next = c->spare;
	c->spare = spare;
	/* The last one stays, so that a record that comes and goes alone costs
	 * no calls of the kernel. */
	if (--c->used == 0 && (LIST_FIRST(room) != c ||
	    LIST_NEXT(c, entry) != NULL))
		chunk_free(s, c);
}

size_t
slab_bytes(const struct slab *s)
{
	return s->bytes;
}
