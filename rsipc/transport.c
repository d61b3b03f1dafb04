/* transport.c - RSIP messages to and from the gateway over TCP or UDP */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/ratelimit.h"
#include "base/util.h"
#include "base/watch.h"
#include "rsipc/capture.h"
#include "rsipc/signer.h"
#include "rsipc/transport.h"

struct transport {
	struct event_base *base;
	const struct transport_ops *ops;
	void		*arg;
	bool		 udp, up;
	struct addr	 gateway, local;
	uint16_t	 port;
	struct bufferevent *bev;		/* TCP */
	struct event	*event;			/* UDP */
	struct event	*timeout;		/* of TCP's connect */
	int		 last_errno;		/* said already */
	struct ratelimit complaints;

	struct signer	 signer;
	struct transport_counters counters;
	struct rsip_message in;
	/* RFC 3103 §10.1: "last message" */
	uint8_t		 out[RSIP_MESSAGE_MAX];
	size_t		 out_len;
	uint8_t		 buf[RSIP_MESSAGE_MAX];
};

#define LOW_PORT_FIRST	600	/* below are services' own,
				 * as for rsh and NFS */
#define LOW_PORT_TRIES	64

static void	transport_timeout(void *);

struct transport *
transport_new(struct event_base *base, const struct transport_ops *ops,
    void *arg)
{
	struct transport *t = xcalloc(1, sizeof(*t));
	uint64_t	  seed;

	random_bytes(&seed, sizeof(seed));
	signer_init(&t->signer, seed);
	t->base = base;
	t->ops = ops;
	t->arg = arg;
	t->complaints = (struct ratelimit)RATELIMIT_INIT(3, 10000);
	t->timeout = watch_timer(base, transport_timeout, t);
	return t;
}

void
transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	transport_disconnect(t);
	watch_end(t->timeout);
	rsip_message_clear(&t->in);
	wipe_free(t, sizeof(*t));
}

void
transport_set_auth(struct transport *t, uint32_t key_id, const uint8_t *secret,
    size_t len, bool require)
{
	signer_set_key(&t->signer, key_id, secret, len, require);
}

/* Says a reason once, not every time that it is tried again. */
static void
transport_complain(struct transport *t, int err)
{
	if (err != t->last_errno)
		log_warn("gateway %s, port %u: %s; will keep trying",
		    ADDR_TEXT(&t->gateway), t->port, strerror(err));
	t->last_errno = err;
}

static void
transport_failed(struct transport *t, int err)
{
	transport_complain(t, err);
	transport_disconnect(t);
	t->ops->disconnected(t->arg);
}

static void
transport_timeout(void *arg)
{
	transport_failed(arg, ETIMEDOUT);
}

/* True if the message may be believed, and is for more than us here. */
static bool
transport_verify(struct transport *t, const uint8_t *buf, size_t len)
{
	static const char *const why[] = {
		[SIGNER_UNSIGNED] = "without authentication",
		[SIGNER_WRONG] = "without the right authentication",
		[SIGNER_OLD] = "with a counter too old",
	};
	enum signer_verdict v = signer_verify(&t->signer, &t->in, buf, len,
	    &t->local, &t->gateway);

	if (v == SIGNER_GOOD)
		return true;
	if (v == SIGNER_AGAIN) {
		log_debug("the gateway tells the counters of its life");
		t->ops->again(t->arg);
		return false;
	}
	/* On UDP a request sent again is answered again. */
	if (v == SIGNER_OLD && t->udp) {
		t->counters.old++;
		return false;
	}
	t->counters.unauthentic++;
	if (ratelimit_pass(&t->complaints, clock_now()))
		log_warn("%s %s is ignored", rsip_type_name(t->in.type),
		    why[v]);
	return false;
}

static void
transport_read_message(struct transport *t, const uint8_t *buf, size_t len)
{
	enum rsip_error err;

	rsip_message_clear(&t->in);
	err = rsip_decode(&t->in, buf, len);
	if (err != RSIP_OK || !rsip_type_is_response(t->in.type)) {
		t->counters.unreadable++;
		if (ratelimit_pass(&t->complaints, clock_now()))
			log_warn("the gateway sent what cannot be read: %s",
			    err != RSIP_OK ? rsip_error_name(err) :
			    rsip_type_name(t->in.type));
		if (t->signer.secret_len == 0)
			t->ops->unreadable(t->arg, &t->in);
		return;
	}
	if (!transport_verify(t, buf, len))
		return;
	t->counters.received++;
	t->ops->message(t->arg, &t->in);
}

static void
tcp_read(struct bufferevent *bev, void *arg)
{
	struct transport *t = arg;
	struct evbuffer	 *in = bufferevent_get_input(bev);
	uint8_t		  head[RSIP_HEADER_LEN] = { 0 };
	ev_ssize_t	  have;
	int		  len;

	/* A message may end the connection under us. */
	while (t->bev == bev) {
		have = evbuffer_copyout(in, head, sizeof(head));
		len = have <= 0 ? 0 : rsip_frame_length(head, (size_t)have);
		if (len == -1) {
			transport_failed(t, EPROTO);
			return;
		}
		if (len == 0 || evbuffer_get_length(in) < (size_t)len)
			return;
		evbuffer_remove(in, t->buf, (size_t)len);
		transport_read_message(t, t->buf, (size_t)len);
	}
}

static void
transport_up(struct transport *t, int fd)
{
	struct sockaddr_storage sa;
	socklen_t		len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
		t->local = addr_from_sockaddr(&sa, len, NULL);
	t->up = true;
	t->last_errno = 0;
	t->ops->connected(t->arg);
}

