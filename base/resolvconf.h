/* resolvconf.h - what resolv.conf(5) says, read in one place */
#ifndef BASE_RESOLVCONF_H
#define BASE_RESOLVCONF_H

#include <stddef.h>
#include <stdint.h>

#define RESOLVCONF_PATH	"/etc/resolv.conf"

/*
 * Reads path (see opener.h) once.  The first cap IPv4 addresses of "nameserver"
 * lines go to servers, in network order, and their number is returned: 0 also
 * for a file that cannot be read.  Whatever other line there is goes to line(),
 * which may be NULL; text is borrowed.
 */
size_t	resolvconf_read(const char *path, uint32_t *servers, size_t cap,
	    void (*line)(void *arg, const char *text), void *arg);

#endif
