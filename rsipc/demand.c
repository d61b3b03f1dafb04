/* demand.c - packets from source ports that are not leased yet wait here */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "rsipc/demand.h"

static bool
demand_waits(const struct demand_packet *p, uint16_t port,
    const struct addr *remote)
{
	return p->port == port && (port != 0 || addr_equal(&p->remote, remote));
}

static void
demand_drop(struct demand *d, size_t i)
{
	d->bytes -= d->held[i].view.len;
	free(d->held[i].data);
	d->n--;
	memmove(&d->held[i], &d->held[i + 1],
	    (d->n - i) * sizeof(d->held[0]));
}

bool
demand_hold(struct demand *d, uint16_t port, const struct addr *remote,
    const struct packet_view *v, uint64_t now)
{
	struct demand_packet *p;
	unsigned	      same = 0;
	size_t		      i;

	for (i = 0; i < d->n; i++)
		same += demand_waits(&d->held[i], port, remote);
	if (same >= DEMAND_PORT_MAX || d->n == DEMAND_PACKETS_MAX ||
	    d->bytes + v->len > DEMAND_BYTES_MAX) {
		d->dropped++;
		return false;
	}
	p = &d->held[d->n];
	if ((p->data = malloc(v->len)) == NULL) {
		d->dropped++;
		return false;
	}
	memcpy(p->data, v->data, v->len);
	p->view = *v;
	p->view.data = p->data;
	p->port = port;
	p->remote = *remote;
	p->until = now + DEMAND_WAIT;
	d->bytes += v->len;
	d->n++;
	return true;
}

void
demand_release(struct demand *d, uint16_t port, const struct addr *remote,
    packet_fn fn, void *arg)
{
	struct demand_packet p;
	size_t		     i = 0, left = d->n;

	/* What fn holds meanwhile stands behind those that were there. */
	for (; left > 0; left--) {
		if (!demand_waits(&d->held[i], port, remote)) {
			i++;
			continue;
		}
		/* Out of the list first: fn may hold packets itself. */
		p = d->held[i];
		d->held[i].data = NULL;
		demand_drop(d, i);
		fn(arg, &p.view);
		free(p.data);
	}
}

void
demand_expire(struct demand *d, uint64_t now)
{
	size_t i = 0;

	while (i < d->n) {
		if (now < d->held[i].until) {
			i++;
			continue;
		}
		d->dropped++;
		demand_drop(d, i);
	}
}
