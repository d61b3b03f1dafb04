/* oed_net.h - oed's way to the kernel: TUN device, policy route, and the wire */
#ifndef OE_OED_NET_H
#define OE_OED_NET_H

#include <net/if.h>
#include <stdbool.h>

#include "oe/engine.h"
#include "oe/settings.h"

struct event_base;
struct oed_net;
struct xfrm_shell;

struct lanes;

/*
 * Opens everything that needs root: the TUN device name (may hold "%d", and has
 * a queue for each of so many workers, LANES_MAX at most; 0: there are none),
 * sockets for ESP, ICMP and IKE (UDP 500 and 4500), routes that bring every
 * packet of this host, and of the networks behind it, to the TUN.
 * NULL after one log line that says what to mend; what was done by then is
 * undone.
 */
struct oed_net *oed_net_open(struct event_base *base, const char *name,
	    const struct oe_config *c, unsigned workers);
/* May packets of IPv6 come by? */
bool	oed_net_has_ipv6(const struct oed_net *n);
/* Undoes it all; open: also what policy shuts (guard_close()).
 * NULL is allowed. */
void	oed_net_close(struct oed_net *n, bool open);

/* New classes, before the engine gets c.  0, or -1 after a log line. */
int	oed_net_policy(struct oed_net *n, const struct oe_config *c);
/* After links, addresses, routes or rules have changed: puts
 * back what is gone. */
void	oed_net_mend(struct oed_net *n);

/* Packets flow between n and oe from here on.  Events of oe_shell go to event,
 * which owns the object; gone is called once, after a log line, when somebody
 * has taken the TUN device away. */
typedef void (*oed_event_fn)(void *arg, const struct oe_event *e);
void	oed_net_start(struct oed_net *n, struct oe *oe, oed_event_fn event,
	    void (*gone)(void *arg), void *arg);
/* Privileges are dropped: workers begin, if there are any. */
void	oed_net_work(struct oed_net *n);
/* What workers seal and open packets in, for who leads them there
 * (esp_user_lanes()); false: there are none. */
bool	oed_net_lanes(const struct oed_net *n, struct lanes **seal,
	    struct lanes **open);
/* What was sent and is kept leaves now; arg is the struct oed_net. */
void	oed_net_flush(void *arg);
/*
 * Our address of a family is this now; with the first one its packets come by.
 * source: it is to be the source of what goes by our routes; else the kernel
 * chooses, as IPv6 has several at once.  0, or -1 after a log line.
 */
int	oed_net_set_address(struct oed_net *n, const struct addr *addr,
	    bool source);
const char *oed_net_name(const struct oed_net *n);

/* What the engine's own packets carry past the TUN. */
#define OED_MARK	0x4f45u		/* "OE" */

/* What the kernel's data plane asks for (wire_kernel()). */
struct xfrm_shell oed_net_kernel(const struct oed_net *n);

/* The same of ESP that the kernel does for networks behind us (oed_led.h):
 * wire_esp_taken(); and packets for hosts follow (more), or no more of them for
 * now. */
void	oed_net_esp_taken(struct oed_net *n, uint32_t spi, bool on);
void	oed_net_batch(struct oed_net *n, bool more);

/* The shell for oe_new(); its argument is the struct oed_net. */
extern const struct oe_shell oed_net_shell;

#endif
