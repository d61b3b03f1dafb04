/* oed_led.c - oed's ESP in the kernel for networks behind it, led there by eBPF */
#include "config.h"

#include <event2/event.h>
#include <net/if.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/xfrmi.h"
#include "oe/esp/xfrm_led.h"
#include "oe/oed_led.h"
#include "oe/oed_net.h"

struct oed_led {
	struct event_base *base;
	struct oed_net	  *net;
	struct oe	  *oe;
	struct xfrm_led	  *led;
	char		   device[IFNAMSIZ];
	struct event	  *ev;		/* NULL: not started */
	void		 (*gone)(void *arg);
	void		  *gone_arg;
};

static void
led_opens(void *arg, uint32_t spi, bool on)
{
	const struct oed_led *l = arg;

	oed_net_esp_taken(l->net, spi, on);
}

static void
led_opened(void *arg, uint32_t spi, const struct packet_view *v)
{
	const struct oed_led *l = arg;

	if (l->oe != NULL)
		oe_inbound_opened(l->oe, spi, v);
}

static void
on_opened(int fd, void *arg)
{
	struct oed_led *l = arg;
	bool		there;

	(void)fd;
	oed_net_batch(l->net, true);
	there = xfrm_led_receive(l->led);
	oed_net_batch(l->net, false);
	oed_net_flush(l->net);
	if (there)
		return;
	watch_end(l->ev);
	l->ev = NULL;
	log_error("%s is gone: ending, so that who supervises us starts anew",
	    l->device);
	l->gone(l->gone_arg);
}

void
oed_led_clear(const struct oed_net *net)
{
	char device[IFNAMSIZ];

	xfrm_led_name(device, oed_net_name(net));
	xfrmi_clear(device);
}

struct oed_led *
oed_led_open(struct event_base *base, struct oed_net *net, const char **lacks)
{
	struct oed_led	      *l = xcalloc(1, sizeof(*l));
	struct xfrm_led_config config = { .tun = oed_net_name(net),
		.mark = OED_MARK, .opens = led_opens, .opened = led_opened,
		.arg = l };

	l->base = base;
	l->net = net;
	xfrm_led_name(l->device, config.tun);
	config.device = l->device;
	if ((l->led = xfrm_led_open(&config, lacks)) != NULL)
		return l;
	free(l);
	return NULL;
}

void
oed_led_close(struct oed_led *l)
{
	if (l == NULL)
		return;
	watch_end(l->ev);
	xfrm_led_close(l->led);
	free(l);
}

struct esp_plane *
oed_led_plane(const struct oed_led *l)
{
	return xfrm_led_plane(l->led);
}

void
oed_led_start(struct oed_led *l, struct oe *oe, void (*gone)(void *arg),
    void *arg)
{
	l->oe = oe;
	l->gone = gone;
	l->gone_arg = arg;
	l->ev = watch_fd(l->base, xfrm_led_fd(l->led), on_opened, l);
}
