/* oed.c - the stand-alone OE daemon: a host with its own address, or a security gateway */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/control.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/opener.h"
#include "base/priv.h"
#include "base/rtnl.h"
#include "base/util.h"
#include "oe/oed_net.h"
#include "oe/wire.h"
#include "oe/xfrm.h"

#define OED_CONTROL	RUNDIR "/oed.sock"
#define OPENER_PATHS_MAX 64
#define OED_SETTLE	300	/* ms after a change of the network before rules are looked at */

struct oed_config {
	uint32_t	  address;	/* 0: the default route's source */
	char		  interface[IFNAMSIZ];
	char		 *control;
	bool		  stay_shut;	/* what policy shuts is so after an orderly end too */
	struct oe_config *oe;
	char		 *paths[OPENER_PATHS_MAX];	/* read again at SIGHUP */
	size_t		  npaths;
};

struct oed {
	struct daemon_options options;
	struct event_base    *base;
	struct oed_config     config;
	struct oed_net	     *net;
	struct oe	     *oe;
	struct oe_shell	      shell;
	struct xfrm	     *xfrm;	/* NULL: ESP in user space */
	struct control	     *control;
	struct event	     *signals[3], *monitor, *settle;
	int		      monitor_fd;
	bool		      ordered;	/* to end, by somebody who wants it */
	uint32_t	      address;
	uint64_t	      started;
};

/* --- configuration ------------------------------------------------------------------ */

static cfg_opt_t *
oed_options(void)
{
	static cfg_opt_t opts[] = {
		CFG_STR("address", NULL, CFGF_NONE),
		CFG_STR("interface", "oe0", CFGF_NONE),
		CFG_STR("control", OED_CONTROL, CFGF_NONE),
		CFG_BOOL("stay-shut", cfg_false, CFGF_NONE),
		CFG_SEC(OE_CONF_SECTION, NULL, CFGF_NONE),
		CFG_END()
	};

	opts[4].subopts = oe_conf_options();
	return opts;
}

static void
oed_path(void *arg, const char *path)
{
	struct oed_config *c = arg;

	if (c->npaths < OPENER_PATHS_MAX)
		c->paths[c->npaths++] = xstrdup(path);
}

static void
oed_config_free(struct oed_config *c)
{
	while (c->npaths > 0)
		free(c->paths[--c->npaths]);
	free(c->control);
	oe_config_free(c->oe);
	memset(c, 0, sizeof(*c));
}

static int
oed_config_read(struct oed_config *c, const struct daemon_options *o)
{
	struct in_addr a;
	const char    *text;
	cfg_t	      *cfg;
	int	       rc = -1;

	memset(c, 0, sizeof(*c));
	cfg = conf_read(o->config, oed_options(), !o->config_given);
	if (cfg == NULL)
		return -1;
	if ((text = cfg_getstr(cfg, "address")) != NULL) {
		if (conf_ipv4(text, &a) == -1) {
			conf_error(cfg, "address \"%s\" is not like 192.0.2.1",
			    text);
			goto out;
		}
		c->address = a.s_addr;
	}
	text = cfg_getstr(cfg, "interface");
	if (*text == '\0' || strlen(text) >= sizeof(c->interface)) {
		conf_error(cfg, "interface \"%s\" is no name of an interface",
		    text);
		goto out;
	}
	memcpy(c->interface, text, strlen(text) + 1);
	c->control = xstrdup(cfg_getstr(cfg, "control"));
	c->stay_shut = cfg_getbool(cfg, "stay-shut");
	c->oe = oe_config_read(cfg_getsec(cfg, OE_CONF_SECTION));
	if (c->oe == NULL)
		goto out;
	oed_path(c, o->config);
	oed_path(c, OE_RESOLV_CONF);
	oe_config_files(c->oe, cfg_getsec(cfg, OE_CONF_SECTION), oed_path, c);
	rc = 0;
out:
	cfg_free(cfg);
	if (rc == -1)
		oed_config_free(c);
	return rc;
}

/* --- while it runs -------------------------------------------------------------------- */

static void oed_guard(struct oed *d, const struct oe_config *c);

static bool
oed_reload(struct oed *d)
{
	struct oed_config c;

	if (oed_config_read(&c, &d->options) == -1) {
		log_error("the configuration stays as it was");
		return false;
	}
	if (strcmp(c.interface, d->config.interface) != 0 ||
	    strcmp(c.control, d->config.control) != 0 ||
	    c.address != d->config.address)
		log_warn("address, interface and control change only with a "
		    "restart");
	if (oed_net_policy(d->net, c.oe) == -1) {
		oed_config_free(&c);
		return false;
	}
	d->config.stay_shut = c.stay_shut;
	oed_guard(d, c.oe);
	oe_reconfigure(d->oe, c.oe);
	c.oe = NULL;
	oed_config_free(&c);
	log_info("configuration read again");
	return true;
}

