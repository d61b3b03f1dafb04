/* addr_option.h - addresses and prefixes as a configuration writes them */
#ifndef NET_ADDR_OPTION_H
#define NET_ADDR_OPTION_H

#include "base/option.h"
#include "net/addr.h"

/*
 * Texts into addresses and prefixes.  Where o->ipv4 is set the feature is not
 * there for IPv6, which is refused with that reason.  0, or -1 after
 * conf_error(cfg).
 */
int	 addr_option_read(struct addr *out, cfg_t *cfg, const struct option *o,
	    const char *text);
int	 prefix_option_read(struct prefix *out, cfg_t *cfg,
	    const struct option *o, const char *text);

/* What OPTION_ADDRESS has as take(), for a member that is a struct addr.  The
 * unspecified address is refused, but not by the one that takes any. */
int	 addr_option_take(void *to, cfg_t *cfg, const struct option *o,
	    const char *text);
int	 addr_option_take_any(void *to, cfg_t *cfg, const struct option *o,
	    const char *text);
/* The same of IPv6 alone. */
int	 addr_option_take6(void *to, cfg_t *cfg, const struct option *o,
	    const char *text);
/* Of a text or list, for members that are struct prefix. */
int	 prefix_option_take(void *to, cfg_t *cfg, const struct option *o,
	    const char *text);

/* For texts without an option: NULL, or what is wrong, as it goes on after the
 * text: "is not a prefix like 192.0.2.0/24". */
const char *prefix_read(struct prefix *out, const char *text, bool ipv4);

#endif
