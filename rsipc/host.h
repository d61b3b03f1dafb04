/* host.h - the RSIP host as a state machine (RFC 3103 §9, §10, Appendix D; RFC 3104 §6) */
#ifndef RSIPC_HOST_H
#define RSIPC_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ratelimit.h"
#include "proto/rsip.h"
#include "rsipc/bindings.h"

#define HOST_ATTEMPTS		7	/* RFC 3103 §5, at 12.5 ms, doubling */
#define HOST_SIGNED_MAX		2	/* times that one request is
					 * signed once more */
#define HOST_TCP_TIMEOUT	5000	/* ms for an answer on TCP
					 * before it is given up */
#define HOST_RETRY_MIN		200	/* ms before trying anew,
					 * doubling up to ... */
#define HOST_RETRY_MAX		15000
#define HOST_RECONNECT_MAX	5000	/* the same to a gateway that had
					 * leased us something */
#define HOST_CALM		3000	/* ms without trouble that
					 * halve the next delay */
#define HOST_RATE		10	/* messages and connections in
					 * any second, beside what
					 * programs ask for */
#define HOST_DENIED_RETRY	60000	/* ms after a refusal that is policy */
#define HOST_QUERY_INTERVAL	600000	/* ms between questions
					 * for local networks */
#define HOST_SUSPECT_INTERVAL	5000	/* ms between probes of
					 * a silent gateway */
#define HOST_DEMANDS_MAX	32	/* ports waiting to be leased */
#define HOST_LISTEN_MAX		32	/* ports of the configuration
					 * to LISTEN on */
#define HOST_UNWANTED_MAX	16	/* bindings that were granted
					 * but cannot be used */
#define HOST_PORT_SPARE		16	/* on-demand ports are given up when
					 * fewer bindings than this remain */
#define HOST_PORT_REST		3000	/* ms unused before one is
					 * given up for another */
#define HOST_BLOCKS_MAX		8	/* more blocks of ports at once */
#define HOST_BLOCK_RETRY	30000	/* ms after a refusal of one */
#define HOST_SPIS_LOW		4	/* free SPIs below which
					 * more are leased */

/* Appendix D's states. The last one is not in its diagram,
 * which has no EXTEND. */
enum host_state {
	HOST_UNREGISTERED,
	HOST_REGISTRATION_PENDING,
	HOST_REGISTERED,
	HOST_REGISTERED_QUERY_PENDING,
	HOST_REGISTERED_DEREGISTRATION_PENDING,
	HOST_ASSIGNMENT_PENDING,
	HOST_FREE_PENDING,
	HOST_ASSIGNED,
	HOST_ASSIGNED_QUERY_PENDING,
	HOST_ASSIGNED_ASSIGNMENT_PENDING,
	HOST_ASSIGNED_DEREGISTRATION_PENDING,
	HOST_ASSIGNED_EXTENSION_PENDING,
};
const char *host_state_name(enum host_state s);	/* "Registration Pending" */

struct host_config {
	bool	 udp;			/* transport of the first
					 * REGISTER_REQUEST */
	uint8_t	 method;		/* enum rsip_method to ask for:
					 * RSIPSEC, or less */
	uint8_t	 ports;			/* contiguous ports to
					 * ask for, 0: none */
	uint16_t spis;			/* 0: no RSIPSEC */
	uint16_t cookies;		/* initiator cookies to negotiate,
					 * 0: trial and error */
	uint32_t lease_time;		/* seconds, 0: as the gateway likes */
	uint8_t	 tunnel;		/* enum rsip_tunnel that is preferred */
	struct addr remote;		/* whom to name first where the
					 * gateway's remote flow policy wants
					 * that; none: the first that is met */
	uint16_t remote_port;
	uint16_t listen[HOST_LISTEN_MAX];
	uint8_t	 nlisten;
	uint32_t port_idle;		/* ms after which an unused
					 * on-demand port is freed */
	char	 fqdn[RSIP_FQDN_MAX + 1]; /* "": none is told */
	uint32_t seed;			/* spreads delays, so that hosts do not
					 * come together; 0: exact ones */
};

