/* memory.c - the peers we have keys with, on disk, so that a crash can be made good */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "oe/memory.h"

#define LINE_LEN	(2 * INET_ADDRSTRLEN + 2)

struct pair {
	uint32_t src, dst;	/* src 0: our own address, whatever it is now */
};

struct memory {
	int	    fd;
	struct pair old[MEMORY_PEERS_MAX];	/* of the predecessor, to be told */
	unsigned    nold;
	uint64_t    written;			/* hash of what the file holds */
};

/* One "SRC DST" a line; a line that is none is the file's fault, not ours. */
static void
memory_read(struct memory *m)
{
	char	       line[128], src[INET_ADDRSTRLEN + 1], dst[INET_ADDRSTRLEN + 1];
	struct in_addr s, d;
	FILE	      *f;
	int	       fd;

	if ((fd = dup(m->fd)) == -1 || (f = fdopen(fd, "r")) == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while (m->nold < MEMORY_PEERS_MAX && fgets(line, sizeof(line), f)) {
		s.s_addr = 0;
		if (sscanf(line, "%16s %16s", src, dst) != 2 ||
		    (strcmp(src, "-") != 0 && inet_pton(AF_INET, src, &s) != 1) ||
		    inet_pton(AF_INET, dst, &d) != 1)
			continue;
		m->old[m->nold++] = (struct pair){ s.s_addr, d.s_addr };
	}
	fclose(f);
}

struct memory *
memory_open(const char *path)
{
	struct memory *m = xcalloc(1, sizeof(*m));
	char	       folder[4096], *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	if ((slash = strrchr(folder, '/')) != NULL && slash != folder) {
		*slash = '\0';
		mkdir(folder, 0755);
	}
	m->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (m->fd == -1) {
		log_warn("%s: %s: after a crash peers will not be told", path,
		    strerror(errno));
		free(m);
		return NULL;
	}
	if (flock(m->fd, LOCK_EX | LOCK_NB) == -1) {
		log_warn("%s: another daemon uses it: set \"state\" in section "
		    "oe", path);
		close(m->fd);
		free(m);
		return NULL;
	}
	memory_read(m);
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
	if (clean && ftruncate(m->fd, 0) == -1)
		log_warn("the peers' file: %s", strerror(errno));
	close(m->fd);
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
	if (hash != m->written) {
		if (ftruncate(m->fd, 0) == 0 &&
		    pwrite(m->fd, text, n, 0) == (ssize_t)n)
			m->written = hash;
	}
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
