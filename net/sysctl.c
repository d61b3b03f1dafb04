/* sysctl.c - settings of the kernel below /proc/sys */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sysctl.h"

#define SYSCTL_LINE_MAX	1026		/* a list of ports, and what ends it */
#define SYSCTL_LINK	"class/net/"

static int
sysctl_open(const char *key, int flags)
{
	char	    path[192];
	const char *top;
	int	    n;

	top = strncmp(key, SYSCTL_LINK, strlen(SYSCTL_LINK)) == 0 ? "/sys" :
	    "/proc/sys";
	n = snprintf(path, sizeof(path), "%s/%s", top, key);
	if (n < 0 || (size_t)n >= sizeof(path) || strstr(key, "..") != NULL) {
		errno = EINVAL;
		return -1;
	}
	return open(path, flags | O_CLOEXEC);
}

/* Words with one blank between them. */
static int
sysctl_words(char *text, char *out, size_t cap)
{
	char  *p, *word, *save = NULL;
	size_t at = 0;
	int    n;

	out[0] = '\0';
	for (p = text; (word = strtok_r(p, " \t\n", &save)) != NULL; p = NULL) {
		n = snprintf(out + at, cap - at, "%s%s", at > 0 ? " " : "",
		    word);
		if (n < 0 || (size_t)n >= cap - at) {
			errno = EMSGSIZE;
			return -1;
		}
		at += (size_t)n;
	}
	return 0;
}

int
sysctl_get(const char *key, char *value, size_t cap)
{
	char	text[SYSCTL_LINE_MAX];
	ssize_t n;
	int	fd, saved;

	if ((fd = sysctl_open(key, O_RDONLY)) == -1)
		return -1;
	n = read(fd, text, sizeof(text));
	saved = errno;
	close(fd);
	errno = n == (ssize_t)sizeof(text) ? EMSGSIZE : saved;
	if (n < 0 || n == (ssize_t)sizeof(text))
		return -1;
	text[n] = '\0';
	return sysctl_words(text, value, cap);
}

int
sysctl_set(const char *key, const char *value)
{
	char	line[SYSCTL_LINE_MAX];
	ssize_t rc;
	int	fd, n, saved;

	/* A line of its own: an empty list is written as an empty line. */
	n = snprintf(line, sizeof(line), "%s\n", value);
	if (n < 0 || (size_t)n >= sizeof(line)) {
		errno = EMSGSIZE;
		return -1;
	}
	if ((fd = sysctl_open(key, O_WRONLY)) == -1)
		return -1;
	rc = write(fd, line, (size_t)n);
	saved = errno;
	close(fd);
	errno = saved;
	return rc == n ? 0 : -1;
}

static int
if_key(char *out, size_t cap, int family, const char *ifname, const char *key)
{
	int n;

	n = snprintf(out, cap, "net/%s/conf/%s/%s", family == AF_INET6 ?
	    "ipv6" : "ipv4", ifname, key);
	if (strchr(ifname, '/') == NULL && n >= 0 && (size_t)n < cap)
		return 0;
	errno = EINVAL;
	return -1;
}

int
sysctl_if_set(int family, const char *ifname, const char *key, int value)
{
	char path[128], text[16];

	snprintf(text, sizeof(text), "%d", value);
	return if_key(path, sizeof(path), family, ifname, key) == -1 ? -1 :
	    sysctl_set(path, text);
}

int
sysctl_if_get(int family, const char *ifname, const char *key, int *value)
{
	char path[128], text[16];

	if (if_key(path, sizeof(path), family, ifname, key) == -1 ||
	    sysctl_get(path, text, sizeof(text)) == -1)
		return -1;
	*value = (int)strtol(text, NULL, 10);
	return 0;
}
