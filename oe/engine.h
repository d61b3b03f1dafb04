/* engine.h - opportunistic encryption as a whole, as a daemon embeds it (draft -17 §3 to §11; RFC 4322) */
#ifndef OE_ENGINE_H
#define OE_ENGINE_H

#include <json-c/json.h>

#include "oe/report.h"
#include "oe/shell.h"
#include "oe/summary.h"

struct event_base;
struct oe;
struct packet_view;
struct oe_config;

/* Takes c over.  Timers and DNS run on base.  NULL after one log line. */
struct oe *oe_new(struct oe_config *c, struct event_base *base,
	    const struct oe_shell *shell, void *arg);
/* Tells every peer goodbye and frees. NULL is allowed. */
void	oe_free(struct oe *oe);

/*
 * Our address of a family towards the public realm, and the source port for IKE
 * (0: 500; host order).  Called before traffic and whenever the lease changes;
 * SAs of an address that is this host's no more are torn down.  addr none:
 * there is none now, outbound packets of that family are dropped.
 */
void	oe_set_local(struct oe *oe, int family, const struct addr *addr,
	    uint16_t ike_port);

/* The same address over another link, or leased once more: peers are asked
 * whether they still have our SAs. */
void	oe_wake(struct oe *oe, const char *why);

/* A clear packet on its way out (from the TUN): held, passed,
 * encrypted or dropped. */
void	oe_outbound(struct oe *oe, const struct packet_view *v);
/* A packet with ESP (or UDP-encapsulated ESP) from the network. */
void	oe_inbound_esp(struct oe *oe, const struct packet_view *v);
/* What the data plane has taken out of ESP of an inbound SPI (host order). */
void	oe_inbound_opened(struct oe *oe, uint32_t spi,
	    const struct packet_view *v);
/* UDP-encapsulated ESP that was opened elsewhere, authentic and no replay, came
 * to dst from a place that is not its peer's; spi: of its inbound SA. */
void	oe_heard_elsewhere(struct oe *oe, uint32_t spi, const struct addr *dst,
	    const struct addr *peer, uint16_t port);
/* IKE bytes from the network. */
void	oe_inbound_ike(struct oe *oe, const struct keying_path *path,
	    const uint8_t *buf, size_t len);
/* A packet with an ICMP error about something we sent (IKE or ESP). */
void	oe_inbound_icmp(struct oe *oe, const struct packet_view *v);
/* A clear packet from the network: false if policy forbids taking it (deny,
 * paranoid, a keyed connection's peer); the daemon then drops it. */
bool	oe_inbound_clear(struct oe *oe, const struct packet_view *v);

/* Have we an SA with that outbound SPI (host order) towards dst? */
bool	oe_has_spi_out(const struct oe *oe, const struct addr *dst,
	    uint32_t spi);
/* Packets are sealed beside us (esp_pair_lead()), after a time without. */
void	oe_stirred(struct oe *oe);
/* What leads stand on has changed: packets come by us, until they are led
 * anew. */
void	oe_leads_end(struct oe *oe);
/* What went past us between two addresses (shell.h: pass_pair). */
void	oe_passed(struct oe *oe, const struct addr *src,
	    const struct addr *dst, const struct oe_passed *n);

/* Calls fn when resolv.conf names other resolvers, to whom packets go in the
 * clear; the configuration is borrowed. */
typedef void (*oe_resolvers_fn)(void *arg, const struct oe_config *c);
void	oe_on_resolvers(struct oe *oe, oe_resolvers_fn fn, void *arg);

/* Is this one of the resolvers' addresses, which are never captured? */
bool	oe_is_resolver(const struct oe *oe, const struct addr *addr);

/* Has that peer SAs of ours? */
bool	oe_peer_known(const struct oe *oe, const struct keying_id *peer);

/* New classes and resolvers without dropping what is keyed; takes c over. */
void	oe_reconfigure(struct oe *oe, struct oe_config *c);

/* Answers "spd", "sa", "why", "status" for rsipctl; NULL for other
 * commands. New objects. */
json_object *oe_control(struct oe *oe, json_object *req, bool privileged);
/* As an object; e is there while the daemon is told. */
json_object *oe_event_json(const struct oe_event *e);
/* What it is and has counted (base/report.h). */
void	oe_report(struct oe *oe, struct report *r);

/* Is traffic encrypted, and if not, why (summary.h)? */
void	oe_verdict(const struct oe *oe, struct oe_verdict *out);

#endif
