/* worth.h - does anything come back through the gateway, and when is it left alone? */
#ifndef RSIPC_WORTH_H
#define RSIPC_WORTH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A lease that brings nothing is worse than none: everything goes into a tunnel
 * that leads nowhere.  Times are milliseconds of a clock that never goes back.
 * Pure: whoever drives it asks, probes and gives up.
 */
#define WORTH_SILENCE	4000	/* of sending without an answer before
				 * something is done */
#define WORTH_MUTE	3	/* times that it was asked in vain, of a
				 * gateway that is there */
#define WORTH_AWAY	8	/* the same of one that is away, or worked and
				 * says nothing any more */
#define WORTH_HEARD	10000	/* a message that young is one of a
				 * gateway that talks */
#define WORTH_REST_MIN	60000	/* that it is left alone, doubling up to ... */
#define WORTH_REST_MAX	3600000

struct worth {
	uint64_t silent_since;	/* 0: something came since something went */
	uint64_t asked;		/* when last */
	unsigned times, away;	/* that it was asked since then, of one that
				 * was there or not */
	bool	 proven;	/* something came, on this lease */
	bool	 spared;	/* away once, and nothing has come since */
	uint32_t rest;		/* the last one; 0: none */
};

enum worth_verdict {
	WORTH_FINE,
	WORTH_ASK,		/* see whether gateway and tunnel live */
	WORTH_NOTHING,		/* give the lease up */
};

/* Another network, or another gateway: nothing is known. */
void	worth_forget(struct worth *w);
/* A lease that has brought nothing yet. */
void	worth_begin(struct worth *w);
/* A packet went into the tunnel, or was refused for want of a
 * lease; one came. */
void	worth_sent(struct worth *w, uint64_t now);
void	worth_came(struct worth *w);
/*
 * To be asked as packets go out.  heard: when the gateway last said
 * something; connected: it can be spoken to, as far as its transport knows.
 * Whoever is away may be starting again, and that nothing comes back
 * meanwhile says little.
 */
enum worth_verdict worth_judge(struct worth *w, uint64_t now, uint64_t heard,
	    bool connected);
/* How long to leave the gateway alone now, milliseconds: what once worked is
 * asked again as soon as it can be, and so is, once, what was only away. */
uint32_t worth_rest(struct worth *w);

#endif
