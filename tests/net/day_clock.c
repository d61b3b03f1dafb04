/* day_clock.c - preloaded into a daemon: its clocks run as a test says, fast or not at all, as over a suspend */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SLOTS	64
#define SEC	1000000000.0
#define SLICE	100		/* milliseconds */

/*
 * What tests/net/day.py writes into the file that DAY_CLOCK names: since "real"
 * (the kernel's CLOCK_MONOTONIC), each clock goes on from where it was, so many
 * times as fast.  A suspend is: monotonic 0, boottime as the world's.  All in
 * nanoseconds.
 */
struct slot {
	double real, mono, boot, mono_speed, boot_speed;
};

struct shared {
	_Atomic int64_t now;	/* the slot in force; slots are written once */
	struct slot	slot[SLOTS];
};

static const struct shared *shared;
static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_epoll)(int, struct epoll_event *, int, int);

__attribute__((constructor)) static void
day_clock_start(void)
{
	const char *path = getenv("DAY_CLOCK");
	void	   *map;
	int	    fd;

	/* A name that a header may have redirected (64 bit time) is asked for
	 * as it is here, by its own wrapper. */
	real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT,
	    sizeof(time_t) > sizeof(long) ? "__clock_gettime64" :
	    "clock_gettime");
	real_epoll = (int (*)(int, struct epoll_event *, int, int))dlsym(
	    RTLD_NEXT, "epoll_wait");
	if (path == NULL || (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	map = mmap(NULL, sizeof(*shared), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		shared = map;
}

static const struct slot *
day_slot(void)
{
	return shared == NULL ? NULL :
	    &shared->slot[(size_t)atomic_load(&shared->now) % SLOTS];
}

int
clock_gettime(clockid_t clock_id, struct timespec *tp)
{
	const struct slot *s = day_slot();
	struct timespec	   real;
	double		   since, value;

	if (s == NULL ||
	    (clock_id != CLOCK_BOOTTIME && clock_id != CLOCK_MONOTONIC &&
	    clock_id != CLOCK_MONOTONIC_COARSE))
		return real_gettime(clock_id, tp);
	if (real_gettime(CLOCK_MONOTONIC, &real) == -1)
		return -1;
	since = (double)real.tv_sec * SEC + (double)real.tv_nsec - s->real;
	value = clock_id == CLOCK_BOOTTIME ? s->boot + since * s->boot_speed :
	    s->mono + since * s->mono_speed;
	tp->tv_sec = (time_t)(value / SEC);
	tp->tv_nsec = (long)(value - (double)tp->tv_sec * SEC);
	return 0;
}

static double
day_milliseconds(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Timers follow the monotonic clock, which may run otherwise before they
 * end. */
int
epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
	const struct slot *s;
	double		   end, left = 0;
	int		   n;

	if (day_slot() == NULL || timeout <= 0)
		return real_epoll(epfd, events, maxevents, timeout);
	end = day_milliseconds() + timeout;
	do {
		s = day_slot();
		left = end - day_milliseconds();
		if (s->mono_speed > 1)
			left /= s->mono_speed;
		n = real_epoll(epfd, events, maxevents,
		    left > SLICE ? SLICE : left > 0 ? (int)left + 1 : 0);
	} while (n == 0 && day_milliseconds() < end);
	return n;
}
