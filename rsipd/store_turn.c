/* store_turn.c - the journals take turns: one is written while a thread brings the other into the file */
#include "config.h"

#ifdef HAVE_LMDB
#include <signal.h>

#include "base/log.h"
#include "rsipd/store_internal.h"

static void *
apply_full_journals(void *arg)
{
	struct store *s = arg;
	int	      rc;

	pthread_mutex_lock(&s->mutex);
	for (;;) {
		while (!s->busy && !s->stop)
			pthread_cond_wait(&s->wake, &s->mutex);
		if (!s->busy)
			break;
		pthread_mutex_unlock(&s->mutex);
		rc = store_file_apply(s, s->full, s->full_wall);
		pthread_mutex_lock(&s->mutex);
		s->error_full = rc;
		s->busy = false;
		pthread_cond_broadcast(&s->wake);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

void
store_turn_init(struct store *s)
{
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->wake, NULL);
}

void
store_end_thread(struct store *s, bool *runs, pthread_t thread)
{
	if (!*runs)
		return;
	pthread_mutex_lock(&s->mutex);
	s->stop = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->mutex);
	pthread_join(thread, NULL);
	*runs = false;
}

void
store_turn_end(struct store *s)
{
	store_end_thread(s, &s->threaded, s->thread);
}

bool
store_has_thread(struct store *s, bool *runs, pthread_t *thread,
    void *(*fn)(void *))
{
	sigset_t all, old;

	if (*runs)
		return true;
	/* Signals are the control thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	*runs = pthread_create(thread, NULL, fn, s) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return *runs;
}

/* One log line for several failures in a row;
 * what the journals have is safe there. */
void
store_turn_note(struct store *s, int rc)
{
	if (rc != 0 && !s->counts.late)
		log_warn("%s: %s: what changes is kept in %s.1 and .2 until it "
		    "can be written there", s->path, mdb_strerror(rc), s->path);
	s->counts.late = rc != 0;
}

void
store_turn(struct store *s)
{
	bool busy;
	int  rc;

	pthread_mutex_lock(&s->mutex);
	busy = s->busy;
	rc = s->error_full;
	pthread_mutex_unlock(&s->mutex);
	if (busy)
		return;
	store_turn_note(s, rc);
	/* The older one first, until that has gone well. */
	if (rc == 0) {
		if (s->journal[s->current].end == 0)
			return;
		s->full = s->current;
		s->current = (s->current + 1) % STORE_JOURNALS;
	}
	s->full_wall = s->wall;
	if (!store_has_thread(s, &s->threaded, &s->thread,
	    apply_full_journals)) {
		s->error_full = store_file_apply(s, s->full, s->wall);
		store_turn_note(s, s->error_full);
		return;
	}
	pthread_mutex_lock(&s->mutex);
	s->busy = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->mutex);
}

bool
store_is_due(struct store *s)
{
	bool rc;

	pthread_mutex_lock(&s->mutex);
	rc = s->busy || s->error_full != 0 ||
	    s->journal[s->current].end != 0;
	pthread_mutex_unlock(&s->mutex);
	return rc;
}

void
store_turn_wait(struct store *s)
{
	pthread_mutex_lock(&s->mutex);
	while (s->busy)
		pthread_cond_wait(&s->wake, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
}

/* By what they say of themselves: a crash forgets it. */
unsigned
store_turn_older(struct store *s)
{
	uint64_t first[STORE_JOURNALS], last;
	unsigned n;

	for (n = 0; n < STORE_JOURNALS; n++) {
		journal_scan(&s->journal[n], s->id, &first[n], &last);
		if (s->sequence < last)
			s->sequence = last;
	}
	return first[1] != 0 && (first[0] == 0 || first[1] < first[0]);
}
#endif
