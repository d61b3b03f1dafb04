/* log.c - one line a message, to stderr or syslog, never forged by what it quotes */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"

#define LINE_MAX_LEN	1024

static const char	*log_name = "rsip";
static bool		 log_to_stderr = true;
static bool		 log_to_journal;	/* stderr leads there */
static enum log_level	 log_max = LOG_LEVEL_INFO;

/* As systemd.exec(5) says, for who was given another stderr meanwhile. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char	    ours[48];

	if (stream == NULL || fstat(STDERR_FILENO, &st) == -1)
		return false;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void
log_init(const char *name, bool foreground, enum log_level max)
{
	log_name = name;
	log_to_stderr = foreground;
	log_to_journal = foreground && stderr_is_journal();
	log_max = max;
	if (!foreground)
		openlog(name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

bool
log_enabled(enum log_level level)
{
	return level <= log_max;
}

static int
log_priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return LOG_ERR;
	case LOG_LEVEL_WARN:
		return LOG_WARNING;
	case LOG_LEVEL_INFO:
		return LOG_INFO;
	default:
		return LOG_DEBUG;
	}
}

size_t
log_escape(char *out, size_t cap, const char *in)
{
	static const char hex[] = "0123456789abcdef";
	size_t		  n = 0;
	unsigned char	  c;

	for (; (c = (unsigned char)*in) != '\0' && n + 5 <= cap; in++) {
		if (c >= ' ' && c < 0x7f) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	out[n] = '\0';
	return n;
}

void
log_message(enum log_level level, const char *fmt, va_list ap)
{
	char   raw[LINE_MAX_LEN], line[2 * LINE_MAX_LEN];
	size_t n = 0;

	if (!log_enabled(level))
		return;
	vsnprintf(raw, sizeof(raw), fmt, ap);
	if (!log_to_stderr) {
		log_escape(line, sizeof(line), raw);
		syslog(log_priority(level), "%s", line);
		return;
	}
	/* One write() a line, so that threads and processes do not mix. */
	if (log_to_journal)	/* the journal knows the name but
				 * not how bad it is */
		n = (size_t)snprintf(line, sizeof(line), "<%d>",
		    log_priority(level));
	else
		n = (size_t)snprintf(line, sizeof(line), "%s: ", log_name);
	if (n > LINE_MAX_LEN)
		n = 0;
	n += log_escape(line + n, sizeof(line) - n - 1, raw);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) == -1 && errno == EPIPE) {
		/* Who read along has gone: a helper of a daemon that runs. */
		log_init(log_name, false, log_max);
		log_escape(line, sizeof(line), raw);
		syslog(log_priority(level), "%s", line);
	}
}

#define LOG_BODY(level) do {			\
	va_list ap;				\
						\
	va_start(ap, fmt);			\
	log_message(level, fmt, ap);		\
	va_end(ap);				\
} while (0)

void
log_error(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_ERROR);
}

void
log_warn(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_WARN);
}

void
log_info(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_INFO);
}

void
log_debug(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_DEBUG);
}
