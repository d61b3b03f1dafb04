/* wire_beside.c - the engine's sockets once more, for threads beside the one of its event loop: ways out, and raw ESP by SPI */
#include "config.h"

#include <errno.h>
#include <linux/filter.h>
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

struct wire_in {
	int	      fd[2];
	struct inbox *inbox;
};

/* What is there came before the filter. */
static void
drain(int fd)
{
	uint8_t byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) != -1)
		;
}

/* The socket gets ESP whose SPI leaves i when divided by n; n 0: none. */
static int
esp_filter(int fd, int family, unsigned i, unsigned n)
{
	const struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	/* Of IPv4 the header is there too, of IPv6 it is not. */
	const struct sock_filter some[] = {
		BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 0),
		BPF_JUMP(BPF_JMP | BPF_JA, family == AF_INET6, 0, 0),
		BPF_STMT(BPF_LDX | BPF_MSH | BPF_B, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog p = { .len = (unsigned short)(n == 0 ?
	    sizeof(none) / sizeof(*none) : sizeof(some) / sizeof(*some)),
		.filter = (struct sock_filter *)(uintptr_t)(n == 0 ? none :
		    some) };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p));
}

static int
in_socket(const struct wire_side *s, unsigned i, unsigned n)
{
	int fd = wire_raw_socket(s, IPPROTO_ESP);

	if (fd == -1)
		return -1;
	if (esp_filter(fd, s->family, 0, 0) == 0) {
		drain(fd);
		if (esp_filter(fd, s->family, i, n) == 0)
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
	const int	  off = 0;
	struct wire_side *s;
	int		  fd;

	for (s = w->side; s < w->side + 2; s++) {
		if ((fd = s->fd[SOCK_ESP]) == -1)
			continue;
		if (share && esp_filter(fd, s->family, 0, 0) == 0)
			drain(fd);
		else if (!share)
			(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &off,
			    sizeof(off));
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
