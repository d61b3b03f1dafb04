/* engine.c - the OE engine on libevent: its clock and DNS around the pure core */
#include "config.h"

#include <event2/event.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <string.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/filewatch.h"
#include "base/json.h"
#include "base/log.h"
#include "base/util.h"
#include "base/wake.h"
#include "base/watch.h"
#include "net/icmp.h"
#include "net/ip.h"
#include "net/resolvconf.h"
#include "net/validator.h"
#include "oe/connection.h"
#include "oe/engine.h"
#include "oe/engine_ike.h"
#include "oe/identity.h"
#include "oe/life.h"
#include "oe/liveness.h"
#include "oe/pair.h"
#include "oe/pathmtu.h"
#include "oe/plane.h"
#include "oe/portal.h"
#include "oe/remember.h"
#include "oe/report.h"
#include "oe/request.h"
#include "oe/summary.h"
#include "oe/version.h"

#define TICK_MS			1000	/* after whatever happened */
#define GAP_MS			4000	/* a tick as late as
					 * this: we were asleep */
#define SLEPT_MS		200	/* no two clocks differ by that else */
#define RECALL_A_TICK		16	/* peers told of our crash, a second */

struct oe {
	struct event_base *base;
	struct oe_config  *config;
	struct oe_shell	   shell;
	void		  *shell_arg;
	struct core	  *core;
	struct remembered *remembered;
	struct dns	  *dns;
	struct addr	   resolvers[OE_RESOLVERS_MAX];	/* as dns has them */
	size_t		   nresolvers;
	struct portal	  *portal;
	bool		   unchecked;	/* conclusions of what could not be */
	enum validator_state checked;	/* as the last tick saw it */
	struct validator_watch validator;
	struct wake	  *wake;
	struct filewatch  *resolv_conf;
	oe_resolvers_fn	   resolvers_changed;
	void		  *resolvers_arg;
	struct door	  *door;	/* to what speaks IKE */
	struct event	  *tick, *ike_timer, *hold_timer;
	uint64_t	   ike_at, hold_at, tick_at; /* when the timers
						      * are set for */
	uint64_t	   slept;	/* as the last tick saw it */
	TAILQ_HEAD(, question) questions;
};

static void
oe_arm(struct event *ev, uint64_t *set, uint64_t at)
{
	uint64_t now;

	/* 0 stands for "at once" in one, for "not set" in the other. */
	if (at == 0)
		at = 1;
	if (at == *set)
		return;
	*set = at;
	if (at == UINT64_MAX) {
		event_del(ev);
		return;
	}
	now = clock_now();
	watch_after(ev, at > now ? at - now : 0);
}

/* Whatever was said to IKE and to the core: what it released is sent, and
 * time-outs moved with it. */
static void
oe_schedule(struct oe *oe)
{
	uint64_t at, older;

	plane_release(oe->core);
	oe_arm(oe->ike_timer, &oe->ike_at, door_engine.next(oe->door));
	at = connection_next_holding(oe->core);
	older = version_next(oe->core);
	oe_arm(oe->hold_timer, &oe->hold_at, at < older ? at : older);
	if (oe->core->now + TICK_MS < oe->tick_at)
		oe_arm(oe->tick, &oe->tick_at, oe->core->now + TICK_MS);
}

static void
oe_hold_timer(void *arg)
{
	struct oe *oe = arg;

	oe->hold_at = 0;
	connection_tick_holding(oe->core, clock_now());
	request_tick_older(oe->core, clock_now());
	oe_schedule(oe);
}

static void
oe_ike_timer(void *arg)
{
	struct oe *oe = arg;

	oe->ike_at = 0;
	core_set_now(oe->core, clock_now());
	door_engine.tick(oe->door, clock_now());
	oe_schedule(oe);
}

/* On what may be another network; an engine without an address rests. */
static void
oe_look_for_portal(struct oe *oe)
{
	struct dns_config dns = oe_config_dns(oe->config);

	if (core_has_local(oe->core))
		portal_look(oe->portal, &dns);
}

