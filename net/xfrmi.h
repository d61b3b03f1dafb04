/* xfrmi.h - a device at which the kernel does ESP (Linux' xfrm interfaces) */
#ifndef NET_XFRMI_H
#define NET_XFRMI_H

#include <net/if.h>
#include <stdint.h>

/*
 * What is sent to the device is encrypted by the kernel's policies and SAs that
 * have its if_id, and leaves by link, or with NULL as it is routed; without an
 * SA it is lost.  What comes on such an SA in tunnel mode is received at the
 * device.  No other packet of the host meets these policies.
 */

/* Makes one, in place of what a killed process left; it is not up yet, and
 * speaks no IPv6 itself.  rtnl_link_del() ends it.  0, or -1 with errno: this
 * kernel has none, or another's device has that name (EEXIST). */
int	xfrmi_add(const char name[IFNAMSIZ], const char *link, uint32_t if_id);
/* Takes such a device away that a killed process left, and no other of that
 * name. */
void	xfrmi_clear(const char name[IFNAMSIZ]);

#endif
