/* settings_read.h - rsipd.conf read */
#ifndef RSIPD_SETTINGS_READ_H
#define RSIPD_SETTINGS_READ_H

#include "base/option.h"
#include "rsipd/settings.h"

/* rsipd.conf(5). */
extern const struct option settings_options[];

/* Reads the file, and the secrets it names.  NULL
 * after one log line "file:line: reason". */
void	*settings_read(const struct option_source *s);
void	 settings_free(void *settings);		/* NULL is allowed */

/* Why addr cannot be leased, to stand behind its name; NULL if it can (RFC
 * 3102 §4.2).  The private side's networks are known only to a complete c. */
const char *settings_pool_refused(const struct settings *c,
	    const struct addr *addr);

#endif
