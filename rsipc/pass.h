/* pass.h - what policy passes, carried by the kernel: eBPF beside user space (configure --disable-bpf: without) */
#ifndef RSIPC_PASS_H
#define RSIPC_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "oe/shell.h"

/*
 * A program at the device that packets are led into puts into the gateway's
 * tunnel what goes from leased ports to peers to whom all is passed, one at the
 * link towards the gateway takes out what they answer, and the rest goes on to
 * the daemon, which sees as little of these as of any other host's.  The
 * kernel's own ESP goes the same way.  Who the peers are is written when policy
 * has decided so, and ends by one store.  Programs end with the device, and
 * count for nothing when the daemon has not vouched for seconds; while nothing
 * moves it does not: then a packet that comes to it wakes it.
 */
struct event_base;
struct pass;

enum pass_protocols { PASS_NOTHING = 0, PASS_OF_TCP = 1, PASS_OF_UDP = 2 };

/* What the programs must know. */
struct pass_way {
	struct addr addr;		/* leased */
	struct addr local, remote;	/* the tunnel's ends */
	unsigned link, clear;		/* indexes: towards the gateway, that
					 * clear packets come by */
	unsigned mtu;			/* of an inner packet, bytes */
	uint32_t mark;			/* of an outer one */
	uint32_t esp_mark;		/* of ESP that the kernel has made */
};

struct pass_ops {
	/* The way as it is now; false: there is none. */
	bool (*way)(void *arg, struct pass_way *out);
	/* So much went by since it was last told. */
	void (*passed)(void *arg, const struct addr *src,
	    const struct addr *dst, const struct oe_passed *n);
	/* Something left from that port, host order. */
	void (*used)(void *arg, uint16_t port);
	/* After these, if anything went by: what both ways took. */
	void (*moved)(void *arg, const struct oe_passed *n);
};

#ifdef HAVE_BPF
/*
 * As root: loads the programs and puts one on the device that packets are led
 * into.  NULL after one log line that says why not; user space then does it
 * all.
 */
struct pass *pass_open(struct event_base *base, const char *device,
	    const struct pass_ops *ops, void *arg);
/* Nothing passes any more; NULL is allowed, as in all below. */
void	pass_close(struct pass *p);

/* All from src to dst may go by, or (!add) nothing any more. */
void	pass_pair(struct pass *p, const struct addr *src,
	    const struct addr *dst, bool add);
/* A port (host order) is leased for these protocols, whoever is at the other
 * end. */
void	pass_port(struct pass *p, uint16_t port, enum pass_protocols of);
void	pass_no_ports(struct pass *p);
/*
 * What the kernel encrypts and sends by that device goes into the tunnel, as
 * long as it has the way's address and mark; what does not fit, and fragments,
 * are for whoever reads the device.  0, or -1 after one log line.
 */
int	pass_esp_way(struct pass *p, const char *clear_device);
/* ESP with that SPI (host order) is the kernel's to open, or (!opens) not any
 * more: out of the tunnel it comes by the device of clear packets. */
void	pass_esp(struct pass *p, uint32_t spi, bool opens);
/* Nothing passes until the way has been looked at once more, which is soon. */
void	pass_look_again(struct pass *p);
/* A packet came to the daemon: something moves. */
void	pass_wake(struct pass *p);
/* What went by, all in all. */
void	pass_count(struct pass *p, struct oe_passed *out);
#else
static inline struct pass *
pass_open(struct event_base *base, const char *device,
    const struct pass_ops *ops, void *arg)
{
	(void)base;
	(void)device;
	(void)ops;
	(void)arg;
	return NULL;
}
static inline void
pass_close(struct pass *p)
{
	(void)p;
}
static inline void
pass_pair(struct pass *p, const struct addr *src, const struct addr *dst,
    bool add)
{
	(void)p;
	(void)src;
	(void)dst;
	(void)add;
}
static inline void
pass_port(struct pass *p, uint16_t port, enum pass_protocols of)
{
	(void)p;
	(void)port;
	(void)of;
}
static inline void
pass_no_ports(struct pass *p)
{
	(void)p;
}
static inline int
pass_esp_way(struct pass *p, const char *clear_device)
{
	(void)p;
	(void)clear_device;
	return -1;
}
static inline void
pass_esp(struct pass *p, uint32_t spi, bool opens)
{
	(void)p;
	(void)spi;
	(void)opens;
}
static inline void
pass_look_again(struct pass *p)
{
	(void)p;
}
static inline void
pass_wake(struct pass *p)
{
	(void)p;
}
static inline void
pass_count(struct pass *p, struct oe_passed *out)
{
	(void)p;
	*out = (struct oe_passed){ 0 };
}
#endif

#endif
