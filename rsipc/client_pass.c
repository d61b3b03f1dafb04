/* client_pass.c - the RSIP client daemon: what of its work the kernel may do, and what that has done */
#include "config.h"

#include <event2/event.h>
#include <net/if.h>

#include "base/clock.h"
#include "net/rtnl.h"
#include "oe/esp/xfrm_led.h"
#include "rsipc/capture.h"
#include "rsipc/client_private.h"

#define PORT_IKE	500
#define PORT_IKE_NAT	4500

/* Where user space would send it now. */
static bool
pass_way(void *arg, struct pass_way *out)
{
	struct client *c = arg;
	char	       link[IFNAMSIZ];

	if (c->stopping || !addr_is_set(&c->path.addr) ||
	    evtimer_pending(c->network_timer, NULL) ||
	    !tunnel_is_ipip(c->tunnel, &out->local, &out->remote) ||
	    (out->mtu = tunnel_mtu(c->tunnel)) == 0 ||
	    rtnl_route_get(&out->remote, CAPTURE_MARK, NULL, NULL, link) == -1)
		return false;
	out->addr = c->path.addr;
	out->link = if_nametoindex(link);
	out->clear = if_nametoindex(device_name(c->device));
	out->mark = CAPTURE_MARK;
	out->esp_mark = CAPTURE_ESP;
	return out->link != 0 && out->clear != 0;
}

static void
pass_passed(void *arg, const struct addr *src, const struct addr *dst,
    const struct oe_passed *n)
{
	struct client *c = arg;

	if (c->oe != NULL)
		oe_passed(c->oe, src, dst, n);
}

/* As path_outbound() has it of a packet. */
static void
pass_used(void *arg, uint16_t port)
{
	const struct addr any = { 0 };
	struct client	 *c = arg;
	uint64_t	  now = clock_now();

	(void)bindings_flow_use(&c->host.bindings, port, &any, 0,
	    true, now);
	if (bindings_ports_scarce(&c->host.bindings)) {
		host_more_ports(&c->host, now);
		c->path.wake |= c->host.more_ports;
	}
}

static void
pass_moved(void *arg, const struct oe_passed *n)
{
	struct client *c = arg;
	uint64_t       now = clock_now();

	if (c->led != NULL)
		xfrm_led_ports(c->led, pass_used, c);
	if (n->packets_out != 0)
		worth_sent(&c->path.worth, now);
	if (n->packets_in != 0)
		worth_came(&c->path.worth);
	if (n->packets_out != 0)
		client_woken(c, now);
}

static const struct pass_ops client_pass_ops = {
	.way = pass_way,
	.passed = pass_passed,
	.used = pass_used,
	.moved = pass_moved,
};

void
client_pass_open(struct client *c)
{
	/* Of a cascade the packets are other hosts', and none is judged. */
	if (c->settings->offload && !c->settings->cascade)
		c->path.pass = pass_open(c->base, device_oe_name(c->device),
		    &client_pass_ops, c);
}

/* IKE comes to us, and from its own ports goes by its cookie. */
static enum pass_protocols
port_protocols(const struct client *c, unsigned port)
{
	if (port == PORT_IKE || port == PORT_IKE_NAT ||
	    port == c->path.ike_port)
		return PASS_OF_TCP;
	return PASS_OF_TCP | PASS_OF_UDP;
}

void
client_pass_granted(struct client *c)
{
	unsigned port;

	if (c->path.pass == NULL)
		return;
	if (c->oe != NULL)
		oe_leads_end(c->oe);
	for (port = 1; port <= UINT16_MAX; port++)
		pass_port(c->path.pass, (uint16_t)port,
		    bindings_covers(&c->host.bindings, (uint16_t)port) ?
		    port_protocols(c, port) : PASS_NOTHING);
	pass_look_again(c->path.pass);
}

void
client_pass_revoked(struct client *c, const struct binding *b)
{
	unsigned i;

	if (c->oe != NULL)
		oe_leads_end(c->oe);
	/* What is left of a whole address is said when more is granted. */
	if (b->method == RSIP_METHOD_RSA_IP || b->purpose == BINDING_MAIN)
		pass_no_ports(c->path.pass);
	for (i = 0; i < b->nports; i++)
		pass_port(c->path.pass, b->port[i], PASS_NOTHING);
	pass_look_again(c->path.pass);
}
