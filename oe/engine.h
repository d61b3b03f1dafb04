/* engine.h - opportunistic encryption as a whole, as a daemon embeds it (draft -17 §3 to §11; RFC 4322) */
#ifndef OE_ENGINE_H
#define OE_ENGINE_H

#include <json-c/json.h>
#include <openssl/evp.h>

#include "base/option.h"
#include "oe/keying.h"

struct event_base;
struct oe;

/* Policy classes (draft -17 §3.2); longest prefix wins. */
enum oe_class { OE_CLASS_DENY, OE_CLASS_CLEAR, OE_CLASS_PERMISSIVE, OE_CLASS_PARANOID, OE_CLASS_TUNNEL };

/*
 * What every embedding daemon puts into its own table of options as section
 * "oe", with oe_config_open(): classes, key, id, timers, DNS.
 */
#define OE_CONF_SECTION "oe"
extern const struct option oe_options[];

/* Who does ESP (option "dataplane"). */
enum oe_dataplane { OE_DATAPLANE_USER, OE_DATAPLANE_KERNEL, OE_DATAPLANE_AUTO };

struct oe_config;
/* Reads and checks section "oe" (NULL: the preconfigured default, OE-permissive
 * for 0.0.0.0/0), loads the key.  NULL after one log line "file:line: reason". */
struct oe_config *oe_config_read(const struct option_source *s);
/* The same as option_open: the option's member is a struct oe_config *. */
int	oe_config_open(void *to, const struct option_source *s,
	    const struct option *o);
enum oe_dataplane oe_config_dataplane(const struct oe_config *c);
/* The file of state that is replaced while an engine runs with oe_shell.state;
 * NULL: none.  Good until the next call. */
const char *oe_config_state(const struct oe_config *c, const char *suffix);
/* The same once more, for a second engine: each is freed, or taken over, by itself. */
struct oe_config *oe_config_share(struct oe_config *c);
void	oe_config_free(struct oe_config *c);		/* wipes */

/*
 * The kernel's ESP, where the daemon offers it.  id (not 0) names a connection:
 * its SAs and its policies belong together.  Addresses in network order, SPIs in host
 * order; functions return 0, or -1 with errno.
 */
struct oe_kernel {
	int  (*sa_add)(void *arg, const struct esp_params *p, uint16_t id,
	    bool outbound);
	void (*sa_remove)(void *arg, uint32_t dst, uint32_t spi);
	/* Packets and bytes so far, for the last use and for limits. */
	int  (*sa_usage)(void *arg, uint32_t dst, uint32_t spi,
	    uint64_t *packets, uint64_t *bytes);
	/* From here on ours <-> theirs goes encrypted from local to peer, or not at all. */
	int  (*policy_add)(void *arg, uint16_t id,
	    const struct keying_selector *ours,
	    const struct keying_selector *theirs, uint32_t local, uint32_t peer);
	void (*policy_remove)(void *arg, const struct keying_selector *ours,
	    const struct keying_selector *theirs);
};

