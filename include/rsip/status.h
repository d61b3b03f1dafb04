/* status.h - is my connection encrypted, to whom, and how do we know? (RFC 5406 §3.4) */
#ifndef RSIP_STATUS_H
#define RSIP_STATUS_H

#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What happens to packets between two addresses, at the moment
 * of the question. */
enum rsip_protection {
	RSIP_NONE,		/* no traffic yet, so nothing is decided */
	RSIP_CLEAR,		/* sent in the clear */
	RSIP_HELD,		/* keys are being negotiated;
				 * nothing has been sent */
	RSIP_DROPPED,		/* policy lets nothing through */
	RSIP_ENCRYPTED,		/* IPsec ESP with integrity, to peer */
};

/* How the peer's key was found.  That it has this key says nothing of its right
 * to the address: enum rsip_right. */
enum rsip_authentication {
	RSIP_AUTH_NONE,		/* not encrypted */
	RSIP_AUTH_DNS,		/* in DNS without DNSSEC: safe only from
				 * those who just listen */
	RSIP_AUTH_DNSSEC,	/* in DNS, and the validating
				 * resolver vouches for it */
	RSIP_AUTH_KEY,		/* a public key configured by hand */
	RSIP_AUTH_PSK,		/* a shared secret configured by hand */
};

/* How it is known that the peer may speak for the remote address. */
enum rsip_right {
	RSIP_RIGHT_NONE,	/* not encrypted */
	RSIP_RIGHT_FLOWS,	/* nobody says so: the peer may be any
				 * host that shares the address, and
				 * began this very flow */
	RSIP_RIGHT_DNS,		/* the address's reverse map names
				 * it, without DNSSEC */
	RSIP_RIGHT_DNSSEC,	/* and the validating resolver
				 * vouches for that */
	RSIP_RIGHT_CONFIGURED,	/* configured by hand */
};

struct rsip_status {
	enum rsip_protection	 protection;
	enum rsip_authentication authentication;
	/* policy forbids clear text: it stays so */
	int			 required;
	struct in_addr		 local, remote;
	/* IPsec identity, "@y1.example" or "192.0.2.1"; or "" */
	char			 peer[256];
	/* "AES-256-CBC/HMAC-SHA2-256-128"; or "" */
	char			 cipher[64];
	char			 reason[256];	/* one sentence for people */
	enum rsip_right		 right;
	/* of IPv6, where local and remote are 0.0.0.0; else :: */
	struct in6_addr		 local6, remote6;
};

/*
 * About a connected socket of IPv4 or IPv6 (TCP, or UDP after connect()),
 * asking the daemon rsipc or oed of this host.  control is its socket, NULL for
 * the places where they are installed.  No privilege is needed.  Waits at most
 * two seconds, safe in threads, sends no signals.
 *
 * Fills out and returns 0.  Returns -1 with errno if it cannot be known:
 * ENOENT or ECONNREFUSED: no daemon runs, so nothing of ours encrypts;
 * EAFNOSUPPORT: neither; ENOTCONN: not connected; EPROTO: the daemon's answer
 * was an error or not understood; ETIMEDOUT.
 *
 * An answer is about now.  A connection that must never be in the clear needs
 * a policy that says so (required), not a question asked once.
 */
int	rsip_status_socket(int fd, const char *control,
	    struct rsip_status *out);

/* The same about traffic from local (INADDR_ANY: whatever it would be) to
 * remote: what happens to a new flow.  Where hosts share that address, flows of
 * theirs may be encrypted beside it; ask by the socket. */
int	rsip_status_address(struct in_addr local, struct in_addr remote,
	    const char *control, struct rsip_status *out);
/* The same of IPv6; in6addr_any. */
int	rsip_status_address6(const struct in6_addr *local,
	    const struct in6_addr *remote, const char *control,
	    struct rsip_status *out);

#ifdef __cplusplus
}
#endif

#endif
