/* demux.h - which host owns an inbound packet, and what a host may send (RFC 3104 §4, §5; RFC 3103 §7.3, §10.4) */
#ifndef NAT_DEMUX_H
#define NAT_DEMUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/binding.h"

/*
 * The one state that the control thread and the packet threads share: one
 * writer (every function not marked "reader"), many readers that never wait.
 * Ports and SPIs are in host order, times in milliseconds of clock_now().
 */
struct demux;
struct demux_entry;

/*
 * max_keys bounds leased keys (ports, SPIs, cookies; a binding itself counts
 * one), and half as many again may be learnt.  NULL if memory is out.
 */
struct demux *demux_new(size_t max_keys);
void	demux_free(struct demux *d);

/* Another bound; what is above it stays. */
void	demux_set_max(struct demux *d, size_t max_keys);

/* ESP, AH and IKE that no host owns: the router's own (NOT_OURS) instead of
 * DROP. */
void	demux_set_local_ipsec(struct demux *d, bool on);
/* Strangers' first messages of IKEv2 that no host owns are refused
 * (refusal.h). */
void	demux_set_refuse_ike(struct demux *d, bool on);
bool	demux_refuses_ike(const struct demux *d);

/*
 * Once a second or so: takes in what readers learnt, forgets what lay idle,
 * grows the table and frees what no reader can see any more.
 */
void	demux_tick(struct demux *d, uint64_t now);
/* Has the next tick nothing to do, unless packets come or bindings go? */
bool	demux_rests(struct demux *d);

/*
 * Adds all of a binding or nothing.  Returns what it is known by from then on,
 * or NULL with errno: EEXIST (a key is taken), ENOSPC (max_keys), ENOMEM,
 * EINVAL (a range that ends before it begins), EAFNOSUPPORT (an address that is
 * not IPv4, or 0.0.0.0).
 */
struct demux_entry *demux_add(struct demux *d, const struct demux_binding *b);
/* Removes a binding with its keys and what was learnt under it. */
void	demux_remove(struct demux *d, struct demux_entry *e);
/* What passed under it. */
void	demux_usage(const struct demux *d, const struct demux_entry *e,
	    struct demux_usage *out);

/* Tells w of bindings that come and go, and of their use; w is borrowed. */
void	demux_watch(struct demux *d, const struct demux_watcher *w, void *arg);

/* Everything, for "rsipctl flows": one call a key. */
struct demux_row {
	/* "spi", "port", "cookie", "icmp", "peer-spi", "answer". */
	const char *kind;
	uint8_t protocol;	/* 0 where it is not part of the key */
	struct addr local, host;
	struct addr remote;	/* none where it is not part of the key */
	/* SPI, cookie, ICMP id << 16 | sequence; ports: the first << 16 | the
	 * last, or of an answer its source << 16 | its destination. */
	uint64_t key;
	uint32_t grantor, client_id, bind_id;
	uint64_t last_used;
	struct demux_usage used;	/* of all of the binding */
};
void	demux_each(const struct demux *d,
	    void (*fn)(void *, const struct demux_row *), void *arg);

/* Fills how many bindings and keys there are and bytes of memory held. */
void	demux_count(const struct demux *d, size_t *bindings, size_t *keys,
	    size_t *bytes);

#endif
