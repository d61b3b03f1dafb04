/* keygen.h - the commands that need no daemon: making a key, and its records for a zone */
#ifndef CTL_KEYGEN_H
#define CTL_KEYGEN_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "oe/pubkey.h"

#define KEYGEN_BITS_DEFAULT	2048u
#define KEYGEN_PRECEDENCE	10	/* of X-IPsec-Server(P) and IPSECKEY */

/* What the records are about. */
struct zone_request {
	const char *id;		/* "@name" or an IPv4 address: who holds the key */
	uint32_t    client;	/* 0: the holder itself; else the address that delegates to it, network order */
	unsigned    precedence;	/* 0..255, lower is stronger */
};

/* Is that an identity as zone_request has it?  -1 after one log line. */
int	zone_id_check(const char *id);

/* Makes a key of that many bits at path; its folder is made if absent (one
 * level).  An existing file stays unless force.  0, or -1 after one log line. */
int	keygen_make(struct pubkey *out, const char *path, unsigned bits,
	    bool force);
/* Reads the public half of the key at path. 0, or -1 after one log line. */
int	keygen_read(struct pubkey *out, const char *path);

/*
 * The records that let others find the key: an array of {"name","type","data"},
 * the caller's to put; data is in a zone file's syntax.  The address that
 * delegates gets TXT (RFC 4322 §5.2) and IPSECKEY (RFC 4025), the holder's name
 * gets KEY (RFC 2535 §3, RFC 4322 §5.3).  NULL after one log line if the id is bad.
 */
json_object *zone_records(const struct pubkey *k, const struct zone_request *r);
/* The same array (borrowed) as lines of a zone file. */
void	zone_print(FILE *f, json_object *records);

#endif
