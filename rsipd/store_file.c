/* store_file.c - the store's file: LMDB, checked by a process of its own before it is trusted, and written from the journals */
#include "config.h"

#ifdef HAVE_LMDB
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "rsipd/store_internal.h"

#define RECORD_ROOM	1024	/* bytes of the file that one record
				 * may cost, copies included */
#define ROOM_MIN	((size_t)16 << 20)
#define CHECK_SECONDS	60
#define MARK		16	/* bytes: id, and the last
				 * sequence that is in the file */

static uint8_t mark_key[] = { STORE_MARK };

static int
env_open(struct store *s, size_t max)
{
	/* No other process is here (the lock), and one thread at a time. */
	const unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NORDAHEAD;
	MDB_txn	*txn;
	size_t	 room = max * RECORD_ROOM;
	int	 rc;

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
bool
store_file_is_sound(struct store *s, size_t max)
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


/* --- which journals are its own ------------------------------------------- */

static int
put_mark(struct store *s, MDB_txn *txn, uint64_t applied)
{
	uint8_t	mark[MARK];
	MDB_val	k = { sizeof(mark_key), mark_key }, v = { MARK, mark };

	store_u64(mark, s->id);
	store_u64(mark + 8, applied);
	return mdb_put(txn, s->dbi, &k, &v, 0);
}

/* A new file, or one of a version without journals, gets an id. */
static int
read_mark(struct store *s)
{
	MDB_val	 k = { sizeof(mark_key), mark_key }, v;
	MDB_txn	*txn;
	int	 rc;

	if ((rc = mdb_txn_begin(s->env, NULL, 0, &txn)) != 0)
		return rc;
	rc = mdb_get(txn, s->dbi, &k, &v);
	if (rc == 0 && v.mv_size == MARK) {
		s->id = load_u64(v.mv_data);
		s->applied = load_u64((uint8_t *)v.mv_data + 8);
		mdb_txn_abort(txn);
		return 0;
	}
	random_bytes(&s->id, sizeof(s->id));
	s->applied = 0;
	if ((rc = put_mark(s, txn, 0)) == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

int
store_file_open(struct store *s, size_t max)
{
	int rc = env_open(s, max);

	return rc != 0 ? rc : read_mark(s);
}

/* --- a journal goes into it ----------------------------------------------- */

struct apply {
	struct store *store;
	MDB_txn	     *txn;
};

static int
apply_change(void *arg, const uint8_t *key, size_t keylen, const uint8_t *value,
    size_t len)
{
	struct apply *a = arg;
	MDB_val	      k = { keylen, (void *)(uintptr_t)key };
	MDB_val	      v = { len, (void *)(uintptr_t)value };
	int	      rc;

	if (value != NULL)
		return mdb_put(a->txn, a->store->dbi, &k, &v, 0);
	rc = mdb_del(a->txn, a->store->dbi, &k, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
forget_rested(struct store *s, MDB_txn *txn, uint64_t wall)
{
	uint8_t	    key[STORE_KEY_MAX], version;
	MDB_cursor *c;
	MDB_val	    k = { 0, key }, v;
	uint64_t    at;
	int	    rc;

	if ((rc = mdb_cursor_open(txn, s->dbi, &c)) != 0)
		return rc;
	k.mv_size = store_rest_key(key, 0);
	rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	while (rc == 0 && store_rest_read_key(k.mv_data, k.mv_size, &at,
	    &version) &&
	    wall > at && wall - at > s->rest) {
		if ((rc = mdb_cursor_del(c, 0)) == 0)
			rc = mdb_cursor_get(c, &k, &v, MDB_GET_CURRENT);
		if (rc == EINVAL)
			rc = MDB_NOTFOUND;
	}
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
store_file_replay(struct store *s, MDB_txn *txn, unsigned n, uint64_t *done)
{
	struct apply a = { s, txn };
	int	     rc = journal_replay(&s->journal[n], s->id, done,
			 apply_change, &a);

	return rc == -1 ? errno : rc;
}

int
store_file_commit(struct store *s, MDB_txn *txn, uint64_t done, uint64_t wall,
    int rc)
{
	if (rc == 0)
		rc = forget_rested(s, txn, wall);
	if (rc == 0)
		rc = put_mark(s, txn, done);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	if ((rc = mdb_txn_commit(txn)) == 0)
		s->applied = done;
	return rc;
}

int
store_file_apply(struct store *s, unsigned n, uint64_t wall)
{
	uint64_t done = s->applied;
	MDB_txn	*txn;
	int	 rc;

	if ((rc = mdb_txn_begin(s->env, NULL, 0, &txn)) != 0)
		return rc;
	rc = store_file_replay(s, txn, n, &done);
	rc = store_file_commit(s, txn, done, wall, rc);
	/* What it has is passed by from now on. */
	if (rc == 0 && journal_clear(&s->journal[n]) == -1)
		rc = errno;
	return rc;
}
#endif
