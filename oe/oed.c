/* oed.c - the stand-alone OE daemon: a host with its own address, or a security gateway */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/report_rows.h"
#include "base/service.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/addr_option.h"
#include "net/resolvconf.h"
#include "net/netlink.h"
#include "net/rtnl.h"
#include "net/validator.h"
#include "oe/esp/lanes.h"
#include "oe/esp/user.h"
#include "oe/esp/xfrm.h"
#include "oe/inward.h"
#include "oe/oed_led.h"
#include "oe/oed_net.h"
#include "oe/planes.h"
#include "oe/wire.h"

#define OED_SETTLE	300	/* ms after a change of the network before
				 * rules are looked at */

struct oed_config {
	/* none: the default route's source */
	struct addr	  address, address6;
	char		  interface[IFNAMSIZ];
	uint32_t	  workers;
	char		 *control;
	struct web_config web;
	bool		  stay_shut;	/* what policy shuts is so after
					 * an orderly end too */
	struct oe_config *oe;
};

struct oed {
	struct service	  *service;
	struct oed_config *config;
	struct oed_net	  *net;
	struct oe	  *oe;
	struct oe_shell	   shell;
	struct xfrm	  *xfrm;	/* NULL: this kernel has none */
	struct oed_led	  *led;		/* ESP of networks behind us in the
					 * kernel; NULL: there is none */
	struct inward	  *inward;
	struct planes	   planes;
	struct event	  *monitor, *settle;
	struct addr	   address[2];	/* IPv4, IPv6; none: there is none */
};

/* --- configuration -------------------------------------------------------- */

static const struct option oed_options[] = {
	{ "address", OPTION_ADDRESS, OPTION_FIXED, .ipv4 = true,
	  .take = addr_option_take,
	  OPTION_AT(struct oed_config, address), .example = "198.51.100.10",
	  HELP("Our address towards the public realm; else the default "
	      "route's source, also when that changes.") },
	{ "address6", OPTION_ADDRESS, OPTION_FIXED, .take = addr_option_take6,
	  OPTION_AT(struct oed_config, address6), .example = "2001:db8::10",
	  HELP("The same of IPv6.  Without it the kernel chooses the "
	      "source of each connection, and peers are asked from that.") },
	{ "interface", OPTION_INTERFACE, OPTION_FIXED, "oe0",
	  OPTION_AT(struct oed_config, interface),
	  HELP("The interface that packets pass.") },
	{ "workers", OPTION_NUMBER, OPTION_FIXED, "0", .lo = 0, .hi = LANES_MAX,
	  OPTION_AT(struct oed_config, workers),
	  HELP("Threads that encrypt and decrypt in user space, beside the "
	      "one of IKE; 0: that one does it.") },
	{ "control", OPTION_TEXT, OPTION_FIXED, RUNDIR "/oed.sock",
	  OPTION_AT(struct oed_config, control),
	  HELP("The socket of rsipctl(8).") },
	WEB_OPTIONS(struct oed_config, web),
	{ "stay-shut", OPTION_BOOL, OPTION_LIVE, "false",
	  OPTION_AT(struct oed_config, stay_shut),
	  HELP("Denied, paranoid and tunnel prefixes stay shut after an "
	      "orderly end too.") },
	{ OE_CONF_SECTION, OPTION_SECTION, OPTION_LIVE, .table = oe_options,
	  .open = oe_config_open, OPTION_AT(struct oed_config, oe),
	  HELP("Whom to encrypt with, and how.") },
	{ 0 }
};

static void
oed_config_free(void *settings)
{
	struct oed_config *c = settings;

	if (c == NULL)
		return;
	option_clear(oed_options, c);
	oe_config_free(c->oe);
	free(c);
}

static void *
oed_config_read(const struct option_source *s)
{
	struct oed_config *c = xcalloc(1, sizeof(*c));

	if (option_read(oed_options, s, c) == 0)
		return c;
	oed_config_free(c);
	return NULL;
}

/* --- while it runs -------------------------------------------------------- */

static int
oed_reload(void *arg, void *settings)
{
	struct oed	  *d = arg;
	struct oed_config *c = settings;

	if (oed_net_policy(d->net, c->oe) == -1)
		return -1;
	inward_set(d->inward, c->oe);
	oe_reconfigure(d->oe, c->oe);
	c->oe = NULL;
	oed_config_free(d->config);
	d->config = c;
	return 0;
}

static json_object *
oed_command(void *arg, json_object *req, bool privileged)
{
	struct oed *d = arg;

	return oe_control(d->oe, req, privileged);
}

struct oed_summary {
	struct oe_verdict verdict;
	const char	 *dataplane, *interface;
	unsigned	  workers;
	struct lane_counts lanes;
};

