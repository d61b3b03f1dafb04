/* ike_net.h - keying engines on a fake network with a fake clock, for tests and benchmarks */
#ifndef TESTS_UNIT_IKE_NET_H
#define TESTS_UNIT_IKE_NET_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oe/keying.h"

#define NET_HOSTS	4
#define NET_CHILDREN	64	/* remembered a host */
#define NET_DATAGRAM	4096
#define NET_QUEUE	512
#define NET_DELAY	10	/* milliseconds a datagram is under way */
#define NET_LATER	300	/* milliseconds until a late answer */

enum net_answer { NET_NOW, NET_LATE, NET_NEVER, NET_REFUSE };

struct net;

/* A pair of SAs as the engine reported them. */
struct net_child {
	void	*conn;
	struct keying_child child;
	bool	 confirmed, down, by_peer;
	unsigned sent;			/* datagrams, when it came */
};

struct net_host {
	struct net *net;
	const struct keying_engine *engine;
	void	*ike;			/* the engine's */
	struct addr addr;
	struct keying_id id;
	EVP_PKEY *key;			/* borrowed */
	struct pubkey pub;
	const char *psk;		/* peer_lookup answers with it too */

	enum net_answer lookup, ask;	/* how ops answer */
	bool	 psk_names_refused;	/* a pre-shared key is
					 * for addresses only */
	bool	 anonymous;		/* takes who proves
					 * nothing (RFC 7619) */
	bool	 wrong_key;		/* peer_lookup gives a key nobody has */
	bool	 unknown;		/* peer_lookup knows no key */
	bool	 no_spi;
	struct addr lends;		/* to who asks for an
					 * address; none: nothing */
	bool	 first_only;		/* of selectors the first is
					 * granted, no more */

	struct net_child children[NET_CHILDREN];
	unsigned nchildren;		/* ups, ever */
	unsigned downs, confirms, lookups, asks, contacts;
	unsigned wanted_inner;		/* child_ask() said so */
	unsigned silences;		/* peer_silent() */
	unsigned hints, facts;		/* invalid_spi(), the
					 * latter authenticated */
	uint32_t invalid_spi;		/* of the last one */
	unsigned fails;
	enum keying_failure failure;	/* of the last failed() */
	char	 detail[128];
	int	 spis;	/* got, neither put back nor in a child */
	uint32_t next_spi;
	uint64_t last_cookie;
	unsigned cookies;
	unsigned sent, received;
	size_t	 longest;		/* datagram sent */
	int	 conns[NET_CHILDREN];	/* addresses serve as conn pointers */
};

struct net_datagram {
	uint64_t due;
	struct keying_path path;	/* as the sender saw it */
	size_t	 len;
	uint8_t	 buf[NET_DATAGRAM];
};

struct net {
	uint64_t now;
	struct net_host hosts[NET_HOSTS];
	unsigned nhosts;
	struct net_datagram queue[NET_QUEUE];
	unsigned nqueue;
	unsigned loss, dup, reorder;	/* per cent */
	uint32_t seed;
	/* Sees every datagram before it is queued; false: swallow it. May
	 * change it in place. */
	bool	 (*filter)(struct net *net, struct net_datagram *d, void *arg);
	void	*filter_arg;
	unsigned count;			/* datagrams offered to the filter */
	/* A plain NAT in front of inside: its datagrams leave as outside from
	 * nat_port + original port. 0: none. */
	struct addr nat_inside, nat_outside;
	uint16_t nat_port;
	struct net_late {
		uint64_t due;
		unsigned host;
		uint64_t token;
		bool	 child;
		struct keying_id id;
	} late[64];
	unsigned nlate;
};

/* Microseconds that each piece of public-key work takes on the fake clock. */
extern uint64_t net_work_us;
/* The clock of that work, for engines that count it. */
uint64_t net_spent(void);

/* Three shared RSA keys of 2048 bits (made once), for whoever needs one, and
 * keys of each other type. */
enum { NET_KEY_P256 = 3, NET_KEY_P384, NET_KEY_ED25519, NET_KEYS };
EVP_PKEY *net_key(unsigned n);

void	net_init(struct net *net, uint32_t seed);
/*
 * A host with an engine of any version, which make() makes once the rest of it
 * is there; config is what make() gets.  id "@name" or dotted quad.
 */
struct net_host *net_host_add(struct net *net, const char *addr,
	    const char *id, EVP_PKEY *key, const struct keying_engine *engine,
	    void *(*make)(struct net_host *h, const void *config,
	    const struct keying_ops *ops), const void *config);
/* Fills in a request from a to b: keys, identities, /32 selectors. */
void	net_request_init(struct keying_request *r, const struct net_host *a,
	    const struct net_host *b, uint16_t local_port);
/* Request with conn &a->conns[n]. */
int	net_request(struct net_host *a, const struct net_host *b, unsigned n);
/* Runs clock, network and engines until the time, or until
 * nothing is left to do. */
void	net_run(struct net *net, uint64_t until);
/* Runs for so many milliseconds more. */
void	net_pass(struct net *net, uint64_t ms);
/* Delivers one datagram now, as the network would. */
void	net_deliver(struct net *net, const struct net_datagram *d);
/* Children that are up on h. */
unsigned net_alive(const struct net_host *h);
/* True if a's newest child and b's newest have each other's keys and SPIs. */
bool	net_agree(const struct net_host *a, const struct net_host *b);
/* Frees the engines; true if every SPI was given back. */
bool	net_end(struct net *net);

#endif
