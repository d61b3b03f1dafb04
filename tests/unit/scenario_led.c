/* scenario_led.c - a kernel that does ESP of packets which the OE core sees first, and takes them past it where it is led */
#include "config.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/ip.h"
#include "oe/esp/dataplane_private.h"
#include "oe/plane.h"
#include "tests/unit/header_reads.h"
#include "tests/unit/scenario.h"

#define TCP_SYN	0x02
#define LARGE	576

struct led_plane {
	struct esp_plane plane;
	struct world	*w;
	packet_fn	 send;		/* ESP, arg is the world */
	struct led_pair {
		struct esp_pair	*p;	/* NULL: room for one */
		struct esp_sa	*seal, *open;
		bool		 leads;
		struct esp_lead	 lead;
		uint32_t	 ports, end;	/* how far TCP has come */
		struct esp_usage u;	/* of what was led */
	} pairs[MIRRORS_MAX];
};

static void
led_pair_down(struct esp_plane *plane, struct esp_pair *p)
{
	struct led_pair *own = p->own;

	(void)plane;
	esp_sa_free(own->seal);
	esp_sa_free(own->open);
	*own = (struct led_pair){ 0 };
	p->own = NULL;
}

static int
led_pair_up(struct esp_plane *plane, struct esp_pair *p)
{
	struct led_plane *l = (struct led_plane *)plane;
	struct led_pair	 *own = l->pairs;

	if (p->policy == NULL || !p->policy->leads || l->w->kernel.no_sa ||
	    p->in.encap_sport != 0)
		return -1;
	while (own->p != NULL)
		own++;
	own->p = p;
	own->seal = esp_sa_new(&p->out, true);
	own->open = esp_sa_new(&p->in, false);
	p->own = own;
	return 0;
}

static int
led_pair_confirm(struct esp_plane *plane, struct esp_pair *p)
{
	(void)p;
	return ((struct led_plane *)plane)->w->kernel.no_policy ? -1 : 0;
}

static size_t
led_pair_mtu(const struct esp_pair *p, size_t mtu)
{
	return esp_inner_mtu(((struct led_pair *)p->own)->seal, mtu);
}

static bool
led_pair_lead(struct esp_plane *plane, struct esp_pair *p,
    const struct esp_lead *lead)
{
	struct led_pair *own = p->own;

	(void)plane;
	own->leads = lead != NULL;
	own->ports = 0;
	if (lead != NULL)
		own->lead = *lead;
	return own->leads;
}

static void
led_pair_led(struct esp_plane *plane, const struct esp_pair *p,
    struct esp_usage *u)
{
	(void)plane;
	*u = ((struct led_pair *)p->own)->u;
}

static int
led_send(struct esp_plane *plane, struct esp_pair *p,
    const struct packet_view *v)
{
	struct led_plane  *l = (struct led_plane *)plane;
	struct led_pair	  *own = p->own;
	struct packet_view sealed;
	uint8_t		   pkt[2048 + ESP_OVERHEAD];
	int		   rc;

	header_reads_peer = true;
	rc = esp_seal(own->seal, v, pkt, sizeof(pkt), &sealed);
	header_reads_peer = false;
	if (rc == ESP_OK)
		l->send(l->w, &sealed);
	return rc;
}

static void
led_free(struct esp_plane *plane)
{
	free(plane);
}

static const struct esp_plane_ops led_ops = {
	.name = "kernel",
	.pair_up = led_pair_up,
	.pair_confirm = led_pair_confirm,
	.pair_down = led_pair_down,
	.pair_mtu = led_pair_mtu,
	.pair_lead = led_pair_lead,
	.pair_led = led_pair_led,
	.send = led_send,
	.free = led_free,
};

struct esp_plane *
scenario_led_plane(struct world *w, packet_fn send)
{
	struct led_plane *l = xcalloc(1, sizeof(*l));

	l->plane.ops = &led_ops;
	l->w = w;
	l->send = send;
	return &l->plane;
}

