/* planes.c - who does ESP for an engine on a host's own address, as the option "dataplane" says */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "oe/esp/dataplane.h"
#include "oe/esp/user.h"
#include "oe/esp/xfrm.h"
#include "oe/planes.h"

int
planes_choose(struct planes_choice *out, enum oe_dataplane want, struct xfrm *x)
{
	const char *lacks;

	memset(out, 0, sizeof(*out));
	if (want == OE_DATAPLANE_USER)
		return 0;
	lacks = x == NULL ? "the kernel has no XFRM" : xfrm_lacks(x, AF_INET);
	if (lacks == NULL) {
		out->kernel = x;
		/* Policies there would encrypt neighbour discovery too. */
		if (want == OE_DATAPLANE_AUTO) {
			xfrm_set_ipv4_only(x);
			out->why = "and for IPv6";
		}
		log_debug("ESP is the kernel's where it can");
		return 0;
	}
	if (want == OE_DATAPLANE_KERNEL) {
		log_error("dataplane = \"kernel\": %s", lacks);
		return -1;
	}
	out->why = lacks;
	log_debug("ESP in user space: %s", lacks);
	return 0;
}

void
planes_lead(struct planes_choice *choice, struct esp_plane *led,
    const char *lacks)
{
	choice->kernel = NULL;
	choice->led = led;
	choice->lacks = lacks;
	if (led == NULL)
		log_info("ESP of the networks behind us in user space: the "
		    "kernel has no %s", lacks);
}

static void
planes_text(struct planes *p, const struct planes_choice *c)
{
	const char *who = "user space", *mid = ": ", *why = c->why;

	if (c->led != NULL || c->kernel != NULL) {
		who = c->led != NULL ?
		    "kernel, user space for what is not led by eBPF" :
		    "kernel, user space for hosts that share an address";
		mid = " ";
	} else if (c->lacks != NULL) {
		mid = ": the kernel has no ";
		why = c->lacks;
	}
	snprintf(p->text, sizeof(p->text), "%s%s%s", who, why != NULL ? mid :
	    "", why != NULL ? why : "");
}

void
planes_open(struct planes *p, const struct planes_choice *choice,
    packet_fn send, void *arg, const struct xfrm_shell *shell)
{
	static const struct planes_choice user;
	unsigned			  n = 0;

	memset(p, 0, sizeof(*p));
	if (choice == NULL)
		choice = &user;
	planes_text(p, choice);
	if (choice->led != NULL)
		p->list[n++] = choice->led;
	else if (choice->kernel != NULL)
		p->list[n++] = xfrm_plane(choice->kernel, shell);
	p->list[n] = p->user = esp_user_new(send, arg);
}

void
planes_close(struct planes *p)
{
	esp_plane_free(p->user);
	p->user = NULL;
}
