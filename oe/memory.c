/* memory.c - the peers we have keys with, on disk, so that a crash can be made good */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/statefile.h"
#include "base/util.h"
#include "oe/memory.h"

#define LINE_LEN	(2 * INET_ADDRSTRLEN + 2)

struct pair {
	uint32_t src, dst;	/* src 0: our own address, whatever it is now */
};

struct memory {
	struct statefile *file;
	struct pair	  old[MEMORY_PEERS_MAX];	/* of the predecessor, to be told */
	unsigned	  nold;
	uint64_t	  written;	/* hash of what the file holds */
};

/* One "SRC DST" a line; a line that is none is the file's fault, not ours. */
static void
memory_read(struct memory *m, char *text)
{
	char	       src[INET_ADDRSTRLEN + 1], dst[INET_ADDRSTRLEN + 1];
	char	      *line, *save = NULL;
	struct in_addr s, d;

	for (line = strtok_r(text, "\n", &save);
	    line != NULL && m->nold < MEMORY_PEERS_MAX;
	    line = strtok_r(NULL, "\n", &save)) {
		s.s_addr = 0;
		if (sscanf(line, "%16s %16s", src, dst) != 2 ||
		    (strcmp(src, "-") != 0 && inet_pton(AF_INET, src, &s) != 1) ||
		    inet_pton(AF_INET, dst, &d) != 1)
			continue;
		m->old[m->nold++] = (struct pair){ s.s_addr, d.s_addr };
	}
}

struct memory *
memory_open(const char *path)
{
	struct statefile *file = statefile_open(path);
	struct memory	 *m;
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
	memory_read(m, text);
	free(text);
	if (m->nold != 0)
		log_info("%s: a crash left %u peers to begin anew with", path,
		    m->nold);
	return m;
}

void
memory_close(struct memory *m, bool clean)
{
	if (m == NULL)
		return;
	statefile_close(m->file, clean);
	free(m);
}

void
memory_note(struct memory *m, const struct core *c)
{
	const struct connection *conn;
	char			*text, src[INET_ADDRSTRLEN];
	size_t			 n = 0, cap;
	uint64_t		 hash = 1469598103934665603u;
	unsigned		 i, count = 0;

	if (m == NULL)
		return;
	cap = (size_t)LINE_LEN * MEMORY_PEERS_MAX + 1;
	text = xcalloc(1, cap);
	TAILQ_FOREACH(conn, &c->connections, all) {
		if (conn->state != CONNECTION_KEYED ||
		    conn->class == OE_CLASS_TUNNEL || count == MEMORY_PEERS_MAX)
			continue;
		snprintf(src, sizeof(src), "%s", conn->key.src == c->local ?
		    "-" : ipv4_text(conn->key.src));
		n += (size_t)snprintf(text + n, cap - n, "%s %s\n", src,
		    ipv4_text(conn->key.dst));
		count++;
	}
	/* Those of the predecessor stay until they have been told. */
	for (i = 0; i < m->nold && count < MEMORY_PEERS_MAX; i++, count++)
		n += (size_t)snprintf(text + n, cap - n, "%s %s\n",
		    m->old[i].src == 0 ? "-" : ipv4_text(m->old[i].src),
		    ipv4_text(m->old[i].dst));
	for (i = 0; i < n; i++)
		hash = (hash ^ (uint8_t)text[i]) * 1099511628211u;
	if (statefile_failed(m->file))
		m->written = 0;
	if (hash != m->written && statefile_write(m->file, text, n) == 0)
		m->written = hash;
	free(text);
}

unsigned
memory_recall(struct memory *m, struct core *c, uint64_t now, unsigned n)
{
	struct policy_match p;
	struct spd_entry   *e;
	struct spd_key	    key;
	struct pair	    old;

	if (m == NULL)
		return 0;
	for (; m->nold > 0 && n > 0 && c->local != 0; n--) {
		old = m->old[--m->nold];
		memset(&key, 0, sizeof(key));
		key.src = old.src == 0 ? c->local : old.src;
		key.dst = old.dst;
		key.src_plen = key.dst_plen = 32;
		core_set_now(c, now);
		if (!core_is_ours(c, key.src) || policy_find(c->config->policy,
		    key.dst, &p) == -1 || (p.class != OE_CLASS_PERMISSIVE &&
		    p.class != OE_CLASS_PARANOID) ||
		    (e = spd_get(c, &key, CAUSE_OURS)) == NULL)
			continue;
		if (TAILQ_EMPTY(&e->connections))
			connection_acquire(c, e, &p);
	}
	return m->nold;
}
