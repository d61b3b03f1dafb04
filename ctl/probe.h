/* probe.h - does a host answer IKE at all, as a stranger sees it? */
#ifndef CTL_PROBE_H
#define CTL_PROBE_H

#include "net/addr.h"

/* 2, or 1 where only IKEv1 is answered; 0: nothing, errno is ECONNREFUSED where
 * the host itself says that nobody listens.  Takes some seconds then. */
unsigned probe_ike(const struct addr *host);

#endif
