/* wire_beside.c - the engine's sockets once more, for threads beside the one of its event loop: ways out, and raw ESP by SPI */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "net/inbox.h"
#include "net/outbox.h"
#include "oe/wire_beside.h"
#include "oe/wire_private.h"

/* --- out ------------------------------------------------------------------ */

struct wire_out {
	packet_fn      too_big;
	void	      *arg;
	int	       fd[2];
	struct outbox *outbox[2];	/* NULL: not of that family */
};

static void
out_refused(void *arg, const struct packet_view *v)
{
	const struct wire_out *o = arg;

	if (errno == EMSGSIZE)
		o->too_big(o->arg, v);
}

struct wire_out *
wire_out_new(struct wire *w, packet_fn too_big, void *arg)
{
	struct wire_out *o = xcalloc(1, sizeof(*o));
	int		 i;

	o->too_big = too_big;
	o->arg = arg;
	o->fd[0] = o->fd[1] = -1;
	for (i = 0; i < 2; i++) {
		if (w->side[i].outbox == NULL)
			continue;
		if ((o->fd[i] = wire_out_socket(&w->side[i])) == -1) {
			wire_out_free(o);
			return NULL;
		}
		o->outbox[i] = outbox_new(NULL, o->fd[i], true, out_refused, o);
		outbox_segments(o->outbox[i], w->side[i].segments, NATT_PORT);
	}
	return o;
}

void
wire_out_free(struct wire_out *o)
{
	int i;

	if (o == NULL)
		return;
	for (i = 0; i < 2; i++) {
		outbox_free(o->outbox[i]);
		if (o->fd[i] != -1)
			close(o->fd[i]);
	}
	free(o);
}

void
wire_out_send(void *out, const struct packet_view *v)
{
	struct outbox *o =
	    ((struct wire_out *)out)->outbox[v->dst.family == AF_INET6];

	if (o != NULL)
		outbox_send(o, v, NULL, 0, v->data);
}

void
wire_out_flush(void *out)
{
	struct wire_out *o = out;
	int		 i;

	for (i = 0; i < 2; i++) {
		if (o->outbox[i] != NULL)
			outbox_flush(o->outbox[i]);
	}
}

/* --- in ------------------------------------------------------------------- */

/* What is there came before the filter. */
static void
drain(int fd)
{
	uint8_t byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) != -1)
		;
}

static int
in_socket(const struct wire_side *s, unsigned i, unsigned n)
{
	int fd = wire_raw_socket(s, IPPROTO_ESP);

	if (fd == -1)
		return -1;
	if (wire_esp_share(s, fd, 0, 0) == 0) {
		drain(fd);
		if (wire_esp_share(s, fd, i, n) == 0)
			return fd;
	}
	log_error("filter of ESP: %s", strerror(errno));
	close(fd);
	return -1;
}

struct wire_in *
wire_in_new(struct wire *w, unsigned i, unsigned n)
{
	struct wire_in *in = xcalloc(1, sizeof(*in));
	int		f;

	in->fd[0] = in->fd[1] = -1;
	in->i = i;
	in->n = n;
	LIST_INSERT_HEAD(&w->ins, in, entry);
	in->inbox = inbox_new(BATCH, IP6_HEADER_LEN);
	for (f = 0; f < 2; f++) {
		if (w->side[f].fd[SOCK_ESP] != -1 &&
		    (in->fd[f] = in_socket(&w->side[f], i, n)) == -1) {
			wire_in_free(in);
			return NULL;
		}
	}
	return in;
}

void
wire_in_free(struct wire_in *in)
{
	int f;

	if (in == NULL)
		return;
	LIST_REMOVE(in, entry);
	for (f = 0; f < 2; f++) {
		if (in->fd[f] != -1)
			close(in->fd[f]);
	}
	inbox_free(in->inbox);
	free(in);
}

void
wire_share_esp(struct wire *w, bool share)
{
	struct wire_side *s;
	int		  fd;

	w->shared = share;
	for (s = w->side; s < w->side + 2; s++) {
		if ((fd = s->fd[SOCK_ESP]) == -1)
			continue;
		if (share && wire_esp_share(s, fd, 0, 0) == 0)
			drain(fd);
		else if (!share)
			(void)wire_esp_share(s, fd, 0, 1);
	}
}

int
wire_in_fd(const struct wire_in *in, int family)
{
	return in->fd[family == AF_INET6];
}

void
wire_in_read(void *arg, int fd, packet_fn fn, void *fn_arg)
{
	struct wire_in	     *in = arg;
	struct inbox_datagram d;
	struct packet_view    v;
	int		      i, n;

	n = inbox_receive(in->inbox, fd, BATCH);
	for (i = 0; i < n; i++) {
		inbox_get(in->inbox, (unsigned)i, &d);
		if (wire_raw_packet(fd == in->fd[0] ? AF_INET : AF_INET6,
		    IPPROTO_ESP, &d, &v))
			fn(fn_arg, &v);
	}
}
