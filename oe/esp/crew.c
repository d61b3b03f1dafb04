/* crew.c - threads beside the event loop's: each reads a queue of the TUN and a socket of ESP, seals and opens what lanes know, and hands over the rest */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "net/tun.h"
#include "oe/esp/crew.h"

#define BATCH		64	/* packets for which a lane is kept from
				 * others */
#define HANDED_BYTES	(4 << 20)	/* that wait for the event loop */
#define NO_LANE		LANES_MAX

struct worker {
	struct crew *crew;
	pthread_t    thread;
	bool	     runs;
	unsigned     number;
	struct lane *opens;		/* during a turn with ESP */
	uint8_t	     buf[GSO_BUFFER_LEN];
};

struct crew {
	struct crew_plan plan;
	int		 said, heard;	/* both ends */
	int		 stop;
	struct worker	 worker[LANES_MAX];
};

/* --- what is said --------------------------------------------------------- */

/* Of no more room than there is: who asks for more than the machine's bound as
 * somebody else has what that is. */
static void
room_for_words(int fd)
{
	const int size = HANDED_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size,
	    sizeof(size)) == -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size,
		    sizeof(size));
}

static bool
crew_say(struct crew *c, enum crew_word word, const uint8_t *buf, size_t len)
{
	uint8_t	      kind = (uint8_t)word;
	struct iovec  iov[2] = { { &kind, sizeof(kind) },
		{ (void *)(uintptr_t)buf, len } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	return sendmsg(c->said, &m, MSG_DONTWAIT | MSG_NOSIGNAL) != -1;
}

enum crew_word
crew_hear(struct crew *c, uint8_t *buf, size_t cap, size_t *len)
{
	uint8_t	      kind = CREW_NOTHING;
	struct iovec  iov[2] = { { &kind, sizeof(kind) }, { buf, cap } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t	      n;

	n = recvmsg(c->heard, &m, MSG_DONTWAIT);
	*len = n > 0 ? (size_t)n - sizeof(kind) : 0;
	return n > 0 ? (enum crew_word)kind : CREW_NOTHING;
}

void
crew_say_too_big(struct crew *c, const struct packet_view *sealed)
{
	(void)crew_say(c, CREW_TOO_BIG, sealed->data, sealed->len);
}

int
crew_fd(const struct crew *c)
{
	return c->heard;
}

/* --- what each does ------------------------------------------------------- */

/* One frame, in its lane, which is the worker's; how many packets it was. */
static unsigned
worker_frame(struct worker *w, struct lane *lane, const struct gso_frame *look,
    size_t len)
{
	unsigned n = lane_frame(lane, look, w->buf, len);

	if (n == 0 && !crew_say(w->crew, CREW_FRAME, w->buf, len))
		lane_lost(lane);
	if (lane_stirred(lane))
		(void)crew_say(w->crew, CREW_STIRRED, NULL, 0);
	return n == 0 ? 1 : n;
}

/* False: the device is gone. */
static bool
worker_tun(struct worker *w)
{
	struct lanes	*lanes = w->crew->plan.seal;
	int		 tun = w->crew->plan.duty[w->number].tun;
	struct gso_frame look;
	struct lane	*lane = NULL;
	unsigned	 in = NO_LANE, i, done = 0;
	ssize_t		 len = 0;

	while (done < BATCH &&
	    (len = read(tun, w->buf, sizeof(w->buf))) > 0) {
		if (!gso_look(w->buf, (size_t)len, &look)) {
			done++;
			continue;
		}
		i = lanes_of(lanes, &look.view.dst);
		if (i != in) {
			if (in != NO_LANE)
				lanes_leave(lanes, in);
			lane = lanes_enter(lanes, i);
			in = i;
		}
		done += worker_frame(w, lane, &look, (size_t)len);
	}
	if (in != NO_LANE)
		lanes_leave(lanes, in);
	return done == BATCH || !tun_is_gone(len);
}

static void
worker_packet(void *arg, const struct packet_view *v)
{
	struct worker *w = arg;

	if (!lane_esp(w->opens, v) &&
	    !crew_say(w->crew, CREW_ESP, v->data, v->len))
		lane_lost(w->opens);
}

static void
worker_esp(struct worker *w, int fd)
{
	const struct crew_plan *plan = &w->crew->plan;

	w->opens = lanes_enter(plan->open, w->number);
	plan->read(plan->duty[w->number].arg, fd, worker_packet, w);
	if (lane_stirred(w->opens))
		(void)crew_say(w->crew, CREW_STIRRED, NULL, 0);
	lanes_leave(plan->open, w->number);
}

static void *
worker_run(void *arg)
{
	struct worker		*w = arg;
	const struct crew_duty	*duty = &w->crew->plan.duty[w->number];
	struct pollfd fds[4] = { { .fd = w->crew->stop, .events = POLLIN },
		{ .fd = duty->tun, .events = POLLIN },
		{ .fd = duty->esp[0], .events = POLLIN },
		{ .fd = duty->esp[1], .events = POLLIN } };
	char name[16];
	int  i;

	snprintf(name, sizeof(name), "esp%u", w->number);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	while (poll(fds, 4, -1) != -1 || errno == EINTR) {
		if (fds[0].revents != 0)
			break;
		if (fds[1].revents != 0 && !worker_tun(w)) {
			(void)crew_say(w->crew, CREW_GONE, NULL, 0);
			fds[1].fd = -1;
		}
		for (i = 2; i < 4; i++) {
			if (fds[i].revents != 0)
				worker_esp(w, fds[i].fd);
		}
	}
	return NULL;
}

/* --- life ----------------------------------------------------------------- */

struct crew *
crew_new(const struct crew_plan *plan)
{
	struct crew *c = xcalloc(1, sizeof(*c));
	int	     ends[2] = { -1, -1 };
	unsigned     i;

	c->plan = *plan;
	for (i = 0; i < plan->n; i++) {
		c->worker[i].crew = c;
		c->worker[i].number = i;
	}
	c->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0, ends) == -1 || c->stop == -1)
		log_error("workers: %s", strerror(errno));
	c->said = ends[0];
	c->heard = ends[1];
	if (c->said == -1 || c->stop == -1) {
		crew_free(c);
		return NULL;
	}
	room_for_words(c->said);
	return c;
}

int
crew_start(struct crew *c)
{
	struct worker *w;
	sigset_t       all, old;
	int	       error = 0;

	/* Signals are the event loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (w = c->worker; w < c->worker + c->plan.n && error == 0; w++) {
		error = pthread_create(&w->thread, NULL, worker_run, w);
		w->runs = error == 0;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error == 0)
		return 0;
	log_error("workers: cannot start a thread: %s", strerror(error));
	return -1;
}

void
crew_free(struct crew *c)
{
	static const uint64_t one = 1;
	struct worker	     *w;

	if (c == NULL)
		return;
	if (c->stop != -1 && write(c->stop, &one, sizeof(one)) == -1)
		log_debug("workers: %s", strerror(errno));
	for (w = c->worker; w < c->worker + c->plan.n; w++) {
		if (w->runs)
			pthread_join(w->thread, NULL);
	}
	if (c->stop != -1)
		close(c->stop);
	if (c->said != -1) {
		close(c->said);
		close(c->heard);
	}
	wipe_free(c, sizeof(*c));
}
