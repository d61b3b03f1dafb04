/* record.h - what OE reads in DNS answers: TXT, KEY and IPSECKEY (draft -17 §5; RFC 2535 §3; RFC 4025) */
#ifndef OE_RECORD_H
#define OE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oe/keying.h"
#include "oe/pubkey.h"

#define RECORD_TYPE_TXT		16
#define RECORD_TYPE_KEY		25
#define RECORD_TYPE_IPSECKEY	45

#define RECORD_MAX		16	/* of one answer, our limit */
#define RECORD_TXT_MAX		4096	/* a TXT record's strings joined */
#define RECORD_NEGATIVE_TTL	300	/* seconds, where no
					 * SOA says how long */

enum record_status {
	RECORD_FOUND,		/* at least one record of ours, well formed */
	RECORD_NONE,		/* no such name, or none of our records there */
	RECORD_UNUSABLE,	/* one of ours, well formed,
				 * but of no use to us */
	RECORD_MALFORMED,	/* one of ours, but not to be read
				 * (draft -17 §3.2.4) */
	RECORD_FAILED,		/* SERVFAIL, REFUSED, nonsense:
				 * nothing can be said */
	RECORD_BOGUS,		/* there, but the resolver's
				 * DNSSEC refuses it */
	RECORD_TIMEOUT,		/* nobody answered */
};
const char *record_status_text(enum record_status s);

/* A record says who may act for an address, or what key a name has. */
struct record {
	uint16_t precedence;		/* lower is stronger */
	struct keying_id gateway;	/* ADDR or FQDN; type 0:
					 * the owner itself */
	struct pubkey key;		/* len 0: to be looked up */
};

struct record_answer {
	enum record_status status;
	bool	 authentic;		/* DNSSEC vouches: checked
					 * here, or AD */
	bool	 unchecked;		/* this host was to check
					 * it, and cannot */
	uint32_t ttl;			/* seconds: smallest of what was
					 * used, or negative TTL */
	unsigned n;
	struct record r[RECORD_MAX];	/* strongest precedence first */
};

/*
 * Reads a whole DNS message that answers a query for (name, type).  Follows
 * CNAMEs in the answer section.  min_bits: smaller RSA keys make a record
 * unusable.  Always fills out.
 */
void	record_parse(struct record_answer *out, const uint8_t *msg, size_t len,
	    const char *name, uint16_t type, unsigned min_bits);

/* What one record is to us. */
enum record_kind {
	RECORD_READ,		/* read */
	RECORD_OTHER,		/* not for IPsec */
	RECORD_USELESS,		/* ours; but of a size, algorithm or address
				 * that we have not */
	RECORD_WRONG,		/* ours, and not to be read */
};
/* One TXT record's joined strings: "X-IPsec-Server(P)=A.B.C.D KEY" or
 * "...=@FQDN KEY"; P up to 65535, white space around the signs allowed. */
enum record_kind record_txt(struct record *r, const char *s, size_t len,
	    unsigned min_bits);
/* The same for the data of a KEY and an IPSECKEY record. */
enum record_kind record_key(struct record *r, const uint8_t *p, size_t len,
	    unsigned min_bits);
enum record_kind record_ipseckey(struct record *r, const uint8_t *p, size_t len,
	    unsigned min_bits);

/* Is a record's key, at the name of id's key, meant for id?  A TXT or IPSECKEY
 * record may name another's key. */
bool	record_gives_key(const struct record *r, uint16_t type,
	    const struct keying_id *id);

#endif
