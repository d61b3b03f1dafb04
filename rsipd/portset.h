/* portset.h - a set of ports in which any one and any run of n is found in O(log n) */
#ifndef RSIPD_PORTSET_H
#define RSIPD_PORTSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORTSET_WORDS	1024	/* of 64 ports */

/* What is in the set below a node: lengths
 * of runs at its edges, the longest, all. */
struct portset_node {
	uint16_t left, right, best, count;
};

/* A complete binary tree over words of bits: node 1 is the root, the leaf of
 * word w is node PORTSET_WORDS + w.  Port 0 is never in the set, so that
 * counts fit in 16 bits.  24 KiB; all zero is the empty set. */
struct portset {
	uint64_t word[PORTSET_WORDS];
	struct portset_node node[2 * PORTSET_WORDS];
};

/* Ports lo to hi, both within, come in or go; how many are there. */
bool	portset_has(const struct portset *s, uint16_t port);
void	portset_add(struct portset *s, uint16_t lo, uint16_t hi);
void	portset_remove(struct portset *s, uint16_t lo, uint16_t hi);
size_t	portset_count(const struct portset *s);
/* The k-th smallest, k < portset_count(). */
uint16_t portset_nth(const struct portset *s, size_t k);
/* The first run of n (1 at least) that begins
 * at from or after; 0 if there is none. */
uint16_t portset_run(const struct portset *s, uint16_t from, size_t n);

#endif
