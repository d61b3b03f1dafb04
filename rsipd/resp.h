/* resp.h - a connection to Valkey or Redis that never waits: found by Sentinels, encrypted, made again when it ends */
#ifndef RSIPD_RESP_H
#define RSIPD_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/option.h"
#include "net/addr.h"

struct event_base;
struct redisReply;
struct resp;
struct resolver_options;
struct ssl_ctx_st;

#define RESP_SERVERS_MAX	8
#define RESP_QUEUE_MAX		65536	/* commands without a reply */

#define RESP_NAME_MAX		256

struct resp_server {
	struct addr addr;	/* none: its name has one */
	uint16_t port;
	char	 name[RESP_NAME_MAX];	/* in DNS, "": by address only */
};

/* "ADDRESS", "NAME", "ADDRESS:PORT", "NAME:PORT" or "[ADDRESS]:PORT": port is
 * for those without.  0, or -1: it is none of these. */
int	resp_server_parse(struct resp_server *s, const char *text,
	    uint16_t port);

struct resp_config {
	/* The first that answers is it. */
	struct resp_server servers[RESP_SERVERS_MAX];
	size_t	 nservers;
	const char *master;	/* the servers are Sentinels, who
				 * know it by that name; NULL: no */
	const char *user;	/* NULL: the store's default user */
	const struct option_secret *password;	/* len 0: none is needed */
	struct ssl_ctx_st *tls;	/* borrowed; NULL: in the clear */
	const char *tls_name;	/* in its certificate; NULL: its
				 * name, or else its address */
	const struct resolver_options *dns;	/* who is asked for names, only
						 * borrowed by resp_new() */
	unsigned patience;	/* milliseconds without a reply,
				 * after which it is away */
};

struct resp_ops {
	/* The store answers: what is sent now is the first. */
	void	(*up)(void *arg);
	/* The store is away; each command without a reply has had its NULL. */
	void	(*down)(void *arg);
};

/* False: built without hiredis. */
bool	resp_is_built(void);

/* The authorities in a PEM file, and nobody else, say who the store is.  NULL
 * after one log line. */
struct ssl_ctx_st *resp_tls_new(const char *ca);
void	resp_tls_free(struct ssl_ctx_st *tls);

/* Begins to connect, and does so for ever.  name: in log
 * lines.  c's pointers are borrowed.  NULL: out of memory. */
struct resp *resp_new(struct event_base *base, const char *name,
	    const struct resp_config *c, const struct resp_ops *ops, void *arg);
/* Nobody is called any more. */
void	resp_free(struct resp *r);
/* Ends the connection and makes another one: what it said makes no sense. */
void	resp_drop(struct resp *r, const char *why);

/*
 * Sends a command; fn has its reply, which is borrowed, or NULL if there will
 * be none: it may have been done or not.  Replies come in the order of
 * commands.  len: NULL if all are texts.  -1: not connected, or too many wait;
 * fn is not called.
 */
typedef void (*resp_fn)(void *arg, const struct redisReply *reply);
int	resp_send(struct resp *r, resp_fn fn, void *arg, int argc,
	    const char *const *argv, const size_t *len);
/* The same of texts, to one NULL. */
int	resp_ask(struct resp *r, resp_fn fn, void *arg, ...)
	    __attribute__((sentinel));

#endif
