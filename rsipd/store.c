/* store.c - registrations and grants on disk: opened, loaded, and what changes put into a journal at once */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "rsipd/store.h"

#ifdef HAVE_LMDB
#include "rsipd/store_internal.h"

#define NEWER		EPROTO	/* some records are of a version to come */
#define JOURNAL_FULL	((uint64_t)4 << 20)	/* bytes: time to bring
						 * it into the file */
#define JOURNAL_MAX	((uint64_t)64 << 20)	/* that could not be
						 * for so long */
#define FREED_MAX	((size_t)1 << 20)	/* bytes that a batch tells
						 * of what was freed */

/* --- the file ------------------------------------------------------------- */

static int
lock_file(const char *path)
{
	int fd, saved;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* -1 with errno. */
static int
set_aside(struct store *s)
{
	char aside[PATH_MAX];

	if ((size_t)snprintf(aside, sizeof(aside), "%s.broken", s->path) >=
	    sizeof(aside)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (rename(s->path, aside) == -1)
		return -1;
	log_error("%s is torn, or no store of leases: it is %s now, and hosts "
	    "register anew", s->path, aside);
	close(s->lock);
	s->lock = lock_file(s->path);
	return s->lock == -1 ? -1 : 0;
}

bool
store_is_built(void)
{
	return true;
}

/* Beside the file; -1 with errno. */
static int
open_journals(struct store *s)
{
	char	 path[PATH_MAX];
	unsigned n;

	for (n = 0; n < STORE_JOURNALS; n++) {
		if ((size_t)snprintf(path, sizeof(path), "%s.%u", s->path,
		    n + 1) >= sizeof(path)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (journal_open(&s->journal[n], path) == -1)
			return -1;
	}
	return 0;
}

struct store *
store_open(const char *path, enum store_durability d, size_t max, uint64_t rest)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int	      rc;

	make_parent_folder(path);
	s->path = xstrdup(path);
	s->durability = d;
	s->rest = rest;
	s->journal[0].fd = s->journal[1].fd = -1;
	s->flushed_fd = -1;
	store_turn_init(s);
	if ((s->lock = lock_file(path)) == -1 ||
	    (!store_file_is_sound(s, max) && set_aside(s) == -1) ||
	    open_journals(s) == -1) {
		log_error("%s: %s", path, errno == EWOULDBLOCK ?
		    "another daemon has it" : strerror(errno));
		store_close(s);
		return NULL;
	}
	if ((rc = store_file_open(s, max)) != 0) {
		log_error("%s: %s", path, mdb_strerror(rc));
		store_close(s);
		return NULL;
	}
	s->sequence = s->applied;
	s->full = store_turn_older(s);
	s->current = (s->full + 1) % STORE_JOURNALS;
	return s;
}

/* What cannot be is there at the next start. */
static void
bring_all(struct store *s)
{
	unsigned older = store_turn_older(s), n;

	for (n = 0; n < STORE_JOURNALS; n++) {
		if (s->journal[(older + n) % STORE_JOURNALS].end != 0 &&
		    store_file_apply(s, (older + n) % STORE_JOURNALS,
		    s->wall) != 0)
			break;
	}
}

void
store_close(struct store *s)
{
	unsigned n;

	if (s == NULL)
		return;
	if (s->env != NULL) {
		(void)store_commit(s);
		store_flush_end(s);
		store_turn_end(s);
		bring_all(s);
		mdb_env_close(s->env);
	}
	for (n = 0; n < STORE_JOURNALS; n++)
		journal_close(&s->journal[n]);
	if (s->lock != -1)
		close(s->lock);
	journal_batch_free(&s->batch);
	free(s->owed);
	free(s->freed);
	free(s->path);
	free(s);
}

/* --- reading -------------------------------------------------------------- */

/* One record to the gateway; as store_reader says. */
static int
hand_over(struct store *s, uint64_t now, uint64_t wall,
    const struct store_reader *r, const MDB_val *key, const MDB_val *value)
{
	struct store_client c;
	struct grant	    g;
	uint32_t	    client_id;

	if (store_client_decode(&c, s->fqdn, now, wall, key->mv_data,
	    key->mv_size, value->mv_data, value->mv_size) == 0)
		return r->client(r->arg, &c);
	if (store_grant_decode(&g, &client_id, &s->room, now, wall,
	    key->mv_data, key->mv_size, value->mv_data, value->mv_size) == 0)
		return r->grant(r->arg, client_id, &g);
	return -1;
}

/* What was freed in one batch. */
static int
hand_over_freed(struct store *s, const struct store_reader *r,
    const MDB_val *value, uint8_t version)
{
	struct cursor c;
	struct grant  g;
	struct addr   host;

	cursor_init(&c, value->mv_data, value->mv_size);
	while (cursor_left(&c) != 0) {
		if (store_rest_decode(&c, version, &host, &g, &s->room) == -1)
			return -1;
		r->rest(r->arg, &host, &g);
	}
	return 0;
}

/* Keys' order: registrations, grants, what was freed.  0: one
 * more, 1: it is kept but not counted, -1: it is of no use. */
static int
load_one(struct store *s, uint64_t now, uint64_t wall,
    const struct store_reader *r, const MDB_val *key, const MDB_val *value)
{
	uint64_t at;
	uint8_t	 version;

	if (key->mv_size == 1 && *(const uint8_t *)key->mv_data == STORE_MARK)
		return 1;
	if (!store_rest_read_key(key->mv_data, key->mv_size, &at, &version))
		return hand_over(s, now, wall, r, key, value);
	/* Of tomorrow: the clock went back, and that says nothing. */
	if ((wall > at && wall - at > s->rest) ||
	    hand_over_freed(s, r, value, version) == -1)
		return -1;
	if (at > s->last_freed)
		s->last_freed = at;
	return 1;
}

static int
load_all(struct store *s, uint64_t now, uint64_t wall,
    const struct store_reader *r, MDB_txn *txn)
{
	MDB_cursor_op way = MDB_NEXT;
	MDB_cursor   *c;
	MDB_val	      key, value;
	size_t	      forgotten = 0;
	uint64_t      at;
	uint8_t	      version;
	bool	      freed;
	int	      rc;

	if ((rc = mdb_cursor_open(txn, s->dbi, &c)) != 0)
		return rc;
	while ((rc = mdb_cursor_get(c, &key, &value, way)) == 0) {
		freed = store_rest_read_key(key.mv_data, key.mv_size, &at,
		    &version);
		/* The newest first: where ports were scarce, one that
		 * rested was given to another, for whom it rests now. */
		if (freed && way == MDB_NEXT) {
			way = MDB_LAST;
			continue;
		}
		if (!freed && way != MDB_NEXT)
			break;
		way = freed ? MDB_PREV : MDB_NEXT;
		if (store_is_newer(key.mv_data, key.mv_size, value.mv_data,
		    value.mv_size)) {
			rc = NEWER;
			break;
		}
		switch (load_one(s, now, wall, r, &key, &value)) {
		case 0:
			s->counts.loaded++;
			continue;
		case 1:
			continue;
		}
		forgotten++;
		if ((rc = mdb_cursor_del(c, 0)) != 0)
			break;
	}
	mdb_cursor_close(c);
	if (forgotten > 0)
		log_info("%s: of no use any more: %zu record%s", s->path,
		    forgotten, plural(forgotten));
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/*
 * What is in the journals is loaded from the file, where it would be.
 * If the disk is full it stays where it is, and is loaded all the same.
 */
int
store_load(struct store *s, uint64_t now, uint64_t wall,
    const struct store_reader *r)
{
	unsigned older, n;
	uint64_t done;
	MDB_txn *txn;
	int	 rc;

	(void)store_commit(s);
	store_turn_wait(s);
	older = store_turn_older(s);
	done = s->applied;
	if ((rc = mdb_txn_begin(s->env, NULL, 0, &txn)) != 0)
		goto fail;
	for (n = 0; n < STORE_JOURNALS && rc == 0; n++)
		rc = store_file_replay(s, txn, (older + n) % STORE_JOURNALS,
		    &done);
	if (rc != 0 || (rc = load_all(s, now, wall, r, txn)) != 0) {
		mdb_txn_abort(txn);
		goto fail;
	}
	s->error_full = store_file_commit(s, txn, done, wall, 0);
	store_turn_note(s, s->error_full);
	if (s->error_full == 0) {
		for (n = 0; n < STORE_JOURNALS; n++)
			(void)journal_clear(&s->journal[n]);
	}
	s->full = older;
	s->current = (older + 1) % STORE_JOURNALS;
	return 0;
fail:
	log_error("%s: %s", s->path, rc == NEWER ? "a newer rsipd wrote it, "
	    "and what it leased is not leased anew: start that one, or move "
	    "the file away" : mdb_strerror(rc));
	return -1;
}

/* --- writing -------------------------------------------------------------- */

static void
batch_put(struct store *s, uint8_t *key, size_t keylen, size_t len)
{
	if (len == 0)
		s->error = EMSGSIZE;
	else
		journal_put(&s->batch, key, keylen, s->record, len);
}

static void
put_client(struct store *s, uint64_t now, uint64_t wall,
    struct lease_client *c, bool changed)
{
	struct store_client sc;
	uint8_t		    key[STORE_KEY_MAX];

	if (store_client_due(c, s->counts.failures + 1, changed, &sc))
		batch_put(s, key, store_client_key(key, c->client_id),
		    store_client_encode(s->record, now, wall, &sc));
}

/* The batch begins with what could not be removed before. */
static void
begin_batch(struct store *s)
{
	size_t i;

	if (s->batch.len != 0 || s->batch.bad)
		return;
	for (i = 0; i < s->nowed; i++)
		journal_remove(&s->batch, s->owed[i].key, s->owed[i].len);
}

/* Removals are owed until they are written: a record of what somebody else has
 * meanwhile must not come back. */
static void
owe_removal(struct store *s, const uint8_t *key, size_t len)
{
	struct owed *more;
	size_t	     n = s->nowed;

	/* Room is doubled at each power of two. */
	if ((n & (n - 1)) == 0) {
		more = reallocarray(s->owed, n == 0 ? 1 : 2 * n, sizeof(*more));
		if (more == NULL)
			return;
		s->owed = more;
	}
	s->owed[n].len = (uint8_t)len;
	memcpy(s->owed[n].key, key, len);
	s->nowed++;
}

/* What is freed rests after a crash as well. */
static void
note_freed(struct store *s, const struct lease_client *c,
    struct lease_binding *b)
{
	struct grant g;

	if (s->freed == NULL)
		s->freed = malloc(FREED_MAX);
	if (s->freed == NULL || FREED_MAX - s->nfreed < STORE_RECORD_MAX)
		return;
	grant_of(b, &g);
	s->nfreed += store_rest_encode(s->freed + s->nfreed, &c->host, &g);
}

/* With the batch: what was freed in it. */
static void
put_freed(struct store *s)
{
	uint8_t	 key[STORE_KEY_MAX];
	uint64_t at = s->wall > s->last_freed ? s->wall : s->last_freed + 1;

	if (s->nfreed == 0)
		return;
	journal_put(&s->batch, key, store_rest_key(key, at), s->freed,
	    s->nfreed);
	s->last_freed = at;
}

/* One log line for several failures in a row. */
static void
note_failure(struct store *s, int rc)
{
	s->counts.failures++;
	if (!s->counts.behind)
		log_error("%s: %s: nothing new is granted until it can be "
		    "written", s->path, strerror(rc));
	s->counts.behind = true;
}

/* 0, or an errno: then nothing of the batch is in the journal. */
static int
write_batch(struct store *s)
{
	struct journal *j = &s->journal[s->current];
	uint64_t	before = j->end;

	put_freed(s);
	if (j->end >= JOURNAL_MAX)
		return ENOSPC;
	if (journal_write(j, &s->batch, s->id, s->sequence + 1) == -1)
		return errno;
	s->sequence++;
	if (s->flushed_fd != -1 && !s->counts.behind) {
		store_flush_wanted(s);
		return 0;
	}
	if (s->durability == STORE_INTERVAL || journal_sync(j) == 0)
		return 0;
	return journal_undo(j, before);
}

int
store_commit(struct store *s)
{
	bool later;
	int  rc = s->error;

	if (s->batch.len == 0 && !s->batch.bad && rc == 0)
		return store_flush_is_under_way(s);
	if (rc == 0)
		rc = write_batch(s);
	journal_batch_clear(&s->batch);
	s->error = 0;
	s->counts.writes++;
	if (rc != 0) {
		note_failure(s, rc);
		return -1;
	}
	s->counts.behind = false;
	s->nowed = 0;
	s->nfreed = 0;
	later = store_flush_is_under_way(s);
	if (s->journal[s->current].end >= JOURNAL_FULL)
		store_turn(s);
	return later;
}

uint64_t
store_last(const struct store *s)
{
	return s->sequence;
}

uint64_t
store_flushed(struct store *s, bool *failed)
{
	uint64_t count, at;
	int	 rc;

	(void)!read(s->flushed_fd, &count, sizeof(count));
	pthread_mutex_lock(&s->mutex);
	at = s->flushed;
	rc = s->error_flush;
	s->error_flush = 0;
	pthread_mutex_unlock(&s->mutex);
	*failed = rc != 0;
	if (rc != 0)
		note_failure(s, rc);
	return at;
}

/* What is put while the disk is full must not take a batch with it. */
static int
finish_put(struct store *s)
{
	return s->counts.behind ? store_commit(s) : 1;
}

int
store_put(struct store *s, uint64_t now, uint64_t wall,
    struct lease_client *c, struct lease_binding *b)
{
	struct grant g;
	uint8_t	     key[STORE_KEY_MAX];

	begin_batch(s);
	s->wall = wall;
	put_client(s, now, wall, c, b == NULL);
	if (b != NULL) {
		grant_of(b, &g);
		batch_put(s, key, store_grant_key(key, c->client_id,
		    b->bind_id), store_grant_encode(s->record, now, wall, &g));
	}
	return finish_put(s);
}

/* A registration's grants end before it does, each by a call of its own. */
int
store_remove(struct store *s, uint64_t wall, const struct lease_client *c,
    struct lease_binding *b)
{
	uint8_t	key[STORE_KEY_MAX];
	size_t	len = b == NULL ? store_client_key(key, c->client_id) :
		    store_grant_key(key, c->client_id, b->bind_id);

	begin_batch(s);
	s->wall = wall;
	journal_remove(&s->batch, key, len);
	owe_removal(s, key, len);
	if (b != NULL)
		note_freed(s, c, b);
	return finish_put(s) == 1;
}

void
store_count(struct store *s, struct store_counts *out)
{
	MDB_stat st;

	*out = s->counts;
	/* The file's own record is not counted. */
	if (mdb_env_stat(s->env, &st) == 0 && st.ms_entries > 0)
		out->records = st.ms_entries - 1;
}
#else

struct store {
	int none;
};

bool
store_is_built(void)
{
	return false;
}

struct store *
store_open(const char *path, enum store_durability d, size_t max, uint64_t rest)
{
	(void)d;
	(void)max;
	(void)rest;
	log_error("%s: built without LMDB", path);
	return NULL;
}

void
store_close(struct store *s)
{
	(void)s;
}

int
store_load(struct store *s, uint64_t now, uint64_t wall,
    const struct store_reader *r)
{
	(void)s;
	(void)now;
	(void)wall;
	(void)r;
	return -1;
}

int
store_put(struct store *s, uint64_t now, uint64_t wall,
    struct lease_client *c, struct lease_binding *b)
{
	(void)s;
	(void)now;
	(void)wall;
	(void)c;
	(void)b;
	return -1;
}

int
store_remove(struct store *s, uint64_t wall, const struct lease_client *c,
    struct lease_binding *b)
{
	(void)s;
	(void)wall;
	(void)c;
	(void)b;
	return 0;
}

int
store_commit(struct store *s)
{
	(void)s;
	return 0;
}

int
store_flush_later(struct store *s)
{
	(void)s;
	return -1;
}

uint64_t
store_last(const struct store *s)
{
	(void)s;
	return 0;
}

uint64_t
store_flushed(struct store *s, bool *failed)
{
	(void)s;
	*failed = false;
	return 0;
}

void
store_flush_wait(struct store *s)
{
	(void)s;
}

void
store_turn(struct store *s)
{
	(void)s;
}

bool
store_is_due(struct store *s)
{
	(void)s;
	return false;
}

void
store_count(struct store *s, struct store_counts *out)
{
	(void)s;
	memset(out, 0, sizeof(*out));
}
#endif
