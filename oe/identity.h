/* identity.h - our own records (RFC 4322 §5): can peers find our key? */
#ifndef OE_IDENTITY_H
#define OE_IDENTITY_H

#include "oe/core.h"

/* Whether others will find our key in DNS. */
enum identity_state { IDENTITY_UNKNOWN, IDENTITY_CONFIRMED, IDENTITY_ABSENT };

struct identity {
	enum identity_state state;
	struct keying_id id;	/* that was asked about */
	struct pubkey	 key;	/* ours */
	unsigned	 waiting;
	bool		 found, authentic, silent, other_key;
	bool		 was_silent;	/* DNS said nothing the last time */
	uint32_t	 ttl;
	uint64_t	 expires;
};

/* Nothing is known of our key in DNS yet; NULL may be freed. */
struct identity *identity_new(void);
void	identity_free(struct identity *i);
/* DNS is asked again then. */
void	identity_ask_again(struct core *c, uint64_t at);
/* Asks DNS for our own key, where it is time to: a new identity, a TTL over. */
void	identity_check(struct core *c, uint64_t now);
/* When that is time again by itself; UINT64_MAX: never. */
uint64_t identity_next(const struct core *c);
/* DNS has not answered about somebody: is it there at all?  Once it answers
 * about us, what was settled for its silence is looked at anew. */
void	identity_doubt(struct core *c);
/* DNS speaks again: what was settled for its silence is looked at anew. */
void	identity_dns_speaks(struct core *c);
/* The way to it is open: whatever was settled is looked at anew. */
void	identity_network_opens(struct core *c);
/* False where DNS said that nobody can find our key: we need not begin. */
bool	identity_usable(const struct core *c, int family);
void	identity_text(const struct core *c, char *out, size_t cap);
/* Why peers are not shown who we are: "" if they are. */
void	identity_nobody(const struct core *c, char *out, size_t cap);
/* Why nothing new would be encrypted, whoever it is: "" if nothing is in the
 * way. keyless: a tunnel's secret does where we have no key. */
void	identity_obstacle(const struct core *c, bool keyless, char *out,
	    size_t cap);

#endif