static void
oe_portal_seen(void *arg, const struct addr *portal)
{
	struct oe *oe = arg;

	oe->core->portal = *portal;
	if (addr_is_set(portal)) {
		log_warn("a captive portal answers for DNS, as it seems: names "
		    "that nobody has are %s", ADDR_TEXT(portal));
		return;
	}
	log_info("the captive portal is passed: whatever was settled behind it "
	    "is looked at anew");
	validator_again();
	core_network_opens(oe->core, clock_now());
	oe_schedule(oe);
}

static void
oe_look_at_validator(struct oe *oe, uint64_t now)
{
	oe->checked = validator_state();
	if (oe->checked == VALIDATOR_CANNOT) {
		oe->unchecked = true;
		oe_look_for_portal(oe);
	} else if (oe->checked == VALIDATOR_WORKS) {
		core_resolvers_changed(oe->core, now);
		if (oe->unchecked)
			core_network_opens(oe->core, now);
		oe->unchecked = false;
	}
}

/* Suspended, however shortly, or stopped: what peers did meanwhile was not
 * heard. */
static void
oe_awake(struct oe *oe, uint64_t now)
{
	log_info("awake after sleep");
	/* Set by a clock that goes on in sleep, they run by
	 * one that does not. */
	oe->ike_at = oe->hold_at = 0;
	liveness_wake(oe->core, now, "awake");
	validator_again();
	oe_look_for_portal(oe);
	if (oe->shell.woken != NULL)
		oe->shell.woken(oe->shell_arg);
}

/* When the next tick has something to do. */
static uint64_t
oe_next(const struct oe *oe, uint64_t now)
{
	uint64_t next = core_next(oe->core);

	if (next < now + TICK_MS || remember_busy(oe->remembered, oe->core))
		next = now + TICK_MS;
	return next;
}

/* stopped: the process was. */
static void
oe_look(struct oe *oe, bool stopped)
{
	uint64_t now = clock_now(), slept = clock_slept(), due = oe->tick_at;

	/* Before anything is found to be too old. */
	if (stopped || (due < now && now - due >= GAP_MS) ||
	    slept >= oe->slept + SLEPT_MS)
		oe_awake(oe, now);
	core_tick(oe->core, now);
	if (oe->checked != validator_state())
		oe_look_at_validator(oe, now);
	identity_check(oe->core, now);
	oe->slept = slept;
	remember_recall(oe->remembered, oe->core, clock_now(), RECALL_A_TICK);
	remember_note(oe->remembered, oe->core, clock_wall());
	/* What was done just now is what that looks at. */
	oe->tick_at = 0;
	oe_schedule(oe);
	oe_arm(oe->tick, &oe->tick_at, oe_next(oe, now));
}

static void
oe_tick(void *arg)
{
	oe_look(arg, false);
}

static void
oe_woken(void *arg, bool stopped)
{
	oe_look(arg, stopped);
}

static void
oe_validator_changed(void *arg)
{
	struct oe *oe = arg;

	/* Perhaps from within a question of ours. */
	oe_arm(oe->tick, &oe->tick_at, clock_now());
}

/* --- what the core asks --------------------------------------------------- */

struct question {
	TAILQ_ENTRY(question) entry;
	struct oe *oe;
	dns_fn	   fn;
	void	  *arg;
	uint64_t   began;
};

static void
oe_dns_answered(void *arg, const struct record_answer *a)
{
	struct question q = *(struct question *)arg;

	TAILQ_REMOVE(&q.oe->questions, (struct question *)arg, entry);
	free(arg);
	core_set_now(q.oe->core, clock_now());
	histogram_add(&q.oe->core->count.dns_latency,
	    q.oe->core->now - q.began);
	q.fn(q.arg, a);
	oe_schedule(q.oe);
}

static void
oe_dns_query(void *arg, const char *name, uint16_t type, enum cause cause,
    dns_fn fn, void *fn_arg)
{
	struct question *q = xcalloc(1, sizeof(*q));

	q->oe = arg;
	q->fn = fn;
	q->arg = fn_arg;
	q->began = clock_now();
	TAILQ_INSERT_TAIL(&q->oe->questions, q, entry);
	dns_query(q->oe->dns, name, type, cause == CAUSE_OURS, oe_dns_answered,
	    q);
}