/* --- past the core, as eBPF does it (oe/esp/beside.bpf.c) ----------------- */

/* What begins a connection, and what is large and sent again. */
static bool
tcp_is_cores(struct led_pair *own, const struct packet_view *v)
{
	const uint8_t *tcp = v->data + v->header;
	uint32_t       ports = load_u32(tcp), seq = load_u32(tcp + 4);

	if ((tcp[13] & TCP_SYN) != 0)
		return true;
	if (v->len <= LARGE)
		return false;
	if (own->ports == ports && (int32_t)(seq - own->end) < 0)
		return true;
	own->ports = ports;
	own->end = seq + (uint32_t)(v->len - v->header - 20);
	return false;
}

/* Whole, of TCP or UDP, and our port is one of its ports. */
static bool
is_led(const struct led_pair *own, const struct packet_view *v, bool in)
{
	const struct esp_lead *lead = &own->lead;
	uint16_t	       sport, dport, ours;
	unsigned	       i;

	if (!own->leads || packet_is_fragment(v) || !packet_ports(v, &sport,
	    &dport) || !addr_equal(in ? &v->dst : &v->src, &lead->src) ||
	    !addr_equal(in ? &v->src : &v->dst, &lead->dst) ||
	    (!in && v->len > lead->mtu))
		return false;
	ours = in ? dport : sport;
	for (i = 0; i < lead->nparts; i++) {
		if (lead->part[i].protocol == v->protocol &&
		    ours >= lead->part[i].lo && ours <= lead->part[i].hi)
			return true;
	}
	return lead->nparts == 0;
}

bool
scenario_led_out(struct world *w, const uint8_t *pkt, size_t len)
{
	struct led_plane  *l = (struct led_plane *)w->led_plane;
	struct led_pair	  *own;
	struct packet_view v;
	bool		   led = false;

	header_reads_peer = true;
	if (l != NULL && packet_parse(&v, pkt, len)) {
		for (own = l->pairs; own < l->pairs + MIRRORS_MAX && !led;
		    own++)
			led = own->p != NULL && is_led(own, &v, false) &&
			    (v.protocol != IPPROTO_TCP ||
			    !tcp_is_cores(own, &v));
	}
	header_reads_peer = false;
	if (!led)
		return false;
	own--;
	own->u.out.packets++;
	own->u.out.bytes += len;
	w->nled++;
	(void)led_send(&l->plane, own->p, &v);
	return true;
}

static struct led_pair *
pair_of_spi(struct led_plane *l, const struct packet_view *v)
{
	struct led_pair *own;
	uint32_t	 spi;

	if (!esp_spi(v, &spi))
		return NULL;
	for (own = l->pairs; own < l->pairs + MIRRORS_MAX; own++) {
		if (own->p != NULL && own->p->in.spi == spi)
			return own;
	}
	return NULL;
}

bool
scenario_led_in(struct world *w, const struct packet_view *v)
{
	struct led_plane  *l = (struct led_plane *)w->led_plane;
	struct led_pair	  *own = l == NULL ? NULL : pair_of_spi(l, v);
	struct packet_view inner;
	uint8_t		   buf[IP_PACKET_MAX];
	bool		   led;
	int		   rc;

	if (own == NULL)
		return false;
	header_reads_peer = true;
	rc = esp_open(own->open, v, buf, sizeof(buf), &inner);
	led = rc == ESP_OK && is_led(own, &inner, true);
	header_reads_peer = false;
	if (rc != ESP_OK) {
		own->u.bad++;
	} else if (led) {
		own->u.in.packets++;
		own->u.in.bytes += inner.len;
		w->nled++;
		w->shell.to_host(w, &inner);
	} else {
		plane_inbound_opened(w->core, w->now, own->p->in.spi, &inner);
	}
	return true;
}
