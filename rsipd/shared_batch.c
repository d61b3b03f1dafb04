/* shared_batch.c - changes on their way to the store that gateways share, as arguments of write.lua */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rsipd/shared_batch.h"

static int
add_word(struct shared_batch *b, const void *word, size_t len)
{
	uint8_t *more;
	size_t	 room = b->room == 0 ? 4096 : b->room;

	while (room - b->len < len)
		room *= 2;
	if (room != b->room) {
		if (room > UINT32_MAX || (more = realloc(b->bytes, room)) ==
		    NULL)
			return -1;
		b->bytes = more;
		b->room = room;
	}
	if (len != 0)
		memcpy(b->bytes + b->len, word, len);
	b->len += len;
	b->word[b->nwords++] = (uint32_t)b->len;
	return 0;
}

int
shared_batch_add(struct shared_batch *b, char kind, const struct addr *a,
    const char *key, uint64_t ms, const void *record, size_t len)
{
	size_t	    before = b->len, words = b->nwords;
	const char *local = ADDR_TEXT(a);
	char	    time[24];

	if (b->changes == SHARED_BATCH_MAX)
		return -1;
	snprintf(time, sizeof(time), "%" PRIu64, ms);
	if (add_word(b, &kind, 1) == -1 ||
	    add_word(b, local, strlen(local)) == -1 ||
	    add_word(b, key, strlen(key)) == -1 ||
	    add_word(b, time, strlen(time)) == -1 ||
	    add_word(b, record, len) == -1) {
		b->len = before;
		b->nwords = words;
		return -1;
	}
	b->changes++;
	b->grants = b->grants || kind == 'G';
	return 0;
}

static bool
is_end(char kind)
{
	return kind == 'F' || kind == 'f' || kind == 'D' || kind == 'd';
}

void
shared_batch_strip(struct shared_batch *b)
{
	size_t	 i, k, words = b->nwords, len;
	uint32_t start = 0, end;

	b->nwords = b->changes = b->len = 0;
	b->grants = false;
	for (i = 0; i < words; i += SHARED_BATCH_WORDS) {
		end = b->word[i + SHARED_BATCH_WORDS - 1];
		if (is_end((char)b->bytes[start])) {
			len = b->len;
			memmove(b->bytes + len, b->bytes + start, end - start);
			b->len += end - start;
			for (k = 0; k < SHARED_BATCH_WORDS; k++)
				b->word[b->nwords++] = (uint32_t)len +
				    b->word[i + k] - start;
			b->changes++;
		}
		start = end;
	}
}

void
shared_batch_words(const struct shared_batch *b, const char **argv, size_t *len)
{
	uint32_t start = 0;
	size_t	 i;

	for (i = 0; i < b->nwords; i++) {
		argv[i] = (const char *)b->bytes + start;
		len[i] = b->word[i] - start;
		start = b->word[i];
	}
}

void
shared_batch_free(struct shared_batch *b)
{
	if (b == NULL)
		return;
	free(b->bytes);
	free(b);
}
