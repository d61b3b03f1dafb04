/* xfrm_led.c - the data plane in the kernel for packets that the engine sees first: SAs at a device, led past it by eBPF */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "net/card.h"
#include "net/netlink.h"
#include "net/port.h"
#include "net/rtnl.h"
#include "net/xfrmi.h"
#include "oe/esp/beside.h"
#include "oe/esp/beside_map.h"
#include "oe/esp/dataplane_private.h"
#include "oe/esp/esp.h"
#include "oe/esp/xfrm_led.h"
#include "oe/esp/xfrm_sa.h"

/* Our own of all reqids of ours: xfrm.c's have their upper bit clear. */
#define REQID_LED	(XFRM_REQID_BASE | 0x8000u)

struct xfrm_led {
	struct esp_plane plane;
	struct xfrm_led_config config;
	char		 device[IFNAMSIZ];
	bool		 made;	/* the device */
	uint32_t	 if_id;
	int		 fd;		/* netlink */
	struct port	*port;
	struct beside	*beside;
	uint32_t	 spi[BESIDE_SLOTS];	/* inbound ones, by the lower
						 * half of a pair's mark */
};

struct led_pair {
	uint32_t       mark;		/* of its packets at the device */
	bool	       seals;		/* the kernel has the outbound SA */
	struct prefix  ours, theirs;	/* of its packets */
	struct esp_sa *measure;		/* how long packets get */
};

/* --- pairs ---------------------------------------------------------------- */

static int
led_sa_add(struct xfrm_led *l, const struct esp_params *p, uint32_t of,
    uint32_t mark)
{
	const struct xfrm_tag tag = { REQID_LED | (of & BESIDE_MASK), AF_INET,
		mark, l->if_id, false };

	if (xfrm_sa_add(l->fd, p, &tag) == 0)
		return 0;
	log_info("%s: the kernel does not take this SA: %s",
	    ADDR_TEXT(&p->dst), strerror(errno));
	return -1;
}

/* What has the pair's mark at the device.  That says all; but only policies for
 * hosts the kernel finds without looking through all of them. */
static struct xfrm_rule
led_rule(const struct xfrm_led *l, const struct esp_pair *p)
{
	const struct led_pair *own = p->own;
	struct xfrm_rule       r = { .dir = XFRM_POLICY_OUT,
		.priority = XFRM_PRIORITY, .if_id = l->if_id,
		.mark = { own->mark, UINT32_MAX } };

	xfrm_select(&r.sel, &own->ours, &own->theirs);
	xfrm_template(&r.tmpl, &p->out.src, &p->out.dst,
	    REQID_LED | (own->mark & BESIDE_MASK), false);
	return r;
}

static void
led_pair_down(struct esp_plane *plane, struct esp_pair *p)
{
	struct xfrm_led *l = (struct xfrm_led *)plane;
	struct led_pair *own = p->own;
	struct xfrm_rule r;

	beside_pair_del(l->beside, own->mark);
	if (l->spi[own->mark & BESIDE_MASK] != 0) {
		l->config.opens(l->config.arg, p->in.spi, false);
		l->spi[own->mark & BESIDE_MASK] = 0;
		xfrm_sa_remove(l->fd, &p->in.dst, p->in.spi);
	}
	/* The peer has chosen that SPI: an SA that has it may be another's. */
	if (own->seals) {
		r = led_rule(l, p);
		xfrm_rule_delete(l->fd, &r);
		xfrm_sa_remove(l->fd, &p->out.dst, p->out.spi);
	}
	esp_sa_free(own->measure);
	free(own);
	p->own = NULL;
}

/* What is not led would go through the kernel twice, packet by packet. */
static bool
led_can(const struct esp_pair *p)
{
	return p->policy != NULL && p->policy->leads && !p->in.transport &&
	    !p->out.transport && p->in.encap_sport == 0 &&
	    p->out.encap_sport == 0 &&
	    p->in.dst.family == AF_INET &&
	    p->policy->ours.addr.family == AF_INET;
}

