/* gateway_name.c - requests that name remote hosts by FQDN wait here for DNS (RFC 3103 §8.1) */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rsipd/gateway_internal.h"

static size_t
names_of(const struct rsip_message *m, const char **name)
{
	size_t i, n = 0;

	if ((m->has & RSIP_HAS_REMOTE) && m->remote.type == RSIP_ADDR_FQDN &&
	    !m->remote.any)
		name[n++] = m->remote.fqdn;
	/* What is longer would cost megabytes while it waits. */
	if (m->ntuples > GATEWAY_KEPT_MAX)
		return n;
	for (i = 0; i < m->ntuples && n < GATEWAY_NAMES_MAX; i++) {
		if (m->tuple[i].address.type == RSIP_ADDR_FQDN)
			name[n++] = m->tuple[i].address.fqdn;
	}
	return n;
}

static size_t
waiting_of(const struct gateway *g, const struct addr *host)
{
	const struct gateway_waiting *w;
	size_t			      n = 0;

	LIST_FOREACH(w, &g->waiting, entry)
		n += addr_equal(&w->peer.host, host);
	return n;
}

void
gateway_waiting_free(struct gateway *g, struct gateway_waiting *w)
{
	LIST_REMOVE(w, entry);
	g->nwaiting--;
	rsip_message_clear(&w->request);
	free(w);
}

enum rsip_error
gateway_names_wait(struct gateway *g, struct gateway_request *r)
{
	struct gateway_waiting *w;
	const char	       *name[GATEWAY_NAMES_MAX];
	size_t			i, n;

	if (r->waiting != NULL || names_of(r->in, name) == 0)
		return RSIP_OK;
	/* Who asks for more than that waits for
	 * nothing: the names stay unknown. */
	if (g->nwaiting == GATEWAY_WAITING_MAX ||
	    waiting_of(g, &r->peer->host) >= GATEWAY_WAITING_HOST ||
	    (w = calloc(1, sizeof(*w))) == NULL)
		return RSIP_OK;
	w->ticket = ++g->next_ticket << 8;
	w->peer = *r->peer;
	w->authentic = r->authentic;
	w->request = *r->in;
	/* The tuples are the copy's now, and so must be the names. */
	memset(r->in, 0, sizeof(*r->in));
	n = names_of(&w->request, name);
	w->nnames = w->missing = (unsigned)n;
	LIST_INSERT_HEAD(&g->waiting, w, entry);
	g->nwaiting++;
	for (i = 0; i < n; i++) {
		w->name[i].fqdn = name[i];
		if (g->ops->resolve(g->arg, name[i], w->ticket | i) == -1) {
			w->name[i].done = true;
			w->missing--;
		}
	}
	if (w->missing > 0)
		return GATEWAY_WAIT;
	/* Nothing was asked: go on at once, with the request where it was. */
	*r->in = w->request;
	memset(&w->request, 0, sizeof(w->request));
	gateway_waiting_free(g, w);
	return RSIP_OK;
}

const struct gateway_name *
gateway_name_find(const struct gateway_request *r, const char *fqdn)
{
	unsigned i;

	for (i = 0; r->waiting != NULL && i < r->waiting->nnames; i++) {
		if (strcasecmp(r->waiting->name[i].fqdn, fqdn) == 0)
			return &r->waiting->name[i];
	}
	return NULL;
}
