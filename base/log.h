/* log.h - one line a message to the operator: stderr in the foreground, syslog else */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdarg.h>
#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,	/* something the operator must mend */
	LOG_LEVEL_WARN,		/* something odd that we survive */
	LOG_LEVEL_INFO,		/* events of a connection's or lease's life */
	LOG_LEVEL_DEBUG,	/* only with -d */
};

/*
 * Sets where messages go; to the journal with their level (sd-daemon(3)).  name
 * must outlive the program's use of the log. Before the first call messages go
 * to stderr at LOG_LEVEL_INFO.
 */
void	log_init(const char *name, bool foreground, enum log_level max);

/* True if a message of this level would be written: guards costly arguments. */
bool	log_enabled(enum log_level level);

/*
 * Each writes one line, without a newline in fmt; bytes outside printable
 * ASCII are written as \xNN, so that what a stranger sent cannot forge lines.
 * Thread safe.
 */
void	log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_message(enum log_level level, const char *fmt, va_list ap)
	    __attribute__((format(printf, 2, 0)));

/* Copies text with everything but printable ASCII as \xHH; stops where out is
 * full, terminates, and returns the length. */
size_t	log_escape(char *out, size_t cap, const char *in);

#endif
