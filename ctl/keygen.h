/* keygen.h - the commands that need no daemon: making a key, and its records for a zone */
#ifndef CTL_KEYGEN_H
#define CTL_KEYGEN_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "net/addr.h"
#include "oe/pubkey.h"

#define KEYGEN_BITS_DEFAULT	2048u
#define KEYGEN_PRECEDENCE	10	/* of X-IPsec-Server(P) and IPSECKEY */

/* What the records are about. */
struct zone_request {
	const char *id;		/* "@name" or an address: who holds the key */
	struct addr client;	/* none: the holder itself; else the address
				 * that delegates to it */
	unsigned    precedence;	/* 0..255, lower is stronger */
};

/* Is that an identity as zone_request has it?  -1 after one log line. */
int	zone_id_check(const char *id);

/* Makes a key at path (bits as in pubkey_generate); its folder is made if
 * absent (one level).  An existing file stays unless force.  0, or -1
 * after one log line. */
int	keygen_make(struct pubkey *out, const char *path, enum pubkey_type type,
	    unsigned bits, bool force);
/* Reads the public half of the key at path. 0, or -1 after one log line. */
int	keygen_read(struct pubkey *out, const char *path);

/*
 * The records that let others find the key: an array of
 * {"name","type","data"}, the caller's to put; data is in a zone file's
 * syntax.  The holder's name gets IPSECKEY (RFC 4025), the address that
 * delegates another that names the holder. A key of RSA also gets KEY there
 * (RFC 2535 §3, RFC 4322 §5.3) and TXT here (RFC 4322 §5.2), which IKEv1 goes
 * by.  NULL after one log line if the id is bad.
 */
json_object *zone_records(const struct pubkey *k, const struct zone_request *r);
/* The same array (borrowed) as lines of a zone file. */
void	zone_print(FILE *f, json_object *records);

#endif
