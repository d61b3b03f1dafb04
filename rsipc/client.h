/* client.h - the RSIP client daemon: the state machine, its shells and the OE engine put together */
#ifndef RSIPC_CLIENT_H
#define RSIPC_CLIENT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/service.h"
#include "oe/planes.h"
#include "rsipc/choose.h"
#include "rsipc/device.h"
#include "rsipc/direct.h"
#include "rsipc/host.h"
#include "rsipc/path.h"
#include "rsipc/settings.h"
#include "rsipc/transport.h"
#include "rsipc/tunnel.h"

#define CLIENT_GRACE		30000	/* ms that the address stays while the
					 * lease is sought again */
/* ms that nothing goes out while a gateway is sought on another network, or new
 * connections wait for one that is gone */
#define CLIENT_SEEK		3000
#define CLIENT_LEAVE_WAIT	1500	/* ms for the gateway to answer
					 * DE-REGISTER_REQUEST */
#define CLIENT_NETWORK_SETTLE	300	/* ms after a change of the network
					 * before it is looked at */

struct event;
struct event_base;

struct client {
	struct service	 *service;
	struct settings	 *settings;
	struct event_base *base;	/* the service's */
	struct event	 *timer, *network, *network_timer, *grace, *keeper;
	struct host	  host;
	struct transport *transport;
	struct tunnel	 *tunnel;
	struct device	 *device;
	struct path	  path;
	struct oe	 *oe;		/* of the lease */
	struct xfrm	 *xfrm;		/* NULL: this kernel has none */
	struct planes_choice planes;	/* who does ESP for direct */
	struct xfrm_led	 *led;		/* ESP of the lease in the kernel; NULL:
					 * in user space */
	struct event	 *led_event;
	char		  led_device[IFNAMSIZ];
	char		  led_text[112];	/* who does ESP of the lease */
	struct inward	 *inward;
	struct direct	 *direct;	/* NULL: without a lease
					 * nothing is encrypted */
	struct addr	  gateway;	/* in use; may be none */
	char		  link[32];	/* the interface towards it */
	struct addr	  link_addr;	/* our address on it */
	struct statefile *state;	/* of the lease; NULL: none */
	struct binding	  former;	/* of the process before us, until
					 * it was asked for */
	struct addr	  former_gateway; /* whose it is; none: there is none */
	struct binding	  had;		/* the main binding that
					 * was revoked last */
	bool		  suspended;	/* had may come back: address
					 * and SAs wait for it */
	struct choose	  choose;	/* which gateway is next */
	bool		  tried;	/* the one in use has
					 * not registered us */
	bool		  elsewhere;	/* ... and another may,
					 * if there is one */
	bool		  seeking;	/* a gateway on another network:
					 * nothing goes out */
	bool		  waiting;	/* a program for the first
					 * lease: neither */
	bool		  worthless;	/* nothing comes back
					 * through the lease */
	bool		  unreachable_said;
	bool		  stopping;
	uint16_t	  range_lo, range_hi; /* that programs choose
					       * ports from */
	uint16_t	  range_ask;	/* asked for to learn whether more are
					 * the gateway's; 0: none */
	uint64_t	  up_since;
	uint64_t	  gone_since;	/* the lease cannot be
					 * relied on; 0: it can */
};

/*
 * Makes everything that needs privileges: devices, sockets.  settings is taken
 * over.  0, or -1 after one log line; client_close() either way.
 */
int	client_open(struct client *c, struct service *service,
	    struct settings *settings);
/* Looks for its gateway, once everything is there. */
void	client_run(struct client *c);
/* As service_plan (base/service.h) has them; arg is the struct client. */
int	client_reload(void *arg, void *settings);
void	client_end(void *arg, bool again);
void	client_close(struct client *c);

/* status.c: what rsipctl may ask; arg is the struct client. */
void	status_report(void *arg, struct report *r);
extern const struct service_command status_commands[];
/* Tells those who watch. b may be NULL. */
void	status_publish(struct client *c, const char *event,
	    const struct binding *b);
/* The engine's events, which become ours; arg is the struct client. */
void	status_engine_event(void *arg, const struct oe_event *e);

#endif
