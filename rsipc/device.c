/* device.c - the TUN devices with the leased address */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/gso.h"
#include "net/ip.h"
#include "net/rtnl.h"
#include "net/sysctl.h"
#include "net/tun.h"
#include "oe/esp/esp.h"
#include "rsipc/capture.h"
#include "rsipc/device.h"
#include "rsipc/keeper.h"

#define DEVICE_BATCH	64	/* reads before others have their turn, ... */
#define DEVICE_BYTES	262144	/* ... of segments of up to 64 KiB: less
				 * than a send buffer */
#define LOOSE		2	/* rp_filter: some route back will
				 * do (RFC 3704 §2.4) */

/* A TUN device, of two. */
struct device_tun {
	struct device	*device;
	struct event	*event;
	struct gso_join *join;
};

struct device {
	char	 name[IFNAMSIZ], oe_name[IFNAMSIZ];
	struct device_tun clear, oe;
	struct event *flush;
	bool	 waiting;			/* packets are in a join */
	packet_fn fn;
	void	(*gone)(void *arg);
	void	*arg;
	struct addr addr, gateway;
	unsigned mtu, oe_mtu;
	char	 link[IFNAMSIZ];		/* towards the gateway */
	/* with the host's own address, where that may be used */
	char	 own_link[IFNAMSIZ];
	/* of packets that are led here */
	struct addr source;
	bool	 leads;
	bool	 ipv6;				/* may be led here */
	bool	 leads6;
	struct capture *capture;
	uint8_t	 buf[GSO_BUFFER_LEN];
};

static void
device_gone(struct device_tun *t)
{
	struct device *d = t->device;

	event_del(t->event);
	log_error("%s is gone: ending, so that who supervises us starts anew",
	    t == &d->oe ? d->oe_name : d->name);
	d->gone(d->arg);
}

static void
device_readable(int fd, void *arg)
{
	struct device_tun *t = arg;
	struct device	  *d = t->device;
	size_t		   bytes = 0;
	ssize_t		   n;
	int		   i;

	for (i = 0; i < DEVICE_BATCH; i++) {
		if ((n = read(fd, d->buf, sizeof(d->buf))) <= 0) {
			if (tun_is_gone(n))
				device_gone(t);
			break;
		}
		gso_split(d->buf, (size_t)n, d->fn, d->arg);
		if ((bytes += (size_t)n) >= DEVICE_BYTES)
			break;
	}
}

static void
device_write(void *arg, const uint8_t *frame, size_t len)
{
	struct device_tun *t = arg;

	if (write(event_get_fd(t->event), frame, len) == -1 && errno != EAGAIN)
		log_debug("TUN: %s", strerror(errno));
}

static void
device_flush_event(void *arg)
{
	device_flush(arg);
}

static int
device_make(struct device *d, struct device_tun *t, struct event_base *base,
    char *name, bool six)
{
	bool offload;
	int  fd;

	if ((fd = tun_open_gso(name, IFNAMSIZ, &offload)) == -1)
		return -1;
	if (!offload)
		log_debug("%s: no large segments", name);
	/* Packets of one peer arrive on either device, as they were encrypted
	 * or not, so the strict check would drop half of them. */
	if (sysctl_if_set(AF_INET, name, "rp_filter", LOOSE) == -1)
		log_debug("%s: rp_filter: %s", name, strerror(errno));
	/* A lease is of IPv4: nothing of IPv6 is to go to its device. */
	if (six)
		d->ipv6 = rtnl_has_ipv6() && tun_ipv6(name);
	else if (rtnl_has_ipv6())
		(void)sysctl_if_set(AF_INET6, name, "disable_ipv6", 1);
	t->device = d;
	t->event = watch_fd(base, fd, device_readable, t);
	t->join = gso_join_new(device_write, t);
	if (rtnl_link_up(name) == -1) {
		log_error("%s: %s", name, strerror(errno));
		return -1;
	}
	return 0;
}

