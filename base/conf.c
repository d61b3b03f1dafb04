/* conf.c - reading libConfuse files with errors as "file:line: reason" */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/comment.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/opener.h"
#include "base/util.h"

#define CONF_FILE_MAX	(1024 * 1024)	/* a file beyond this is
					 * no configuration */

static void	conf_report(cfg_t *cfg, const char *fmt, va_list ap)
		    __attribute__((format(printf, 2, 0)));

static void
conf_report(cfg_t *cfg, const char *fmt, va_list ap)
{
	char reason[512];

	vsnprintf(reason, sizeof(reason), fmt, ap);
	if (cfg != NULL && cfg->filename != NULL && cfg->line != 0)
		log_error("%s:%d: %s", cfg->filename, cfg->line, reason);
	else if (cfg != NULL && cfg->filename != NULL)
		log_error("%s: %s", cfg->filename, reason);
	else
		log_error("%s", reason);
}

void
conf_error(cfg_t *cfg, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_report(cfg, fmt, ap);
	va_end(ap);
}

/* libConfuse makes a section that stands once before it knows the file, and
 * leaves it nameless: errors in it would not say where. */
static void
conf_name_sections(cfg_t *cfg, const char *path)
{
	cfg_t	*sec;
	unsigned i;

	for (i = 0; cfg->opts[i].name != NULL; i++) {
		if (cfg->opts[i].type != CFGT_SEC ||
		    cfg->opts[i].nvalues == 0 ||
		    (sec = cfg->opts[i].values[0]->section) == NULL)
			continue;
		if (sec->filename == NULL)
			sec->filename = strdup(path);
		conf_name_sections(sec, path);
	}
}

/* Reads f, which it closes, into text (CONF_FILE_MAX + 2 bytes); the same with
 * comments blanked, or NULL with errno. */
static FILE *
conf_wash(FILE *f, char *text)
{
	size_t n = fread(text, 1, CONF_FILE_MAX + 1, f);
	int    error = ferror(f) ? errno : n > CONF_FILE_MAX ? EFBIG : 0;

	fclose(f);
	if (error != 0) {
		errno = error;
		return NULL;
	}
	text[n] = '\0';
	/* libConfuse 3.3 counts their lines more than once. */
	comment_blank(text);
	if (n == 0)	/* not every libc opens no bytes */
		text[n++] = '\n';
	return fmemopen(text, n, "r");
}

cfg_t *
conf_read(const char *path, cfg_opt_t *opts, bool optional)
{
	cfg_t *cfg;
	FILE  *f;
	char  *text;
	int    fd, rc;

	if ((cfg = cfg_init(opts, CFGF_NONE)) == NULL) {
		log_error("out of memory");
		return NULL;
	}
	cfg_set_error_function(cfg, conf_report);
	if ((fd = opener_open(path)) == -1 || (f = fdopen(fd, "r")) == NULL) {
		if (optional && fd == -1 && errno == ENOENT)
			return cfg;
		log_error("%s: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		cfg_free(cfg);
		return NULL;
	}
	free(cfg->filename);
	cfg->filename = strdup(path);
	conf_name_sections(cfg, path);
	text = xcalloc(1, CONF_FILE_MAX + 2);
	if ((f = conf_wash(f, text)) == NULL) {
		log_error("%s: %s", path, strerror(errno));
		cfg_free(cfg);
		free(text);
		return NULL;
	}
	rc = cfg_parse_fp(cfg, f);
	fclose(f);
	free(text);
	if (rc != CFG_SUCCESS) {
		/* libConfuse has called conf_report(). */
		cfg_free(cfg);
		return NULL;
	}
	return cfg;
}

static int
conf_number(const char *s, unsigned long max, unsigned long *out, char **end)
{
	if (*s < '0' || *s > '9')
		return -1;
	errno = 0;
	*out = strtoul(s, end, 10);
	return errno != 0 || *out > max ? -1 : 0;
}

int
conf_port_range(const char *s, uint16_t *lo, uint16_t *hi)
{
	unsigned long a, b;
	char	     *end;

	if (conf_number(s, 65535, &a, &end) == -1)
		return -1;
	b = a;
	if (*end == '-' && conf_number(end + 1, 65535, &b, &end) == -1)
		return -1;
	if (*end != '\0' || a == 0 || b < a)
		return -1;
	*lo = (uint16_t)a;
	*hi = (uint16_t)b;
	return 0;
}

int
conf_open_secret(const char *path)
{
	struct stat st;
	int	    fd;

	if ((fd = opener_open(path)) == -1) {
		log_error("%s: %s", path, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == -1) {
		log_error("%s: %s", path, strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		log_error("%s: not a regular file", path);
		goto fail;
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		log_error("%s: readable by others: chmod 600 it", path);
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}