/* A flow whose source port is not leased.  Ports in host order. */
struct host_demand {
	uint16_t port;
	struct addr remote;
	uint16_t remote_port;
};

struct host_ops {
	/* Makes the transport; answered by host_connected() or
	 * host_disconnected(). */
	void (*connect)(void *arg, bool udp);
	/* Ends it, without host_disconnected(). */
	void (*disconnect)(void *arg);
	/* Encodes, signs and sends; keeps the bytes for
	 * resend(). m is borrowed. */
	void (*send)(void *arg, struct rsip_message *m);
	void (*resend)(void *arg);
	/* A binding may be used from now on; must not be used any more.
	 * Borrowed, b is gone after revoked(). */
	void (*granted)(void *arg, const struct binding *b);
	void (*revoked)(void *arg, const struct binding *b);
	/* A demand's end: error 0 when it was granted (after granted()). */
	void (*demanded)(void *arg, const struct host_demand *d,
	    unsigned error);
	/* A network, or one address, that is local: not to be tunnelled. */
	void (*local)(void *arg, const struct prefix *net);
	/* For those who watch. */
	void (*changed)(void *arg, enum host_state from, enum host_state to);
	/* host_leave() is done. */
	void (*left)(void *arg);
};

struct host {
	struct ratelimit refused_log;	/* a program may try port after port */
	uint8_t	 refused_last;		/* what was logged of the main
					 * binding; 0: nothing */
	bool	 readdressed;		/* ... and a former lease may
					 * stand in the way */
	bool	 readdressed_said;
	struct host_config config;
	const struct host_ops *ops;
	void	*arg;
	struct bindings bindings;
	enum host_state state;

	/* The request under way. */
	uint32_t counter;		/* the request's message counter */
	uint64_t deadline, sent;
	unsigned attempt;
	unsigned again_signed;		/* how often it was */
	uint32_t pending_bind;
	enum binding_purpose pending_purpose;
	struct host_demand pending_demand;

	/* The registration. */
	uint32_t client_id;
	uint32_t stale_id;		/* of a registration to end first */
	uint32_t methods, tunnels;	/* bits 1 << enum */
	uint64_t registered_until;

	/* What is to be done, and when. */
	uint64_t retry_at;		/* connect, register or ask again */
	uint64_t rest_until;		/* no registration before */
	uint64_t heard;			/* when the gateway last
					 * said something */
	uint64_t query_at, leave_by;
	uint64_t suspected;		/* when last */
	uint64_t more_ports_at;		/* not before this */
	/* What it said no to, and that it could not be spoken to, grow apart:
	 * who was away for long and is back is asked at once. */
	struct host_delay {
		uint32_t ms;		/* the last one; 0: none lately */
		uint64_t over;		/* when it is, or was */
	} refused_delay, absent_delay;
	uint32_t jitter;		/* state of its generator */
	uint64_t said[HOST_RATE];	/* when, the longest ago
					 * at said[next_said] */
	unsigned next_said;
	const char *trouble;		/* why there is no lease; NULL:
					 * nothing is wrong */
	unsigned last_error;
	uint32_t unwanted[HOST_UNWANTED_MAX];	/* bindings to be freed */
	size_t	 nunwanted;
	struct host_demand demand[HOST_DEMANDS_MAX];
	size_t	 ndemands;
	uint16_t freed_port;		/* that a binding was freed for last:
					 * not once more; 0: none */
	struct host_demand first;	/* whom the main assignment names,
					 * remote none: nobody */
	struct binding saved;		/* the main binding that
					 * was lost, ... */
	/* ... and blocks and SPIs beside it; owned */
	struct binding *former[BINDINGS_MAX];
	size_t	 nformer;
	/* for status */
	unsigned retransmissions, resynchronizations, refused, misused;
	struct rsip_message out;	/* reused */

