/* wire.h - the engine's sockets on a host with an address of its own: ESP, IKE on 500 and 4500, ICMP errors */
#ifndef OE_WIRE_H
#define OE_WIRE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oe/engine.h"

struct event_base;
struct wire;
struct xfrm_shell;

/* Packets for the host follow (more), or no more of them for now. */
typedef void (*wire_batch_fn)(void *arg, bool more);

/*
 * Opens what needs root, of IPv6 too where the kernel has it.  What goes out
 * carries mark, so that a rule can tell it from what is to be encrypted.  NULL
 * after one log line.
 */
struct wire *wire_open(struct event_base *base, uint32_t mark);
void	wire_close(struct wire *w);	/* NULL is allowed */

/* What comes goes to oe from here on, batch frames it. */
void	wire_start(struct wire *w, struct oe *oe, wire_batch_fn batch,
	    void *arg);
/* Of a family only IKE and ESP in UDP to this address are heard; none: to
 * any. */
void	wire_set_local(struct wire *w, int family, const struct addr *addr);

/* ESP to this address of IPv4 is another's on this host; none: any is ours. */
void	wire_esp_other(struct wire *w, const struct addr *addr);

/* ESP of IPv4 with that inbound SPI (host order) is the kernel's from here on,
 * or (!on) no more: nobody here gets copies of it. */
void	wire_esp_taken(struct wire *w, uint32_t spi, bool on);

/*
 * What struct oe_shell asks for.  A packet that does not go out is lost, as
 * packets may be.  It is copied, and waits for those that follow until
 * wire_flush(), IKE is sent, or this turn of the event loop ends.
 */
void	wire_send(struct wire *w, const struct packet_view *v);
void	wire_flush(struct wire *w);
void	wire_send_ike(struct wire *w, const struct keying_path *path,
	    const uint8_t *buf, size_t len);
/*
 * What the kernel's data plane asks for, as long as w is there.  What is sent
 * goes at once, after all that waits: the kernel's policies, as they are then,
 * are to encrypt it.  Where ESP in UDP from a peer is for the kernel, IKE from
 * there comes here as before.
 */
struct xfrm_shell wire_kernel(struct wire *w);
/* A packet that our link did not take. */
void	wire_too_big(struct wire *w, const struct packet_view *v);

/* What the kernel would deliver to this host itself. */
bool	wire_is_own(const struct wire *w, const struct addr *addr);
/* As oe_shell has it; arg is not looked at.  What cannot be asked is near. */
bool	wire_is_near(void *arg, const struct addr *addr);

/*
 * The address that packets to the world carry: the source of a family's default
 * route, where packets with our mark take it; of IPv6 the one that the kernel
 * prefers, a temporary one where it makes these.  link: its interface.  0, or
 * -1.
 */
int	wire_own_address(int family, uint32_t mark, struct addr *addr,
	    char link[IFNAMSIZ]);
/* What fits there, in bytes; 0: nobody knows. */
unsigned wire_link_mtu(const char *link);

#endif
