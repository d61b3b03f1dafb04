/* play_rsip.h - RSIP messages as the words of scenario files, read and written */
#ifndef TESTS_UNIT_PLAY_RSIP_H
#define TESTS_UNIT_PLAY_RSIP_H

#include "proto/rsip.h"
#include "tests/unit/play.h"

/*
 * A message is the name that the RFCs give its type, and:
 *
 *   counter=N client=N bind=N lease=SECONDS error=NAME fqdn=NAME cookies=N
 *   policy=LOCAL,REMOTE       macro or micro, macro, micro or none
 *   methods=NAME,... tunnels=NAME,...
 *   local=ADDRESS remote=ADDRESS endpoint=ADDRESS      or "any", or a name
 *   ports=NUMBER rports=NUMBER spis=NUMBER    of any; "none" of ports
 *   ports=NUMBER@FIRST        contiguous      ports=NUMBER@ONE,TWO,...
 *   address=ADDRESS network=ADDRESS/MASK      tuples that are local
 *
 * "name=none" of counter, client and bind takes it out.
 */

/* The type of that name, 0 if there is none (and the scenario fails). */
unsigned play_rsip_type(struct play *p, const char *name);
/* The same of an error. */
unsigned play_rsip_error(struct play *p, const char *name);
/* Puts what the line says into m. */
void	play_rsip_fill(struct play *p, struct rsip_message *m);
/* An event: what, the type, all that the message has. */
void	play_rsip_event(struct play *p, const char *what,
	    const struct rsip_message *m);

#endif
