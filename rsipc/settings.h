/* settings.h - what rsipc.conf says, checked */
#ifndef RSIPC_SETTINGS_H
#define RSIPC_SETTINGS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "oe/engine.h"
#include "rsipc/host.h"
#include "rsipc/signer.h"

#define SETTINGS_PATHS_MAX	64

struct settings {
	uint32_t gateway;		/* network order; 0: the default route's next hop */
	bool	 discover;		/* else DNS is asked when that is none */
	uint16_t port;
	struct host_config host;
	char	 interface[IFNAMSIZ], oe_interface[IFNAMSIZ];
	char	*control;
	char	*state;			/* file of the lease; "": none */
	bool	 ike_500;		/* IKE from port 500 though ports are leased */
	bool	 cascade;		/* an rsipd here leases on what we lease (RFC 3102 §4.2.1) */
	bool	 direct;		/* without a lease the network is used as if we were not there */
	bool	 stay_shut;		/* what policy shuts is so after an orderly end too */
	uint32_t key_id;
	uint8_t	 secret[SIGNER_SECRET_MAX];
	size_t	 secret_len;
	bool	 require_auth;
	char	*paths[SETTINGS_PATHS_MAX]; /* what a reload will open again */
	size_t	 npaths;
	struct oe_config *oe;		/* oe_new() or oe_reconfigure() takes it over */
};

/*
 * Reads path (optional: it may be absent) and the files it names.  NULL after
 * one log line "file:line: reason".
 */
struct settings *settings_read(const char *path, bool optional);
void	settings_free(struct settings *s);	/* wipes; NULL is allowed */

#endif
