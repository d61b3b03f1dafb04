/* client_kernel.c - the RSIP client daemon: ESP that the kernel does, from the host's own address and from a leased one */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/watch.h"
#include "net/rtnl_table.h"
#include "net/xfrmi.h"
#include "oe/esp/xfrm_led.h"
#include "oe/settings.h"
#include "rsipc/capture.h"
#include "rsipc/client_private.h"

static const struct rtnl_rule esp_rule = { .priority = CAPTURE_ESP,
	.table = CAPTURE_ESP, .mark = CAPTURE_ESP };

/* What a lease's ESP goes by: the device, or nothing, also once we are dead. */
static int
kernel_route(const struct client *c)
{
	const struct rtnl_route want[] = {
		{ .metric = 2, .type = RTN_PROHIBIT },
		{ .metric = 1, .ifname = device_name(c->device) },
	};
	bool leased = addr_is_set(&c->path.addr);

	if (rtnl_table_set(CAPTURE_ESP, want, leased ? 2 : 1) == 0 &&
	    rtnl_rule_set(&esp_rule, AF_INET, true) == 0)
		return 0;
	log_warn("routes of ESP: %s", strerror(errno));
	return -1;
}

/* Only into IP-IP eBPF puts it: else each packet would go through us twice. */
static bool
kernel_carries(void *arg)
{
	struct client *c = arg;
	struct addr    local, remote;

	return tunnel_is_ipip(c->tunnel, &local, &remote);
}

static void
kernel_opens(void *arg, uint32_t spi, bool on)
{
	struct client *c = arg;

	pass_esp(c->path.pass, spi, on);
}

/* The programs rest while nothing moves, and all comes by us. */
static void
kernel_arrives(void *arg, const struct packet_view *v)
{
	struct client *c = arg;

	pass_wake(c->path.pass);
	device_to_host(c->device, v, false);
}

static void
kernel_opened(void *arg, uint32_t spi, const struct packet_view *v)
{
	struct client *c = arg;

	if (c->oe != NULL)
		oe_inbound_opened(c->oe, spi, v);
}

static void
kernel_readable(int fd, void *arg)
{
	struct client *c = arg;

	(void)fd;
	if (xfrm_led_receive(c->led))
		return;
	event_del(c->led_event);
	log_error("%s is gone: ending, so that who supervises us starts anew",
	    c->led_device);
	service_fail(c->service);
}

/* Of ours, or of a process before us that was killed. */
static void
kernel_clear(const struct client *c)
{
	xfrmi_clear(c->led_device);
	(void)rtnl_rule_set(&esp_rule, AF_INET, false);
	(void)rtnl_table_set(CAPTURE_ESP, NULL, 0);
}

void
client_kernel_close(struct client *c)
{
	if (c->led == NULL)
		return;
	watch_end(c->led_event);
	xfrm_led_close(c->led);
	c->led = NULL;
	kernel_clear(c);
}

/* NULL: the kernel does it; or what that lacks. */
static const char *
kernel_lacks(struct client *c)
{
	const struct xfrm_led_config config = { .device = c->led_device,
		.link = device_name(c->device),
		.tun = device_oe_name(c->device), .mark = CAPTURE_ESP,
		.carries = kernel_carries, .opens = kernel_opens,
		.arrives = kernel_arrives, .opened = kernel_opened, .arg = c };
	const char *lacks;

	if (c->path.pass == NULL)
		return "eBPF to lead packets";
	if ((c->led = xfrm_led_open(&config, &lacks)) == NULL)
		return lacks;
	if (pass_esp_way(c->path.pass, config.link) == -1 ||
	    kernel_route(c) == -1) {
		client_kernel_close(c);
		return "a way for ESP";
	}
	return NULL;
}

void
client_kernel_lease(struct client *c)
{
	const char *lacks;

	snprintf(c->led_text, sizeof(c->led_text), "user space%s%s",
	    c->planes.why == NULL ? "" : ": ",
	    c->planes.why == NULL ? "" : c->planes.why);
	xfrm_led_name(c->led_device, device_oe_name(c->device));
	kernel_clear(c);
	if (c->planes.kernel == NULL)
		return;
	if ((lacks = kernel_lacks(c)) != NULL) {
		snprintf(c->led_text, sizeof(c->led_text),
		    "user space: the kernel has no %s", lacks);
		log_info("ESP of a leased address: %s", c->led_text);
		return;
	}
	snprintf(c->led_text, sizeof(c->led_text),
	    "kernel, user space for what is not led by eBPF");
	c->led_event = watch_fd(c->base, xfrm_led_fd(c->led), kernel_readable,
	    c);
	path_plane(&c->path, xfrm_led_plane(c->led));
}

void
client_kernel_follow(struct client *c)
{
	if (c->led == NULL)
		return;
	(void)kernel_route(c);
	direct_esp_other(c->direct, &c->path.addr);
}

int
client_kernel_open(struct client *c, const struct settings *s)
{
	if (s->cascade)
		return 0;
	return planes_choose(&c->planes, oe_config_dataplane(s->oe), c->xfrm);
}
