/* cursor.c - bounded reading and writing of bytes in network order */
#include "config.h"

#include <string.h>

#include "base/cursor.h"

void
cursor_init(struct cursor *c, const void *buf, size_t len)
{
	c->p = buf;
	c->end = c->p + len;
	c->bad = false;
}

size_t
cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

const uint8_t *
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

uint8_t
cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);

	return p == NULL ? 0 : *p;
}

uint16_t
cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 2);

	return p == NULL ? 0 : load_u16(p);
}

uint32_t
cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	return p == NULL ? 0 : load_u32(p);
}

uint64_t
cursor_u64(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 8);

	return p == NULL ? 0 : load_u64(p);
}

void
cursor_copy(struct cursor *c, void *dst, size_t len)
{
	const uint8_t *p = cursor_take(c, len);

	if (len == 0)
		return;
	if (p == NULL)
		memset(dst, 0, len);
	else
		memcpy(dst, p, len);
}

struct cursor
cursor_sub(struct cursor *c, size_t len)
{
	const uint8_t *p = cursor_take(c, len);

	return p == NULL ? (struct cursor){ c->end, c->end, true } :
	    (struct cursor){ p, p + len, false };
}

void
writer_init(struct writer *w, void *buf, size_t cap)
{
	w->base = buf;
	w->len = 0;
	w->cap = cap;
	w->bad = false;
}

void
writer_put(struct writer *w, const void *src, size_t len)
{
	if (w->bad || w->cap - w->len < len) {
		w->bad = true;
		return;
	}
	if (len != 0)
		memcpy(w->base + w->len, src, len);
	w->len += len;
}

void
writer_u8(struct writer *w, uint8_t v)
{
	writer_put(w, &v, 1);
}

void
writer_u16(struct writer *w, uint16_t v)
{
	uint8_t b[2];

	store_u16(b, v);
	writer_put(w, b, sizeof(b));
}

void
writer_u32(struct writer *w, uint32_t v)
{
	uint8_t b[4];

	store_u32(b, v);
	writer_put(w, b, sizeof(b));
}

void
writer_u64(struct writer *w, uint64_t v)
{
	uint8_t b[8];

	store_u64(b, v);
	writer_put(w, b, sizeof(b));
}

void
writer_patch_u16(struct writer *w, size_t off, uint16_t v)
{
	if (w->bad || off > w->len || w->len - off < 2) {
		w->bad = true;
		return;
	}
	store_u16(w->base + off, v);
}