static void
tcp_event(struct bufferevent *bev, short what, void *arg)
{
	struct transport *t = arg;
	int		  err = EVUTIL_SOCKET_ERROR();

	if (what & BEV_EVENT_CONNECTED) {
		event_del(t->timeout);
		transport_up(t, bufferevent_getfd(bev));
		return;
	}
	if (what & BEV_EVENT_EOF)
		err = ECONNRESET;
	transport_failed(t, err != 0 ? err : ECONNABORTED);
}

/* A gateway that went away without a word is noticed within half a minute. */
static void
tcp_options(int fd)
{
	const struct { int level, name, value; } o[] = {
		{ SOL_SOCKET, SO_MARK, CAPTURE_MARK },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 15 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 10000 },
	};
	size_t i;

	for (i = 0; i < sizeof(o) / sizeof(o[0]); i++) {
		if (setsockopt(fd, o[i].level, o[i].name, &o[i].value,
		    sizeof(o[i].value)) == -1)
			log_debug("setsockopt: %s", strerror(errno));
	}
}

/*
 * From a port that this host's users cannot have: to the gateway that is the
 * difference between us and them.  Without the right to one any port will do.
 */
static void
bind_low_port(int fd, bool tcp)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int		   i, on = 1;

	/* Another connection of ours may be in TIME_WAIT. */
	if (tcp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	for (i = 0; i < LOW_PORT_TRIES; i++) {
		sin.sin_port = htons((uint16_t)(LOW_PORT_FIRST +
		    random_uniform(IPPORT_RESERVED - LOW_PORT_FIRST)));
		if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
			return;
		if (errno != EADDRINUSE)
			break;
	}
	log_debug("no port below %d: %s", IPPORT_RESERVED, strerror(errno));
}

static void
tcp_connect(struct transport *t, const struct sockaddr *sa, socklen_t len)
{
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		goto fail;
	tcp_options(fd);
	bind_low_port(fd, true);
	t->bev = bufferevent_socket_new(t->base, fd, BEV_OPT_CLOSE_ON_FREE |
	    BEV_OPT_DEFER_CALLBACKS);
	if (t->bev == NULL) {
		close(fd);
		errno = ENOMEM;
		goto fail;
	}
	bufferevent_setcb(t->bev, tcp_read, NULL, tcp_event, t);
	/* One message too many to hold is as far as a gateway can push us. */
	bufferevent_setwatermark(t->bev, EV_READ, 0, 2 * RSIP_MESSAGE_MAX);
	bufferevent_enable(t->bev, EV_READ | EV_WRITE);
	watch_after(t->timeout, TRANSPORT_CONNECT_TIMEOUT * 1000);
	if (bufferevent_socket_connect(t->bev, sa, (int)len) == 0)
		return;
	/* If it failed at once, tcp_event() comes, deferred; else never. */
	return;
fail:
	transport_failed(t, errno);
}

static void
udp_read(int fd, void *arg)
{
	struct transport *t = arg;
	ssize_t		  n;

	n = recv(fd, t->buf, sizeof(t->buf), MSG_DONTWAIT);
	if (n >= 0)
		transport_read_message(t, t->buf, (size_t)n);
	else if (errno != EAGAIN && errno != EINTR)
		/* ICMP says it is not there: retransmission decides. */
		transport_complain(t, errno);
}

static void
udp_connect(struct transport *t, const struct sockaddr *sa, socklen_t len)
{
	int fd, mark = CAPTURE_MARK;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd != -1)
		bind_low_port(fd, false);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == -1 ||
	    connect(fd, sa, len) == -1) {
		transport_complain(t, errno);
		if (fd != -1)
			close(fd);
		t->ops->disconnected(t->arg);
		return;
	}
	t->event = watch_fd(t->base, fd, udp_read, t);
	transport_up(t, fd);
}

void
transport_connect(struct transport *t, const struct addr *gateway,
    uint16_t port, bool udp)
{
	struct sockaddr_storage sa;
	socklen_t		len = addr_to_sockaddr(gateway, port, &sa);

	transport_disconnect(t);
	if (!addr_equal(&t->gateway, gateway) || t->port != port)
		t->last_errno = 0;
	t->gateway = *gateway;
	t->port = port;
	t->udp = udp;
	if (udp)
		udp_connect(t, (struct sockaddr *)&sa, len);
	else
		tcp_connect(t, (struct sockaddr *)&sa, len);
}

void
transport_disconnect(struct transport *t)
{
	if (t->bev != NULL)
		bufferevent_free(t->bev);
	watch_close(t->event);
	t->bev = NULL;
	t->event = NULL;
	event_del(t->timeout);
	t->up = false;
	t->local = addr_none;
	t->out_len = 0;
}

struct addr
transport_local(const struct transport *t)
{
	return t->local;
}

void
transport_send(struct transport *t, struct rsip_message *m)
{
	int n;

	n = signer_encode(&t->signer, m, t->out, sizeof(t->out), &t->local,
	    &t->gateway);
	if (n == -1) {
		log_error("cannot encode %s", rsip_type_name(m->type));
		return;
	}
	t->out_len = (size_t)n;
	transport_resend(t);
}

void
transport_resend(struct transport *t)
{
	if (!t->up || t->out_len == 0)
		return;
	t->counters.sent++;
	if (!t->udp) {
		bufferevent_write(t->bev, t->out, t->out_len);
		return;
	}
	if (send(event_get_fd(t->event), t->out, t->out_len, MSG_DONTWAIT) ==
	    -1 && errno != EAGAIN)
		transport_complain(t, errno);
}

const char *
transport_trouble(const struct transport *t)
{
	return t->last_errno == 0 ? NULL : strerror(t->last_errno);
}

const struct transport_counters *
transport_counters(const struct transport *t)
{
	return &t->counters;
}
