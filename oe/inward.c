/* inward.c - who is denied, or has to encrypt, is not heard in the clear either (draft -17 §12.1) */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "net/arrival.h"
#include "net/rtnl.h"
#include "net/sysctl.h"
#include "oe/classes.h"
#include "oe/esp/xfrm.h"
#include "oe/inward.h"
#include "oe/settings.h"

#define LOOPBACK	"lo"

struct inward {
	struct xfrm    *xfrm;
	struct arrival *arrival;
	bool		ipv4, ipv6;	/* can be refused */
	bool		marks;		/* what comes by LOOPBACK */
	/* while c is read */
	bool		forward, failed, unheeded;
};

struct inward *
inward_new(struct xfrm *x, const char *ifname, bool ipv4)
{
	struct inward *w = xcalloc(1, sizeof(*w));

	w->xfrm = x;
	w->ipv4 = ipv4;
	w->arrival = arrival_open();
	if (ipv4)
		sysctl_if_set(AF_INET, ifname, "disable_policy", 1);
	/* The kernel's IPv6 has that setting of the device that has an address,
	 * not of the one that a packet came by. */
	w->ipv6 = rtnl_has_ipv6() &&
	    arrival_mark(w->arrival, ifname, true) == 0;
	if (rtnl_has_ipv6() && !w->ipv6)
		log_debug("%s: packets of IPv6 cannot be marked: %s", ifname,
		    strerror(errno));
	return w;
}

static void
inward_prefix(void *arg, const struct prefix *from, enum oe_class class)
{
	struct inward *w = arg;
	bool	       block, can;

	block = class != OE_CLASS_CLEAR && class != OE_CLASS_PERMISSIVE;
	can = from->addr.family == AF_INET6 ? w->ipv6 : w->ipv4;
	if (!can)
		w->unheeded = w->unheeded || (block &&
		    from->addr.family == AF_INET6 && rtnl_has_ipv6());
	else if (!w->failed && xfrm_guard(w->xfrm, from, block,
	    w->forward) == -1)
		w->failed = true;
}

/* What this host says to itself over IPv6, and what IPv6 cannot live without,
 * before anything is refused. */
static void
inward_leave(struct inward *w)
{
	if (!w->ipv6)
		return;
	if (arrival_mark(w->arrival, LOOPBACK, true) == 0 &&
	    xfrm_guard_leave(w->xfrm, ARRIVAL_MARK, ARRIVAL_MASK,
	    w->forward) == 0) {
		w->marks = true;
		return;
	}
	w->ipv6 = false;
	log_warn("policies for clear packets of IPv6: %s", strerror(errno));
}

static void
inward_clear(struct inward *w)
{
	if (w->xfrm != NULL)
		xfrm_guard_clear(w->xfrm);
}

/* A predecessor that was killed may have left the mark. */
static void
inward_unmark(struct inward *w)
{
	(void)arrival_mark(w->arrival, LOOPBACK, false);
	w->marks = false;
}

static bool
inward_refuses(const struct classes *c)
{
	return classes_has(c, OE_CLASS_DENY) ||
	    classes_has(c, OE_CLASS_PARANOID) ||
	    classes_has(c, OE_CLASS_TUNNEL);
}

void
inward_set(struct inward *w, const struct oe_config *c)
{
	struct prefix resolver;
	size_t	      i;

	inward_clear(w);
	if (c == NULL || !inward_refuses(c->classes)) {
		inward_unmark(w);
		return;
	}
	if (w->xfrm == NULL) {
		log_warn("this kernel has no XFRM policies: clear packets%s "
		    "from denied and paranoid prefixes are heard, though not "
		    "answered", w->ipv4 ? "" : " of IPv6");
		return;
	}
	w->forward = c->nnetworks != 0;
	w->failed = w->unheeded = false;
	inward_leave(w);
	classes_each(c->classes, inward_prefix, w);
	for (i = 0; i < c->nresolvers; i++) {
		resolver = prefix_host(&c->resolvers[i]);
		inward_prefix(w, &resolver, OE_CLASS_CLEAR);
	}
	if (w->failed)
		log_warn("policies for clear packets: %s", strerror(errno));
	if (w->unheeded)
		log_warn("clear packets of IPv6 from denied and paranoid "
		    "prefixes are heard, though not answered: this kernel "
		    "cannot tell them from decrypted ones (BPF, clsact)");
}

void
inward_free(struct inward *w)
{
	if (w == NULL)
		return;
	inward_clear(w);
	if (w->marks)
		inward_unmark(w);
	arrival_close(w->arrival);
	free(w);
}
