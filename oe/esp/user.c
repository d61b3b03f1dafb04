/* user.c - the data plane in user space: packets come by the caller, libcrypto does the rest */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "net/ip.h"
#include "oe/esp/dataplane_private.h"
#include "oe/esp/esp.h"
#include "oe/esp/lanes.h"
#include "oe/esp/user.h"

struct user_plane {
	struct esp_plane plane;
	packet_fn	 send;
	void		*arg;
	struct lanes	*seal, *open;	/* NULL: all is done here */
	void		(*flush)(void *arg);
	uint8_t		 sealed[IP_PACKET_MAX];
};

/* While it is led, what is of a half is for who is in its lane. */
struct user_pair {
	struct esp_sa  *in, *out;
	bool		led;
	unsigned	seals, opens;	/* the lanes */
	struct esp_lead lead;
	struct lane_use use_in, use_out;
};

/* --- in step with lanes --------------------------------------------------- */

static void
seal_begin(const struct user_plane *user, const struct user_pair *own)
{
	if (own->led)
		(void)lanes_enter(user->seal, own->seals);
}

static void
seal_end(const struct user_plane *user, const struct user_pair *own)
{
	if (own->led)
		lanes_leave(user->seal, own->seals);
}

static void
open_begin(const struct user_plane *user, const struct user_pair *own)
{
	if (own->led)
		(void)lanes_enter(user->open, own->opens);
}

static void
open_end(const struct user_plane *user, const struct user_pair *own)
{
	if (own->led)
		lanes_leave(user->open, own->opens);
}

static void
user_lead_end(struct user_plane *user, struct esp_pair *p)
{
	struct user_pair *own = p->own;

	if (!own->led)
		return;
	lane_end(lanes_enter(user->seal, own->seals), &own->lead.src,
	    &own->lead.dst);
	lanes_leave(user->seal, own->seals);
	lane_leave(lanes_enter(user->open, own->opens), p->in.spi);
	lanes_leave(user->open, own->opens);
	own->led = false;
}

static void
user_lead_begin(struct user_plane *user, struct esp_pair *p,
    const struct esp_lead *lead)
{
	struct user_pair	*own = p->own;
	struct lane_lead	 out = { .src = lead->src, .dst = lead->dst,
		.sa = own->out, .use = &own->use_out, .mtu = lead->mtu };
	struct lane_entrance	 in = { .spi = p->in.spi, .ours = lead->src,
		.theirs = lead->dst, .sa = own->in, .use = &own->use_in };

	/* What has a number leaves before what gets the next one elsewhere. */
	user->flush(user->arg);
	own->lead = *lead;
	own->seals = lanes_of(user->seal, &lead->dst);
	lane_begin(lanes_enter(user->seal, own->seals), &out);
	lanes_leave(user->seal, own->seals);
	own->opens = lanes_of_spi(user->open, p->in.spi);
	lane_enter(lanes_enter(user->open, own->opens), &in);
	lanes_leave(user->open, own->opens);
	own->led = true;
}

static bool
user_pair_lead(struct esp_plane *plane, struct esp_pair *p,
    const struct esp_lead *lead)
{
	struct user_plane *user = (struct user_plane *)plane;

	user_lead_end(user, p);
	if (lead == NULL || user->seal == NULL || lead->nparts != 0)
		return false;
	user_lead_begin(user, p, lead);
	return true;
}

/* Adds up what both lanes have done, who are told that it is known. */
static void
user_pair_led(struct esp_plane *plane, const struct esp_pair *p,
    struct esp_usage *u)
{
	struct user_plane *user = (struct user_plane *)plane;
	struct user_pair  *own = p->own;

	seal_begin(user, own);
	u->out.packets = own->use_out.packets;
	u->out.bytes = own->use_out.bytes;
	own->use_out.known = false;
	seal_end(user, own);
	open_begin(user, own);
	u->in.packets = own->use_in.packets;
	u->in.bytes = own->use_in.bytes;
	u->bad = own->use_in.bad;
	u->filtered = own->use_in.filtered;
	own->use_in.known = false;
	open_end(user, own);
}

/* --- pairs ---------------------------------------------------------------- */

static void
user_pair_down(struct esp_plane *plane, struct esp_pair *p)
{
	struct user_pair *own = p->own;

	user_lead_end((struct user_plane *)plane, p);
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
	const struct user_plane *user = (struct user_plane *)plane;
	const struct user_pair	*own = p->own;

	open_begin(user, own);
	esp_sa_counters(own->in, &u->in);
	open_end(user, own);
	seal_begin(user, own);
	esp_sa_counters(own->out, &u->out);
	seal_end(user, own);
}

static int
user_pair_move(struct esp_plane *plane, struct esp_pair *p,
    const struct addr *dst, uint16_t port)
{
	const struct user_plane *user = (struct user_plane *)plane;
	struct user_pair	*own = p->own;

	seal_begin(user, own);
	esp_sa_move(own->out, dst, port);
	seal_end(user, own);
	return 0;
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

	seal_begin(user, own);
	rc = esp_seal(own->out, v, user->sealed, sizeof(user->sealed), &sealed);
	if (rc == ESP_OK && p->cut != 0 && sealed.len > p->cut)
		user_cut(user, &sealed, p->cut);
	else if (rc == ESP_OK)
		user->send(user->arg, &sealed);
	if (own->led)
		user->flush(user->arg);
	seal_end(user, own);
	return rc;
}

static int
user_open(struct esp_pair *p, const struct packet_view *v, uint8_t *out,
    size_t cap, struct packet_view *inner, bool *newest)
{
	const struct user_plane	*user = (const struct user_plane *)*p->planes;
	struct user_pair	*own = p->own;
	struct esp_counters	 before, after;
	int			 rc;

	open_begin(user, own);
	esp_sa_counters(own->in, &before);
	rc = esp_open(own->in, v, out, cap, inner);
	esp_sa_counters(own->in, &after);
	open_end(user, own);
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
	.pair_lead = user_pair_lead,
	.pair_led = user_pair_led,
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

void
esp_user_lanes(struct esp_plane *plane, struct lanes *seal,
    struct lanes *open, void (*flush)(void *arg))
{
	struct user_plane *user = (struct user_plane *)plane;

	user->seal = seal;
	user->open = open;
	user->flush = flush;
}