struct device *
device_open(struct event_base *base, const char *name, const char *oe_name,
    packet_fn fn, void (*gone)(void *arg), void *arg)
{
	struct device *d = xcalloc(1, sizeof(*d));

	snprintf(d->name, sizeof(d->name), "%s", name);
	snprintf(d->oe_name, sizeof(d->oe_name), "%s", oe_name);
	d->fn = fn;
	d->gone = gone;
	d->arg = arg;
	d->flush = watch_timer(base, device_flush_event, d);
	if (device_make(d, &d->clear, base, d->name, false) == -1 ||
	    device_make(d, &d->oe, base, d->oe_name, true) == -1) {
		device_close(d, false);
		return NULL;
	}
	d->capture = capture_new(d->oe_name, d->name);
	/* A predecessor that was killed may have left some. */
	capture_end(d->capture);
	return d;
}

int
device_policy(struct device *d, const struct oe_config *config)
{
	return capture_policy(d->capture, config);
}

static void
device_settings(struct device *d, bool set)
{
	char key[96];

	/* RFC 3102 §3.1: a host MUST NOT answer ARP for an
	 * address it leases. */
	snprintf(key, sizeof(key), "net/ipv4/conf/%s/arp_ignore", d->link);
	if (set)
		keeper_set(key, "1");
	else if (d->link[0] != '\0')
		keeper_restore(key);
	/* A gateway to which only encrypted packets go: the strict check would
	 * not find the way back for its tunnel. */
	snprintf(key, sizeof(key), "net/ipv4/conf/%s/rp_filter", d->link);
	if (set && !capture_leaves(d->capture, &d->gateway))
		keeper_set(key, "2");
	else if (d->link[0] != '\0' && strcmp(d->link, d->own_link) != 0)
		keeper_restore(key);
}

void
device_own_link(struct device *d, const char *link)
{
	char key[96];

	if (strcmp(link, d->own_link) == 0)
		return;
	snprintf(key, sizeof(key), "net/ipv4/conf/%s/rp_filter", d->own_link);
	if (d->own_link[0] != '\0')
		keeper_restore(key);
	snprintf(d->own_link, sizeof(d->own_link), "%s", link);
	/* Answers come in by the link that the strict check would expect on the
	 * device which their packets left by. */
	snprintf(key, sizeof(key), "net/ipv4/conf/%s/rp_filter", link);
	if (link[0] != '\0')
		keeper_set(key, "2");
}

static int
device_addr(const struct device *d,
    int (*change)(const char *, const struct addr *, unsigned))
{
	return change(d->name, &d->addr, addr_bits(d->addr.family));
}

static bool
device_has_address(const struct device *d)
{
	struct addr addr;

	return rtnl_addr_of(d->name, AF_INET, &addr, NULL) == 0 &&
	    addr_equal(&addr, &d->addr);
}

/* Of a packet before ESP is put around it.  Below its least the kernel would
 * end IPv6 there, and what no longer fits has an answer anyway. */
static unsigned
device_inner_mtu(const struct device *d, unsigned mtu)
{
	unsigned least = d->ipv6 ? IP6_MTU_MIN : DEVICE_MTU_MIN;

	return mtu > least + ESP_OVERHEAD ? mtu - ESP_OVERHEAD : least;
}

/* From here on packets come with this source, whatever the way was before. */
static int
device_lead(struct device *d, const struct addr *src)
{
	d->leads = true;
	d->source = *src;
	return capture_begin(d->capture, &d->source,
	    addr_is_set(&d->addr) ? &d->gateway : &addr_none);
}

int
device_up(struct device *d, const struct addr *addr, const struct addr *gateway,
    unsigned mtu, bool encrypts)
{
	unsigned oe_mtu = encrypts ? device_inner_mtu(d, mtu) : mtu;

	if (addr_equal(&d->addr, addr) && addr_equal(&d->gateway, gateway) &&
	    d->mtu == mtu && d->oe_mtu == oe_mtu) {
		device_mend(d);
		return device_prefer(d, addr);
	}
	device_down(d);
	if (rtnl_route_get(gateway, CAPTURE_MARK, NULL, NULL, d->link) == -1) {
		log_error("no route to the gateway %s: %s", ADDR_TEXT(gateway),
		    strerror(errno));
		return -1;
	}
	d->addr = *addr;
	d->gateway = *gateway;
	d->mtu = mtu;
	d->oe_mtu = oe_mtu;
	device_settings(d, true);
	if (rtnl_link_mtu(d->name, mtu) == -1 ||
	    rtnl_link_mtu(d->oe_name, oe_mtu) == -1 ||
	    device_addr(d, rtnl_addr_add) == -1) {
		log_error("%s: cannot set address %s: %s", d->name,
		    ADDR_TEXT(addr), strerror(errno));
		return -1;
	}
	return device_lead(d, addr);
}

