/* publish.h - "rsipctl publish": a key's records go into DNS by RFC 2136 with TSIG (RFC 8945), and are looked up */
#ifndef CTL_PUBLISH_H
#define CTL_PUBLISH_H

#include <json-c/json.h>

#include "ctl/names.h"
#include "oe/pubkey.h"

enum publish_how {
	PUBLISH_ADD,		/* beside what is there */
	PUBLISH_REPLACE,	/* in the place of other keys' records */
	PUBLISH_REMOVE,
};

struct publish_request {
	struct names_config names;	/* the look-up */
	const struct pubkey *key;	/* that is to be found then */
	const char *server;		/* name or address; NULL: the zone's
					 * primary, as its SOA has it */
	const char *zone;		/* NULL: looked up */
	const char *tsig;		/* file, as tsig-keygen writes it */
	unsigned    ttl;		/* seconds */
	enum publish_how how;
};

/* records: as zone_records() gives them, borrowed.  The program's exit status:
 * 0, or 1 after a line that says what to mend. */
int	publish_run(const struct publish_request *r, json_object *records);

#endif
