/* door.c - several versions of IKE as one engine */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "oe/ike/door.h"

#define ENGINES_MAX	2
#define VERSION_AT	17	/* in the header of any version (RFC 2408 §3.1,
				 * RFC 7296 §3.1) */
#define MARKER_LEN	4

struct slot {
	const struct keying_engine *engine;
	void			   *e;
};

struct door {
	struct slot slot[ENGINES_MAX];
	unsigned    n;
};

/* NOLINTBEGIN(bugprone-macro-parentheses): s is declared, d has them */
/* s stands for each of a door's engines in turn. */
#define EACH_SLOT(d, s)							\
	for (const struct slot *s = ((const struct door *)(d))->slot;	\
	    s < ((const struct door *)(d))->slot +			\
	    ((const struct door *)(d))->n; s++)
/* NOLINTEND(bugprone-macro-parentheses) */

struct door *
door_new(void)
{
	return xcalloc(1, sizeof(struct door));
}

static struct slot *
door_slot(struct door *d, uint64_t version)
{
	unsigned i;

	for (i = 0; i < d->n; i++) {
		if (d->slot[i].engine->version == version)
			return &d->slot[i];
	}
	return NULL;
}

void
door_set(struct door *d, uint64_t now, const struct keying_engine *engine,
    void *e)
{
	struct slot *s = door_slot(d, engine->version), old;

	if (s == NULL && d->n == ENGINES_MAX)
		abort();
	if (s == NULL)
		s = &d->slot[d->n++];
	old = *s;
	*s = (struct slot){ engine, e };
	if (old.engine != NULL) {
		old.engine->shutdown(old.e, now);
		old.engine->free(old.e);
	}
}

void
door_close(struct door *d, uint64_t now, unsigned version)
{
	struct slot *s = door_slot(d, version), old;

	if (s == NULL)
		return;
	old = *s;
	d->n--;
	memmove(s, s + 1, (size_t)(d->slot + d->n - s) * sizeof(*s));
	old.engine->shutdown(old.e, now);
	old.engine->free(old.e);
}

static void
door_free(void *e)
{
	if (e == NULL)
		return;
	EACH_SLOT(e, s)
		s->engine->free(s->e);
	free(e);
}

static void
door_shutdown(void *e, uint64_t now)
{
	EACH_SLOT(e, s)
		s->engine->shutdown(s->e, now);
}

static int
door_request(void *e, uint64_t now, const struct keying_request *r, void *conn)
{
	struct door *d = e;
	struct slot *s = r->version != 0 ? door_slot(d, r->version) :
	    d->n != 0 ? &d->slot[0] : NULL;

	return s == NULL ? -1 : s->engine->request(s->e, now, r, conn);
}

static void
door_forget(void *e, uint64_t now, void *conn, bool tell)
{
	EACH_SLOT(e, s)
		s->engine->forget(s->e, now, conn, tell);
}

static int
door_delete_child(void *e, uint64_t now, uint32_t spi_in)
{
	EACH_SLOT(e, s) {
		if (s->engine->delete_child(s->e, now, spi_in) == 0)
			return 0;
	}
	return -1;
}

static int
door_probe(void *e, uint64_t now, void *conn)
{
	EACH_SLOT(e, s) {
		if (s->engine->probe(s->e, now, conn) == 0)
			return 0;
	}
	return -1;
}

static void
door_moved(void *e, void *conn, const struct addr *peer, uint16_t port)
{
	EACH_SLOT(e, s)
		s->engine->moved(s->e, conn, peer, port);
}

static int
door_invalid_spi(void *e, uint64_t now, const struct keying_path *path,
    uint32_t spi, bool hint)
{
	/* Who can prove it says so; else each hints, as nobody knows which of
	 * them the peer understands. */
	EACH_SLOT(e, s) {
		if (s->engine->invalid_spi(s->e, now, path, spi, false) == 0)
			return 0;
	}
	EACH_SLOT(e, s) {
		if (hint)
			s->engine->invalid_spi(s->e, now, path, spi, true);
	}
	return -1;
}

static void
door_peer_identity(void *e, uint64_t token, const struct keying_id *my_id)
{
	struct slot *s = door_slot(e, token >> 56);

	if (s != NULL)
		s->engine->peer_identity(s->e, token, my_id);
}

static void
door_peer_keys(void *e, uint64_t now, uint64_t token,
    const struct keying_credentials *c)
{
	struct slot *s = door_slot(e, token >> 56);

	if (s != NULL)
		s->engine->peer_keys(s->e, now, token, c);
}

static void
door_narrow(void *e, uint64_t token, const struct keying_selectors *ours,
    const struct keying_selectors *theirs, const struct addr *inner)
{
	struct slot *s = door_slot(e, token >> 56);

	if (s != NULL && s->engine->narrow != NULL)
		s->engine->narrow(s->e, token, ours, theirs, inner);
}

static void
door_authorize(void *e, uint64_t now, uint64_t token, void *conn)
{
	struct slot *s = door_slot(e, token >> 56);

	if (s != NULL)
		s->engine->authorize(s->e, now, token, conn);
}

/* Of a version that nobody here speaks: the first engine counts it. */
static void
door_packet(void *e, uint64_t now, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	struct door *d = e;
	struct slot *s = NULL;
	size_t	     at = VERSION_AT;

	if (path->local_port == KEYING_PORT_NATT ||
	    path->peer_port == KEYING_PORT_NATT)
		at += MARKER_LEN;
	if (len > at)
		s = door_slot(d, buf[at] >> 4);
	if (s == NULL && d->n != 0)
		s = &d->slot[0];
	if (s != NULL)
		s->engine->packet(s->e, now, path, buf, len);
}

static void
door_icmp(void *e, uint64_t now, const struct keying_path *path)
{
	EACH_SLOT(e, s)
		s->engine->icmp(s->e, now, path);
}

static uint64_t
door_next(const void *e)
{
	uint64_t next = UINT64_MAX, at;

	EACH_SLOT(e, s) {
		at = s->engine->next(s->e);
		next = at < next ? at : next;
	}
	return next;
}

static void
door_tick(void *e, uint64_t now)
{
	EACH_SLOT(e, s) {
		if (s->engine->next(s->e) <= now)
			s->engine->tick(s->e, now);
	}
}

static void
door_report_sas(const void *e, uint64_t now, json_object *table)
{
	EACH_SLOT(e, s)
		s->engine->report_sas(s->e, now, table);
}

static void
door_report(const void *e, struct report *r)
{
	EACH_SLOT(e, s)
		s->engine->report(s->e, r);
}

const struct keying_engine door_engine = KEYING_ENGINE(0, door, door,
    .narrow = door_narrow);
