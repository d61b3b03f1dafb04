/* remember.c - the peers we have keys with, on disk, so that a crash can be made good */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/statefile.h"
#include "base/util.h"
#include "oe/classes.h"
#include "oe/connection.h"
#include "oe/initiator.h"
#include "oe/pair.h"
#include "oe/remember.h"
#include "oe/room.h"
#include "oe/version.h"

#define LINE_LEN	(2 * ADDR_TEXT_MAX + KEYING_NAME_MAX + 32)
#define SPOKEN_WORD	"ikev2"
#define SPOKEN_LINE_LEN	(2 * SPOKEN_ID_LEN + 48)

/* What the daemon before us had with a peer. */
struct pair {
	struct addr src, dst;	/* src none: our own address,
				 * whatever it is now */
	uint16_t port;		/* of the peer's IKE */
	uint32_t spi;		/* our inbound one, by which the peer
				 * still sends; 0: none */
	bool	 shares;	/* the peer is known by a name, at an
				 * address of several */
};

struct remembered {
	struct statefile *file;
	/* Of the predecessor, to be told. */
	struct pair	  old[REMEMBER_PEERS_MAX];
	unsigned	  nold;
	unsigned	  untold;	/* how many of old, from the first on,
					 * were not told yet */
	uint64_t	  written;	/* hash of what the file holds */
	struct spoken_line {
		struct spoken key;	/* but its time */
		int64_t	      wall;	/* which is that, in
					 * seconds since the Epoch */
	}		  spoken[SPOKEN_MAX];
	unsigned	  nspoken;
};

/* "ikev2 HASH SECONDS ours|theirs": a key that spoke IKEv2, and when, since the
 * Epoch; true if it is such a line. */
static bool
remember_read_spoken(struct remembered *m, const char *line)
{
	struct spoken_line *s = &m->spoken[m->nspoken];
	char		    hash[2 * SPOKEN_ID_LEN + 1], ours[8];
	size_t		    i;
	unsigned	    byte;

	if (strncmp(line, SPOKEN_WORD " ", strlen(SPOKEN_WORD) + 1) != 0)
		return false;
	/* So many digits fit.  NOLINTBEGIN(cert-err34-c) */
	if (m->nspoken == SPOKEN_MAX || sscanf(line, SPOKEN_WORD
	    " %32s %18" SCNd64 " %7s", hash, &s->wall, ours) != 3 ||
	    strlen(hash) != 2 * SPOKEN_ID_LEN)
		return true;
	for (i = 0; i < SPOKEN_ID_LEN; i++) {
		if (sscanf(hash + 2 * i, "%2x", &byte) != 1)
			return true;
		s->key.id[i] = (uint8_t)byte;
	}
	/* NOLINTEND(cert-err34-c) */
	s->key.ours = strcmp(ours, "ours") == 0;
	m->nspoken++;
	return true;
}

static size_t
remember_write_spoken(char *out, size_t cap, const struct core *c, int64_t wall)
{
	const struct spoken *s;
	size_t		     n = 0, i, k;

	for (i = 0; i < SPOKEN_MAX; i++) {
		s = &c->spoken[i];
		if (!version_remembers(c, s))
			continue;
		n += (size_t)snprintf(out + n, cap - n, SPOKEN_WORD " ");
		for (k = 0; k < SPOKEN_ID_LEN; k++)
			n += (size_t)snprintf(out + n, cap - n, "%02x",
			    s->id[k]);
		/* To the hour: not each handshake is worth a write. */
		n += (size_t)snprintf(out + n, cap - n, " %" PRId64 " %s\n",
		    (wall - ((int64_t)c->now - s->at) / 1000) / 3600 * 3600,
		    s->ours ? "ours" : "theirs");
	}
	return n;
}

void
remember_spoken(const struct remembered *m, struct core *c, int64_t wall)
{
	struct spoken s;
	unsigned      i;

	for (i = 0; m != NULL && i < m->nspoken; i++) {
		/* The file's clock may have been wrong, but
		 * not ahead of all. */
		if (m->spoken[i].wall > wall)
			continue;
		s = m->spoken[i].key;
		s.at = (int64_t)c->now - (wall - m->spoken[i].wall) * 1000;
		if (s.at == 0)
			s.at = -1;
		version_recall(c, &s);
	}
}

