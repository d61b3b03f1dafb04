/* summary.h - what the engine is and has counted, and in one line whether traffic is encrypted */
#ifndef OE_SUMMARY_H
#define OE_SUMMARY_H

#include "base/report.h"
#include "oe/keying.h"

struct core;

/* What a person asks first: is my traffic encrypted, and if not, why? */
struct oe_verdict {
	unsigned keyed;			/* peers that we have keys with */
	char	 peers[64];		/* that, in words */
	char	 obstacle[3 * KEYING_NAME_MAX];	/* why nothing new would be
						 * encrypted; "": nothing */
	char	 line[4 * KEYING_NAME_MAX];		/* the answer */
};

/* Fills in "status" of the engine (base/report.h); the answer in one line. */
void	summary_report(struct core *c, struct report *r);
void	summary_verdict(const struct core *c, struct oe_verdict *out);

#endif
