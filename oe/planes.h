/* planes.h - who does ESP for an engine on a host's own address, as the option "dataplane" says */
#ifndef OE_PLANES_H
#define OE_PLANES_H

#include "net/ip.h"
#include "oe/settings.h"

struct esp_plane;
struct xfrm;
struct xfrm_shell;

struct planes {
	struct esp_plane *list[3];	/* for oe_shell, the best first */
	struct esp_plane *user;
	char		  text[96];	/* for people: who, and why */
};

/*
 * Who is to do ESP, of which the kernel is found out by trial, as root
 * (xfrm_lacks()).  x: the kernel's XFRM, which stays the caller's; NULL: it has
 * none.
 */
struct planes_choice {
	struct xfrm *kernel;	/* is asked first; NULL: user space alone */
	const char  *why;	/* of what was not configured; NULL: nothing
				 * is to be said of that */
	struct esp_plane *led;	/* of planes_lead() */
	const char  *lacks;	/* for that, in words; NULL: nothing */
};
/* 0, or -1 after a log line: the kernel is demanded, and cannot. */
int	planes_choose(struct planes_choice *out, enum oe_dataplane want,
	    struct xfrm *x);
/* Where choice is the kernel: it is to have what is led (oe/esp/xfrm_led.h), as
 * its own policies cannot tell what is whose there.  led NULL: then user space
 * has all, as the kernel has no lacks. */
void	planes_lead(struct planes_choice *choice, struct esp_plane *led,
	    const char *lacks);
/*
 * NULL: user space alone.  send takes ESP to the network, and may keep it a
 * while; the shell's takes there what the kernel's policies make ESP of, before
 * it returns: without a policy that would be clear.
 */
void	planes_open(struct planes *p, const struct planes_choice *choice,
	    packet_fn send, void *arg, const struct xfrm_shell *shell);
void	planes_close(struct planes *p);

#endif