#define ROW struct oed_summary
static const struct report_field oed_verdict_fields[] = {
	CHARS("verdict", verdict.line, "what a person asks first"),
	GAUGE("peers", verdict.keyed, "peers that we have keys with",
	    .metric = "oe_peers"),
	{ 0 }
}, oed_place_fields[] = {
	TEXT("dataplane", dataplane, "who does ESP"),
	TEXT("interface", interface, "where decrypted packets arrive"),
	{ 0 }
}, oed_worker_fields[] = {
	GAUGE("workers", workers, "threads that encrypt and decrypt",
	    .metric = "oe_workers"),
	COUNTER("worker_frames", lanes.frames,
	    "frames of up to 64 KiB that they encrypted",
	    .flags = REPORT_MAYBE, .metric = "oe_worker_frames"),
	COUNTER("worker_opened", lanes.opened, "packets that they decrypted",
	    .flags = REPORT_MAYBE, .metric = "oe_worker_opened"),
	COUNTER("worker_handed", lanes.handed,
	    "frames and packets that they left to the thread of IKE",
	    .flags = REPORT_MAYBE, .metric = "oe_worker_handed"),
	COUNTER("worker_lost", lanes.lost,
	    "of these, that it had no room for",
	    .flags = REPORT_MAYBE, .metric = "oe_worker_lost"),
	COUNTER("worker_refused", lanes.refused,
	    "packets whose keys had no number left for them",
	    .flags = REPORT_MAYBE, .metric = "oe_worker_refused"),
	{ 0 }
};
#undef ROW

static void
oed_report(void *arg, struct report *r)
{
	struct oed	  *d = arg;
	struct oed_summary s = { .interface = oed_net_name(d->net),
		.dataplane = d->planes.text };

	struct lanes	  *seal, *open;

	oe_verdict(d->oe, &s.verdict);
	report_write(r, NULL, "", oed_verdict_fields, &s);
	oe_report(d->oe, r);
	if (oed_net_lanes(d->net, &seal, &open)) {
		s.workers = lanes_n(seal);
		lanes_count(seal, &s.lanes);
		lanes_count(open, &s.lanes);
	}
	report_write(r, NULL, NULL, oed_place_fields, &s);
	report_write(r, NULL, "", oed_worker_fields, &s);
}

static const struct service_command oed_commands[] = {
	{ "why", false, oed_command, NULL },
	{ "sa", true, oed_command, oe_sa_fields },
	{ "spd", true, oed_command, oe_spd_fields },
	{ 0 }
};

static void
oed_event(void *arg, const struct oe_event *e)
{
	struct oed *d = arg;

	if (service_watched(d->service))
		service_publish(d->service, oe_event_json(e));
}

/* The one that is configured, or that the default route has now; none. */
static struct addr
oed_find_address(const struct oed *d, int family)
{
	const struct addr *fixed = family == AF_INET6 ?
	    &d->config->address6 : &d->config->address;
	struct addr	   addr = { 0 };
	char		   link[IFNAMSIZ];

	if (family == AF_INET6 && !oed_net_has_ipv6(d->net))
		return addr;
	if (addr_is_set(fixed))
		return *fixed;
	(void)wire_own_address(family, OED_MARK, &addr, link);
	return addr;
}

/* Addresses come and go on hosts that get theirs by DHCP, or from routers. */
static int
oed_address(struct oed *d, int family)
{
	struct addr *now = &d->address[family == AF_INET6];
	struct addr  addr = oed_find_address(d, family);
	bool	     source = family == AF_INET ||
	    addr_is_set(&d->config->address6);

	/* Without a default route, for a while, what was said of it stays. */
	if (!addr_is_set(&addr) || addr_equal(&addr, now))
		return 0;
	*now = addr;
	return oed_net_set_address(d->net, &addr, source);
}

static void
oed_address_changed(struct oed *d, int family)
{
	const struct addr *now = &d->address[family == AF_INET6];
	const struct addr  before = *now;

	if (oed_address(d, family) == -1 || addr_equal(now, &before))
		return;
	log_info("our address is %s now", ADDR_TEXT(now));
	oe_set_local(d->oe, family, now, 0);
}

static void
oed_network_settled(void *arg)
{
	struct oed *d = arg;

	oed_net_mend(d->net);
}

static void
oed_network(int fd, void *arg)
{
	struct oed *d = arg;

	netlink_drain(fd);
	oed_address_changed(d, AF_INET);
	oed_address_changed(d, AF_INET6);
	if (!evtimer_pending(d->settle, NULL))
		watch_after(d->settle, OED_SETTLE);
}

/* --- life ----------------------------------------------------------------- */