static void
oe_unknown_spi(void *arg, uint64_t now, const struct addr *peer, uint32_t spi)
{
	struct oe	  *oe = arg;
	struct keying_path path = {
		.local = *core_local(oe->core, peer->family), .peer = *peer,
		.local_port = core_ike_port(oe->core, peer->family),
		.peer_port = remember_port(oe->remembered, peer, spi) };

	if (!addr_is_set(&path.local))
		return;
	if (path.local_port == 0)
		path.local_port = KEYING_PORT;
	(void)door_engine.invalid_spi(oe->door, now, &path, spi, true);
}

static void
oe_event(void *arg, const struct connection *conn, const char *what)
{
	const struct oe_event e = { conn, what };
	struct oe	     *oe = arg;

	if (oe->shell.event != NULL)
		oe->shell.event(oe->shell_arg, &e);
}

static const struct core_ops core_ops = {
	.dns_query = oe_dns_query,
	.unknown_spi = oe_unknown_spi,
	.event = oe_event,
};

/* --- life ----------------------------------------------------------------- */

/* Both engines of a laptop have the same process check it. */
static void
oe_validator_configure(struct oe *oe, const struct oe_config *c)
{
	struct validator_config v = { .servers = c->resolvers,
		.nservers = c->nresolvers, .anchors = c->anchors,
		.follow = c->anchors_follow };

	if (c->validate == DNS_VALIDATE_LOCAL)
		validator_configure(oe->base, &v);
}

static struct dns *
oe_dns_new(struct oe *oe, const struct oe_config *c)
{
	struct dns_config dns = oe_config_dns(c);

	oe_validator_configure(oe, c);
	return dns_new(oe->base, &dns);
}

static void
oe_dns_note(struct oe *oe, const struct oe_config *c)
{
	memcpy(oe->resolvers, c->resolvers, sizeof(oe->resolvers));
	oe->nresolvers = c->nresolvers;
}

static void
oe_dns_configure(struct oe *oe, const struct oe_config *c)
{
	struct dns_config dns = oe_config_dns(c);

	oe_validator_configure(oe, c);
	dns_configure(oe->dns, &dns);
	oe_dns_note(oe, c);
	oe_look_for_portal(oe);
}

/* Another network, as a rule: whom the last one named is not to be reached. */
static void
oe_resolv_conf_changed(void *arg)
{
	struct oe	 *oe = arg;
	struct oe_config *c = oe->config;

	if (!c->resolvers_found)
		return;
	if (oe_config_find_resolvers(c))
		log_info("resolver %s%s, as " RESOLVCONF_PATH " has it now",
		    ADDR_TEXT(&c->resolvers[0]), c->nresolvers > 1 ? ", ..." :
		    "");
	/* An engine that shares the configuration may have found them first. */
	if (oe->nresolvers == c->nresolvers && memcmp(oe->resolvers,
	    c->resolvers, sizeof(oe->resolvers)) == 0)
		return;
	if (oe->resolvers_changed != NULL)
		oe->resolvers_changed(oe->resolvers_arg, c);
	oe_dns_configure(oe, c);
	core_resolvers_changed(oe->core, clock_now());
	identity_check(oe->core, clock_now());
	oe_schedule(oe);
}

