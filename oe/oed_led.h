/* oed_led.h - oed's ESP in the kernel for networks behind it, led there by eBPF */
#ifndef OE_OED_LED_H
#define OE_OED_LED_H

struct esp_plane;
struct event_base;
struct oe;
struct oed_led;
struct oed_net;

/*
 * Policies of the kernel's own (oe/esp/xfrm.h) would have a way past the TUN
 * that is by destination alone, and what other hosts behind us send there must
 * still come to the engine: so this plane (oe/esp/xfrm_led.h) has ESP by
 * whichever interface it comes and goes, and leads what is between two hosts.
 */

/* As root, before the engine; takes away what a predecessor that was killed has
 * left.  NULL, and *lacks is what the kernel has not, in words. */
struct oed_led *oed_led_open(struct event_base *base, struct oed_net *net,
	    const char **lacks);
/* Takes that away alone. */
void	oed_led_clear(const struct oed_net *net);
/* After the engine.  NULL is allowed. */
void	oed_led_close(struct oed_led *l);

/* The data plane (oe/esp/dataplane.h), until oed_led_close(). */
struct esp_plane *oed_led_plane(const struct oed_led *l);

/* What is opened and not led goes to oe from here on.  gone: is called once,
 * after a log line, when somebody has taken the device away. */
void	oed_led_start(struct oed_led *l, struct oe *oe, void (*gone)(void *arg),
	    void *arg);

#endif
