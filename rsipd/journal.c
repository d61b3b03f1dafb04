/* journal.c - the store's journal: appended to, flushed once a batch, and read again after a crash */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "rsipd/journal.h"

/*
 * A batch: magic, length of what follows the head, id, sequence, and the first
 * bytes of SHA-256 over all of it with zeros in their place.  A change: length
 * of the key, whether it is a removal, length of the value, key, value.
 */
#define MAGIC		0x72734a31u	/* "rsJ1" */
#define DIGEST_AT	24
#define DIGEST		16
#define HEAD		(DIGEST_AT + DIGEST)
#define CHANGE		6
#define BATCH_MAX	((size_t)16 << 20)

/* --- a batch -------------------------------------------------------------- */

static uint8_t *
batch_reserve(struct journal_batch *b, size_t len)
{
	size_t	 cap = b->cap == 0 ? 4096 : b->cap;
	uint8_t *p;

	if (b->len == 0)
		len += HEAD;
	if (b->bad || len > BATCH_MAX - b->len) {
		b->bad = true;
		return NULL;
	}
	while (cap < b->len + len)
		cap *= 2;
	if (cap != b->cap) {
		if ((p = realloc(b->bytes, cap)) == NULL) {
			b->bad = true;
			return NULL;
		}
		b->bytes = p;
		b->cap = cap;
	}
	if (b->len == 0) {
		memset(b->bytes, 0, HEAD);
		b->len = HEAD;
		len -= HEAD;
	}
	p = b->bytes + b->len;
	b->len += len;
	return p;
}

static void
batch_add(struct journal_batch *b, const uint8_t *key, size_t keylen,
    bool removed, const uint8_t *value, size_t len)
{
	uint8_t *p = batch_reserve(b, CHANGE + keylen + len);

	if (p == NULL)
		return;
	p[0] = (uint8_t)keylen;
	p[1] = removed;
	store_u32(p + 2, (uint32_t)len);
	memcpy(p + CHANGE, key, keylen);
	if (len != 0)
		memcpy(p + CHANGE + keylen, value, len);
}

void
journal_put(struct journal_batch *b, const uint8_t *key, size_t keylen,
    const uint8_t *value, size_t len)
{
	batch_add(b, key, keylen, false, value, len);
}

void
journal_remove(struct journal_batch *b, const uint8_t *key, size_t keylen)
{
	batch_add(b, key, keylen, true, NULL, 0);
}

void
journal_batch_clear(struct journal_batch *b)
{
	b->len = 0;
	b->bad = false;
}

void
journal_batch_free(struct journal_batch *b)
{
	free(b->bytes);
	*b = (struct journal_batch){ 0 };
}

/* --- the file ------------------------------------------------------------- */

/* Of a batch whose digest is zeros. */
static int
digest(const uint8_t *batch, size_t len, uint8_t *out)
{
	uint8_t md[EVP_MAX_MD_SIZE];

	if (EVP_Digest(batch, len, md, NULL, EVP_sha256(), NULL) != 1) {
		errno = ENOMEM;
		return -1;
	}
	memcpy(out, md, DIGEST);
	return 0;
}

int
journal_open(struct journal *j, const char *path)
{
	static const uint8_t none[HEAD];
	uint8_t		     out[DIGEST];

	j->end = 0;
	/* Libcrypto reads its own configuration with
	 * the first digest: not after priv_lock(). */
	(void)digest(none, HEAD, out);
	j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return j->fd == -1 ? -1 : 0;
}

void
journal_close(struct journal *j)
{
	if (j->fd != -1)
		close(j->fd);
	j->fd = -1;
}

