/* version.h - which version of IKE a peer is asked in, and who is not spoken to in an old one any more */
#ifndef OE_VERSION_H
#define OE_VERSION_H

#include "oe/connection.h"

/*
 * IKEv2 comes first.  IKEv1 may follow where nobody answers that, or nothing
 * that counts: to a peer whose key a TXT record or the operator named, as those
 * are what IKEv1's peers publish, and never to one whose key spoke IKEv2
 * before. So whoever swallows datagrams gains nothing but an older protocol
 * between the same keys, and that once.
 */
#define VERSION_BIT(version)	(1u << (version))

/* Has IKEv1 what it takes for it?  Not for IPv6, which it has never had
 * here. */
bool	version_has_one(const struct connection *conn);
/* The version to begin with; 0: there is none that may be used. */
unsigned version_first(const struct connection *conn);
/* conn is asked in IKEv2 now: the older one begins beside it,
 * soon, where it may. */
void	version_wait_older(struct connection *conn);
void	version_wait_no_more(struct connection *conn);
/* When the next older one begins (request_tick_older());
 * UINT64_MAX: none does. */
uint64_t version_next(const struct core *c);

enum version_verdict {
	VERSION_OVER,
	VERSION_GOES_ON,		/* another is at work for the same */
	VERSION_ASK_OLDER,
};
/* A request in that version ended without keys. */
enum version_verdict version_failed(struct connection *conn, unsigned version,
	    enum keying_failure f);
/* Are keys that came by that version of use to conn, as initiator? */
bool	version_is_wanted(const struct connection *conn, unsigned version);
/* Keys came. */
void	version_keyed(struct connection *conn, const struct keying_child *k);

/* --- who spoke IKEv2 --- */

#define SPOKEN_MAX	1024
#define SPOKEN_ID_LEN	16
struct spoken {	/* a key with which a peer proved itself by IKEv2 */
	uint8_t id[SPOKEN_ID_LEN];	/* of its hash */
	int64_t at;		/* "now" of the last time; perhaps before
				 * the host's start */
	bool	ours;		/* asked by us: strangers do not displace it */
};
/* The same, out of a file. */
void	version_recall(struct core *c, const struct spoken *s);
/* Is s of use still? */
bool	version_remembers(const struct core *c, const struct spoken *s);

/* Tells the engine that asked what proves a peer; not to IKEv1 a key that spoke
 * IKEv2. */
void	version_answer_keys(struct core *c, uint64_t token,
	    const struct keying_id *id, const struct pubkey *keys, size_t n);

#endif
