/* conf.h - reading libConfuse files with errors as "file:line: reason" */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <confuse.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Parses path against opts (libConfuse's tables).  On success returns a tree
 * the caller frees with cfg_free().  On failure logs one line
 * "file:line: reason" and returns NULL.  With optional, a file that does not
 * exist is read as an empty one, so that the defaults of opts hold.
 */
cfg_t	*conf_read(const char *path, cfg_opt_t *opts, bool optional);

/* Logs "file:line: reason" for a value found wrong after parsing. */
void	 conf_error(cfg_t *cfg, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* Text to values.  Each returns 0, or -1 without logging. */
/* "4000-4999" or "4000"; host order, lo <= hi, both 1..65535. */
int	 conf_port_range(const char *s, uint16_t *lo, uint16_t *hi);

/*
 * Refuses (one log line, -1) a secret's file that is absent, not a regular
 * file, or readable by group or others; then opens it read-only.
 * Returns the descriptor, which the caller closes.
 */
int	 conf_open_secret(const char *path);

#endif
