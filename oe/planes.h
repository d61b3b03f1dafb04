/* planes.h - who does ESP for an engine on a host's own address, as the option "dataplane" says */
#ifndef OE_PLANES_H
#define OE_PLANES_H

#include "net/ip.h"
#include "oe/settings.h"

struct esp_plane;
struct xfrm;

struct planes {
	struct esp_plane *list[3];	/* for oe_shell, the best first */
	struct esp_plane *user;
	const char	 *text;		/* for people */
};

/* Is the kernel, whose XFRM is x (NULL: it has none), to do ESP?  As root
 * (xfrm_has_esp()).  1; 0: user space; -1 after a log line: it is demanded, and
 * cannot. */
int	planes_kernel(enum oe_dataplane want, struct xfrm *x);
/*
 * x, which stays the caller's, is asked first; NULL: user space alone.  send
 * takes whole packets to the network, ESP as well as what the kernel's policies
 * make ESP of.
 */
void	planes_open(struct planes *p, struct xfrm *x, packet_fn send,
	    void *arg);
void	planes_close(struct planes *p);

#endif
