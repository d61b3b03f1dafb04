/* device.h - the TUN devices with the leased address */
#ifndef RSIPC_DEVICE_H
#define RSIPC_DEVICE_H

#include <net/if.h>
#include <stdbool.h>

#include "net/ip.h"

#define DEVICE_MTU_MIN		576

struct event_base;
struct oe_config;
struct device;

/*
 * Makes both devices: name carries the leased address and what comes in the
 * clear; oe_name takes what goes out, and brings what came encrypted, so
 * that a firewall can tell them apart.  fn takes what programs send; gone is
 * called, after a log line, when somebody has taken one of them away.  NULL
 * after one log line.
 */
struct device *device_open(struct event_base *base, const char *name,
	    const char *oe_name, packet_fn fn, void (*gone)(void *arg),
	    void *arg);
/* Routes and addresses go, then the devices.  open: what policy shut is open
 * again (guard_close()).  NULL is allowed. */
void	device_close(struct device *d, bool open);

/* What policy shuts without or with a lease; NULL: nothing.  0, or -1 after one
 * log line. */
int	device_policy(struct device *d, const struct oe_config *config);

/*
 * Puts addr on the device and leads packets there by a rule of their own, from
 * that address; what is local stays direct (rsipc/capture.h). mtu: of a packet
 * inside the tunnel; encrypts: packets may get ESP around them before.  0, or
 * -1 after one log line.
 */
int	device_up(struct device *d, const struct addr *addr,
	    const struct addr *gateway, unsigned mtu, bool encrypts);
/* Takes the address away; packets that came from it are led into the device
 * still, from none. */
void	device_down(struct device *d);
/* Leads packets into the device: from the address that it has, ... */
int	device_prefer(struct device *d, const struct addr *addr);
/* ... from the host's own (mtu of its link; 0: unknown), so that new
 * connections leave from there while a leased address may stay, ... */
int	device_own(struct device *d, const struct addr *addr, unsigned mtu);
/* ... or from none, so that nothing goes out. */
void	device_block(struct device *d);
/* Packets go past the device. */
void	device_release(struct device *d);
/* The link whose address device_own() is for gets no strict check of the way
 * back; "": none. */
void	device_own_link(struct device *d, const char *link);
/* Packets of IPv6 go into the device, too, or past it: no lease is of that
 * family, and each has the source that the kernel chooses. */
void	device_ipv6(struct device *d, bool leads);
bool	device_leads_ipv6(const struct device *d);
/* After links, addresses, routes or rules have changed: puts
 * back what is gone. */
void	device_mend(struct device *d);

/* A network behind the gateway that this calls local: direct while the device
 * is up, if that can be believed. */
void	device_add_local(struct device *d, const struct prefix *net);
/* Another gateway: none of these is local any more. */
void	device_forget_locals(struct device *d);

/*
 * To the host's stack: clear packets on one device, decrypted ones (oe) on the
 * other.  Packets of one TCP connection may wait for those that follow, until
 * device_flush() or the end of this turn of the event loop.
 */
void	device_to_host(struct device *d, const struct packet_view *v, bool oe);
void	device_flush(struct device *d);

struct addr device_address(const struct device *d);	/* none: down */
unsigned device_mtu(const struct device *d);
const char *device_name(const struct device *d);
/* Of the one that packets are led into. */
const char *device_oe_name(const struct device *d);

#endif
