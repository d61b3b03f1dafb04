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

/* net/ipv4/conf/IFNAME/KEY, a number. */
int	sysctl_if_set(const char *ifname, const char *key, int value);
int	sysctl_if_get(const char *ifname, const char *key, int *value);
/* The same of net/ipv6. */
int	sysctl_if6_set(const char *ifname, const char *key, int value);
int	sysctl_if6_get(const char *ifname, const char *key, int *value);

#endif
