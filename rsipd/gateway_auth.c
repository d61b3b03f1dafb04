/* gateway_auth.c - authentication of messages (RFC 3102 §3.3, our vendor subtypes 2 and 4) */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "rsipd/gateway_internal.h"

static struct gateway_account *
account_get(struct gateway *g, const struct addr *host)
{
	struct gateway_account *a;

	HASH_FIND(hh, g->accounts, host, sizeof(*host), a);
	if (a != NULL)
		return a;
	if (HASH_COUNT(g->accounts) >= GATEWAY_ACCOUNTS_MAX ||
	    (a = calloc(1, sizeof(*a))) == NULL)
		return NULL;
	a->host = *host;
	HASH_ADD(hh, g->accounts, host, sizeof(a->host), a);
	return a;
}

static struct rsip_key
key_between(const struct gateway *g, const struct policy_secret *s,
    const struct addr *host)
{
	return (struct rsip_key){ .id = s->key_id, .secret = s->secret,
		.len = s->len, .host = *host, .gateway = g->config.gateway };
}

/* Why a message with the right MAC is none for now; NULL: it is one. */
static const char *
find_stale(const struct gateway *g, const struct gateway_account *a,
    const struct rsip_message *m)
{
	/* Only a message that names us as we are since our start can be known
	 * to be of now: nothing that a former life of ours was sent does. */
	if (m->auth_echo == 0)
		return "first of its host's life";
	if (m->auth_echo != g->config.auth_index)
		return "counter too old: meant for the gateway before its "
		    "start";
	if (m->auth_counter <= a->in)
		return "counter too old";
	if (!rsip_auth_newer(m->auth_counter, a->in))
		return "counter too far ahead";
	return NULL;
}

static enum rsip_error
refuse(struct gateway *g, const struct gateway_request *r, const char *why)
{
	const struct rsip_message *m = r->in;

	/* What every honest host begins with is no news. */
	if (r->stale && m->auth_echo == 0)
		log_debug("%s: %s", ADDR_TEXT(&r->peer->host), why);
	else if (ratelimit_pass(&g->auth_log, r->now))
		log_info("%s: %s is refused: %s (counter %" PRIu64 ", key %u; "
		    "and %u before it)", ADDR_TEXT(&r->peer->host),
		    rsip_type_name(m->type), why, m->auth_counter,
		    m->auth_key_id, ratelimit_take_missed(&g->auth_log));
	return RSIP_REGISTRATION_DENIED;
}

/*
 * A host without a secret is believed where policy lets it; one that has signed
 * a registration must sign all that follows under it.
 */
enum rsip_error
gateway_authenticate(struct gateway *g, struct gateway_request *r,
    const uint8_t *msg, size_t len)
{
	struct rsip_message    *m = r->in;
	struct gateway_account *a;
	struct policy		policy;
	const struct policy    *p = &policy;
	struct rsip_key		key;
	const char	       *why;

	if (r->client != NULL)
		p = &r->client->policy;
	else
		policies_find(g->config.policies, &r->peer->host, &policy);
	if (p->secret == NULL)
		return p->require_auth ? RSIP_REGISTRATION_DENIED : RSIP_OK;
	if (!(m->has & RSIP_HAS_AUTH)) {
		return p->require_auth ||
		    (r->client != NULL && r->client->authentic) ?
		    RSIP_REGISTRATION_DENIED : RSIP_OK;
	}
	key = key_between(g, p->secret, &r->peer->host);
	if (!rsip_auth_verify(m, msg, len, &key))
		return refuse(g, r, "wrong key or MAC");
	/* Memory is spent only on who knows the secret. */
	if ((a = account_get(g, &r->peer->host)) == NULL)
		return RSIP_INTERNAL_SERVER_ERROR;
	if ((why = find_stale(g, a, m)) != NULL) {
		r->stale = true;
		return refuse(g, r, why);
	}
	a->in = m->auth_counter;
	a->index = m->auth_index;
	r->authentic = true;
	return RSIP_OK;
}

void
gateway_tell_floor(struct gateway *g, const struct gateway_request *r)
{
	const struct gateway_account *a = account_get(g, &r->peer->host);

	if (a == NULL)
		return;
	r->out->has |= RSIP_HAS_FLOOR;
	r->out->auth_floor = a->in;
	/* Of who asked now, be it new or long gone. */
	r->out->auth_echo = r->in->auth_index;
}

int
gateway_encode(struct gateway *g, const struct addr *host,
    const struct policy_secret *secret, struct rsip_message *m, uint8_t *out)
{
	struct gateway_account *a;
	struct rsip_key		key;
	int			len;

	if (secret != NULL && (a = account_get(g, host)) != NULL) {
		m->has |= RSIP_HAS_AUTH;
		m->auth_key_id = secret->key_id;
		m->auth_index = g->config.auth_index;
		if (!(m->has & RSIP_HAS_FLOOR))
			m->auth_echo = a->index;
		m->auth_counter = ++a->out;
	}
	if ((len = rsip_encode(m, out, GATEWAY_MESSAGE_MAX)) == -1) {
		log_error("cannot encode %s", rsip_type_name(m->type));
		return -1;
	}
	if (secret != NULL && (m->has & RSIP_HAS_AUTH)) {
		key = key_between(g, secret, host);
		rsip_auth_sign(m, out, (size_t)len, &key);
	}
	return len;
}
