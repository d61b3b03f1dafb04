/* direct.c - OE from the host's own address, where no lease is: through the network's NAT, or with a public address */
#include "config.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "net/rtnl.h"
#include "oe/esp/xfrm.h"
#include "oe/planes.h"
#include "oe/settings.h"
#include "oe/wire.h"
#include "rsipc/capture.h"
#include "rsipc/direct.h"

struct direct {
	struct oe     *oe;
	const struct oe *leased;
	struct wire   *wire;
	struct planes  planes;
	struct device *device;
	void	     (*event)(void *arg, const struct oe_event *e);
	void	      *event_arg;
	struct addr    addr, addr6;
	char	       link[IFNAMSIZ];
	bool	       connected;
	bool	       rests;
};

static void
direct_send(void *arg, const struct packet_view *v)
{
	struct direct *d = arg;

	wire_send(d->wire, v);
}

static void
direct_send_ike(void *arg, const struct keying_path *path, const uint8_t *buf,
    size_t len)
{
	struct direct *d = arg;

	wire_send_ike(d->wire, path, buf, len);
}

static void
direct_to_host(void *arg, const struct packet_view *v)
{
	struct direct *d = arg;

	device_to_host(d->device, v, true);
}

static void
direct_answer(void *arg, const struct packet_view *v)
{
	struct direct *d = arg;

	device_to_host(d->device, v, false);
}

static bool
direct_is_own(void *arg, const struct addr *addr)
{
	struct direct *d = arg;

	return wire_is_own(d->wire, addr);
}

static bool
direct_peer_known(void *arg, const struct keying_id *peer)
{
	struct direct *d = arg;

	return d->leased != NULL && oe_peer_known(d->leased, peer);
}

static void
direct_event(void *arg, const struct oe_event *e)
{
	struct direct *d = arg;

	d->event(d->event_arg, e);
}

static const struct oe_shell direct_shell = {
	.send_clear = direct_send,
	.send_ike = direct_send_ike,
	.to_host = direct_to_host,
	.answer = direct_answer,
	.is_own = direct_is_own,
	.is_near = wire_is_near,
	.peer_known = direct_peer_known,
	.event = direct_event,
	.state = DIRECT_STATE,
};

static void
direct_batch(void *arg, bool more)
{
	struct direct *d = arg;

	if (!more)
		device_flush(d->device);
}

struct direct *
direct_open(struct event_base *base, struct oe_config *c,
    const struct planes_choice *planes, struct device *device,
    void (*event)(void *arg, const struct oe_event *e), void *arg)
{
	struct direct  *d = xcalloc(1, sizeof(*d));
	struct oe_shell shell = direct_shell;
	struct xfrm_shell kernel;

	d->device = device;
	d->event = event;
	d->event_arg = arg;
	if ((d->wire = wire_open(base, CAPTURE_MARK)) == NULL) {
		oe_config_free(c);
		goto fail;
	}
	kernel = wire_kernel(d->wire);
	planes_open(&d->planes, planes, direct_send, d, &kernel);
	shell.planes = d->planes.list;
	d->oe = oe_new(c, base, &shell, d);
	if (d->oe == NULL)
		goto fail;
	wire_start(d->wire, d->oe, direct_batch, d);
	return d;
fail:
	direct_free(d);
	return NULL;
}

void
direct_esp_other(struct direct *d, const struct addr *leased)
{
	if (d != NULL)
		wire_esp_other(d->wire, leased);
}

void
direct_free(struct direct *d)
{
	if (d == NULL)
		return;
	oe_free(d->oe);
	planes_close(&d->planes);
	wire_close(d->wire);
	free(d);
}

void
direct_beside(struct direct *d, const struct oe *leased)
{
	if (d != NULL)
		d->leased = leased;
}

/* Of several the one that new connections have; what began on another stays
 * with that as long as the kernel keeps it. */
static void
direct_follow6(struct direct *d)
{
	char	    link[IFNAMSIZ];
	struct addr addr;

	if (!rtnl_has_ipv6() || wire_own_address(AF_INET6, CAPTURE_MARK, &addr,
	    link) == -1 || addr_equal(&addr, &d->addr6))
		return;
	log_info("over IPv6 connections leave from %s", ADDR_TEXT(&addr));
	d->addr6 = addr;
	oe_set_local(d->oe, AF_INET6, &addr, 0);
	wire_set_local(d->wire, AF_INET6, &(struct addr){ 0 });
}

void
direct_follow(struct direct *d)
{
	char	    link[IFNAMSIZ] = "";
	struct addr addr;
	bool	    moved;

	if (d->rests)
		return;
	direct_follow6(d);
	/* A cable pulled may be put back. */
	d->connected = wire_own_address(AF_INET, CAPTURE_MARK, &addr,
	    link) == 0;
	if (!d->connected)
		return;
	moved = strcmp(link, d->link) != 0;
	memcpy(d->link, link, sizeof(d->link));
	if (!addr_equal(&addr, &d->addr)) {
		d->addr = addr;
		wire_set_local(d->wire, AF_INET, &addr);
		oe_set_local(d->oe, AF_INET, &addr, 0);
	} else if (moved) {
		oe_wake(d->oe, "another link");
	}
}

void
direct_use(struct direct *d, bool use)
{
	const struct addr nobody = addr_from_v4(INADDR_NONE);
	const struct addr nobody6 = { .family = AF_INET6 };

	d->rests = !use;
	if (use) {
		direct_follow(d);
		return;
	}
	oe_set_local(d->oe, AF_INET, &addr_none, 0);
	wire_set_local(d->wire, AF_INET, &nobody);
	oe_set_local(d->oe, AF_INET6, &addr_none, 0);
	wire_set_local(d->wire, AF_INET6, &nobody6);
	d->addr = d->addr6 = addr_none;
	d->link[0] = '\0';
}

struct addr
direct_address(const struct direct *d)
{
	return d->addr;
}

struct addr
direct_address6(const struct direct *d)
{
	return d->addr6;
}

const char *
direct_link(const struct direct *d)
{
	return d->link;
}

bool
direct_connected(const struct direct *d)
{
	return d->connected;
}

unsigned
direct_mtu(const struct direct *d)
{
	return wire_link_mtu(d->link);
}

const char *
direct_how(const struct direct *d)
{
	return addr_is_private(&d->addr) ? "through NAT" :
	    "with this host's own address";
}

const char *
direct_dataplane(const struct direct *d)
{
	return d->planes.text;
}

void
direct_outbound(struct direct *d, const struct packet_view *v)
{
	oe_outbound(d->oe, v);
}

struct oe *
direct_engine(const struct direct *d)
{
	return d->oe;
}
