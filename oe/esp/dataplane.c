/* dataplane.c - the door between keyed connections and who does ESP for them: which plane has a pair, and what moves with it */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "net/ip.h"
#include "oe/esp/algorithm.h"
#include "oe/esp/dataplane_private.h"
#include "oe/esp/esp.h"

/* A pair that no plane has. */
static const struct esp_plane_ops nowhere = { .name = "none" };

/* --- pairs ---------------------------------------------------------------- */

/* The first of its planes that takes it. */
static int
pair_find_plane(struct esp_pair *p)
{
	for (; *p->planes != NULL; p->planes++) {
		p->ops = (*p->planes)->ops;
		if (p->ops->pair_up(*p->planes, p) == 0)
			return 0;
	}
	p->ops = &nowhere;
	return -1;
}

static void
pair_leave_plane(struct esp_pair *p)
{
	if (p->ops->pair_down != NULL)
		p->ops->pair_down(*p->planes, p);
	p->ops = &nowhere;
}

struct esp_pair *
esp_pair_up(struct esp_plane *const *planes, struct esp_policy *policy,
    const struct esp_params *in, const struct esp_params *out)
{
	struct esp_pair *p = xcalloc(1, sizeof(*p));

	p->planes = planes;
	p->policy = policy;
	p->in = *in;
	p->out = *out;
	if (pair_find_plane(p) == 0)
		return p;
	esp_pair_down(p);
	return NULL;
}

int
esp_pair_confirm(struct esp_pair *p)
{
	while (p->ops != &nowhere) {
		if ((p->ops->pair_confirm == NULL ||
		    p->ops->pair_confirm(*p->planes, p) == 0) &&
		    esp_policy_follow(p->policy, p) == 0) {
			p->confirmed = true;
			wipe(p->in.cipher_key, sizeof(p->in.cipher_key));
			wipe(p->in.auth_key, sizeof(p->in.auth_key));
			wipe(p->out.cipher_key, sizeof(p->out.cipher_key));
			wipe(p->out.auth_key, sizeof(p->out.auth_key));
			return 0;
		}
		if (p->policy != NULL)
			esp_policy_down(p->policy);
		pair_leave_plane(p);
		p->planes++;
		if (pair_find_plane(p) == -1)
			break;
	}
	return -1;
}

void
esp_pair_down(struct esp_pair *p)
{
	if (p == NULL)
		return;
	pair_leave_plane(p);
	wipe_free(p, sizeof(*p));
}

int
esp_pair_send(struct esp_pair *p, const struct packet_view *v)
{
	return p->ops->send == NULL ? ESP_E_PLANE :
	    p->ops->send(*p->planes, p, v);
}

int
esp_pair_open(struct esp_pair *p, const struct packet_view *v, uint8_t *out,
    size_t cap, struct packet_view *inner, bool *newest)
{
	*newest = false;
	return p->ops->open == NULL ? ESP_E_PLANE :
	    p->ops->open(p, v, out, cap, inner, newest);
}

void
esp_pair_cut(struct esp_pair *p, size_t mtu)
{
	p->cut = mtu;
}

size_t
esp_pair_mtu(const struct esp_pair *p, size_t mtu)
{
	return p->ops->pair_mtu == NULL ? IP_PACKET_MAX :
	    p->ops->pair_mtu(p, mtu);
}

int
esp_pair_move(struct esp_pair *p, const struct addr *dst, uint16_t port)
{
	if (p->ops->pair_move != NULL &&
	    p->ops->pair_move(*p->planes, p, dst, port) == -1)
		return -1;
	p->out.dst = *dst;
	p->out.encap_dport = port;
	return 0;
}

bool
esp_pair_lead(struct esp_pair *p, const struct esp_lead *lead)
{
	return p->ops->pair_lead != NULL &&
	    p->ops->pair_lead(*p->planes, p, lead);
}

static void
pair_ask(const struct esp_pair *p, struct esp_usage *u)
{
	if (p->ops->pair_usage != NULL)
		p->ops->pair_usage(*p->planes, p, u);
	u->worn = esp_key_is_worn(&p->in, &u->in) ||
	    esp_key_is_worn(&p->out, &u->out);
}

void
esp_pair_usage(const struct esp_pair *p, struct esp_usage *u)
{
	*u = p->seen;
	if (!p->ops->past)
		pair_ask(p, u);
}

static void
count_since(struct esp_counters *since, const struct esp_counters *now,
    const struct esp_counters *before)
{
	since->packets = now->packets - before->packets;
	since->bytes = now->bytes - before->bytes;
	since->replays = now->replays - before->replays;
	since->auth_failures = now->auth_failures - before->auth_failures;
}

void
esp_pair_passed(struct esp_pair *p, struct esp_usage *u)
{
	struct esp_usage before = p->seen;

	memset(u, 0, sizeof(*u));
	if (p->ops->past)
		pair_ask(p, &p->seen);
	else if (p->ops->pair_led != NULL)
		p->ops->pair_led(*p->planes, p, &p->seen);
	else
		return;
	count_since(&u->in, &p->seen.in, &before.in);
	count_since(&u->out, &p->seen.out, &before.out);
	u->bad = p->seen.bad - before.bad;
	u->filtered = p->seen.filtered - before.filtered;
	u->worn = p->seen.worn;
}

const struct esp_params *
esp_pair_params(const struct esp_pair *p, bool outbound)
{
	return outbound ? &p->out : &p->in;
}

const char *
esp_pair_plane(const struct esp_pair *p)
{
	return p->ops->name;
}

/* --- policies ------------------------------------------------------------- */

int
esp_policy_follow(struct esp_policy *policy, const struct esp_pair *p)
{
	if (policy == NULL || p == NULL)
		return 0;
	if (policy->plane != NULL && (policy->plane->ops != p->ops ||
	    policy->transport != p->out.transport ||
	    !addr_equal(&policy->local, &p->out.src) ||
	    !addr_equal(&policy->peer, &p->out.dst)))
		esp_policy_down(policy);
	policy->local = p->out.src;
	policy->peer = p->out.dst;
	policy->transport = p->out.transport;
	if (p->ops->policy_up == NULL)
		return 0;
	/* The policy before the way past the caller: nothing finds that without
	 * it. */
	if (policy->plane == NULL &&
	    p->ops->policy_up(*p->planes, policy) == -1)
		return -1;
	policy->plane = *p->planes;
	if (p->ops->past && policy->past != NULL)
		policy->past(policy->owner, true);
	return 0;
}

void
esp_policy_down(struct esp_policy *policy)
{
	struct esp_plane *plane = policy->plane;

	if (plane == NULL)
		return;
	/* And here the way past the caller first. */
	if (plane->ops->past && policy->past != NULL)
		policy->past(policy->owner, false);
	policy->plane = NULL;
	plane->ops->policy_down(plane, policy);
}

bool
esp_policy_is_past(const struct esp_policy *policy)
{
	return policy->plane != NULL && policy->plane->ops->past;
}

/* --- planes --------------------------------------------------------------- */

void
esp_plane_free(struct esp_plane *plane)
{
	if (plane != NULL)
		plane->ops->free(plane);
}
