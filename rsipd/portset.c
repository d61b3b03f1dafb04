/* portset.c - a set of ports in which any one and any run of n is found in O(log n) */
#include "config.h"

#include "rsipd/portset.h"

#define WORD_BITS 64u

/* Of the ones in a word, which are not 64. */
static unsigned
longest_run(uint64_t w)
{
	uint64_t ends[6], longer;	/* ends[i]: of runs of 2^i at least */
	unsigned i, n;

	if (w == 0)
		return 0;
	ends[0] = w;
	for (i = 0; i < 5 && (w = ends[i] & ends[i] << (1u << i)) != 0; i++)
		ends[i + 1] = w;
	w = ends[i];
	n = 1u << i;
	while (i-- > 0) {
		if ((longer = w & ends[i] << n) == 0)
			continue;
		w = longer;
		n += 1u << i;
	}
	return n;
}

/* Where the k-th one of a word is, which has more than k. */
static unsigned
nth_one(uint64_t w, unsigned k)
{
	uint64_t n;
	unsigned at = 0;

	/* Of each byte the ones in it and in those below. */
	n = w - (w >> 1 & UINT64_C(0x5555555555555555));
	n = (n & UINT64_C(0x3333333333333333)) +
	    (n >> 2 & UINT64_C(0x3333333333333333));
	n = ((n + (n >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f)) *
	    UINT64_C(0x0101010101010101);
	while (at < WORD_BITS - 8 && (n >> at & 0xff) <= k)
		at += 8;
	if (at != 0)
		k -= (unsigned)(n >> (at - 8) & 0xff);
	for (w >>= at; k > 0; k--)
		w &= w - 1;
	return w == 0 ? 0 : at + (unsigned)__builtin_ctzll(w);
}

static struct portset_node
node_of_word(uint64_t w)
{
	struct portset_node n = { 0 };

	if (w == 0)
		return n;
	if (w == UINT64_MAX) {
		n.left = n.right = n.best = n.count = WORD_BITS;
		return n;
	}
	n.count = (uint16_t)__builtin_popcountll(w);
	n.left = (uint16_t)__builtin_ctzll(~w);
	n.right = (uint16_t)__builtin_clzll(~w);
	n.best = (uint16_t)longest_run(w);
	return n;
}

static struct portset_node
node_join(const struct portset_node *l, const struct portset_node *r,
    unsigned half)
{
	struct portset_node n;
	unsigned	    middle = (unsigned)l->right + r->left;

	n.count = (uint16_t)(l->count + r->count);
	n.left = (uint16_t)(l->count == half ? half + r->left : l->left);
	n.right = (uint16_t)(r->count == half ? half + l->right : r->right);
	n.best = l->best > r->best ? l->best : r->best;
	if (middle > n.best)
		n.best = (uint16_t)middle;
	return n;
}

/* Recomputes what stands above words first to last. */
static void
update_tree(struct portset *s, unsigned first, unsigned last)
{
	unsigned i, half = WORD_BITS;

	first += PORTSET_WORDS;
	last += PORTSET_WORDS;
	for (i = first; i <= last; i++)
		s->node[i] = node_of_word(s->word[i - PORTSET_WORDS]);
	for (; first > 1; half *= 2) {
		first /= 2;
		last /= 2;
		for (i = first; i <= last; i++)
			s->node[i] = node_join(&s->node[2 * i],
			    &s->node[2 * i + 1], half);
	}
}

static void
set_range(struct portset *s, uint16_t lo, uint16_t hi, bool add)
{
	unsigned w, first = lo / WORD_BITS, last = hi / WORD_BITS;
	uint64_t mask;

	for (w = first; w <= last; w++) {
		mask = UINT64_MAX;
		if (w == first)
			mask &= UINT64_MAX << lo % WORD_BITS;
		if (w == last)
			mask &= UINT64_MAX >> (WORD_BITS - 1 - hi % WORD_BITS);
		if (add)
			s->word[w] |= mask;
		else
			s->word[w] &= ~mask;
	}
	update_tree(s, first, last);
}

bool
portset_has(const struct portset *s, uint16_t port)
{
	return s->word[port / WORD_BITS] >> port % WORD_BITS & 1;
}

void
portset_add(struct portset *s, uint16_t lo, uint16_t hi)
{
	if (lo == 0)
		lo = 1;
	if (lo <= hi)
		set_range(s, lo, hi, true);
}

void
portset_remove(struct portset *s, uint16_t lo, uint16_t hi)
{
	if (lo <= hi)
		set_range(s, lo, hi, false);
}

size_t
portset_count(const struct portset *s)
{
	return s->node[1].count;
}

uint16_t
portset_nth(const struct portset *s, size_t k)
{
	unsigned i = 1;

	while (i < PORTSET_WORDS) {
		i *= 2;
		if (k >= s->node[i].count) {
			k -= s->node[i].count;
			i++;
		}
	}
	return (uint16_t)((i - PORTSET_WORDS) * WORD_BITS +
	    nth_one(s->word[i - PORTSET_WORDS], (unsigned)k));
}

/* Below node i, which covers len ports from lo on; run is how many before lo
 * are in the set and count.  0: not here, and run is brought up to date. */
static unsigned
find_run(const struct portset *s, unsigned i, unsigned lo, unsigned len,
    unsigned from, size_t n, size_t *run)
{
	const struct portset_node *node = &s->node[i];
	unsigned		   found, b;

	if (lo + len <= from)
		return 0;
	if (lo >= from) {
		if (*run + node->left >= n)
			return lo - (unsigned)*run;
		if (node->best < n) {
			*run = node->count == len ? *run + len : node->right;
			return 0;
		}
	}
	if (i < PORTSET_WORDS) {
		found = find_run(s, 2 * i, lo, len / 2, from, n, run);
		return found != 0 ? found : find_run(s, 2 * i + 1,
		    lo + len / 2, len / 2, from, n, run);
	}
	for (b = lo < from ? from - lo : 0; b < len; b++) {
		*run = s->word[i - PORTSET_WORDS] >> b & 1 ? *run + 1 : 0;
		if (*run == n)
			return lo + b + 1 - (unsigned)n;
	}
	return 0;
}

uint16_t
portset_run(const struct portset *s, uint16_t from, size_t n)
{
	size_t run = 0;

	return (uint16_t)find_run(s, 1, 0, PORTSET_WORDS * WORD_BITS,
	    from == 0 ? 1 : from, n, &run);
}
