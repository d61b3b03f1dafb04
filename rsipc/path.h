/* path.h - the way of packets between programs, the OE engine and the tunnel */
#ifndef RSIPC_PATH_H
#define RSIPC_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ratelimit.h"
#include "net/ip.h"
#include "oe/engine.h"
#include "rsipc/demand.h"
#include "rsipc/device.h"
#include "rsipc/direct.h"
#include "rsipc/host.h"
#include "rsipc/pass.h"
#include "rsipc/tunnel.h"
#include "rsipc/worth.h"

struct path_counters {
	uint64_t out_unleased;		/* from a source that is
					 * not leased: refused */
	uint64_t out_idle;		/* without a lease: dropped */
	uint64_t in_refused;		/* clear, and policy
					 * wants it encrypted */
	uint64_t in_stale;		/* ESP for no SA of ours */
	uint64_t in_foreign;		/* for an address that is not ours */
	uint64_t demands, demands_refused;
};

/* What may leave from the host's own address, through the direct engine. */
enum path_own {
	PATH_OWN_SHUT,		/* nothing */
	PATH_OWN_OLD,		/* what has it as source: new
				 * connections have a lease */
	PATH_OWN_ALL,		/* whatever has no lease */
};

struct path {
	struct host	*host;
	struct tunnel	*tunnel;
	struct device	*device;
	struct oe	*oe;		/* set when it exists */
	struct direct	*direct;	/* NULL: own is PATH_OWN_SHUT */
	enum path_own	 own;
	struct pass	*pass;		/* the kernel does some; NULL: none */
	struct esp_plane *planes[3];	/* who does ESP, the best first */
	struct esp_plane *user;		/* ... in user space */
	struct demand	 demand;
	struct addr	 addr;		/* leased; none: nothing may pass */
	struct addr	 gateway;	/* whose address ICMP
					 * errors of ours carry */
	uint16_t	 ike_port;	/* host order */
	struct worth	 worth;		/* of what goes through the gateway */
	struct addr	 remote;	/* whom the last packet went to */
	bool		 cascade;	/* packets are other hosts': no
					 * engine, all protocols */
	bool		 wake;		/* the state machine has been
					 * asked for something */
	bool		 released;	/* a packet that was held
					 * leaves: not once more */
	bool		 waits;		/* ... for a first lease,
					 * by a program */
	/* What happens to connections, for those who watch. */
	void		(*event)(void *arg, const struct oe_event *e);
	/* The state machine has something to do at once. */
	void		(*kick)(void *arg);
	void		*event_arg;
	struct ratelimit errors;	/* ICMP errors of ours */
	struct path_counters counters;
	uint8_t		 out[IP_PACKET_MAX];
};

/* A path on borrowed host, tunnel and device; nothing may pass yet.  Clearing
 * drops what waits. */
void	path_init(struct path *p, struct host *h, struct tunnel *t,
	    struct device *d);
void	path_clear(struct path *p);
/* Before there is an engine: another data plane does ESP where it can. */
void	path_plane(struct path *p, struct esp_plane *plane);

/* A packet from a program.  now: milliseconds. */
void	path_outbound(struct path *p, const struct packet_view *v,
	    uint64_t now);
/* Sends what every router answers, whoever the packets are for. */
void	path_probe(struct path *p);
/* What was sent does not fit the way to the gateway: our program is told. */
void	path_too_big(struct path *p, const struct packet_view *v);
/* An inner packet from the gateway. */
void	path_inbound(struct path *p, const struct packet_view *v);

/* A demand's end (host_ops.demanded): what waited leaves, or is answered. */
void	path_demanded(struct path *p, const struct host_demand *d,
	    unsigned error);

/* What the engine asks for; arg is the struct path. */
extern const struct oe_shell path_shell;

#endif
