/* beside.h - packets that eBPF leads between a TUN and the kernel's ESP, beside the daemon (configure --disable-bpf: without) */
#ifndef OE_ESP_BESIDE_H
#define OE_ESP_BESIDE_H

#include <stdint.h>

/*
 * An esp device, which is an xfrm interface, encrypts what enters it with the
 * mark of a pair of SAs, and brings what it has decrypted with
 * the mark of the pair that it came on.  What a pair leads goes from the TUN to
 * the esp device and back without the daemon, joined segments whole; what else
 * a program sends comes to the reader of the TUN as ever, and what else was
 * decrypted only to packet sockets at the esp device, with its mark.  That is
 * so as long as the devices are there: nobody vouches.  IPv4 only.
 */
struct beside;
struct esp_lead;
struct esp_usage;

/* Indexes of interfaces. */
struct beside_devices {
	unsigned tun;		/* where programs send */
	unsigned esp;		/* the esp device */
	unsigned from;		/* where ESP comes in; 0: by any, and nothing
				 * is joined at the esp device */
};

#ifdef HAVE_BPF
/* As root: puts the programs there, before the esp device is up, so that
 * nothing comes past them.  NULL after one log line that says why not. */
struct beside *beside_open(const struct beside_devices *d);
/* Nothing is led any more; the esp device should be gone by then, or what comes
 * by it goes on to its packet sockets alone.  NULL is allowed. */
void	beside_close(struct beside *b);

/* A pair's mark, which is not used again soon after it was deleted; 0: there
 * are no more.  spi_in: of its inbound SA, host order. */
uint32_t beside_pair_add(struct beside *b, uint32_t spi_in);
/* The pair leads nothing then. */
void	beside_pair_del(struct beside *b, uint32_t mark);

/* What the pair leads from here on, in place of what it did.  0, or -1: it
 * leads nothing. */
int	beside_lead(struct beside *b, uint32_t mark,
	    const struct esp_lead *lead);
/* No packet is led so after that. */
void	beside_lead_end(struct beside *b, uint32_t mark);

/* Packets and bytes, inner ones as the wire has them, out and in, that were led
 * since beside_pair_add(); what else is in u stays. */
void	beside_led(const struct beside *b, uint32_t mark,
	    struct esp_usage *u);
/* Tells of each port of ours (host order) that something led has left from
 * since this was last asked. */
void	beside_ports(struct beside *b,
	    void (*used)(void *arg, uint16_t port), void *arg);
#else
#include <stddef.h>

static inline struct beside *
beside_open(const struct beside_devices *d)
{
	(void)d;
	return NULL;
}
static inline void
beside_close(struct beside *b)
{
	(void)b;
}
static inline uint32_t
beside_pair_add(struct beside *b, uint32_t spi_in)
{
	(void)b;
	(void)spi_in;
	return 0;
}
static inline void
beside_pair_del(struct beside *b, uint32_t mark)
{
	(void)b;
	(void)mark;
}
static inline int
beside_lead(struct beside *b, uint32_t mark, const struct esp_lead *lead)
{
	(void)b;
	(void)mark;
	(void)lead;
	return -1;
}
static inline void
beside_lead_end(struct beside *b, uint32_t mark)
{
	(void)b;
	(void)mark;
}
static inline void
beside_led(const struct beside *b, uint32_t mark, struct esp_usage *u)
{
	(void)b;
	(void)mark;
	(void)u;
}
static inline void
beside_ports(struct beside *b, void (*used)(void *arg, uint16_t port),
    void *arg)
{
	(void)b;
	(void)used;
	(void)arg;
}
#endif

#endif
