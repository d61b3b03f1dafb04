/* resolvconf.h - what resolv.conf(5) says, read in one place */
#ifndef NET_RESOLVCONF_H
#define NET_RESOLVCONF_H

#include <stddef.h>

#include "net/addr.h"

#define RESOLVCONF_PATH	"/etc/resolv.conf"

/*
 * Reads path (see opener.h) once.  The first cap addresses of "nameserver"
 * lines go to servers, but link-local ones, and their number is returned: 0
 * also for a file that cannot be read.  Whatever other line there is goes to
 * line(), which may be NULL; text is borrowed.
 */
size_t	resolvconf_read(const char *path, struct addr *servers, size_t cap,
	    void (*line)(void *arg, const char *text), void *arg);

#endif
