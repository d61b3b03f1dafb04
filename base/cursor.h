/* cursor.h - bounded reading and writing of bytes in network order */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A reader over bytes it does not own.  A read past the end returns zeros and
 * sets bad, which stays set: parse a whole structure, then test bad once.
 */
struct cursor {
	const uint8_t	*p;		/* next byte */
	const uint8_t	*end;		/* one past the last byte */
	bool		 bad;		/* a read went past end */
};

/* network order in, host order out; cursor_u8() and cursor_u16() are below */
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
void	 cursor_copy(struct cursor *c, void *dst, size_t len);

/*
 * A writer into a fixed buffer it does not own.  A write that does not fit
 * writes nothing and sets bad, which stays set: test it once at the end.
 */
struct writer {
	uint8_t	*base;
	size_t	 len;			/* bytes written */
	size_t	 cap;
	bool	 bad;
};

void	 writer_init(struct writer *w, void *buf, size_t cap);
void	 writer_u8(struct writer *w, uint8_t v);
/* host order in, network order out */
void	 writer_u16(struct writer *w, uint16_t v);
void	 writer_u32(struct writer *w, uint32_t v);
void	 writer_u64(struct writer *w, uint64_t v);
void	 writer_put(struct writer *w, const void *src, size_t len);
/* Overwrites two bytes at an offset already written (lengths known late). */
void	 writer_patch_u16(struct writer *w, size_t off, uint16_t v);

/* Unaligned loads and stores in network order, for bytes already
 * bounds-checked; here, as each packet has dozens. */
static inline uint16_t
load_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
load_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t
load_u64(const uint8_t *p)
{
	return (uint64_t)load_u32(p) << 32 | load_u32(p + 4);
}

static inline void
store_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
store_u32(uint8_t *p, uint32_t v)
{
	store_u16(p, (uint16_t)(v >> 16));
	store_u16(p + 2, (uint16_t)v);
}

static inline void
store_u64(uint8_t *p, uint64_t v)
{
	store_u32(p, (uint32_t)(v >> 32));
	store_u32(p + 4, (uint32_t)v);
}

/* What each parameter of a message is read by, a dozen times: here too. */
static inline void
cursor_init(struct cursor *c, const void *buf, size_t len)
{
	c->p = buf;
	c->end = c->p + len;
	c->bad = false;
}

static inline size_t
cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

/* Borrowed pointer to the next len bytes, which are then skipped; NULL
 * and bad if too few. */
static inline const uint8_t *
cursor_take(struct cursor *c, size_t len)
{
	const uint8_t *p = c->p;

	if (c->bad || cursor_left(c) < len) {
		c->bad = true;
		c->p = c->end;
		return NULL;
	}
	c->p += len;
	return p;
}

static inline uint8_t
cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);

	return p == NULL ? 0 : *p;
}

static inline uint16_t
cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 2);

	return p == NULL ? 0 : load_u16(p);
}

/* Splits off the next len bytes as a cursor of their own; an empty,
 * bad one if too few. */
static inline struct cursor
cursor_sub(struct cursor *c, size_t len)
{
	const uint8_t *p = cursor_take(c, len);

	return p == NULL ? (struct cursor){ c->end, c->end, true } :
	    (struct cursor){ p, p + len, false };
}

#endif
