/* replay.c - the anti-replay window of an inbound SA (RFC 4303 §3.4.3, RFC 6479's layout) */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "oe/esp/replay.h"

int
esp_replay_init(struct esp_replay *r, uint32_t window, bool esn)
{
	uint32_t words = 2;

	memset(r, 0, sizeof(*r));
	if (window == 0)
		window = ESP_REPLAY_DEFAULT;
	if (window > ESP_REPLAY_MAX)
		window = ESP_REPLAY_MAX;
	while ((words - 1) * 64 < window)
		words *= 2;
	if ((r->bits = calloc(words, sizeof(*r->bits))) == NULL)
		return -1;
	r->words = words;
	r->window = (words - 1) * 64;
	r->esn = esn;
	return 0;
}

void
esp_replay_free(struct esp_replay *r)
{
	free(r->bits);
	r->bits = NULL;
}

bool
esp_replay_check(const struct esp_replay *r, uint32_t low, uint64_t *seq)
{
	uint64_t high, bottom;
	uint32_t top_low = (uint32_t)r->top;

	if (!r->esn) {
		*seq = low;
	} else {
		high = r->top >> 32;
		bottom = (uint32_t)(top_low - (r->window - 1));
		if (top_low >= r->window - 1) {
			/* The window lies in one subspace:
			 * below it is the next. */
			if (low < bottom)
				high++;
		} else if (low >= bottom && high > 0) {
			/* The window spans two subspaces: above its bottom
			 * is the one before. */
			high--;
		}
		*seq = high << 32 | low;
	}
	/* The first packet has number 1 (RFC 4303 §2.2). */
	if (*seq == 0)
		return false;
	if (*seq > r->top)
		return true;
	if (r->top - *seq >= r->window)
		return false;
	return !(r->bits[*seq / 64 & (r->words - 1)] >> (*seq % 64) & 1);
}

void
esp_replay_update(struct esp_replay *r, uint64_t seq)
{
	uint64_t word, n;

	if (seq > r->top) {
		/* Words that the top enters for the first time
		 * hold old numbers. */
		n = seq / 64 - r->top / 64;
		if (n > r->words)
			n = r->words;
		for (word = seq / 64; n > 0; n--, word--)
			r->bits[word & (r->words - 1)] = 0;
		r->top = seq;
	}
	r->bits[seq / 64 & (r->words - 1)] |= 1ull << (seq % 64);
}

uint64_t
esp_replay_top(const struct esp_replay *r)
{
	return r->top;
}
