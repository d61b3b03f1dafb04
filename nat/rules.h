/* rules.h - the root process that keeps firewall rules and interface settings for the data plane */
#ifndef NAT_RULES_H
#define NAT_RULES_H

#include "base/helper.h"
#include "nat/plan.h"

/* What the process tells the daemon, one byte each. */
enum rules_event {
	RULES_ALONE = '1',	/* no other process keeps rules here any more */
	RULES_UP_NFTABLES = 'n',	/* rules are in force */
	RULES_UP_IPTABLES = 'i',
	RULES_UP_NONE = '-',	/* rules are the operator's business */
	RULES_FAILED = 'f',	/* rules cannot be; the reason was logged */
	RULES_THREADED = 't',	/* both interfaces receive in threads */
	RULES_MENDED = 'm',	/* somebody removed them, they are back */
	RULES_GONE = 'g',	/* the same, and they cannot be put back */
	RULES_JUDGED = 'j',	/* the router has rules of its own about what it
				 * forwards, ... */
	RULES_UNJUDGED = 'u',	/* ... or none (before this: unknown) */
	RULES_AGAIN = 'a',	/* another process answers: rules_change() for
				 * what was said to the one that was killed */
};

/*
 * Forks the process (base/helper.h), whose fd is readable on each rules_event,
 * EOF if it is gone for good.  One of a daemon that was killed is waited for.
 * It installs nothing before rules_begin(), and removes all in helper_stop().
 * plan lives as long as the call.  0, or -1 after one log line.
 */
int	rules_start(const struct rules_plan *plan, struct helper *h);
/* Installs, and waits until it is done: 0 and which firewall it is, or -1
 * after a log line. */
int	rules_begin(int fd, const char **backend);
/* Has the rules made anew with the plan's interfaces, networks, hosts, pools
 * and NAPT ports: 0, or -1 if the process is gone. */
int	rules_change(int fd, const struct rules_plan *plan);

/*
 * Nothing moves: what the kernel tells of by itself is still looked at at once,
 * settings only when something moves again.  As far as changes of this firewall
 * are told of.
 */
void	rules_rest(int fd, bool rest);

/* The daemon ends for good: nothing is to stay.  After any other end, and
 * helper_leave(), all stays for the configuration's linger, but no longer than
 * the gateway's address where that roams, or a SIGTERM to the process. */
void	rules_stop(struct helper *h);
#endif
