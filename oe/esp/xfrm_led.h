/* xfrm_led.h - the data plane in the kernel for packets that the engine sees first: SAs at a device, led past it by eBPF */
#ifndef OE_ESP_XFRM_LED_H
#define OE_ESP_XFRM_LED_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/ip.h"

struct esp_plane;
struct xfrm_led;

/*
 * Policies of the kernel's own cannot be told what the engine looks at (a
 * lease's ports, flows, remote flow policy): so packets come to the engine, and
 * what it says goes into a device (net/xfrmi.h) with the mark of its pair.
 * What is led (esp_pair_lead()) an eBPF program puts in there before it comes
 * to us, and takes out of there what was opened (oe/esp/beside.h).
 */
struct xfrm_led_config {
	const char *device;	/* to be made, for ESP */
	const char *link;	/* ESP leaves and comes in by it; NULL: by
				 * any, as it is routed */
	const char *tun;	/* packets for the engine leave by it, and what
				 * was opened comes in there */
	uint32_t    mark;	/* on ESP that leaves */
	/* Does ESP get on from link without us, as things are?  If not, what
	 * is encrypted anew is left to the next plane.  NULL: it does. */
	bool	  (*carries)(void *arg);
	/* ESP with that inbound SPI (host order) is the kernel's from now on,
	 * or (!on) no more. */
	void	  (*opens)(void *arg, uint32_t spi, bool on);
	/* Takes ESP to link, as if it had come in there; NULL: what comes by us
	 * is a copy, which the kernel has taken besides. */
	packet_fn   arrives;
	/* What was opened of the pair with that inbound SPI and is not led. */
	void	  (*opened)(void *arg, uint32_t spi,
		    const struct packet_view *v);
	void	   *arg;
};

/* The device's name beside a TUN's of that name. */
void	xfrm_led_name(char device[IFNAMSIZ], const char *tun);

/* Of IPv4, in tunnel mode, and not in UDP: all other pairs are left to the next
 * plane.  As root; NULL, and *lacks is what the kernel has not, in words. */
struct xfrm_led *xfrm_led_open(const struct xfrm_led_config *config,
	    const char **lacks);
/* After all pairs are down; NULL is allowed. */
void	xfrm_led_close(struct xfrm_led *l);

/* The data plane (dataplane.h), which ends with xfrm_led_close(). */
struct esp_plane *xfrm_led_plane(struct xfrm_led *l);

/* Becomes readable when something was opened, for xfrm_led_receive().  False:
 * somebody has taken the device away. */
int	xfrm_led_fd(const struct xfrm_led *l);
bool	xfrm_led_receive(struct xfrm_led *l);

/* Each port of ours (host order) that something led left from since this was
 * last asked. */
void	xfrm_led_ports(struct xfrm_led *l,
	    void (*used)(void *arg, uint16_t port), void *arg);

#endif
