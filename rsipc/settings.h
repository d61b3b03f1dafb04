/* settings.h - what rsipc.conf says, checked */
#ifndef RSIPC_SETTINGS_H
#define RSIPC_SETTINGS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/option.h"
#include "base/web.h"
#include "oe/settings.h"
#include "rsipc/host.h"
#include "rsipc/signer.h"

struct settings {
	struct addr gateway;		/* none: the default route's next hop */
	bool	 discover;		/* else DNS is asked
					 * when that is none */
	uint16_t port;
	struct host_config host;
	char	 interface[IFNAMSIZ], oe_interface[IFNAMSIZ];
	char	*control;
	struct web_config web;
	char	*state;			/* file of the lease; "": none */
	bool	 ike_500;		/* IKE from port 500 though
					 * ports are leased */
	bool	 cascade;		/* an rsipd here leases on what we lease
					 * (RFC 3102 §4.2.1) */
	bool	 direct;		/* without a lease the network is used
					 * as if we were not there */
	bool	 offload;		/* what policy passes goes past
					 * us, where the kernel can */
	bool	 stay_shut;		/* what policy shuts is so after
					 * an orderly end too */
	uint32_t key_id;
	struct option_secret secret;
	bool	 require_auth;
	struct oe_config *oe;		/* oe_new() or oe_reconfigure()
					 * takes it over */
};

/* rsipc.conf(5). */
extern const struct option settings_options[];

/* As service_plan (base/service.h) has them, of struct settings. */
void	*settings_read(const struct option_source *source);
/* Whom every program asks first, a resolver, is whom a lease is asked for
 * first; where all of them are of IPv6 that stays as it is. */
void	 settings_remote(struct host_config *host, const struct oe_config *oe);
void	 settings_free(void *settings);		/* wipes; NULL is allowed */

#endif
