/* sysctl.h - settings of the kernel below /proc/sys */
#ifndef NET_SYSCTL_H
#define NET_SYSCTL_H

#include <stddef.h>

/*
 * A key is a path, "net/ipv4/ip_forward", and a value one line of words
 * with one blank between them, however the kernel writes it.  A key that
 * begins with "class/net/" is an interface's, below /sys.  Keys that would
 * lead out of there are refused.  0, or -1 with errno, and EMSGSIZE where
 * the value does not fit.
 */
int	sysctl_get(const char *key, char *value, size_t cap);
int	sysctl_set(const char *key, const char *value);

/* net/ipv4/conf/IFNAME/KEY or, of AF_INET6, net/ipv6/..., a number. */
int	sysctl_if_set(int family, const char *ifname, const char *key,
	    int value);
int	sysctl_if_get(int family, const char *ifname, const char *key,
	    int *value);

#endif
