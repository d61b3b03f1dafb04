/* crew.h - threads beside the event loop's: each reads a queue of the TUN and a socket of ESP, seals and opens what lanes know, and hands over the rest */
#ifndef OE_ESP_CREW_H
#define OE_ESP_CREW_H

#include "oe/esp/lanes.h"

struct crew;

/* What each has to do. */
struct crew_duty {
	int	tun;			/* a queue of it (tun_open_queues()) */
	int	esp[2];			/* sockets of raw ESP; -1: none */
	void   *arg;			/* of read */
};

struct crew_plan {
	struct lanes *seal, *open;
	/* Calls fn with what waits at such a socket, a turn's worth at
	 * most. */
	void	    (*read)(void *arg, int fd, packet_fn fn, void *fn_arg);
	unsigned      n;		/* threads, as many as lanes: ESP of a
					 * lane comes to its number's */
	struct crew_duty duty[LANES_MAX];
};

/* What a thread says to the event loop's. */
enum crew_word {
	CREW_NOTHING,		/* more for now */
	CREW_FRAME,		/* of the TUN, as it was read */
	CREW_ESP,		/* a packet from the network */
	CREW_TOO_BIG,		/* a sealed packet that our link did not take */
	CREW_STIRRED,		/* packets were taken where nobody knew of
				 * any (lane_stirred()) */
	CREW_GONE,		/* the TUN is not there any more */
};

/* The plan is copied, what is in it stays the caller's.  NULL after a log line;
 * none runs yet. */
struct crew *crew_new(const struct crew_plan *plan);
/* After privileges were dropped, which each thread has of its own.  0, or -1
 * after a log line. */
int	crew_start(struct crew *c);
/* Every thread has ended on return.  NULL is allowed. */
void	crew_free(struct crew *c);

/* What they say can be read from here; what is too much is lost. */
int	crew_fd(const struct crew *c);
/* GSO_BUFFER_LEN at least, of which *len have been filled. */
enum crew_word crew_hear(struct crew *c, uint8_t *buf, size_t cap, size_t *len);
/* For ways out of lanes. */
void	crew_say_too_big(struct crew *c, const struct packet_view *sealed);

#endif
