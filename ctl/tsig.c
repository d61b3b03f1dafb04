/* tsig.c - the key that a name server knows us by, out of a file of tsig-keygen's (RFC 8945) */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/util.h"
#include "ctl/tsig.h"

#define FILE_MAX	4096
#define BETWEEN		" \t\r\n{};\""

/* The word behind keyword in text, quoted or not; -1: none, or too long. */
static int
tsig_word(const char *text, const char *keyword, char *out, size_t cap)
{
	const char *at = text;
	size_t	    n = strlen(keyword);

	for (; (at = strstr(at, keyword)) != NULL; at += n) {
		if ((at == text || strchr(BETWEEN, at[-1]) != NULL) &&
		    at[n] != '\0' && strchr(BETWEEN, at[n]) != NULL)
			break;
	}
	if (at == NULL)
		return -1;
	at += n;
	at += strspn(at, " \t\r\n\"");
	n = strcspn(at, BETWEEN);
	if (n == 0 || n >= cap)
		return -1;
	memcpy(out, at, n);
	out[n] = '\0';
	return 0;
}

int
tsig_read(struct tsig *t, const char *path)
{
	char	text[FILE_MAX];
	ssize_t n;
	size_t	len;
	int	fd, rc = -1;

	if (access(path, F_OK) == -1) {
		log_error("%s: %s: make one with \"tsig-keygen NAME\", for the "
		    "name server too, or name another with --tsig", path,
		    strerror(errno));
		return -1;
	}
	if ((fd = conf_open_secret(path)) == -1)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	memset(t, 0, sizeof(*t));
	if (tsig_word(text, "key", t->name, sizeof(t->name)) == -1 ||
	    tsig_word(text, "algorithm", t->algorithm,
	    sizeof(t->algorithm) - 1) == -1 ||
	    tsig_word(text, "secret", t->secret, sizeof(t->secret)) == -1)
		log_error("%s is no key as tsig-keygen writes one: key "
		    "\"NAME\" { algorithm hmac-sha256; secret \"...\"; };",
		    path);
	else
		rc = 0;
	/* The library wants it as a domain name. */
	len = strlen(t->algorithm);
	if (rc == 0 && t->algorithm[len - 1] != '.')
		t->algorithm[len] = '.';
	wipe(text, sizeof(text));
	return rc;
}
