/* validate.h - what the daemon and its validating process say to each other, and libunbound as both they and rsipctl set it up */
#ifndef NET_VALIDATE_H
#define NET_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct ub_ctx;

#define VALIDATOR_SERVERS_MAX	4
#define VALIDATOR_ANCHORS_MAX	16384	/* bytes of DS and DNSKEY records */
#define VALIDATOR_WHY_MAX	160
#define VALIDATOR_NAME_MAX	256
#define VALIDATE_MESSAGE_MAX	65535

enum validator_verdict {
	VALIDATOR_SECURE,	/* signed, from the trust anchor on */
	VALIDATOR_INSECURE,	/* signed proof that it is not signed */
	VALIDATOR_BOGUS,	/* should be signed, and is not, or wrongly */
	VALIDATOR_FAILED,	/* no answer that says anything */
	VALIDATOR_SILENT,	/* none in time */
	VALIDATOR_UNCHECKED,	/* VALIDATOR_CANNOT: ask somebody else */
};

struct validator_config {
	const struct addr *servers;	/* those that are asked */
	size_t		   nservers;
	const char	  *anchors;	/* DS or DNSKEY records, a line each */
	bool		   follow;	/* one zone's: its keys are followed as
					 * they roll (RFC 5011), where
					 * there is a folder */
	struct validator_ports {
		uint16_t lo, hi;
	} ports;			/* that questions come from, host
					 * order; hi 0: any */
};

/* Who checks unless somebody is named: this host, where it can. */
#ifdef HAVE_UNBOUND
#define VALIDATE_DEFAULT "local"
#else
#define VALIDATE_DEFAULT "resolver"
#endif
#define VALIDATE_ANCHORS "/usr/share/dns/root.key"	/* of dns-root-data */
/*
 * Reads the whole file (base/opener.h), of which a line at least is to be a DS
 * or DNSKEY record.  chosen: it must be there; else the program's own are taken
 * where it is not, or path is "".  0, or -1 with *why set to words.
 */
int	validate_anchors_read(const char *path, bool chosen,
	    char out[VALIDATOR_ANCHORS_MAX], const char **why);

/* To the process. */
enum validate_wish { VALIDATE_CONFIGURE = 1, VALIDATE_ASK };

struct validate_request {
	uint32_t wish, ticket;
	/* to configure */
	bool	 follow;
	size_t	 nservers;
	struct addr servers[VALIDATOR_SERVERS_MAX];
	struct validator_ports ports;
	/* to ask */
	uint16_t type;
	char	 name[VALIDATOR_NAME_MAX];
	/* to configure; a question goes without it */
	char	 anchors[VALIDATOR_ANCHORS_MAX];
};

/* From it: this, and the message. */
struct validate_reply {
	uint32_t hello;		/* 1: it has just begun, and knows nothing */
	uint32_t ticket;
	enum validator_verdict verdict;
	char	 why[VALIDATOR_WHY_MAX];
	size_t	 len;
};

#ifdef HAVE_UNBOUND
struct ub_result;

/* anchor_file: one that libunbound follows and rewrites; NULL: c's anchors.
 * NULL with a sentence in why. */
struct ub_ctx *validate_open(const struct validator_config *c,
	    const char *anchor_file, char why[VALIDATOR_WHY_MAX]);
enum validator_verdict validate_verdict(int error, const struct ub_result *r,
	    char why[VALIDATOR_WHY_MAX]);

/* What the process does until fd ends (base/helper.h). */
struct validate_work {
	char daemon[16];
	char folder[256];		/* "": none */
};
void	validate_serve(int fd, bool again, void *arg);
#endif

#endif
