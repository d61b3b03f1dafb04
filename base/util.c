/* util.c - random numbers, wiping, memory and text helpers of every room */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/util.h"

void
make_parent_folder(const char *path)
{
	char  folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	if ((slash = strrchr(folder, '/')) == NULL || slash == folder)
		return;
	*slash = '\0';
	if (mkdir(folder, 0755) == -1 && errno != EEXIST)
		log_debug("%s: %s", folder, strerror(errno));
}

void
random_bytes(void *buf, size_t len)
{
	uint8_t *p = buf;
	ssize_t	 n;

	while (len > 0) {
		if ((n = getrandom(p, len, 0)) == -1) {
			if (errno == EINTR)
				continue;
			/* Predictable SPIs, ports and keys would be worse. */
			log_error("getrandom: %s", strerror(errno));
			abort();
		}
		p += n;
		len -= (size_t)n;
	}
}

/* NULL: from the kernel itself. */
static uint32_t
uniform_of(struct random_store *s, uint32_t bound)
{
	uint32_t v, min;

	if (bound < 2)
		return 0;
	/* Values below 2^32 mod bound would make small results likelier. */
	min = -bound % bound;
	do {
		if (s != NULL)
			random_store_bytes(s, &v, sizeof(v));
		else
			random_bytes(&v, sizeof(v));
	} while (v < min);
	return v % bound;
}

uint32_t
random_uniform(uint32_t bound)
{
	return uniform_of(NULL, bound);
}

void
random_store_bytes(struct random_store *s, void *buf, size_t len)
{
	if (len > sizeof(s->bytes)) {
		random_bytes(buf, len);
		return;
	}
	if (len > s->left) {
		random_bytes(s->bytes, sizeof(s->bytes));
		s->left = sizeof(s->bytes);
	}
	s->left -= (unsigned)len;
	memcpy(buf, s->bytes + s->left, len);
	memset(s->bytes + s->left, 0, len);
}

uint32_t
random_store_uniform(struct random_store *s, uint32_t bound)
{
	return uniform_of(s, bound);
}

void
wipe(void *buf, size_t len)
{
	explicit_bzero(buf, len);
}

void
wipe_free(void *buf, size_t len)
{
	if (buf == NULL)
		return;
	wipe(buf, len);
	free(buf);
}

int
compare_secret(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len);
}

void
memory_goes_back(void)
{
	/* glibc's own bound rises to what was freed last: what is below that
	 * lies where only the end is ever given back. */
#ifdef M_MMAP_THRESHOLD
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL && n != 0 && size != 0) {
		log_error("out of memory");
		exit(1);
	}
	return p;
}

void *
xrealloc(void *p, size_t n, size_t size)
{
	void *q = reallocarray(p, n, size);

	if (q == NULL && n != 0 && size != 0) {
		log_error("out of memory");
		exit(1);
	}
	return q;
}

char *
xstrdup(const char *s)
{
	char *p = strdup(s);

	if (p == NULL) {
		log_error("out of memory");
		exit(1);
	}
	return p;
}

const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

uint32_t
checksum_add(uint32_t sum, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	uint64_t       s = 0, word, tail = 0;

	/* Eight bytes at a time in the machine's own byte order, which only
	 * swaps the bytes of the sum (RFC 1071 §2 (B)). */
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		s += word;
		s += s < word;		/* the carry goes round */
	}
	if (len > 0) {
		memcpy(&tail, p, len);
		s += tail;
		s += s < tail;
	}
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	s = sum + (uint64_t)ntohs((uint16_t)s);
	return (uint32_t)((s & 0xffffffff) + (s >> 32));
}

uint16_t
checksum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int
base64_encode(char *out, size_t cap, const void *in, size_t len)
{
	const uint8_t *p = in;
	size_t	       n = 0;
	uint32_t       v;

	if (len > INT32_MAX / 2 || cap < (len + 2) / 3 * 4 + 1)
		return -1;
	for (; len >= 3; p += 3, len -= 3) {
		v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		out[n++] = base64_alphabet[v >> 18];
		out[n++] = base64_alphabet[v >> 12 & 63];
		out[n++] = base64_alphabet[v >> 6 & 63];
		out[n++] = base64_alphabet[v & 63];
	}
	if (len > 0) {
		v = (uint32_t)p[0] << 16;
		if (len == 2)
			v |= (uint32_t)p[1] << 8;
		out[n++] = base64_alphabet[v >> 18];
		out[n++] = base64_alphabet[v >> 12 & 63];
		out[n++] = len == 2 ? base64_alphabet[v >> 6 & 63] : '=';
		out[n++] = '=';
	}
	out[n] = '\0';
	return (int)n;
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

int
base64_decode(void *out, size_t cap, const char *in, size_t len)
{
	uint8_t	*p = out;
	size_t	 n = 0, i, digits = 0, pads = 0;
	uint32_t v = 0;
	int	 d;

	for (i = 0; i < len; i++) {
		if (in[i] == ' ' || in[i] == '\t' || in[i] == '\n' ||
		    in[i] == '\r')
			continue;
		if (in[i] == '=') {
			pads++;
			continue;
		}
		if (pads != 0 || (d = base64_value(in[i])) == -1)
			return -1;
		v = v << 6 | (uint32_t)d;
		if (++digits % 4 == 0) {
			if (cap - n < 3)
				return -1;
			p[n++] = (uint8_t)(v >> 16);
			p[n++] = (uint8_t)(v >> 8);
			p[n++] = (uint8_t)v;
			v = 0;
		}
	}
	if (n > INT32_MAX - 3)
		return -1;
	/* Left-over bits must be zero: one byte string, one text
	 * (RFC 4648 §3.5). */
	switch (digits % 4) {
	case 0:
		return pads == 0 ? (int)n : -1;
	case 2:
		if ((pads != 0 && pads != 2) || (v & 15) != 0 || cap - n < 1)
			return -1;
		p[n++] = (uint8_t)(v >> 4);
		return (int)n;
	case 3:
		if ((pads != 0 && pads != 1) || (v & 3) != 0 || cap - n < 2)
			return -1;
		p[n++] = (uint8_t)(v >> 10);
		p[n++] = (uint8_t)(v >> 2);
		return (int)n;
	default:
		return -1;
	}
}
