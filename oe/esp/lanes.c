/* lanes.c - lanes side by side, each for one thread at a time, which may use what the lane was told of */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "oe/esp/lanes.h"

/* A mutex alone goes to whoever asks for it at the right moment, which is who
 * has just given it back: so there are numbers, and turns. */
struct lane_place {
	struct lane    *lane;
	pthread_mutex_t mutex;		/* of the two numbers */
	pthread_cond_t	turns;
	unsigned	next, turn;
};

struct lanes {
	unsigned	  n;
	struct lane_place place[LANES_MAX];
};

struct lanes *
lanes_new(unsigned n, const struct lane_out *outs)
{
	struct lanes *l = xcalloc(1, sizeof(*l));

	for (; l->n < n && l->n < LANES_MAX; l->n++) {
		l->place[l->n].lane = lane_new(&outs[l->n]);
		pthread_mutex_init(&l->place[l->n].mutex, NULL);
		pthread_cond_init(&l->place[l->n].turns, NULL);
	}
	return l;
}

void
lanes_free(struct lanes *l)
{
	if (l == NULL)
		return;
	while (l->n-- > 0) {
		lane_free(l->place[l->n].lane);
		pthread_mutex_destroy(&l->place[l->n].mutex);
		pthread_cond_destroy(&l->place[l->n].turns);
	}
	free(l);
}

unsigned
lanes_n(const struct lanes *l)
{
	return l->n;
}

unsigned
lanes_of(const struct lanes *l, const struct addr *dst)
{
	return (unsigned)(addr_hash(dst) % l->n);
}

unsigned
lanes_of_spi(const struct lanes *l, uint32_t spi)
{
	return spi % l->n;
}

struct lane *
lanes_enter(struct lanes *l, unsigned i)
{
	struct lane_place *p = &l->place[i];
	unsigned	   mine;

	pthread_mutex_lock(&p->mutex);
	for (mine = p->next++; p->turn != mine;)
		pthread_cond_wait(&p->turns, &p->mutex);
	pthread_mutex_unlock(&p->mutex);
	return p->lane;
}

void
lanes_leave(struct lanes *l, unsigned i)
{
	struct lane_place *p = &l->place[i];

	lane_flush(p->lane);
	pthread_mutex_lock(&p->mutex);
	p->turn++;
	pthread_cond_broadcast(&p->turns);
	pthread_mutex_unlock(&p->mutex);
}

void
lanes_count(struct lanes *l, struct lane_counts *sum)
{
	unsigned i;

	for (i = 0; i < l->n; i++) {
		lane_count(lanes_enter(l, i), sum);
		lanes_leave(l, i);
	}
}
