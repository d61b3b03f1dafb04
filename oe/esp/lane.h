/* lane.h - packets that are sealed or opened beside the engine: on which SA, as the engine has said, and what of them stays the engine's (RFC 4303 §3) */
#ifndef OE_ESP_LANE_H
#define OE_ESP_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/gso.h"
#include "net/ip.h"

struct esp_sa;
struct lane;

/*
 * No lock, thread or socket is in here (lanes.h has these): each function is
 * for one thread at a time, and so is each SA that a lane was told of.  So
 * packets leave in the order of their numbers, whatever window the peer has.
 */

/* The ways out of a lane, which has one of the two: what is kept leaves with
 * flush. */
struct lane_out {
	packet_fn seals;		/* sealed packets, to the network */
	packet_fn opens;		/* opened ones, to this host */
	void	(*flush)(void *arg);
	void	 *arg;
};

/* What a lane has done with one SA. */
struct lane_use {
	uint64_t packets, bytes;	/* inner ones */
	uint64_t bad;			/* replayed, not authentic, malformed */
	uint64_t filtered;		/* not between the two hosts */
	bool	 known;		/* that there are packets: whoever reads
				 * this takes it back */
};

/* What goes from src to dst goes on sa; the caller's, as use is. */
struct lane_lead {
	struct addr	 src, dst;
	struct esp_sa	*sa;
	struct lane_use *use;
	size_t		 mtu;		/* what is larger is the engine's */
};

/* What comes with an SPI (host order), and is from theirs to ours inside, is
 * opened with sa. */
struct lane_entrance {
	uint32_t	 spi;
	struct addr	 ours, theirs;
	struct esp_sa	*sa;
	struct lane_use *use;
};

struct lane_counts {
	uint64_t frames;		/* of the TUN that were sealed */
	uint64_t opened;		/* packets */
	uint64_t handed;		/* that are the engine's */
	uint64_t lost;			/* that did not reach it */
	uint64_t refused;		/* packets that the SA did not take */
};

struct lane *lane_new(const struct lane_out *out);	/* copied */
void	lane_free(struct lane *l);	/* NULL is allowed */

/* Another lead between the two is replaced. */
void	lane_begin(struct lane *l, const struct lane_lead *lead);
/* None is left between the two. */
void	lane_end(struct lane *l, const struct addr *src,
	    const struct addr *dst);
/* The same by SPIs, of lanes that open. */
void	lane_enter(struct lane *l, const struct lane_entrance *entrance);
void	lane_leave(struct lane *l, uint32_t spi);

/*
 * A frame of the TUN, which gso_look() has looked at: how many packets of it
 * were sealed and sent, or are lost.  0: it is the engine's, whole and
 * unchanged: no lead is known, or something is to be judged or learnt from it
 * (fragments, options, the link's own ICMP, what begins TCP, what is too large,
 * what TCP sends again).
 */
unsigned lane_frame(struct lane *l, const struct gso_frame *look,
	    uint8_t *frame, size_t len);
/* Raw ESP from the network.  False: it is the engine's, and nothing was
 * done. */
bool	lane_esp(struct lane *l, const struct packet_view *v);
void	lane_flush(struct lane *l);

/* Were packets taken that nobody knows of?  Once for each time. */
bool	lane_stirred(struct lane *l);
/* What is the engine's did not reach it. */
void	lane_lost(struct lane *l);
/* Adds to sum. */
void	lane_count(const struct lane *l, struct lane_counts *sum);

#endif