/* What the engine asks of the daemon around it. */
struct oe_shell {
	/* A packet that policy lets go in the clear, to the network. */
	void (*send_clear)(void *arg, const uint8_t *pkt, size_t len);
	/* A whole IPv4 packet made by us (ESP), to the network. */
	void (*send_esp)(void *arg, const uint8_t *pkt, size_t len);
	/* IKE bytes from path->local:local_port to path->peer:peer_port. */
	void (*send_ike)(void *arg, const struct keying_path *path, const uint8_t *buf, size_t len);
	/* A decrypted packet that passed the ingress filter: to the host, on oe0. */
	void (*deliver)(void *arg, const uint8_t *pkt, size_t len);
	/* A packet for the host that we made (ICMP errors). */
	void (*answer)(void *arg, const uint8_t *pkt, size_t len);
	/* RSIP resources; NULL members: drawn at random, port 500. */
	int  (*spi_get)(void *arg, uint32_t *spi);
	void (*spi_put)(void *arg, uint32_t spi);
	int  (*cookie_get)(void *arg, uint64_t *cookie);
	/* May other hosts have the address of oe_set_local() at the same time (RFC
	 * 3102: a lease of ports)?  NULL: no. */
	bool (*shares)(void *arg);
	/* Traffic for dst is passed (add) until told otherwise (!add): the daemon
	 * may route it past the TUN.  NULL: not wanted. */
	void (*pass_route)(void *arg, uint32_t dst, bool add);
	/* Is addr one of this host's, besides that of oe_set_local()?  NULL: no. */
	bool (*is_own)(void *arg, uint32_t addr);
	/* Has this host a way to addr besides its default route?  Then strangers
	 * behind a NAT must not call themselves so.  NULL: it has. */
	bool (*is_near)(void *arg, uint32_t addr);
	/* Has another engine of this host, with the same name, SAs with that peer?
	 * Our first contact must not end them.  NULL: no. */
	bool (*peer_known)(void *arg, const struct keying_id *peer);
	/* Something happened to a connection, for "rsipctl watch"; the object
	 * becomes the daemon's.  NULL: not wanted. */
	void (*event)(void *arg, json_object *o);
	/* The host was asleep: timers of libevent, which stood still, are late.
	 * NULL: not wanted. */
	void (*woken)(void *arg);
	/* Added to the name of the file of state, where two engines have one
	 * configuration.  NULL: nothing. */
	const char *state;
	/* NULL: ESP is done in user space. */
	const struct oe_kernel *kernel;
	void *kernel_arg;
};

/* Takes c over.  Timers and DNS run on base.  NULL after one log line. */
struct oe *oe_new(struct oe_config *c, struct event_base *base,
	    const struct oe_shell *shell, void *arg);
/* Tells every peer goodbye and frees. NULL is allowed. */
void	oe_free(struct oe *oe);

/*
 * Our address towards the public realm and the source port for IKE (0: 500),
 * network and host order.  Called before traffic and whenever the lease changes;
 * SAs of another address are torn down.  addr 0: there is none now, outbound packets are dropped.
 */
void	oe_set_local(struct oe *oe, uint32_t addr, uint16_t ike_port);

/* The same address over another link, or leased once more: peers are asked
 * whether they still have our SAs. */
void	oe_wake(struct oe *oe, const char *why);

/* A clear packet on its way out (from the TUN): held, passed, encrypted or dropped. */
void	oe_outbound(struct oe *oe, const uint8_t *pkt, size_t len);
/* A whole IPv4 packet with ESP (or UDP-encapsulated ESP) from the network. */
void	oe_inbound_esp(struct oe *oe, const uint8_t *pkt, size_t len);
/* IKE bytes from the network. */
void	oe_inbound_ike(struct oe *oe, const struct keying_path *path, const uint8_t *buf, size_t len);
/* A whole IPv4 packet with an ICMP error about something we sent (IKE or ESP). */
void	oe_inbound_icmp(struct oe *oe, const uint8_t *pkt, size_t len);
/* A clear packet from the network: false if policy forbids taking it (deny, paranoid,
 * a keyed connection's peer); the daemon then drops it. */
bool	oe_inbound_clear(struct oe *oe, const uint8_t *pkt, size_t len);

/* Calls fn when resolv.conf names other resolvers, to whom packets go in the
 * clear; the configuration is borrowed. */
typedef void (*oe_resolvers_fn)(void *arg, const struct oe_config *c);
void	oe_on_resolvers(struct oe *oe, oe_resolvers_fn fn, void *arg);

/* Is this one of the resolvers' addresses, which are never captured? */
bool	oe_is_resolver(const struct oe *oe, uint32_t addr);

/* Has that peer SAs of ours? */
bool	oe_peer_known(const struct oe *oe, const struct keying_id *peer);

/* New classes and resolvers without dropping what is keyed; takes c over. */
void	oe_reconfigure(struct oe *oe, struct oe_config *c);

/* Answers "spd", "sa", "why", "status" for rsipctl; NULL for other commands. New objects. */
json_object *oe_control(struct oe *oe, json_object *req, bool privileged);

#endif