	uint16_t want_spis;		/* of the next assignment that is
					 * for BINDING_MAIN */
	uint8_t	 want_ports, want_tunnel;
	uint8_t	 pending;		/* enum rsip_type of the request
					 * under way, 0: none */
	uint8_t	 local_policy, remote_policy;
	uint8_t	 listened;		/* how many of config.listen
					 * were asked for */
	bool	 connecting, up, udp;
	bool	 use_tcp;		/* the gateway wants no UDP */
	bool	 counters;		/* the gateway echoes
					 * message counters */
	bool	 sign_again;		/* the request under way
					 * is to be sent anew */
	bool	 stale;			/* stale_id is one */
	bool	 asks_former;		/* the request under way
					 * is for former[0] */
	bool	 resume;		/* ask for what saved says, until
					 * anything is granted */
	bool	 anything;		/* ... which was refused:
					 * this time without */
	bool	 no_ipsec, no_vendor;
	bool	 verify;		/* the next EXTEND is to see
					 * whether the lease lives */
	bool	 more_spis, more_ports;
	bool	 leaving;
	bool	 waiting_said;
	bool	 for_program;		/* the next request is one that a
					 * program waits for */
};

/* config is copied; ops must live as long as h. */
void	host_init(struct host *h, const struct host_config *config,
	    const struct host_ops *ops, void *arg);
void	host_clear(struct host *h);

/* Times are milliseconds of a clock that never goes back. */
void	host_connected(struct host *h, uint64_t now);
void	host_disconnected(struct host *h, uint64_t now);
/* A message that the transport has read, and verified if it is to
 * be so; borrowed. */
void	host_receive(struct host *h, const struct rsip_message *m,
	    uint64_t now);
/* A response that cannot be read, as far as rsip_decode() got; borrowed. */
void	host_unreadable(struct host *h, const struct rsip_message *m,
	    uint64_t now);
/* The request under way is to be signed anew, and sent: the gateway told what
 * it needs for that.  As a message of its own, with another message counter. */
void	host_again_signed(struct host *h, uint64_t now);
/* Does what is due.  To be called at host_next() and after every other call. */
void	host_tick(struct host *h, uint64_t now);
/* When host_tick() has something to do again; 0: not by itself. */
uint64_t host_next(const struct host *h);

/* Why there is no lease, for status: a sentence, NULL while
 * nothing is wrong. */
const char *host_trouble(const struct host *h);

/* The network has changed: forgets everything without a word
 * and begins anew. */
void	host_reset(struct host *h, uint64_t now);
/*
 * The gateway is good for nothing, and why (a string that stays): leases and
 * registration are given back, and it is left alone for so many milliseconds.
 */
void	host_abandon(struct host *h, const char *why, uint64_t now,
	    uint32_t rest);
/* What a former process had: asked for again, once.  Borrowed for the call. */
void	host_resume(struct host *h, const struct binding *had);
/* De-registers, then calls left(), at the latest after wait milliseconds. */
void	host_leave(struct host *h, uint64_t now, uint32_t wait);

/* Leases a port (RFC 3102 §3.1); false if too many wait. True if
 * it waits already. */
bool	host_demand(struct host *h, const struct host_demand *d, uint64_t now);
/*
 * Does the gateway's flow policy want each remote side named (RFC 3103 §7.2)?
 * Then there is no lease before host_name_remote() says the first one.
 */
bool	host_flow_policy(const struct host *h);
void	host_name_remote(struct host *h, const struct addr *remote,
	    uint16_t remote_port);
/* The ports in use become scarce: leases another block (RFC 3102 §3.1). */
void	host_more_ports(struct host *h, uint64_t now);
/* SPIs were taken: leases more if few are left. */
void	host_spis_taken(struct host *h);
/* Packets go out and nothing comes back: asks whether the
 * gateway still knows us. */
void	host_suspect(struct host *h, uint64_t now);

#endif