static json_object *
oed_control(void *arg, json_object *req, bool privileged)
{
	struct oed  *d = arg;
	json_object *o;
	const char  *text = control_text(req, "command");

	if (strcmp(text, "reload") == 0) {
		o = json_object_new_object();
		if (!privileged)
			json_object_object_add(o, "error",
			    json_object_new_string("only root and group "
			    RSIP_GROUP " may reload"));
		else if (oed_reload(d))
			json_object_object_add(o, "line",
			    json_object_new_string("configuration read again"));
		else
			json_object_object_add(o, "error",
			    json_object_new_string("the new configuration is "
			    "wrong, see the log; the old one stays"));
	} else {
		o = oe_control(d->oe, req, privileged);
	}
	if (o == NULL)
		return NULL;
	if (strcmp(text, "status") == 0) {
		json_object_object_add(o, "version",
		    json_object_new_string(PACKAGE_VERSION));
		json_object_object_add(o, "dataplane", json_object_new_string(
		    d->shell.kernel != NULL ? "kernel, user space for hosts that share "
		    "an address" : "user space"));
		json_object_object_add(o, "interface",
		    json_object_new_string(oed_net_name(d->net)));
		json_object_object_add(o, "uptime", json_object_new_int64(
		    (int64_t)((clock_now() - d->started) / 1000)));
	}
	json_object_object_add(o, "daemon", json_object_new_string("oed"));
	return o;
}

static void
oed_event(void *arg, json_object *event)
{
	struct oed *d = arg;

	json_object_object_add(event, "daemon", json_object_new_string("oed"));
	control_publish(d->control, event);
	json_object_put(event);
}

static void
oed_signal(evutil_socket_t sig, short what, void *arg)
{
	struct oed *d = arg;

	(void)what;
	if (sig == SIGHUP) {
		oed_reload(d);
		return;
	}
	log_info("ending on signal %d", (int)sig);
	d->ordered = true;
	event_base_loopexit(d->base, NULL);
}

/* Addresses come and go on hosts that get theirs by DHCP. */
static void
oed_address_changed(struct oed *d)
{
	uint32_t addr;
	char	 link[IFNAMSIZ];

	if (d->config.address != 0 || wire_own_address(OED_MARK, &addr,
	    link) == -1 || addr == d->address)
		return;
	log_info("our address is %s now", ipv4_text(addr));
	d->address = addr;
	if (oed_net_set_address(d->net, addr) == 0)
		oe_set_local(d->oe, addr, 0);
}

static void
oed_network_settled(evutil_socket_t fd, short what, void *arg)
{
	struct oed *d = arg;

	(void)fd;
	(void)what;
	oed_net_mend(d->net);
}

static void
oed_network(evutil_socket_t fd, short what, void *arg)
{
	struct timeval tv = { .tv_usec = OED_SETTLE * 1000 };
	struct oed    *d = arg;
	char	       buf[8192];

	(void)what;
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		continue;
	oed_address_changed(d);
	if (!evtimer_pending(d->settle, NULL))
		evtimer_add(d->settle, &tv);
}

/* --- life -------------------------------------------------------------------------------- */

static int
oed_events(struct oed *d)
{
	static const int sigs[] = { SIGHUP, SIGINT, SIGTERM };
	size_t		 i;

	for (i = 0; i < 3; i++) {
		d->signals[i] = evsignal_new(d->base, sigs[i], oed_signal, d);
		if (d->signals[i] == NULL ||
		    event_add(d->signals[i], NULL) == -1)
			return -1;
	}
	if ((d->monitor_fd = rtnl_monitor()) == -1)
		return 0;	/* the address it has is the one it keeps */
	d->monitor = event_new(d->base, d->monitor_fd, EV_READ | EV_PERSIST,
	    oed_network, d);
	d->settle = evtimer_new(d->base, oed_network_settled, d);
	return d->monitor == NULL || d->settle == NULL ? -1 : event_add(d->monitor, NULL);
}

/* Who does ESP: the kernel where it is asked for and can. */
static int
oed_dataplane(struct oed *d)
{
	enum oe_dataplane want = oe_config_dataplane(d->config.oe);

	d->xfrm = xfrm_open(OED_MARK);
	if (want == OE_DATAPLANE_USER)
		return 0;
	if (d->xfrm != NULL && xfrm_has_esp(d->xfrm)) {
		d->shell.kernel = &xfrm_kernel;
		d->shell.kernel_arg = d->xfrm;
		return 0;
	}
	if (want == OE_DATAPLANE_KERNEL) {
		log_error("dataplane = \"kernel\": this kernel has no ESP");
		return -1;
	}
	log_info("ESP in user space: this kernel has none");
	return 0;
}

struct guards {
	struct oed *oed;
	bool	    forward, failed;
};

static void
oed_guard_prefix(void *arg, uint32_t net, unsigned plen, enum oe_class class)
{
	struct guards *g = arg;
	bool	       block;

	block = class != OE_CLASS_CLEAR && class != OE_CLASS_PERMISSIVE;
	if (!g->failed && xfrm_guard(g->oed->xfrm, net, plen, block,
	    g->forward) == -1)
		g->failed = true;
}

