/* hash.h - uthash for every room, with a hash function that strangers cannot foresee */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-1-3 (Aumasson and Bernstein, 2012) under a secret that each process
 * draws once: who chooses keys (addresses, cookies, names, SPIs) does not
 * choose which of them meet in one bucket.  The same bytes give the same value
 * for the life of the process only.
 */
uint64_t hash_bytes(const void *key, size_t len);

/* As hash_bytes(), under a secret given: for tests against published values. */
uint64_t hash_sip13(const uint8_t secret[16], const void *key, size_t len);

#ifdef UTHASH_H
#error "include base/hash.h, not uthash.h: its own hash function has no secret"
#endif
#define HASH_FUNCTION(key_, len_, out_) \
	((out_) = (unsigned)hash_bytes((key_), (size_t)(len_)))
#include <uthash.h>

#endif
