/* begin.h - Phase 1 SAs that we begin: for a request, to follow one that ends, instead of a stale one */
#ifndef OE_IKE1_BEGIN_H
#define OE_IKE1_BEGIN_H

#include "oe/ike1/table.h"

/* Not begun yet; NULL: a limit, or a request that cannot be met. */
struct ike1_sa *begin_sa(struct ike1 *e, uint64_t now,
	    const struct keying_request *r);
/* The SA's time is nearly over, and others need it: another is made. */
void	begin_renewal(struct ike1_sa *sa, uint64_t now);
/* Phase 2 negotiations over sa that the peer has not answered with a word begin
 * again over a new SA, once each, and sa ends; false: there are none. */
bool	begin_again(struct ike1_sa *stale, uint64_t now);
/* Is c such a one?  And has it waited long enough over an SA that was silent
 * before? */
bool	begin_is_unheard(const struct ike1_child *c);
bool	begin_is_lost(const struct ike1_child *c, uint64_t now);
/* A probe over sa was not answered: its connections are told, and decide. */
void	begin_peer_silent(struct ike1_sa *sa, uint64_t now);
/* DPD over sa found the peer dead: all of it goes (RFC 3706 §5.5). */
void	begin_peer_dead(struct ike1_sa *sa, uint64_t now);

#endif
