/* user.c - the data plane in user space: packets come by the caller, libcrypto does the rest */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "net/ip.h"
#include "oe/esp/dataplane_private.h"
#include "oe/esp/esp.h"
#include "oe/esp/user.h"

struct user_plane {
	struct esp_plane plane;
	packet_fn	 send;
	void		*arg;
	uint8_t		 sealed[IP_PACKET_MAX];
};

struct user_pair {
	struct esp_sa *in, *out;
};

static void
user_pair_down(struct esp_plane *plane, struct esp_pair *p)
{
	struct user_pair *own = p->own;

	(void)plane;
	esp_sa_free(own->in);
	esp_sa_free(own->out);
	free(own);
}

static int
user_pair_up(struct esp_plane *plane, struct esp_pair *p)
{
	struct user_pair *own = xcalloc(1, sizeof(*own));

	p->own = own;
	own->in = esp_sa_new(&p->in, false);
	own->out = esp_sa_new(&p->out, true);
	if (own->in != NULL && own->out != NULL)
		return 0;
	user_pair_down(plane, p);
	return -1;
}

static void
user_pair_usage(struct esp_plane *plane, const struct esp_pair *p,
    struct esp_usage *u)
{
	const struct user_pair *own = p->own;

	(void)plane;
	esp_sa_counters(own->in, &u->in);
	esp_sa_counters(own->out, &u->out);
}

static void
user_pair_move(struct esp_plane *plane, struct esp_pair *p,
    const struct addr *dst, uint16_t port)
{
	struct user_pair *own = p->own;

	(void)plane;
	esp_sa_move(own->out, dst, port);
}

static size_t
user_pair_mtu(const struct esp_pair *p, size_t mtu)
{
	const struct user_pair *own = p->own;

	return esp_inner_mtu(own->out, mtu);
}

/* The peer puts it together before it decrypts. */
static void
user_cut(struct user_plane *user, struct packet_view *sealed, size_t mtu)
{
	uint32_t id;

	sealed->df = false;
	if (sealed->src.family == AF_INET) {
		(void)ip_fragment(sealed, mtu, user->send, user->arg);
		return;
	}
	random_bytes(&id, sizeof(id));
	(void)ip6_fragment(sealed, mtu, id, user->send, user->arg);
}

static int
user_send(struct esp_plane *plane, struct esp_pair *p,
    const struct packet_view *v)
{
	struct user_plane *user = (struct user_plane *)plane;
	struct user_pair  *own = p->own;
	struct packet_view sealed;
	int		   rc;

	rc = esp_seal(own->out, v, user->sealed, sizeof(user->sealed), &sealed);
	if (rc == ESP_OK && p->cut != 0 && sealed.len > p->cut)
		user_cut(user, &sealed, p->cut);
	else if (rc == ESP_OK)
		user->send(user->arg, &sealed);
	return rc;
}

static int
user_open(struct esp_pair *p, const struct packet_view *v, uint8_t *out,
    size_t cap, struct packet_view *inner, bool *newest)
{
	struct user_pair   *own = p->own;
	struct esp_counters before, after;
	int		    rc;

	esp_sa_counters(own->in, &before);
	rc = esp_open(own->in, v, out, cap, inner);
	esp_sa_counters(own->in, &after);
	*newest = after.seq > before.seq;
	return rc;
}

static void
user_free(struct esp_plane *plane)
{
	wipe_free(plane, sizeof(struct user_plane));
}

static const struct esp_plane_ops user_ops = {
	.name = "user",
	.pair_up = user_pair_up,
	.pair_down = user_pair_down,
	.pair_usage = user_pair_usage,
	.pair_move = user_pair_move,
	.pair_mtu = user_pair_mtu,
	.send = user_send,
	.open = user_open,
	.free = user_free,
};

struct esp_plane *
esp_user_new(packet_fn send, void *arg)
{
	struct user_plane *user = xcalloc(1, sizeof(*user));

	user->plane.ops = &user_ops;
	user->send = send;
	user->arg = arg;
	return &user->plane;
}
