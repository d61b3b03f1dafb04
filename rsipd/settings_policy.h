/* settings_policy.h - what rsipd.conf says of hosts, as a table that stands at the top and in sections */
#ifndef RSIPD_SETTINGS_POLICY_H
#define RSIPD_SETTINGS_POLICY_H

#include "base/option.h"
#include "rsipd/settings.h"

extern const struct option settings_policy_options[];

/* option_open of the top and of a section; to is the struct settings, whose
 * policies the first one makes. */
int	settings_base_policy(void *to, const struct option_source *s,
	    const struct option *o);
int	settings_section_policy(void *to, const struct option_source *s,
	    const struct option *o);

#endif
