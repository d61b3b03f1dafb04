/* dataplane.h - the door between keyed connections and who does ESP for them: user space, the kernel (RFC 4301 §4.4) */
#ifndef OE_ESP_DATAPLANE_H
#define OE_ESP_DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/ip.h"
#include "oe/esp/params.h"

/*
 * Whoever keys a connection brings up pairs of SAs and says which of them
 * carries what is sent; a data plane does the rest.  Behind the door are
 * user.c, where packets come by the caller, and xfrm.c, where the kernel takes
 * them before.  Nobody outside asks which it is: a plane that cannot do
 * something leaves it to the next one of its list.
 */

#define ESP_PAST	1
#define ESP_PARTS_MAX	16

struct esp_pair;
struct esp_plane;

/*
 * What a connection's pairs are for.  Its owner fills in all but the last two
 * before a pair comes up, and calls esp_policy_down() at the end.
 */
struct esp_policy {
	struct prefix ours, theirs;	/* what is encrypted */
	struct addr   local, peer;	/* ends of the SAs
					 * whose pair it follows */
	bool	      transport;	/* of that pair */
	/* All between the two is the peer's: no other host is at its address,
	 * and no flow has SAs of its own. */
	bool	      sole;
	/* What is sent will be led (esp_pair_lead()), if nothing comes
	 * between. */
	bool	      leads;
	bool	      roams;	/* the peer is behind a NAT: its address and
				 * port may change, and whoever has the pair
				 * must notice */
	/* Called when packets of it go past the caller (past), or come to it
	 * again.  NULL: not wanted. */
	void	    (*past)(void *owner, bool past);
	void	     *owner;
	struct esp_plane *plane;	/* where it stands; NULL: nowhere */
	uint16_t      id;		/* a plane's name for its
					 * pairs; 0: none yet */
};

/* Ports of ours, host order, of a protocol. */
struct esp_part {
	uint8_t	 protocol;
	uint16_t lo, hi;
};

/* Packets from and to a host that may pass before their owner sees them. */
struct esp_lead {
	struct addr src, dst;		/* of what is sent */
	size_t	    mtu;		/* bytes: larger ones come by */
	/* Only from and to these; none: whatever there is in a packet. */
	struct esp_part part[ESP_PARTS_MAX];
	unsigned    nparts;
};

/* Both SAs of a pair, as far as its plane has told. */
struct esp_usage {
	struct esp_counters in, out;
	/* Is it time for new keys, whatever was negotiated
	 * (esp_key_is_worn())? */
	bool worn;
	/* Of led packets (esp_pair_lead()): replayed or not authentic; not
	 * between the two hosts. */
	uint64_t bad, filtered;
};

/*
 * Brings up a pair in the first of planes (NULL ends them; they must outlive
 * the pair) that takes it.  What comes on it is opened from here on; what is
 * sent waits for esp_pair_confirm().  policy NULL: it is for flows that are led
 * to it one by one.  in and out are copied, and the caller wipes its own.
 * NULL if none takes it, after a log line of the last one.
 */
struct esp_pair *esp_pair_up(struct esp_plane *const *planes,
	    struct esp_policy *policy, const struct esp_params *in,
	    const struct esp_params *out);
/*
 * The peer has its half: from here on what the policy says goes out on it.  A
 * pair that its plane cannot confirm moves on to the next one.  0, or -1: none
 * can, and nothing is sent on it.
 */
int	esp_pair_confirm(struct esp_pair *p);
/* Takes the pair down and wipes its keys; the policy stays: what has no pair is
 * not sent.  NULL is allowed. */
void	esp_pair_down(struct esp_pair *p);

/*
 * Another pair carries what is sent: the policy follows it to its plane and to
 * its peer.  NULL: there is none, and all stays as it is.  0, or -1 if the
 * plane refuses: then it must not be sent on.
 */
int	esp_policy_follow(struct esp_policy *policy, const struct esp_pair *p);
/* What is sent comes to the caller again, and finds no pair. */
void	esp_policy_down(struct esp_policy *policy);
/* Do packets of it pass without the caller? */
bool	esp_policy_is_past(const struct esp_policy *policy);

/* Encapsulates a packet that fits (esp_pair_mtu()) and sends it.  ESP_OK;
 * ESP_PAST: esp_pair_passed() will tell of it; or an esp_error. */
int	esp_pair_send(struct esp_pair *p, const struct packet_view *v);
/*
 * Opens a packet with ESP, raw or in UDP, that has the pair's inbound SPI.
 * ESP_OK: *inner shows what it was put around, in out; or an esp_error.
 * newest: its number is higher than all before.
 */
int	esp_pair_open(struct esp_pair *p, const struct packet_view *v,
	    uint8_t *out, size_t cap, struct packet_view *inner, bool *newest);
/* What leaves larger than mtu is cut, after it was encrypted; 0: nothing is,
 * as at first.  A plane that sees to the path itself is told nothing. */
void	esp_pair_cut(struct esp_pair *p, size_t mtu);
/* The largest packet that may be sent where the path takes mtu bytes; a plane
 * that sees to that itself takes any. */
size_t	esp_pair_mtu(const struct esp_pair *p, size_t mtu);
/* In UDP: from here on to that address and port.  0, or -1 if its plane cannot:
 * then to where it went before. */
int	esp_pair_move(struct esp_pair *p, const struct addr *dst,
	    uint16_t port);

/*
 * All between the two hosts of lead is of this pair, from its ports or whatever
 * else there is in a packet: the plane may seal and open it before the caller
 * sees it, until lead NULL takes that back; no packet passes so after that.
 * One at a time for a pair, and for two hosts.  What is unusual still comes by,
 * esp_pair_passed() tells of the rest.  False: the plane does not.
 */
bool	esp_pair_lead(struct esp_pair *p, const struct esp_lead *lead);

/* As of now, or of the last esp_pair_passed() where that must be asked for. */
void	esp_pair_usage(const struct esp_pair *p, struct esp_usage *u);
/* What went past the caller since this was last asked; nothing where all comes
 * by.  To be asked once a second or so. */
void	esp_pair_passed(struct esp_pair *p, struct esp_usage *u);
/* Of one half; its keys are wiped once the pair is confirmed. */
const struct esp_params *esp_pair_params(const struct esp_pair *p,
	    bool outbound);
/* "user", "kernel": of the plane that has it. */
const char *esp_pair_plane(const struct esp_pair *p);

/* NULL is allowed; its pairs must be down. */
void	esp_plane_free(struct esp_plane *plane);

#endif
