/* store.c - the store's file: LMDB, a transaction for what came at once, checked by a process of its own before it is trusted */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "rsipd/store.h"

#ifdef HAVE_LMDB
#include <lmdb.h>

#define RECORD_ROOM	1024	/* bytes of the file that one record may cost, copies included */
#define ROOM_MIN	((size_t)16 << 20)
#define CHECK_SECONDS	60
#define FREED_MAX	((size_t)1 << 20)	/* bytes that a batch tells of what was freed */

struct store {
	char *path;
	int   lock;			/* nobody else has the file */
	MDB_env *env;
	MDB_dbi	 dbi;
	enum store_durability durability;
	bool	 unsynced;
	MDB_txn	*batch;			/* not written yet; NULL: nothing is */
	int	 error;			/* that this batch met */
	struct owed {
		uint8_t key[STORE_KEY_MAX], len;
	}	*owed;			/* removals that are not written */
	size_t	 nowed;
	uint8_t *freed;			/* records of it that are not written */
	size_t	 nfreed;
	uint64_t rest;			/* milliseconds */
	uint64_t wall, last_freed;	/* of the batch; key of the last such record */
	struct store_counts counts;
	struct store_room room;
	char	 fqdn[UINT8_MAX + 1];
	uint8_t	 record[STORE_RECORD_MAX];
};

/* --- the file ------------------------------------------------------------------ */

static int
env_open(struct store *s, size_t max)
{
	/* We are alone (the lock), and of one thread. */
	unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NORDAHEAD;
	MDB_txn	*txn;
	size_t	 room = max * RECORD_ROOM;
	int	 rc;

	if (s->durability == STORE_INTERVAL)
		flags |= MDB_NOSYNC;
	if ((rc = mdb_env_create(&s->env)) != 0)
		return rc;
	if ((rc = mdb_env_set_mapsize(s->env, room < ROOM_MIN ? ROOM_MIN :
	    room)) != 0 ||
	    (rc = mdb_env_open(s->env, s->path, flags, 0600)) != 0 ||
	    (rc = mdb_txn_begin(s->env, NULL, 0, &txn)) != 0)
		goto fail;
	if ((rc = mdb_dbi_open(txn, NULL, 0, &s->dbi)) != 0)
		mdb_txn_abort(txn);
	else
		rc = mdb_txn_commit(txn);
	if (rc == 0)
		return 0;
fail:
	mdb_env_close(s->env);
	s->env = NULL;
	return rc;
}

/* Reads every byte that a load will read. */
static int
walk(struct store *s)
{
	MDB_cursor *c = NULL;
	MDB_txn	   *txn;
	MDB_val	    key, value;
	size_t	    i;
	unsigned    sum = 0;
	int	    rc;

	if ((rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn)) != 0)
		return rc;
	if ((rc = mdb_cursor_open(txn, s->dbi, &c)) == 0) {
		while ((rc = mdb_cursor_get(c, &key, &value, MDB_NEXT)) == 0) {
			for (i = 0; i < value.mv_size; i++)
				sum += ((const uint8_t *)value.mv_data)[i];
		}
		mdb_cursor_close(c);
	}
	mdb_txn_abort(txn);
	return rc == MDB_NOTFOUND ? (int)(sum & 0) : rc;
}

/*
 * LMDB trusts its file: one that was cut off or scribbled upon ends the process
 * that reads it.  So another process reads it first.
 */
static bool
is_sound(struct store *s, size_t max)
{
	pid_t pid = fork();
	int   status, null;

	if (pid == 0) {
		/* How it ends is all that it says. */
		null = open("/dev/null", O_WRONLY);
		if (null != -1)
			(void)dup2(null, STDERR_FILENO);
		alarm(CHECK_SECONDS);
		_exit(env_open(s, max) == 0 && walk(s) == 0 ? 0 : 1);
	}
	if (pid == -1)
		return false;
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

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

struct store *
store_open(const char *path, enum store_durability d, size_t max, uint64_t rest)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int	      rc;

	make_parent_folder(path);
	s->path = xstrdup(path);
	s->durability = d;
	s->rest = rest;
	if ((s->lock = lock_file(path)) == -1 ||
	    (!is_sound(s, max) && set_aside(s) == -1)) {
		log_error("%s: %s", path, errno == EWOULDBLOCK ?
		    "another daemon has it" : strerror(errno));
		store_close(s);
		return NULL;
	}
	if ((rc = env_open(s, max)) != 0) {
		log_error("%s: %s", path, mdb_strerror(rc));
		store_close(s);
		return NULL;
	}
	return s;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->env != NULL) {
		(void)store_commit(s);
		store_sync(s);
		mdb_env_close(s->env);
	}
	if (s->lock != -1)
		close(s->lock);
	free(s->owed);
	free(s->freed);
	free(s->path);
	free(s);
}

