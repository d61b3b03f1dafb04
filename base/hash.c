/* hash.c - SipHash-1-3 with a secret for each process */
#include "config.h"

#include <endian.h>
#include <stdatomic.h>
#include <string.h>

#include "base/hash.h"
#include "base/util.h"

static uint64_t
rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static uint64_t
load_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

uint64_t
hash_sip13(const uint8_t secret[16], const void *key, size_t len)
{
	uint64_t       k0 = load_le64(secret), k1 = load_le64(secret + 8);
	uint64_t       v[4] = { k0 ^ 0x736f6d6570736575u,
		k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
		k1 ^ 0x7465646279746573u };
	const uint8_t *p = key;
	uint8_t	       last[8] = { 0 };
	uint64_t       m;
	size_t	       left = len;
	unsigned       i;

	for (; left >= 8; left -= 8, p += 8) {
		m = load_le64(p);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	if (left != 0)
		memcpy(last, p, left);
	m = load_le64(last) | (uint64_t)len << 56;
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Threads may ask first at the same time: one of them draws,
 * the others wait. */
static uint8_t	  process_secret[16];
static atomic_int process_state;	/* 0: none yet, 1: being
					 * drawn, 2: there */

static void
secret_draw(void)
{
	int none = 0;

	if (atomic_compare_exchange_strong(&process_state, &none, 1)) {
		random_bytes(process_secret, sizeof(process_secret));
		atomic_store_explicit(&process_state, 2, memory_order_release);
		return;
	}
	while (atomic_load_explicit(&process_state, memory_order_acquire) != 2)
		continue;
}

uint64_t
hash_bytes(const void *key, size_t len)
{
	if (atomic_load_explicit(&process_state, memory_order_acquire) != 2)
		secret_draw();
	return hash_sip13(process_secret, key, len);
}
