/* client_private.h - what the files of the RSIP client daemon share */
#ifndef RSIPC_CLIENT_PRIVATE_H
#define RSIPC_CLIENT_PRIVATE_H

#include "rsipc/client.h"

/* client.c */
/* Lets the state machine look at what has happened, soon but not from within
 * whatever calls this. */
void	client_kick(struct client *c);

/* client_way.c */
/*
 * What becomes of packets, whatever happened.  Before a leased address
 * goes it is said that it does (!lease), so that at no time what was led
 * to us goes past us.
 */
void	client_lead(struct client *c, bool lease);
/* The same, as the device is. */
void	client_choose(struct client *c);
/* Something went out: is all of it in vain? */
void	client_woken(struct client *c, uint64_t now);
/* From the device; from the tunnel; nothing more for now.  arg is
 * the struct client. */
void	client_outbound(void *arg, const struct packet_view *v);
void	client_inbound(void *arg, const struct packet_view *p);
void	client_inbound_end(void *arg);
void	client_too_big(void *arg, const struct packet_view *p);

/* client_pass.c */
/* What policy passes goes past us, where the kernel can. */
void	client_pass_open(struct client *c);
/* Ports were granted. */
void	client_pass_granted(struct client *c);
/* A binding ends: nothing of it goes past us any more. */
void	client_pass_revoked(struct client *c, const struct binding *b);

/* client_kernel.c */
/* Can the kernel do ESP?  0, or -1 after one log line: it is to, and cannot. */
int	client_kernel_open(struct client *c, const struct settings *s);
/* Then also a lease's, where it has what that takes; before there is an
 * engine. */
void	client_kernel_lease(struct client *c);
/* The leased address, the engine beside, or routes may have changed. */
void	client_kernel_follow(struct client *c);
void	client_kernel_close(struct client *c);	/* after the engine */

/* client_lease.c */
/* Programs choose their ports from these, host order. */
void	client_range(struct client *c, uint16_t lo, uint16_t hi);
/* ... or from those of the kernel. */
void	client_range_restore(void);
/* What was said to a demand for this port, an RSIP error or RSIP_OK: where
 * ports are leased one by one they end before one that the gateway has not. */
void	client_port_answered(struct client *c, uint16_t port, unsigned error);
/* As struct host_ops has them. */
void	client_granted(void *arg, const struct binding *b);
void	client_revoked(void *arg, const struct binding *b);
/* Address and security associations of the lease go. */
void	client_give_up_lease(struct client *c);
/* Another network: nothing goes out until it is known whether a
 * gateway is there. */
void	client_seek(struct client *c);
/* What the process before us had. */
void	client_recall(struct client *c);

/* client_gateway.c */
extern const struct host_ops client_host_ops;
extern const struct transport_ops client_transport_ops;
/* Is a lease that is good for nothing given up? */
bool	client_passes_by(const struct client *c);
/* A gateway that is broken, or not for us, is left; why: a
 * string that stays. */
void	client_abandon(struct client *c, const char *why, uint64_t now);
/* Refused, or given up: on to another gateway, if one is known. */
void	client_go_elsewhere(struct client *c, uint64_t now);
/* DNS names another gateway; the time to wait is over.  arg is
 * the struct client. */
void	client_found(void *arg);
void	client_grace_over(void *arg);

#endif
