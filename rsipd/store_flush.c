/* store_flush.c - the disk flushes what is written while the next batch is filled */
#include "config.h"

#ifdef HAVE_LMDB
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rsipd/store_internal.h"

static int
flush(struct store *s, unsigned dirty)
{
	unsigned n;
	int	 rc = 0;

	for (n = 0; n < STORE_JOURNALS; n++) {
		if ((dirty & 1u << n) != 0 &&
		    journal_sync(&s->journal[n]) == -1)
			rc = errno;
	}
	return rc;
}

static void *
flush_journals(void *arg)
{
	static const uint64_t one = 1;
	struct store	     *s = arg;
	uint64_t	      upto;
	unsigned	      dirty;
	int		      rc;

	pthread_mutex_lock(&s->mutex);
	for (;;) {
		while (s->written == s->flushed && !s->stop)
			pthread_cond_wait(&s->wake, &s->mutex);
		if (s->written == s->flushed)
			break;
		upto = s->written;
		dirty = s->dirty;
		s->dirty = 0;
		pthread_mutex_unlock(&s->mutex);
		rc = flush(s, dirty);
		pthread_mutex_lock(&s->mutex);
		s->flushed = upto;
		if (rc != 0)
			s->error_flush = rc;
		pthread_cond_broadcast(&s->wake);
		(void)!write(s->flushed_fd, &one, sizeof(one));
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

int
store_flush_later(struct store *s)
{
	if (s->durability == STORE_COMMIT && s->flushed_fd == -1)
		s->flushed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return s->flushed_fd;
}

void
store_flush_wanted(struct store *s)
{
	static const uint64_t one = 1;
	bool		      other = store_has_thread(s, &s->has_flusher,
		&s->flusher, flush_journals);

	pthread_mutex_lock(&s->mutex);
	s->dirty |= 1u << s->current;
	s->written = s->sequence;
	if (!other) {
		s->error_flush = flush(s, s->dirty);
		s->flushed = s->written;
		(void)!write(s->flushed_fd, &one, sizeof(one));
	}
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->mutex);
}

bool
store_flush_is_under_way(struct store *s)
{
	bool rc;

	pthread_mutex_lock(&s->mutex);
	rc = s->written != s->flushed || s->error_flush != 0;
	pthread_mutex_unlock(&s->mutex);
	return rc;
}

void
store_flush_wait(struct store *s)
{
	pthread_mutex_lock(&s->mutex);
	while (s->written != s->flushed)
		pthread_cond_wait(&s->wake, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
}

void
store_flush_end(struct store *s)
{
	store_end_thread(s, &s->has_flusher, s->flusher);
	if (s->flushed_fd != -1)
		close(s->flushed_fd);
	s->flushed_fd = -1;
}
#endif
