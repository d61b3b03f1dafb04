/* keeper.c - a small root process that changes kernel settings and puts them back */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/helper.h"
#include "base/log.h"
#include "net/sysctl.h"
#include "rsipc/keeper.h"

#define KEEPER_KEYS_MAX	16
#define KEEPER_PREFIX	"net/ipv4/"

struct keeper_order {		/* value "": restore */
	uint32_t ask;		/* not 0: nothing else, and this is the answer,
				 * when what was ordered before is done */
	char key[96];
	char value[32];
};

struct keeper_setting {
	char key[96];
	char before[32], ours[32];
};

/* In the process. */
struct keeper {
	struct keeper_setting list[KEEPER_KEYS_MAX];	/* key "": free */
	char		      note[PATH_MAX];
};

static struct helper keeper = { .fd = -1 };
static uint32_t	     keeper_asked;

static void
keeper_put_back(struct keeper_setting *s)
{
	char current[32];

	/* What the operator set meanwhile is his. */
	if (s->ours[0] != '\0' &&
	    sysctl_get(s->key, current, sizeof(current)) == 0 &&
	    strcmp(current, s->ours) == 0 &&
	    sysctl_set(s->key, s->before) == -1)
		log_warn("cannot put %s back to \"%s\": %s", s->key, s->before,
		    strerror(errno));
	s->key[0] = '\0';
}

/* The setting of that name; "": a free place; NULL if there is none. */
static struct keeper_setting *
keeper_find(struct keeper_setting *list, const char *key)
{
	size_t i;

	for (i = 0; i < KEEPER_KEYS_MAX; i++) {
		if (strcmp(list[i].key, key) == 0)
			return &list[i];
	}
	return NULL;
}

static bool
keeper_allows(const char *key)
{
	return strncmp(key, KEEPER_PREFIX, strlen(KEEPER_PREFIX)) == 0 &&
	    strstr(key, "..") == NULL;
}

/* --- the note, for a successor -------------------------------------------- */

static void
keeper_note(const struct keeper *k)
{
	const struct keeper_setting *s;
	char			     beside[sizeof(k->note) + 8];
	FILE			    *f;
	size_t			     i, n = 0;
	int			     fd;

	for (i = 0; i < KEEPER_KEYS_MAX; i++)
		n += k->list[i].key[0] != '\0';
	if (n == 0) {
		unlink(k->note);
		return;
	}
	snprintf(beside, sizeof(beside), "%s.new", k->note);
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1 || (f = fdopen(fd, "w")) == NULL) {
		log_warn("%s: %s: if all of us are killed, settings stay",
		    beside, strerror(errno));
		if (fd != -1)
			close(fd);
		return;
	}
	for (i = 0; i < KEEPER_KEYS_MAX; i++) {
		s = &k->list[i];
		if (s->key[0] != '\0')
			fprintf(f, "%s\n%s\n%s\n", s->key, s->before, s->ours);
	}
	if (fclose(f) != 0 || rename(beside, k->note) == -1)
		log_warn("%s: %s", k->note, strerror(errno));
}

static bool
note_line(FILE *f, char *out, int cap)
{
	size_t n;

	if (fgets(out, cap, f) == NULL)
		return false;
	n = strlen(out);
	if (n == 0 || out[n - 1] != '\n')
		return false;
	out[n - 1] = '\0';
	return true;
}