/* "SRC DST PORT SPI ID" a line, of older files SRC DST alone; a line that is
 * none is the file's fault, not ours. */
static void
remember_read(struct remembered *m, char *text)
{
	char	       src[ADDR_TEXT_MAX + 1], dst[ADDR_TEXT_MAX + 1];
	char	       id[KEYING_NAME_MAX + 2], *line, *save = NULL;
	char	       port_text[8], spi_text[12];
	unsigned long long port, spi;
	struct addr    s, d;
	int	       n;

	for (line = strtok_r(text, "\n", &save);
	    line != NULL && m->nold < REMEMBER_PEERS_MAX;
	    line = strtok_r(NULL, "\n", &save)) {
		if (remember_read_spoken(m, line))
			continue;
		memset(&s, 0, sizeof(s));
		port = KEYING_PORT;
		spi = 0;
		*id = '\0';
		n = sscanf(line, "%46s %46s %7s %11s %256s", src, dst,
		    port_text, spi_text, id);
		if (n == 5) {
			port = strtoull(port_text, NULL, 10);
			spi = strtoull(spi_text, NULL, 16);
		}
		if ((n != 2 && n != 5) || port == 0 || port > UINT16_MAX ||
		    spi > UINT32_MAX ||
		    (strcmp(src, "-") != 0 && addr_parse(&s, src) == -1) ||
		    addr_parse(&d, dst) == -1)
			continue;
		m->old[m->nold++] = (struct pair){ s, d,
			(uint16_t)port, (uint32_t)spi, *id == '@' };
	}
	m->untold = m->nold;
}

struct remembered *
remember_open(const char *path)
{
	struct statefile *file = statefile_open(path);
	struct remembered	 *m;
	char		 *text;
	size_t		  len;

	if (file == NULL && errno == EWOULDBLOCK) {
		log_warn("%s: another daemon uses it: set \"state\" in section "
		    "oe", path);
		return NULL;
	}
	if (file == NULL || (text = statefile_read(file, &len)) == NULL) {
		log_warn("%s: %s: after a crash peers will not be told", path,
		    strerror(errno));
		statefile_close(file, false);
		return NULL;
	}
	m = xcalloc(1, sizeof(*m));
	m->file = file;
	remember_read(m, text);
	free(text);
	if (m->nold != 0)
		log_info("%s: a crash left %u peer%s to begin anew with", path,
		    m->nold, plural(m->nold));
	return m;
}

void
remember_close(struct remembered *m, const struct core *c, int64_t wall)
{
	char  *text;
	size_t n;

	if (m == NULL)
		return;
	text = xcalloc(SPOKEN_MAX, SPOKEN_LINE_LEN);
	n = remember_write_spoken(text, SPOKEN_MAX * SPOKEN_LINE_LEN, c, wall);
	if (n != 0)
		(void)statefile_write(m->file, text, n);
	statefile_close(m->file, n == 0);
	free(text);
	free(m);
}

/* One line of the file for a peer of now. */
static size_t
remember_line(char *out, size_t cap, const struct core *c,
    const struct connection *conn)
{
	const struct sa_pair *p = connection_any_pair(conn);
	char		      src[ADDR_TEXT_MAX];

	snprintf(src, sizeof(src), "%s", addr_equal(&conn->key.src.addr,
	    core_local(c, conn->key.dst.addr.family)) ? "-" :
	    ADDR_TEXT(&conn->key.src.addr));
	return (size_t)snprintf(out, cap, "%s %s %d %x %s\n", src,
	    ADDR_TEXT(&conn->key.dst.addr), conn->path.peer_port != 0 ?
	    conn->path.peer_port : KEYING_PORT, p != NULL ? p->spi_in : 0,
	    conn->right == RIGHT_FLOWS ? "@" : keying_id_text(&conn->peer_id));
}