int
journal_write(struct journal *j, struct journal_batch *b, uint64_t id,
    uint64_t sequence)
{
	size_t	at = 0;
	ssize_t n;
	int	saved;

	if (b->bad) {
		errno = ENOMEM;
		return -1;
	}
	store_u32(b->bytes, MAGIC);
	store_u32(b->bytes + 4, (uint32_t)(b->len - HEAD));
	store_u64(b->bytes + 8, id);
	store_u64(b->bytes + 16, sequence);
	memset(b->bytes + DIGEST_AT, 0, DIGEST);
	if (digest(b->bytes, b->len, b->bytes + DIGEST_AT) == -1)
		return -1;
	while (at < b->len) {
		n = pwrite(j->fd, b->bytes + at, b->len - at,
		    (off_t)(j->end + at));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			saved = n == 0 ? ENOSPC : errno;
			(void)!ftruncate(j->fd, (off_t)j->end);
			errno = saved;
			return -1;
		}
		at += (size_t)n;
	}
	j->end += b->len;
	return 0;
}

int
journal_sync(struct journal *j)
{
	return fdatasync(j->fd);
}

int
journal_undo(struct journal *j, uint64_t end)
{
	int saved = errno;

	j->end = end;
	(void)!ftruncate(j->fd, (off_t)end);
	return saved;
}

int
journal_clear(struct journal *j)
{
	j->end = 0;
	return ftruncate(j->fd, 0);
}

/* --- reading -------------------------------------------------------------- */

/* All of them, or as many as there are: 1, 0, or -1 with errno. */
static int
read_all(int fd, uint8_t *out, size_t len, uint64_t at)
{
	ssize_t n;

	while (len > 0) {
		n = pread(fd, out, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		out += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 1;
}

/* The batch that begins at j->end: 1, 0: none that is whole, -1 with errno. */
static int
read_batch(struct journal *j, struct journal_batch *b)
{
	uint8_t	said[DIGEST], head[HEAD];
	size_t	len;
	int	rc = read_all(j->fd, head, HEAD, j->end);

	if (rc != 1)
		return rc;
	len = load_u32(head + 4);
	if (load_u32(head) != MAGIC || len > BATCH_MAX - HEAD)
		return 0;
	journal_batch_clear(b);
	if (batch_reserve(b, len) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	memcpy(b->bytes, head, HEAD);
	rc = read_all(j->fd, b->bytes + HEAD, len, j->end + HEAD);
	if (rc != 1)
		return rc;
	memcpy(said, b->bytes + DIGEST_AT, DIGEST);
	memset(b->bytes + DIGEST_AT, 0, DIGEST);
	if (digest(b->bytes, b->len, head) == -1)
		return -1;
	return memcmp(said, head, DIGEST) == 0;
}

/* What is damaged behind a good digest was written so: it is passed by. */
static int
replay_batch(const struct journal_batch *b, journal_fn *fn, void *arg)
{
	struct cursor  c;
	const uint8_t *key, *value;
	size_t	       keylen, len;
	bool	       removed;
	int	       rc = 0;

	cursor_init(&c, b->bytes + HEAD, b->len - HEAD);
	while (rc == 0 && cursor_left(&c) != 0) {
		keylen = cursor_u8(&c);
		removed = cursor_u8(&c) != 0;
		len = cursor_u32(&c);
		key = cursor_take(&c, keylen);
		value = cursor_take(&c, len);
		if (c.bad || keylen == 0)
			break;
		rc = fn(arg, key, keylen, removed ? NULL : value, len);
	}
	return rc;
}

int
journal_replay(struct journal *j, uint64_t id, uint64_t *done, journal_fn *fn,
    void *arg)
{
	struct journal_batch b = { 0 };
	uint64_t	     sequence;
	int		     rc;

	j->end = 0;
	while ((rc = read_batch(j, &b)) == 1) {
		sequence = load_u64(b.bytes + 16);
		if (load_u64(b.bytes + 8) == id && sequence > *done) {
			if ((rc = replay_batch(&b, fn, arg)) != 0)
				break;
			*done = sequence;
		}
		j->end += b.len;
	}
	journal_batch_free(&b);
	return rc;
}

void
journal_scan(struct journal *j, uint64_t id, uint64_t *first, uint64_t *last)
{
	struct journal_batch b = { 0 };

	*first = *last = j->end = 0;
	while (read_batch(j, &b) == 1) {
		if (load_u64(b.bytes + 8) == id) {
			*last = load_u64(b.bytes + 16);
			if (*first == 0)
				*first = *last;
		}
		j->end += b.len;
	}
	journal_batch_free(&b);
}