static void
oed_events(struct oed *d)
{
	struct event_base *base = service_base(d->service);
	int		   fd;

	if ((fd = rtnl_monitor()) == -1)
		return;		/* the address it has is the one it keeps */
	d->monitor = watch_fd(base, fd, oed_network, d);
	d->settle = watch_timer(base, oed_network_settled, d);
}

static void
oed_resolvers(void *arg, const struct oe_config *c)
{
	struct oed *d = arg;

	(void)oed_net_policy(d->net, c);
	inward_set(d->inward, c);
}

static void
oed_gone(void *arg)
{
	struct oed *d = arg;

	service_fail(d->service);
}

/* Who does ESP: as root, before the engine. */
static int
oed_planes(struct oed *d)
{
	const struct oe_config *c = d->config->oe;
	struct planes_choice	choice;
	struct xfrm_shell	kernel = oed_net_kernel(d->net);
	struct lanes	       *seal, *open;
	const char	       *lacks = NULL;

	d->shell.planes = d->planes.list;
	d->xfrm = xfrm_open(OED_MARK);
	oed_led_clear(d->net);
	if (planes_choose(&choice, oe_config_dataplane(c), d->xfrm) == -1)
		return -1;
	if (choice.kernel != NULL && c->nnetworks != 0) {
		d->led = oed_led_open(service_base(d->service), d->net, &lacks);
		planes_lead(&choice, d->led != NULL ? oed_led_plane(d->led) :
		    NULL, lacks);
	}
	planes_open(&d->planes, &choice, d->shell.send_clear, d->net, &kernel);
	if (oed_net_lanes(d->net, &seal, &open))
		esp_user_lanes(d->planes.user, seal, open, oed_net_flush);
	return 0;
}

static int
oed_start(void *arg, struct service *service, void *settings)
{
	struct oed	  *d = arg;
	struct event_base *base = service_base(service);

	d->service = service;
	d->config = settings;
	if (rtnl_open() == -1 ||
	    oe_config_validator(d->config->oe, "oed") == -1)
		return -1;
	d->net = oed_net_open(base, d->config->interface, d->config->oe,
	    d->config->workers);
	if (d->net == NULL || oed_address(d, AF_INET) == -1 ||
	    oed_address(d, AF_INET6) == -1)
		return -1;
	if (!addr_is_set(&d->address[0]) && !addr_is_set(&d->address[1])) {
		log_error("no default route to tell our address: set "
		    "address = \"...\" in %s", service_config(service));
		return -1;
	}
	d->shell = oed_net_shell;
	if (oed_planes(d) == -1)
		return -1;
	d->inward = inward_new(d->xfrm, oed_net_name(d->net), true);
	inward_set(d->inward, d->config->oe);
	d->oe = oe_new(d->config->oe, base, &d->shell, d->net);
	d->config->oe = NULL;
	if (d->oe == NULL)
		return -1;
	oed_events(d);
	oed_net_start(d->net, d->oe, oed_event, oed_gone, d);
	if (d->led != NULL)
		oed_led_start(d->led, d->oe, oed_gone, d);
	oe_on_resolvers(d->oe, oed_resolvers, d);
	oe_set_local(d->oe, AF_INET, &d->address[0], 0);
	oe_set_local(d->oe, AF_INET6, &d->address[1], 0);
	return 0;
}

static void
oed_ready(void *arg)
{
	struct oed *d = arg;

	oed_net_work(d->net);
	log_info("address %s%s%s, interface %s",
	    addr_is_set(&d->address[0]) || !addr_is_set(&d->address[1]) ?
	    ADDR_TEXT(&d->address[0]) : "",
	    addr_is_set(&d->address[0]) && addr_is_set(&d->address[1]) ?
	    ", " : "", addr_is_set(&d->address[1]) ?
	    ADDR_TEXT(&d->address[1]) : "", oed_net_name(d->net));
}

static void
oed_stop(void *arg)
{
	struct oed *d = arg;

	oe_free(d->oe);
	validator_stop();
	planes_close(&d->planes);
	oed_led_close(d->led);
	inward_free(d->inward);
	xfrm_close(d->xfrm);
	oed_net_close(d->net, service_ordered(d->service) &&
	    !d->config->stay_shut);
	watch_close(d->monitor);
	watch_end(d->settle);
	oed_config_free(d->config);
	rtnl_close();
}

int
main(int argc, char **argv)
{
	static const struct service_plan plan = {
		.name = "oed",
		SERVICE_SETTINGS(struct oed_config, oed_options,
		    oed_config_read, oed_config_free),
		.resolv_conf = RESOLVCONF_PATH,
		.start = oed_start, .ready = oed_ready,
		.reload = oed_reload, .stop = oed_stop,
		.report = oed_report, .commands = oed_commands,
	};
	static struct oed d;

	return service_main(&plan, &d, argc, argv);
}
