/* resolvconf.c - what resolv.conf(5) says, read in one place */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "base/opener.h"
#include "net/resolvconf.h"

size_t
resolvconf_read(const char *path, struct addr *servers, size_t cap,
    void (*line)(void *arg, const char *text), void *arg)
{
	struct addr a;
	size_t	    n = 0;
	char	    text[2048], word[64];
	FILE	   *f;
	int	    fd;

	if ((fd = opener_open(path)) == -1)
		return 0;
	if ((f = fdopen(fd, "r")) == NULL) {
		close(fd);
		return 0;
	}
	while (fgets(text, sizeof(text), f) != NULL) {
		if (sscanf(text, " nameserver %63s", word) == 1) {
			/* On which link, an address alone does not say. */
			if (n < cap && addr_parse(&a, word) == 0 &&
			    !addr_is_link_local(&a))
				servers[n++] = a;
		} else if (line != NULL) {
			line(arg, text);
		}
	}
	fclose(f);
	return n;
}
