/* slab.h - many records of a few small sizes, without bytes beside each, in memory that goes back to the kernel */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>

#define SLAB_MAX	256	/* bytes; larger records are malloc()'s */

/* For one thread at a time. */
struct slab;

/* NULL: out of memory. */
struct slab *slab_new(void);
/* Every record has been given back; NULL is allowed. */
void	 slab_free(struct slab *s);

/* A record of zeroes, aligned to 8 bytes; NULL: out of memory. */
void	*slab_get(struct slab *s, size_t size);
/* Gives one of that size back; NULL is allowed. */
void	 slab_put(struct slab *s, void *record, size_t size);

/* Bytes taken from the kernel. */
size_t	 slab_bytes(const struct slab *s);

#endif