static void
keeper_read_note(struct keeper *k)
{
	struct keeper_setting *s;
	FILE		      *f;
	size_t		       i;
	int		       fd;

	fd = open(k->note, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1 || (f = fdopen(fd, "r")) == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	for (i = 0; i < KEEPER_KEYS_MAX; i++) {
		s = &k->list[i];
		if (!note_line(f, s->key, sizeof(s->key)) ||
		    !note_line(f, s->before, sizeof(s->before)) ||
		    !note_line(f, s->ours, sizeof(s->ours)) ||
		    !keeper_allows(s->key)) {
			memset(s, 0, sizeof(*s));
			break;
		}
	}
	fclose(f);
}

/* --- the process ---------------------------------------------------------- */

static void
keeper_put_all_back(struct keeper *k)
{
	bool   any = false;
	size_t i;

	for (i = KEEPER_KEYS_MAX; i-- > 0; ) {
		if (k->list[i].key[0] == '\0')
			continue;
		keeper_put_back(&k->list[i]);
		any = true;
	}
	/* Else it may be that of another daemon, before which
	 * we had to yield. */
	if (any)
		keeper_note(k);
}

/* The note is of one whose helpers were all killed with it. */
static void
keeper_begin(struct keeper *k)
{
	keeper_read_note(k);
	if (k->list[0].key[0] == '\0')
		return;
	log_info("putting back the settings of one that was killed");
	keeper_put_all_back(k);
}

static void
keeper_obey(struct keeper *k, struct keeper_order *o)
{
	struct keeper_setting *s;

	o->key[sizeof(o->key) - 1] = o->value[sizeof(o->value) - 1] = '\0';
	if (o->key[0] == '\0') {
		keeper_begin(k);
		return;
	}
	if (!keeper_allows(o->key))
		return;
	s = keeper_find(k->list, o->key);
	if (o->value[0] == '\0') {
		if (s != NULL)
			keeper_put_back(s);
		keeper_note(k);
		return;
	}
	if (s == NULL) {
		if ((s = keeper_find(k->list, "")) == NULL)
			return;
		memset(s, 0, sizeof(*s));
		if (sysctl_get(o->key, s->before, sizeof(s->before)) == -1) {
			log_warn("%s: %s", o->key, strerror(errno));
			return;
		}
		snprintf(s->key, sizeof(s->key), "%s", o->key);
	}
	/* Noted before it is done: what is not ours is not put back. */
	snprintf(s->ours, sizeof(s->ours), "%s", o->value);
	keeper_note(k);
	if (sysctl_set(o->key, o->value) == -1)
		log_warn("cannot set %s to \"%s\": %s", o->key, o->value,
		    strerror(errno));
}

static void
keeper_serve(int fd, bool again, void *arg)
{
	static struct keeper k;
	struct keeper_order  o;
	ssize_t		     n;
	bool		     alone = again;

	snprintf(k.note, sizeof(k.note), "%s", (const char *)arg);
	if (again) {
		(void)helper_alone("keeper");
		keeper_read_note(&k);
	}
	for (;;) {
		n = recv(fd, &o, sizeof(o), 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n != sizeof(o))
			break;
		/* Not before: a daemon that yields to another says nothing. */
		if (!alone)
			(void)helper_alone("keeper");
		alone = true;
		if (o.ask == 0)
			keeper_obey(&k, &o);
		else
			(void)send(fd, &o.ask, sizeof(o.ask), MSG_NOSIGNAL);
	}
	keeper_put_all_back(&k);
}

int
keeper_start(const char *note)
{
	/* Packets, not a stream: an order is there as a whole or not at all. */
	struct helper_work w = { .name = "rsipc-keeper",
		.does = "keeps kernel settings", .type = SOCK_SEQPACKET,
		.serve = keeper_serve, .arg = (void *)(uintptr_t)note };

	return helper_start(&keeper, &w);
}

int
keeper_fd(void)
{
	return keeper.fd;
}

static void
keeper_order(const char *key, const char *value)
{
	struct keeper_order o = { 0 };

	if (keeper.fd == -1)
		return;
	snprintf(o.key, sizeof(o.key), "%s", key);
	snprintf(o.value, sizeof(o.value), "%s", value);
	if (send(keeper.fd, &o, sizeof(o), MSG_NOSIGNAL) != sizeof(o))
		log_warn("the process that keeps settings is gone: %s stays as "
		    "it is", key);
}

void
keeper_take_over(void)
{
	keeper_order("", "");
}

void
keeper_set(const char *key, const char *value)
{
	keeper_order(key, value);
}

void
keeper_restore(const char *key)
{
	keeper_order(key, "");
}

/* The next answer that is there, 0: none; -1: nobody is there any more. */
static int
keeper_answer(uint32_t *answer)
{
	ssize_t n;

	*answer = 0;
	n = recv(keeper.fd, answer, sizeof(*answer), MSG_DONTWAIT);
	return n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR) ? -1 :
	    0;
}

bool
keeper_settle(unsigned ms)
{
	struct keeper_order o = { .ask = ++keeper_asked };
	struct pollfd	    p = { .fd = keeper.fd, .events = POLLIN };
	uint64_t	    now = clock_now(), until = now + ms;
	uint32_t	    answer;

	if (keeper.fd == -1 ||
	    send(keeper.fd, &o, sizeof(o), MSG_NOSIGNAL) != sizeof(o))
		return false;
	for (; now < until; now = clock_now()) {
		(void)poll(&p, 1, (int)(until - now));
		if (keeper_answer(&answer) == -1)
			return false;
		if (answer == o.ask)
			return true;
	}
	return false;
}

bool
keeper_alive(void)
{
	uint32_t answer;

	do {
		if (keeper_answer(&answer) == -1)
			return false;
	} while (answer != 0);
	return true;
}

void
keeper_stop(void)
{
	helper_stop(&keeper);
}