struct oe *
oe_new(struct oe_config *c, struct event_base *base,
    const struct oe_shell *shell, void *arg)
{
	struct oe *oe = xcalloc(1, sizeof(*oe));

	TAILQ_INIT(&oe->questions);
	oe->base = base;
	oe->config = c;
	oe->shell = *shell;
	oe->shell_arg = arg;
	oe->door = door_new();
	oe->core = core_new(c, &oe->shell, arg, &core_ops, oe, &door_engine,
	    oe->door);
	oe->dns = oe_dns_new(oe, c);
	oe_dns_note(oe, c);
	oe->portal = portal_new(base, oe_portal_seen, oe);
	oe->tick = watch_timer(base, oe_tick, oe);
	oe->slept = clock_slept();
	oe->validator = (struct validator_watch){ .fn = oe_validator_changed,
		.arg = oe };
	validator_watch(&oe->validator);
	oe->wake = wake_new(base, oe_woken, oe);
	oe->ike_timer = watch_timer(base, oe_ike_timer, oe);
	oe->hold_timer = watch_timer(base, oe_hold_timer, oe);
	if (oe->dns == NULL || engine_ike_begin(oe->core, oe->door, c) == -1) {
		oe_free(oe);
		return NULL;
	}
	if (oe_config_can_begin(c) &&
	    oe_config_state(c, shell->state) != NULL)
		oe->remembered = remember_open(oe_config_state(c,
		    shell->state));
	core_set_now(oe->core, clock_now());
	remember_spoken(oe->remembered, oe->core, clock_wall());
	/* By SIGHUP it may become of use. */
	oe->resolv_conf = filewatch_new(base, RESOLVCONF_PATH,
	    oe_resolv_conf_changed, oe);
	oe_arm(oe->tick, &oe->tick_at, clock_now() + TICK_MS);
	return oe;
}

void
oe_free(struct oe *oe)
{
	struct question *q;

	if (oe == NULL)
		return;
	door_engine.shutdown(oe->door, clock_now());
	remember_close(oe->remembered, oe->core, clock_wall());
	portal_free(oe->portal);
	dns_free(oe->dns);
	filewatch_free(oe->resolv_conf);
	while ((q = TAILQ_FIRST(&oe->questions)) != NULL) {
		TAILQ_REMOVE(&oe->questions, q, entry);
		free(q);
	}
	core_free(oe->core);
	door_engine.free(oe->door);
	validator_unwatch(&oe->validator);
	wake_free(oe->wake);
	watch_end(oe->tick);
	watch_end(oe->ike_timer);
	watch_end(oe->hold_timer);
	oe_config_free(oe->config);
	free(oe);
}

/* The responder's identity follows the address. */
static int
oe_restart_ike(struct oe *oe, const struct oe_config *c)
{
	if (engine_ike_begin(oe->core, oe->door, c) == -1)
		return -1;
	oe->ike_at = 0;
	oe_schedule(oe);
	return 0;
}

void
oe_set_local(struct oe *oe, int family, const struct addr *addr,
    uint16_t ike_port)
{
	bool changed = !addr_equal(addr, core_local(oe->core, family));

	core_set_local(oe->core, clock_now(), family, addr, ike_port);
	identity_check(oe->core, clock_now());
	if (changed)
		oe_look_for_portal(oe);
	if (changed && family == AF_INET &&
	    oe_restart_ike(oe, oe->config) == -1)
		log_error("IKE cannot start anew for address %s",
		    ADDR_TEXT(addr));
	oe_schedule(oe);
}

void
oe_wake(struct oe *oe, const char *why)
{
	validator_again();
	oe_look_for_portal(oe);
	liveness_wake(oe->core, clock_now(), why);
	oe_schedule(oe);
}

static bool
same_key(EVP_PKEY *a, EVP_PKEY *b)
{
	return a == NULL || b == NULL ? a == b : EVP_PKEY_eq(a, b) == 1;
}

void
oe_reconfigure(struct oe *oe, struct oe_config *c)
{
	struct oe_config *old = oe->config;
	bool		  restart;

	/* What IKE was begun with; a new key or name is a
	 * new peer to others. */
	restart = !same_key(old->key, c->key) ||
	    !keying_id_equal(&old->id, &c->id) || old->legacy != c->legacy ||
	    old->rsa_min_bits != c->rsa_min_bits || old->dpd != c->dpd ||
	    old->ike != c->ike || old->phase1_lifetime != c->phase1_lifetime ||
	    old->phase2_lifetime != c->phase2_lifetime ||
	    old->give_up != c->give_up;
	core_reconfigure(oe->core, clock_now(), c);
	identity_check(oe->core, clock_now());
	oe->config = c;
	oe_dns_configure(oe, c);
	if (restart) {
		core_drop_all(oe->core, clock_now());
		if (oe_restart_ike(oe, c) == -1)
			log_error("IKE cannot start with the new "
			    "configuration");
	}
	oe_config_free(old);
	oe_schedule(oe);
}

