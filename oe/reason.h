/* reason.h - why a connection is as it is: a code, what it is about, and the words for people */
#ifndef OE_REASON_H
#define OE_REASON_H

#include <stdbool.h>
#include <stddef.h>

#include "net/addr.h"
#include "oe/keying.h"
#include "oe/record.h"

/* Named by reason_name(); doc/control.md says what each means. */
enum oe_reason {
	REASON_NONE,
	/* what the operator said */
	REASON_POLICY_DENY,
	REASON_POLICY_CLEAR,
	REASON_ACCEPT_ONLY,
	REASON_TUNNEL,			/* words: its name */
	REASON_RECONFIGURED,
	/* who we are */
	REASON_NO_KEY,
	REASON_NO_IDENTITY,		/* words: what DNS has */
	REASON_IKEV1_ONLY,		/* and IPv6 */
	/* what DNS said */
	REASON_DNS_SLOW,	/* number: seconds; the search goes on */
	REASON_DNS_NONE,
	REASON_DNS_UNUSABLE,
	REASON_DNS_MALFORMED,
	REASON_DNS_FAILED,
	REASON_DNS_BOGUS,
	REASON_DNS_SILENT,
	REASON_DNS_NOT_SECURE,
	REASON_DNS_KEY_MALFORMED,
	REASON_DNS_NO_GATEWAY,
	REASON_DNS_GONE,
	/* what the peer's IKE said; addr: the peer, words: what it said */
	REASON_IKE_SLOW,	/* number: seconds; the search goes on */
	REASON_IKE_SILENT,
	REASON_IKE_ICMP,
	REASON_IKE_PEER_REFUSED,
	REASON_IKE_CHILD_REFUSED,
	REASON_IKE_SIGNATURE,
	REASON_IKE_IDENTITY,
	REASON_IKE_OUR_PROOF,
	REASON_IKE_VERSION,
	REASON_IKE_LOCAL,
	REASON_REKEY_FAILED,		/* number: enum keying_failure */
	REASON_ONE_HOST_ONLY,
	REASON_TRYING,
	REASON_TRIED,			/* words: what came of it */
	/* limits of ours */
	REASON_LOOKUPS_FULL,
	REASON_IKE_FULL,		/* words: of what there are too many */
	/* keys are there */
	REASON_KEY_IN_DNS,
	REASON_PEER_ASKED,
	REASON_NOBODY_ANSWERED,
	REASON_NOBODY_ASKED,
	REASON_EACH_FLOW,
	REASON_ANSWERS_ANOTHER,		/* words: what a flow alone led to */
	/* it ended */
	REASON_UNUSED,
	REASON_NO_FLOW,
	REASON_DELETED_BY_PEER,
	REASON_KEYS_EXPIRED,
	REASON_CROSSED,
	REASON_PEER_GONE,
};

#define REASON_WORDS_MAX 192
struct reason {
	enum oe_reason code;
	struct addr    addr;		/* none: it is about no address */
	unsigned       number;
	char	       words[REASON_WORDS_MAX];
};

/* A reason that needs a code alone, or words too; REASON() is good until the
 * end of the block it stands in. */
#define REASON(code_) (&(struct reason){ .code = (code_) })
struct reason reason_of(enum oe_reason code);
struct reason reason_with(enum oe_reason code, const char *words);
/* Of a look-up that ended so; of a negotiation with that peer, which may have
 * said something (NULL: nothing). */
struct reason reason_of_record(enum record_status s);
struct reason reason_of_failure(enum keying_failure f, const struct addr *peer,
	    const char *said);

/* Same code, number and words. */
bool	reason_equal(const struct reason *a, const struct reason *b);
/* "dns-silent", for programs. */
const char *reason_name(enum oe_reason code);
/* "203.0.113.1", "20": what the code is about; "" if it says all. */
void	reason_detail(const struct reason *r, char *out, size_t cap);
/* The same as a sentence. */
#define REASON_TEXT_MAX 320
const char *reason_text(const struct reason *r, char *out, size_t cap);
#define REASON_TEXT(r) \
	reason_text((r), (char[REASON_TEXT_MAX]){ 0 }, REASON_TEXT_MAX)

#endif
