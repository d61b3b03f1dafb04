/* rules.h - the root process that keeps firewall rules and interface settings for the data plane */
#ifndef NAT_RULES_H
#define NAT_RULES_H

#include <stdio.h>

#include "base/helper.h"
#include "nat/dataplane.h"

/*
 * Packets that the data plane has dealt with carry a mark: all of them match
 * RULES_MARK under the mask, and the low byte says where they may go.
 */
#define RULES_MARK	0x52000000u
#define RULES_MARK_MASK	0xff000000u
#define RULES_MARK_HOST		(RULES_MARK | 0)	/* in a tunnel, to a host */
#define RULES_MARK_OUT		(RULES_MARK | 1)	/* out of one, to the public side */
#define RULES_MARK_ROUTER	(RULES_MARK | 2)	/* out of one, to the router's own
							 * public address: tracked */
#define RULES_MARK_ANSWER	(RULES_MARK | 3)	/* out of one, to a neighbour that
							 * spoke to a leased port first */

/* Networks of the private side; and beside these: more are not let in. */
#define RULES_NETWORKS	8
#define RULES_HOSTS	256

/* What the rules are made from. */
struct rules_plan {
	const struct dataplane_config *config;
	unsigned queues;		/* resolved, at least 1 */
	struct dataplane_network networks[RULES_NETWORKS];	/* private side; masqueraded */
	size_t nnetworks;
	struct dataplane_network hosts[RULES_HOSTS];	/* who may speak RSIP besides */
	size_t nhosts;
	struct demux_range napt_ports;	/* outside of every leased range */
	struct demux_range napt_ids;	/* ICMP ids that NAPT may use */
};

/* What the process tells the daemon, one byte each. */
enum rules_event {
	RULES_ALONE = '1',	/* no other process keeps rules here any more */
	RULES_UP_NFTABLES = 'n',	/* rules are in force */
	RULES_UP_IPTABLES = 'i',
	RULES_UP_NONE = '-',	/* they are the operator's business */
	RULES_FAILED = 'f',		/* they cannot be; the reason was logged */
	RULES_THREADED = 't',	/* both interfaces receive in threads */
	RULES_MENDED = 'm',		/* somebody removed them, they are back */
	RULES_GONE = 'g',		/* the same, and they cannot be put back */
	RULES_AGAIN = 'a',		/* it is another process: rules_change() for what was
					 * said to the one that was killed */
};

/*
 * Forks the process (base/helper.h), whose fd is readable on each rules_event,
 * EOF if it is gone for good.  One of a daemon that was killed is waited for.  It
 * installs nothing before rules_begin(), and removes all in helper_stop().  plan
 * lives as long as the call.  0, or -1 after one log line.
 */
int	rules_start(const struct rules_plan *plan, struct helper *h);
/* Installs, and waits until it is done: 0 and which firewall it is, or -1
 * after a log line. */
int	rules_begin(int fd, const char **backend);
/* Has the rules made anew with the plan's interfaces, networks, hosts, pools and
 * NAPT ports: 0, or -1 if the process is gone. */
int	rules_change(int fd, const struct rules_plan *plan);

/* --- what nftables and iptables each do (inside the process) ------------- */

/* A setting of /proc/sys as it was before us, kept in a rule's comment so that
 * it outlives us however we end. */
struct rules_setting {
	char key[64];
	char value[160];	/* comments hold 255 with the key */
};
#define RULES_SETTINGS	40
struct rules_settings {
	struct rules_setting list[RULES_SETTINGS];
	size_t n;
};

struct rules_backend {
	const char *name;
	/* Can this machine's kernel and programs do it?  Logs nothing. */
	bool (*usable)(void);
	/* Replaces what is there of ours, also a dead predecessor's.  0, or -1 logged. */
	int (*install)(const struct rules_plan *plan,
	    const struct rules_settings *saved);
	/* Removes all that is ours. */
	void (*remove)(void);
	/* Our rules as the kernel has them now, for comparison; a new string, NULL if unknown. */
	char *(*dump)(void);
	/* Is all that we made in a dump, and called where it must be? */
	bool (*whole)(const struct rules_plan *plan, const char *dump);
};
extern const struct rules_backend rules_iptables, rules_nftables;

/* After other pools: gives back addresses that are none, reserves others' ports, applies. */
void	rules_settings_pools(const struct rules_plan *plan,
	    struct rules_settings *saved);
/* Sets what the data plane needs; again at each check, since others set it too. */
void	rules_settings_apply(const struct rules_plan *p,
	    struct rules_settings *saved);
/* Sets what is set only once.  True if both interfaces now receive in threads. */
bool	rules_settings_once(const struct rules_plan *p,
	    struct rules_settings *saved);
/* Did the kernel check sources strictly at an interface before us (RFC 3704 §2.2)? */
bool	rules_settings_was_strict(const struct rules_settings *saved,
	    const char *ifname);
/* Puts all of it back. */
void	rules_settings_restore(const struct rules_settings *saved);

/* Reads "rsip-saved KEY=VALUE" comments out of a dump. */
void	rules_read_saved(const char *dump, struct rules_settings *out);

/*
 * Runs a program with input (may be NULL) on stdin.  *output (may be NULL) gets
 * a new string of its stdout.  Unless quiet, a failure is logged with the
 * first line of its stderr.  0 if it exited with 0, else -1.
 */
int	rules_run(const char *const argv[], const char *input, char **output,
	    bool quiet);

#endif