void
oe_on_resolvers(struct oe *oe, oe_resolvers_fn fn, void *arg)
{
	oe->resolvers_changed = fn;
	oe->resolvers_arg = arg;
}

/* --- packets -------------------------------------------------------------- */

void
oe_outbound(struct oe *oe, const struct packet_view *v)
{
	plane_outbound(oe->core, clock_now(), v);
	oe_schedule(oe);
}

void
oe_inbound_esp(struct oe *oe, const struct packet_view *v)
{
	plane_inbound_esp(oe->core, clock_now(), v);
	oe_schedule(oe);
}

void
oe_inbound_opened(struct oe *oe, uint32_t spi, const struct packet_view *v)
{
	plane_inbound_opened(oe->core, clock_now(), spi, v);
	oe_schedule(oe);
}

void
oe_heard_elsewhere(struct oe *oe, uint32_t spi, const struct addr *dst,
    const struct addr *peer, uint16_t port)
{
	liveness_mapped(oe->core, clock_now(), spi, dst, peer, port);
	oe_schedule(oe);
}

void
oe_inbound_ike(struct oe *oe, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	core_set_now(oe->core, clock_now());
	door_engine.packet(oe->door, clock_now(), path, buf, len);
	oe_schedule(oe);
}

bool
oe_inbound_clear(struct oe *oe, const struct packet_view *v)
{
	return plane_inbound_clear(oe->core, clock_now(), v);
}

bool
oe_has_spi_out(const struct oe *oe, const struct addr *dst, uint32_t spi)
{
	return pair_by_spi_out(oe->core, dst, spi) != NULL;
}

void
oe_stirred(struct oe *oe)
{
	core_set_now(oe->core, clock_now());
	oe_schedule(oe);
}

void
oe_leads_end(struct oe *oe)
{
	spd_led_end_all(oe->core);
}

void
oe_passed(struct oe *oe, const struct addr *src, const struct addr *dst,
    const struct oe_passed *n)
{
	plane_passed(oe->core, clock_now(), src, dst, n);
}

/* The quoted header of an ICMP error tells what of ours it is about. */
void
oe_inbound_icmp(struct oe *oe, const struct packet_view *v)
{
	struct keying_path path = { 0 };
	struct packet_view quoted;

	if (!icmp_quoted(v, &quoted))
		return;
	if (quoted.protocol == IPPROTO_UDP && icmp_is_unreachable(v)) {
		if (!packet_ports(&quoted, &path.local_port, &path.peer_port))
			return;
		path.local = quoted.src;
		path.peer = quoted.dst;
		core_set_now(oe->core, clock_now());
		door_engine.icmp(oe->door, clock_now(), &path);
		oe_schedule(oe);
		return;
	}
	pathmtu_inbound_icmp(oe->core, clock_now(), v, &quoted);
}

bool
oe_is_resolver(const struct oe *oe, const struct addr *addr)
{
	return core_is_resolver(oe->core, addr);
}

bool
oe_peer_known(const struct oe *oe, const struct keying_id *peer)
{
	return connection_peer_known(oe->core, peer);
}

json_object *
oe_control(struct oe *oe, json_object *req, bool privileged)
{
	json_object *o;
	const char  *command = json_member_text(req, "command");

	o = report_control(oe->core, clock_now(), req, privileged);
	if (o != NULL && privileged && command != NULL &&
	    strcmp(command, "sa") == 0)
		door_engine.report_sas(oe->door, clock_now(), o);
	oe_schedule(oe);
	return o;
}

void
oe_report(struct oe *oe, struct report *r)
{
	summary_report(oe->core, r);
	door_engine.report(oe->door, r);
}

void
oe_verdict(const struct oe *oe, struct oe_verdict *out)
{
	summary_verdict(oe->core, out);
}

json_object *
oe_event_json(const struct oe_event *e)
{
	return report_event_json(e);
}