/* What is encrypted would get no further. */
static bool
led_rests(const struct xfrm_led *l)
{
	return l->config.carries != NULL && !l->config.carries(l->config.arg);
}

static int
led_pair_up(struct esp_plane *plane, struct esp_pair *p)
{
	struct xfrm_led *l = (struct xfrm_led *)plane;
	struct led_pair *own;
	uint32_t	 mark;

	if (!led_can(p) || led_rests(l) ||
	    (mark = beside_pair_add(l->beside, p->in.spi)) == 0)
		return -1;
	p->own = own = xcalloc(1, sizeof(*own));
	own->mark = mark;
	own->ours = p->policy->ours;
	own->theirs = p->policy->theirs;
	own->measure = esp_sa_new(&p->out, true);
	if (own->measure == NULL || led_sa_add(l, &p->in, mark, mark) == -1) {
		led_pair_down(plane, p);
		return -1;
	}
	l->spi[mark & BESIDE_MASK] = p->in.spi;
	l->config.opens(l->config.arg, p->in.spi, true);
	return 0;
}

/* Before there is an SA what goes into the device is lost. */
static int
led_pair_confirm(struct esp_plane *plane, struct esp_pair *p)
{
	struct xfrm_led       *l = (struct xfrm_led *)plane;
	struct led_pair	      *own = p->own;
	const struct xfrm_rule r = led_rule(l, p);

	if (led_sa_add(l, &p->out, own->mark, l->config.mark) == -1)
		return -1;
	own->seals = true;
	if (xfrm_rule_put(l->fd, &r) == 0)
		return 0;
	log_warn("%s: the kernel takes no policy: %s", ADDR_TEXT(&p->out.dst),
	    strerror(errno));
	return -1;
}

static void
led_pair_usage(struct esp_plane *plane, const struct esp_pair *p,
    struct esp_usage *u)
{
	const struct xfrm_led *l = (const struct xfrm_led *)plane;

	xfrm_sa_usage(l->fd, &p->in, &u->in);
	if (p->confirmed)
		xfrm_sa_usage(l->fd, &p->out, &u->out);
}

static size_t
led_pair_mtu(const struct esp_pair *p, size_t mtu)
{
	const struct led_pair *own = p->own;

	return esp_inner_mtu(own->measure, mtu);
}

static bool
led_pair_lead(struct esp_plane *plane, struct esp_pair *p,
    const struct esp_lead *lead)
{
	const struct xfrm_led *l = (const struct xfrm_led *)plane;
	const struct led_pair *own = p->own;

	if (lead != NULL)
		return beside_lead(l->beside, own->mark, lead) == 0;
	beside_lead_end(l->beside, own->mark);
	return false;
}

/* What is not authentic does not come to the engine either.  An SA that was
 * removed behind our back tells nothing. */
static void
led_pair_led(struct esp_plane *plane, const struct esp_pair *p,
    struct esp_usage *u)
{
	const struct xfrm_led *l = (const struct xfrm_led *)plane;
	const struct led_pair *own = p->own;
	struct esp_counters    in = { 0 };

	beside_led(l->beside, own->mark, u);
	xfrm_sa_usage(l->fd, &p->in, &in);
	if (u->bad < in.replays + in.auth_failures)
		u->bad = in.replays + in.auth_failures;
}

static int
led_send(struct esp_plane *plane, struct esp_pair *p,
    const struct packet_view *v)
{
	struct xfrm_led       *l = (struct xfrm_led *)plane;
	const struct led_pair *own = p->own;

	if (!p->confirmed)
		return ESP_E_PLANE;
	if (port_send(l->port, own->mark, v) == 0)
		return ESP_OK;
	log_debug("%s: %s: %s", l->device, ADDR_TEXT(&v->dst),
	    strerror(errno));
	return ESP_E_PLANE;
}

