/* cursor.c - bounded reading and writing of bytes in network order */
#include "config.h"

#include <string.h>

#include "base/cursor.h"

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
