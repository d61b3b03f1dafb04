/* shell.h - what the engine asks of the daemon around it */
#ifndef OE_SHELL_H
#define OE_SHELL_H

#include "net/ip.h"
#include "oe/keying.h"

struct esp_plane;
struct oe_event;

struct port_block { uint16_t lo, hi; };	/* host order, both within */

/* What went by between two addresses, since it was last told. */
struct oe_passed {
	uint64_t packets_out, bytes_out, packets_in, bytes_in;
};

/* What the engine asks of the daemon around it. */
struct oe_shell {
	/* A packet that policy lets go in the clear, to the network. */
	packet_fn send_clear;
	/* IKE bytes from path->local:local_port to path->peer:peer_port. */
	void (*send_ike)(void *arg, const struct keying_path *path,
	    const uint8_t *buf, size_t len);
	/* A decrypted packet that passed the ingress filter: to
	 * the host, on oe0. */
	packet_fn to_host;
	/* A packet for the host that we made (ICMP errors). */
	packet_fn answer;
	/* RSIP resources; NULL members: drawn at random, port 500. */
	int  (*spi_get)(void *arg, uint32_t *spi);
	void (*spi_put)(void *arg, uint32_t spi);
	int  (*cookie_get)(void *arg, uint64_t *cookie);
	/* May other hosts have the address of oe_set_local() at the same time
	 * (RFC 3102: a lease of ports)?  NULL: no. */
	bool (*shares)(void *arg);
	/* The blocks of ports of that address that are ours alone, towards dst;
	 * how many, max at most, those that hold most.  NULL: none are. */
	unsigned (*ports)(void *arg, const struct addr *dst,
	    struct port_block *out, unsigned max);
	/* Traffic for dst is passed (add) until told otherwise (!add): the
	 * daemon may route it past the TUN.  NULL: not wanted. */
	void (*pass_route)(void *arg, const struct addr *dst, bool add);
	/* All between two addresses is passed (add), whatever flow it is of,
	 * until told otherwise (!add), which is said before anything else is
	 * done with a packet: the kernel may do it, as long as oe_passed() is
	 * told of what went by.  NULL: not wanted. */
	void (*pass_pair)(void *arg, const struct addr *src,
	    const struct addr *dst, bool add);
	/* Is addr one of this host's, besides that of
	 * oe_set_local()?  NULL: no. */
	bool (*is_own)(void *arg, const struct addr *addr);
	/* Has this host a way to addr besides its default route?  Then
	 * strangers behind a NAT must not call themselves so.  NULL: it has. */
	bool (*is_near)(void *arg, const struct addr *addr);
	/* Has another engine of this host, with the same name, SAs with that
	 * peer?  Our first contact must not end them.  NULL: no. */
	bool (*peer_known)(void *arg, const struct keying_id *peer);
	/* Something happened to a connection, for "rsipctl watch".  NULL: not
	 * wanted. */
	void (*event)(void *arg, const struct oe_event *e);
	/* The host was asleep: timers of libevent, which stood still, are late.
	 * NULL: not wanted. */
	void (*woken)(void *arg);
	/* Added to the name of the file of state, where two engines have one
	 * configuration.  NULL: nothing. */
	const char *state;
	/* Who does ESP (esp/dataplane.h), the best first; NULL ends them.  They
	 * outlive the engine. */
	struct esp_plane *const *planes;
};

#endif
