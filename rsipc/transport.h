/* transport.h - RSIP messages to and from the gateway over TCP or UDP (RFC 3103 §5) */
#ifndef RSIPC_TRANSPORT_H
#define RSIPC_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "proto/rsip.h"

#define TRANSPORT_CONNECT_TIMEOUT	3	/* seconds for TCP to connect */

struct event_base;
struct transport;

struct transport_ops {
	void (*connected)(void *arg);
	/* Not after transport_disconnect(). The reason was logged. */
	void (*disconnected)(void *arg);
	/* A message of the gateway's, decoded and verified; borrowed. */
	void (*message)(void *arg, const struct rsip_message *m);
	/* The request under way is to be given to transport_send() once more:
	 * the gateway could not tell it from a recorded one, and will now. */
	void (*again)(void *arg);
	/* A message that could not be read to its end: what
	 * rsip_decode() left in m.  Not where messages are signed, since
	 * this one was not verified. */
	void (*unreadable)(void *arg, const struct rsip_message *m);
};

/* Not connected.  ops must outlive it; calls may come from
 * within its functions. */
struct transport *transport_new(struct event_base *base,
	    const struct transport_ops *ops, void *arg);
void	transport_free(struct transport *t);	/* wipes; NULL is allowed */

/*
 * Signs what is sent, and verifies what comes and is signed (rsipc/signer.h).
 * require: what comes unsigned is ignored.  len 0: no authentication.
 */
void	transport_set_auth(struct transport *t, uint32_t key_id,
	    const uint8_t *secret, size_t len, bool require);

/*
 * Begins to connect; port in host order.  Ends in connected() or
 * disconnected(), perhaps before this returns.
 */
void	transport_connect(struct transport *t, const struct addr *gateway,
	    uint16_t port, bool udp);
/* Closes at once; what is under way has no answer any more. */
void	transport_disconnect(struct transport *t);
/* Our address towards the gateway; none if not connected. */
struct addr transport_local(const struct transport *t);

/* Encodes, signs, sends and remembers.  Failures show as silence, or as
 * disconnected() later. */
void	transport_send(struct transport *t, struct rsip_message *m);
/* The bytes of the last transport_send() once more. */
void	transport_resend(struct transport *t);

/* For status.  Why the gateway cannot be reached; NULL if it can,
 * or nobody knows. */
const char *transport_trouble(const struct transport *t);
struct transport_counters {
	uint64_t sent, received, unreadable, unauthentic, old;
};
const struct transport_counters *transport_counters(const struct transport *t);

#endif