/*
 * Whom policy denies, or takes only encrypted, is not heard in the clear
 * either: what reaches the host in ESP comes by the TUN.  Where no class
 * forbids anything there is nothing to guard.
 */
static void
oed_guard(struct oed *d, const struct oe_config *c)
{
	struct guards g = { .oed = d, .forward = c->nnetworks != 0 };
	size_t	      i;

	if (d->xfrm != NULL)
		xfrm_guard_clear(d->xfrm);
	if (!policy_has_class(c->policy, OE_CLASS_DENY) &&
	    !policy_has_class(c->policy, OE_CLASS_PARANOID) &&
	    !policy_has_class(c->policy, OE_CLASS_TUNNEL))
		return;
	if (d->xfrm == NULL) {
		log_warn("this kernel has no XFRM policies: clear packets from "
		    "denied and paranoid prefixes are heard, though not "
		    "answered");
		return;
	}
	policy_each(c->policy, oed_guard_prefix, &g);
	for (i = 0; i < c->nresolvers; i++)
		oed_guard_prefix(&g, c->resolvers[i], 32, OE_CLASS_CLEAR);
	if (g.failed)
		log_warn("policies for clear packets: %s", strerror(errno));
}

static void
oed_resolvers(void *arg, const struct oe_config *c)
{
	struct oed *d = arg;

	(void)oed_net_policy(d->net, c);
	oed_guard(d, c);
}

static int
oed_start(struct oed *d)
{
	const char *const *paths = (const char *const *)d->config.paths;
	const char	  *state;
	char		   link[IFNAMSIZ];

	if (rtnl_open() == -1) {
		log_error("rtnetlink: %s", strerror(errno));
		return -1;
	}
	d->address = d->config.address;
	if (d->address == 0 && wire_own_address(OED_MARK, &d->address,
	    link) == -1) {
		log_error("no default route to tell our address: set "
		    "address = \"...\" in %s", d->options.config);
		return -1;
	}
	if ((state = oe_config_state(d->config.oe, NULL)) != NULL)
		opener_allow_state(state);
	if (opener_start(paths, d->config.npaths) == -1)
		return -1;
	d->base = event_base_new();
	signal(SIGPIPE, SIG_IGN);
	if (d->base == NULL)
		return -1;
	d->control = control_open(d->base, d->config.control, oed_control, d);
	if (d->control == NULL)
		return -1;
	d->net = oed_net_open(d->base, d->config.interface, d->address,
	    d->config.oe);
	if (d->net == NULL)
		return -1;
	d->shell = oed_net_shell;
	if (oed_dataplane(d) == -1)
		return -1;
	oed_guard(d, d->config.oe);
	d->oe = oe_new(d->config.oe, d->base, &d->shell, d->net);
	d->config.oe = NULL;
	if (d->oe == NULL || oed_events(d) == -1 ||
	    oed_net_start(d->net, d->oe, oed_event, d) == -1)
		return -1;
	oe_on_resolvers(d->oe, oed_resolvers, d);
	oe_set_local(d->oe, d->address, 0);
	d->started = clock_now();
	if (daemon_ready(&d->options) == -1 || priv_drop("oed") == -1 ||
	    priv_lock("oed") == -1)
		return -1;
	log_info("address %s, interface %s", ipv4_text(d->address),
	    oed_net_name(d->net));
	return 0;
}

static void
oed_stop(struct oed *d)
{
	size_t i;

	oe_free(d->oe);
	xfrm_close(d->xfrm);
	oed_net_close(d->net, d->ordered && !d->config.stay_shut);
	control_close(d->control);
	for (i = 0; i < 3; i++) {
		if (d->signals[i] != NULL)
			event_free(d->signals[i]);
	}
	if (d->monitor != NULL) {
		event_free(d->monitor);
		close(d->monitor_fd);
	}
	if (d->settle != NULL)
		event_free(d->settle);
	rtnl_close();
	opener_stop();
	if (d->base != NULL)
		event_base_free(d->base);
	oed_config_free(&d->config);
	daemon_stop(&d->options);
}

int
main(int argc, char **argv)
{
	struct oed d;
	int	   status = 1;

	memset(&d, 0, sizeof(d));
	daemon_options(&d.options, "oed", argc, argv);
	if (!d.options.check && !priv_have_net()) {
		log_error("oed needs root, or CAP_NET_ADMIN and CAP_NET_RAW");
		return 1;
	}
	if (oed_config_read(&d.config, &d.options) == -1)
		return DAEMON_EXIT_CONFIG;
	if (d.options.check) {
		daemon_checked(&d.options);
		oed_config_free(&d.config);
		return 0;
	}
	if (daemon_start(&d.options) == -1)
		return 1;
	if (oed_start(&d) == 0) {
		event_base_dispatch(d.base);
		status = 0;
	}
	oed_stop(&d);
	return status;
}
