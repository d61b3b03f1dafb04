/* rules_judge.h - has the router rules of its own about what it forwards? */
#ifndef NAT_RULES_JUDGE_H
#define NAT_RULES_JUDGE_H

#include <stdbool.h>

/* Asks nft and iptables, as root.  True where neither can be asked. */
bool	rules_judge(void);

/* Pure.  Of what "nft list ruleset" said: is there a chain at the forward hook,
 * but ours, that has rules or drops what it has none for? */
bool	rules_judge_nft(const char *text);
/* Of what iptables-save said: a rule in FORWARD that is not a call of ours? */
bool	rules_judge_iptables(const char *text);

#endif