void
remember_note(struct remembered *m, const struct core *c, int64_t wall)
{
	const struct connection *conn;
	const struct pair	*old;
	char			*text;
	size_t			 n = 0, cap;
	uint64_t		 hash = 1469598103934665603u;
	unsigned		 i, count = 0, keyed = 0;

	if (m == NULL)
		return;
	TAILQ_FOREACH(conn, &c->connections, all)
		keyed += conn->state == CONNECTION_KEYED;
	if (keyed > REMEMBER_PEERS_MAX)
		keyed = REMEMBER_PEERS_MAX;
	cap = (size_t)LINE_LEN * (keyed + m->untold) +
	    SPOKEN_MAX * SPOKEN_LINE_LEN + 1;
	text = xcalloc(1, cap);
	TAILQ_FOREACH(conn, &c->connections, all) {
		if (conn->state != CONNECTION_KEYED ||
		    conn->class == OE_CLASS_TUNNEL ||
		    count == REMEMBER_PEERS_MAX)
			continue;
		n += remember_line(text + n, cap - n, c, conn);
		count++;
	}
	/* Peers of the predecessor stay until they have been told. */
	for (i = 0; i < m->untold && count < REMEMBER_PEERS_MAX; i++, count++) {
		old = &m->old[i];
		n += (size_t)snprintf(text + n, cap - n, "%s ", !addr_is_set(
		    &old->src) ? "-" : ADDR_TEXT(&old->src));
		n += (size_t)snprintf(text + n, cap - n, "%s %u %x %s\n",
		    ADDR_TEXT(&old->dst), old->port, old->spi,
		    old->shares ? "@" : "-");
	}
	n += remember_write_spoken(text + n, cap - n, c, wall);
	for (i = 0; i < n; i++)
		hash = (hash ^ (uint8_t)text[i]) * 1099511628211u;
	if (statefile_failed(m->file))
		m->written = 0;
	if (hash != m->written && statefile_write(m->file, text, n) == 0)
		m->written = hash;
	free(text);
}

static const struct addr *
remember_source(const struct core *c, const struct pair *old)
{
	return addr_is_set(&old->src) ? &old->src :
	    core_local(c, old->dst.family);
}

/* May there be an SA with this peer by what policy says today? */
static bool
remember_wanted(const struct core *c, const struct pair *old,
    struct class_match *p)
{
	return core_is_ours(c, remember_source(c, old)) &&
	    classes_find(c->config->classes, &old->dst, p) == 0 &&
	    (p->class == OE_CLASS_PERMISSIVE || p->class == OE_CLASS_PARANOID);
}

unsigned
remember_recall(struct remembered *m, struct core *c, uint64_t now, unsigned n)
{
	struct class_match p;
	struct spd_entry   *e;
	struct spd_key	    key;
	const struct pair  *old;
	struct pair	    told;
	unsigned	    i;

	if (m == NULL)
		return 0;
	for (i = m->untold; i > 0 && n > 0; i--) {
		/* A peer is told once we have an address of its family. */
		if (!addr_is_set(core_local(c, m->old[i - 1].dst.family)))
			continue;
		n--;
		told = m->old[i - 1];
		old = &told;
		m->old[i - 1] = m->old[--m->untold];
		core_set_now(c, now);
		if (!remember_wanted(c, old, &p))
			continue;
		/* A peer that is one of several at an address cannot be found
		 * by that address: it is told what it has lost, and comes. */
		if (old->shares) {
			if (old->spi != 0)
				c->ops->unknown_spi(c->ops_arg, now, &old->dst,
				    old->spi);
			continue;
		}
		key = spd_key_of(remember_source(c, old), &old->dst);
		if ((e = room_entry(c, &key, CAUSE_OURS)) != NULL &&
		    TAILQ_EMPTY(&e->connections))
			initiator_acquire(c, e, &p);
	}
	return m->untold;
}

bool
remember_busy(const struct remembered *m, const struct core *c)
{
	unsigned i;

	if (m == NULL)
		return false;
	for (i = 0; i < m->untold; i++) {
		if (addr_is_set(core_local(c, m->old[i].dst.family)))
			return true;
	}
	return statefile_busy(m->file);
}

uint16_t
remember_port(const struct remembered *m, const struct addr *peer, uint32_t spi)
{
	unsigned i;

	for (i = 0; m != NULL && i < m->nold; i++) {
		if (addr_equal(&m->old[i].dst, peer) && m->old[i].spi == spi)
			return m->old[i].port;
	}
	return KEYING_PORT;
}