/* --- reading -------------------------------------------------------------------- */

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

/* Keys' order: registrations, grants, what was freed.  0: one more, 1: it is kept
 * but not counted, -1: it is of no use. */
static int
load_one(struct store *s, uint64_t now, uint64_t wall,
    const struct store_reader *r, const MDB_val *key, const MDB_val *value)
{
	uint64_t at;
	uint8_t	 version;

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
		/* The newest first: where ports were scarce, one that rested was
		 * given to another, for whom it rests now. */
		if (freed && way == MDB_NEXT) {
			way = MDB_LAST;
			continue;
		}
		if (!freed && way != MDB_NEXT)
			break;
		way = freed ? MDB_PREV : MDB_NEXT;
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
		log_info("%s: %zu records are of no use any more", s->path,
		    forgotten);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
store_load(struct store *s, uint64_t now, uint64_t wall,
    const struct store_reader *r)
{
	MDB_txn *txn;
	int	 rc;

	(void)store_commit(s);
	if ((rc = mdb_txn_begin(s->env, NULL, 0, &txn)) == 0) {
		if ((rc = load_all(s, now, wall, r, txn)) != 0)
			mdb_txn_abort(txn);
		else
			rc = mdb_txn_commit(txn);
	}
	if (rc == 0)
		return 0;
	log_error("%s: %s", s->path, mdb_strerror(rc));
	return -1;
}

/* --- writing -------------------------------------------------------------------- */

static int
put(struct store *s, MDB_txn *txn, uint8_t *key, size_t keylen, size_t len)
{
	MDB_val k = { keylen, key }, v = { len, s->record };

	return len == 0 ? EMSGSIZE : mdb_put(txn, s->dbi, &k, &v, 0);
}

static int
put_client(struct store *s, uint64_t now, uint64_t wall,
    struct lease_client *c, bool changed)
{
	struct store_client sc;
	uint8_t		    key[STORE_KEY_MAX];

	if (!store_client_due(c, s->counts.failures + 1, changed, &sc))
		return 0;
	return put(s, s->batch, key, store_client_key(key, c->client_id),
	    store_client_encode(s->record, now, wall, &sc));
}

static int
put_both(struct store *s, uint64_t now, uint64_t wall,
    struct lease_client *c, struct lease_binding *b)
{
	struct grant g;
	uint8_t	     key[STORE_KEY_MAX];
	int	     rc = put_client(s, now, wall, c, b == NULL);

	if (rc != 0 || b == NULL)
		return rc;
	grant_of(b, &g);
	return put(s, s->batch, key, store_grant_key(key, c->client_id,
	    b->bind_id), store_grant_encode(s->record, now, wall, &g));
}

/* The batch's transaction, begun where there is none; what could not be removed
 * before goes with it. */
static int
begin(struct store *s)
{
	MDB_val	k;
	size_t	i;
	int	rc;

	if (s->batch != NULL)
		return 0;
	if ((rc = mdb_txn_begin(s->env, NULL, 0, &s->batch)) != 0) {
		s->batch = NULL;
		return rc;
	}
	for (i = 0; i < s->nowed; i++) {
		k = (MDB_val){ s->owed[i].len, s->owed[i].key };
		rc = mdb_del(s->batch, s->dbi, &k, NULL);
		if (rc != 0 && rc != MDB_NOTFOUND)
			return rc;
	}
	return 0;
}

/* Removals are owed until they are written: a record of what somebody else has
 * meanwhile must not come back. */
static void
owe(struct store *s, const uint8_t *key, size_t len)
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

/* It rests after a crash as well. */
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

/* With the batch: what was freed in it, and without what has rested. */
static int
put_freed(struct store *s)
{
	uint8_t	    key[STORE_KEY_MAX];
	MDB_cursor *c;
	MDB_val	    k = { 0, key }, v = { s->nfreed, s->freed };
	uint64_t    at = s->wall > s->last_freed ? s->wall : s->last_freed + 1;
	uint8_t	    version;
	int	    rc;

	if (s->nfreed == 0)
		return 0;
	k.mv_size = store_rest_key(key, at);
	if ((rc = mdb_put(s->batch, s->dbi, &k, &v, 0)) != 0 ||
	    (rc = mdb_cursor_open(s->batch, s->dbi, &c)) != 0)
		return rc;
	s->last_freed = at;
	k.mv_size = store_rest_key(key, 0);
	k.mv_data = key;
	rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	while (rc == 0 && store_rest_read_key(k.mv_data, k.mv_size, &at,
	    &version) &&
	    s->wall > at && s->wall - at > s->rest) {
		if ((rc = mdb_cursor_del(c, 0)) == 0)
			rc = mdb_cursor_get(c, &k, &v, MDB_GET_CURRENT);
		if (rc == EINVAL)
			rc = MDB_NOTFOUND;
	}
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* One log line for several failures in a row. */
static void
note_failure(struct store *s, int rc)
{
	s->counts.failures++;
	if (!s->counts.behind)
		log_error("%s: %s: nothing new is granted until it can be "
		    "written", s->path, mdb_strerror(rc));
	s->counts.behind = true;
}

int
store_commit(struct store *s)
{
	MDB_txn *txn = s->batch;
	int	 rc = s->error;

	if (txn == NULL && rc == 0)
		return 0;
	if (rc == 0)
		rc = put_freed(s);
	s->batch = NULL;
	s->error = 0;
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else if (txn != NULL)
		mdb_txn_abort(txn);
	s->counts.writes++;
	if (rc != 0) {
		note_failure(s, rc);
		return -1;
	}
	s->counts.behind = false;
	s->nowed = 0;
	s->nfreed = 0;
	s->unsynced = s->durability == STORE_INTERVAL;
	return 0;
}

/* What is put while the disk is full must not take a batch with it. */
static int
finish(struct store *s, int rc)
{
	if (rc != 0)
		s->error = rc;
	if (s->counts.behind)
		return store_commit(s);
	return 1;
}

int
store_put(struct store *s, uint64_t now, uint64_t wall,
    struct lease_client *c, struct lease_binding *b)
{
	int rc = s->error;

	if (rc == 0 && (rc = begin(s)) == 0)
		rc = put_both(s, now, wall, c, b);
	return finish(s, rc);
}

/* A registration's grants end before it does, each by a call of its own. */
int
store_remove(struct store *s, uint64_t wall, const struct lease_client *c,
    struct lease_binding *b)
{
	uint8_t	key[STORE_KEY_MAX];
	MDB_val	k = { 0, key };
	int	rc = s->error;

	s->wall = wall;
	k.mv_size = b == NULL ? store_client_key(key, c->client_id) :
	    store_grant_key(key, c->client_id, b->bind_id);
	owe(s, key, k.mv_size);
	if (b != NULL)
		note_freed(s, c, b);
	if (rc == 0 && (rc = begin(s)) == 0 &&
	    (rc = mdb_del(s->batch, s->dbi, &k, NULL)) == MDB_NOTFOUND)
		rc = 0;
	return finish(s, rc) == 1;
}

void
store_sync(struct store *s)
{
	if (!s->unsynced)
		return;
	s->unsynced = false;
	(void)mdb_env_sync(s->env, 1);
}

bool
store_unsynced(const struct store *s)
{
	return s->unsynced;
}

void
store_count(struct store *s, struct store_counts *out)
{
	MDB_stat st;

	*out = s->counts;
	if (mdb_env_stat(s->env, &st) == 0)
		out->records = st.ms_entries;
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

void
store_sync(struct store *s)
{
	(void)s;
}

bool
store_unsynced(const struct store *s)
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