void
device_down(struct device *d)
{
	if (!addr_is_set(&d->addr))
		return;
	/* Routes go with their address, and nothing is to go past us then. */
	if (d->leads && addr_equal(&d->source, &d->addr))
		device_block(d);
	device_settings(d, false);
	if (device_addr(d, rtnl_addr_del) == -1)
		log_debug("%s: %s", d->name, strerror(errno));
	d->addr = addr_none;
}

int
device_prefer(struct device *d, const struct addr *addr)
{
	return d->leads && addr_equal(&d->source, addr) ? 0 :
	    device_lead(d, addr);
}

int
device_own(struct device *d, const struct addr *addr, unsigned mtu)
{
	/* The lease's is no greater but where the tunnel
	 * costs less than UDP. */
	if (!addr_is_set(&d->addr) && mtu != 0 &&
	    d->oe_mtu != device_inner_mtu(d, mtu)) {
		d->oe_mtu = device_inner_mtu(d, mtu);
		if (rtnl_link_mtu(d->oe_name, d->oe_mtu) == -1)
			log_warn("%s: MTU: %s", d->oe_name, strerror(errno));
	}
	return device_prefer(d, addr);
}

void
device_block(struct device *d)
{
	if (d->leads && !addr_is_set(&d->source))
		return;
	if (device_lead(d, &addr_none) == -1)
		log_error("packets may go out without a lease");
}

void
device_release(struct device *d)
{
	if (!d->leads)
		return;
	d->leads = false;
	d->source = addr_none;
	capture_end(d->capture);
}

void
device_ipv6(struct device *d, bool leads)
{
	leads = leads && d->ipv6;
	if (leads != d->leads6 && capture_ipv6(d->capture, leads) == 0)
		d->leads6 = leads;
}

bool
device_leads_ipv6(const struct device *d)
{
	return d->leads6;
}

void
device_mend(struct device *d)
{
	if (addr_is_set(&d->addr) && !device_has_address(d)) {
		log_info("%s lost its address: putting it back", d->name);
		if (device_addr(d, rtnl_addr_add) == -1)
			log_warn("%s: %s", d->name, strerror(errno));
	}
	capture_mend(d->capture);
}

void
device_add_local(struct device *d, const struct prefix *net)
{
	capture_add_local(d->capture, net);
}

void
device_forget_locals(struct device *d)
{
	capture_forget_locals(d->capture);
}

void
device_to_host(struct device *d, const struct packet_view *v, bool oe)
{
	/* What was decrypted was in no card's hands.  The other device has
	 * nothing of IPv6, and of that answers alone come here. */
	if (oe || v->src.family == AF_INET6)
		gso_join_add(d->oe.join, v);
	else
		gso_join_received(d->clear.join, v, d->mtu);
	if (!d->waiting)
		event_active(d->flush, EV_TIMEOUT, 0);
	d->waiting = true;
}

void
device_flush(struct device *d)
{
	if (!d->waiting)
		return;
	d->waiting = false;
	gso_join_flush(d->clear.join);
	gso_join_flush(d->oe.join);
}

struct addr
device_address(const struct device *d)
{
	return d->addr;
}

unsigned
device_mtu(const struct device *d)
{
	return d->mtu;
}

const char *
device_name(const struct device *d)
{
	return d->name;
}

const char *
device_oe_name(const struct device *d)
{
	return d->oe_name;
}

static void
device_tun_close(struct device_tun *t)
{
	watch_close(t->event);
	gso_join_free(t->join);
}

void
device_close(struct device *d, bool open)
{
	if (d == NULL)
		return;
	if (d->capture != NULL)
		device_down(d);
	capture_free(d->capture, open);
	/* The devices end with their descriptors. */
	device_tun_close(&d->clear);
	device_tun_close(&d->oe);
	watch_end(d->flush);
	free(d);
}
