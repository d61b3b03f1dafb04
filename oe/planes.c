/* planes.c - who does ESP for an engine on a host's own address, as the option "dataplane" says */
#include "config.h"

#include <string.h>

#include "base/log.h"
#include "oe/esp/dataplane.h"
#include "oe/esp/user.h"
#include "oe/esp/xfrm.h"
#include "oe/planes.h"

int
planes_kernel(enum oe_dataplane want, struct xfrm *x)
{
	if (want == OE_DATAPLANE_USER)
		return 0;
	if (x != NULL && xfrm_has_esp(x))
		return 1;
	if (want == OE_DATAPLANE_KERNEL) {
		log_error("dataplane = \"kernel\": this kernel has no ESP");
		return -1;
	}
	log_info("ESP in user space: this kernel has none");
	return 0;
}

void
planes_open(struct planes *p, struct xfrm *x, packet_fn send, void *arg)
{
	unsigned n = 0;

	memset(p, 0, sizeof(*p));
	p->text = "user space";
	if (x != NULL) {
		p->text = "kernel, user space for hosts that share an address";
		p->list[n++] = xfrm_plane(x, send, arg);
	}
	p->list[n] = p->user = esp_user_new(send, arg);
}

void
planes_close(struct planes *p)
{
	esp_plane_free(p->user);
	p->user = NULL;
}