/* The kernel has the SA: what is inside comes back by the device. */
static int
led_open(struct esp_pair *p, const struct packet_view *v, uint8_t *out,
    size_t cap, struct packet_view *inner, bool *newest)
{
	const struct xfrm_led *l = (const struct xfrm_led *)*p->planes;

	(void)out;
	(void)cap;
	(void)inner;
	(void)newest;
	if (l->config.arrives != NULL)
		l->config.arrives(l->config.arg, v);
	return ESP_E_PLANE;
}

static void
led_free(struct esp_plane *plane)
{
	xfrm_led_close((struct xfrm_led *)plane);
}

static const struct esp_plane_ops led_ops = {
	.name = "kernel",
	.pair_up = led_pair_up,
	.pair_confirm = led_pair_confirm,
	.pair_down = led_pair_down,
	.pair_usage = led_pair_usage,
	.pair_mtu = led_pair_mtu,
	.pair_lead = led_pair_lead,
	.pair_led = led_pair_led,
	.send = led_send,
	.open = led_open,
	.free = led_free,
};

struct esp_plane *
xfrm_led_plane(struct xfrm_led *l)
{
	return &l->plane;
}

/* --- what comes by -------------------------------------------------------- */

int
xfrm_led_fd(const struct xfrm_led *l)
{
	return port_fd(l->port);
}

static void
led_opened(void *arg, uint32_t mark, const struct packet_view *v)
{
	struct xfrm_led *l = arg;

	if ((mark & ~BESIDE_MASK) == BESIDE_MARK &&
	    l->spi[mark & BESIDE_MASK] != 0)
		l->config.opened(l->config.arg, l->spi[mark & BESIDE_MASK], v);
}

bool
xfrm_led_receive(struct xfrm_led *l)
{
	return port_receive(l->port, led_opened, l);
}

void
xfrm_led_ports(struct xfrm_led *l, void (*used)(void *arg, uint16_t port),
    void *arg)
{
	beside_ports(l->beside, used, arg);
}

/* --- life ----------------------------------------------------------------- */

/* What of it is not to be had; NULL: all is there. */
static const char *
led_begin(struct xfrm_led *l)
{
	const struct xfrm_led_config *c = &l->config;
	struct beside_devices	      devices;

	devices.tun = if_nametoindex(c->tun);
	devices.from = c->link != NULL ? if_nametoindex(c->link) : 0;
	l->if_id = XFRM_REQID_BASE | (devices.tun & 0xffff);
	if ((l->fd = netlink_open(NETLINK_XFRM)) == -1)
		return "XFRM";
	if (xfrmi_add(l->device, c->link, l->if_id) == -1)
		return errno == EEXIST ? "free name for a device" :
		    "xfrm interfaces";
	l->made = true;
	/* What is joined there must be of one pair, as only the program at link
	 * sees to. */
	if (c->link == NULL && card_keep_apart(l->device) == -1)
		return "way to keep packets apart";
	devices.esp = if_nametoindex(l->device);
	if ((l->beside = beside_open(&devices)) == NULL)
		return "eBPF";
	if (rtnl_link_up(l->device) == -1 ||
	    (l->port = port_open(l->device)) == NULL)
		return "packet sockets that tell marks";
	return NULL;
}

void
xfrm_led_name(char device[IFNAMSIZ], const char *tun)
{
	snprintf(device, IFNAMSIZ, "%.*s-esp", IFNAMSIZ - 5, tun);
}

struct xfrm_led *
xfrm_led_open(const struct xfrm_led_config *config, const char **lacks)
{
	struct xfrm_led *l = xcalloc(1, sizeof(*l));

	l->plane.ops = &led_ops;
	l->config = *config;
	l->fd = -1;
	snprintf(l->device, sizeof(l->device), "%s", config->device);
	if ((*lacks = led_begin(l)) == NULL)
		return l;
	log_debug("%s: no %s: %s", l->device, *lacks, strerror(errno));
	xfrm_led_close(l);
	return NULL;
}

void
xfrm_led_close(struct xfrm_led *l)
{
	if (l == NULL)
		return;
	if (l->fd != -1)
		close(l->fd);
	beside_close(l->beside);
	port_close(l->port);
	if (l->made)
		rtnl_link_del(l->device);
	free(l);
}
