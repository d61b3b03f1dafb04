/* gateway_auth.c - authentication of messages (RFC 3102 §3.3, our vendor subtype 2) */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "rsipd/gateway_internal.h"

static struct gateway_account *
account_get(struct gateway *g, uint32_t host)
{
	struct gateway_account *a;

	HASH_FIND(hh, g->accounts, &host, sizeof(host), a);
	if (a != NULL)
		return a;
	if (HASH_COUNT(g->accounts) >= GATEWAY_ACCOUNTS_MAX ||
	    (a = calloc(1, sizeof(*a))) == NULL)
		return NULL;
	a->host = host;
	a->out = g->config.auth_start;
	HASH_ADD(hh, g->accounts, host, sizeof(a->host), a);
	return a;
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

	if (r->client != NULL)
		p = &r->client->policy;
	else
		policies_find(g->config.policies, r->peer->host, &policy);
	if (p->secret == NULL)
		return p->require_auth ? RSIP_REGISTRATION_DENIED : RSIP_OK;
	if (!(m->has & RSIP_HAS_AUTH)) {
		return p->require_auth ||
		    (r->client != NULL && r->client->authentic) ?
		    RSIP_REGISTRATION_DENIED : RSIP_OK;
	}
	if (m->auth_key_id != p->secret->key_id ||
	    !rsip_auth_verify(m, msg, len, p->secret->secret, p->secret->len))
		return RSIP_REGISTRATION_DENIED;
	/* Memory is spent only on who knows the secret. */
	if ((a = account_get(g, r->peer->host)) == NULL)
		return RSIP_INTERNAL_SERVER_ERROR;
	/* A replay. After a restart we have forgotten how far a host was, but
	 * only a REGISTER_REQUEST can then be replayed: all else names a client
	 * ID, which is drawn anew. */
	if (m->auth_counter <= a->in)
		return RSIP_REGISTRATION_DENIED;
	a->in = m->auth_counter;
	r->authentic = true;
	return RSIP_OK;
}

int
gateway_encode(struct gateway *g, uint32_t host,
    const struct policy_secret *secret, struct rsip_message *m, uint8_t *out)
{
	struct gateway_account *a;
	int			len;

	if (secret != NULL && (a = account_get(g, host)) != NULL) {
		m->has |= RSIP_HAS_AUTH;
		m->auth_key_id = secret->key_id;
		m->auth_counter = ++a->out;
	}
	if ((len = rsip_encode(m, out, GATEWAY_MESSAGE_MAX)) == -1) {
		log_error("cannot encode %s", rsip_type_name(m->type));
		return -1;
	}
	if (secret != NULL && (m->has & RSIP_HAS_AUTH))
		rsip_auth_sign(m, out, (size_t)len, secret->secret,
		    secret->len);
	return len;
}
