/* advice.c - where a configuration is allowed but unwise (RFC 5406; doc/ipsec-profile.md) */
#include "config.h"

#include <arpa/inet.h>

#include "base/log.h"
#include "base/util.h"
#include "oe/settings.h"

/* RFC 5406 §3.3: a secret is for two.  Whoever else has it can pose as either. */
static void
advise_secrets(const struct oe_config *c)
{
	const struct oe_tunnel *a, *b;
	size_t			i, j;

	for (i = 0; i < c->ntunnels; i++) {
		a = &c->tunnels[i];
		for (j = 0; a->psk != NULL && j < i; j++) {
			b = &c->tunnels[j];
			if (b->psk == NULL || b->psk_len != a->psk_len ||
			    compare_secret(a->psk, b->psk, a->psk_len) != 0)
				continue;
			log_warn("tunnels %s and %s have the same secret: each "
			    "peer can pose as the other; give each its own, or "
			    "a peer-key", b->name, a->name);
			break;
		}
		if (a->psk != NULL && a->psk_len < OE_SECRET_WISE)
			log_warn("tunnel %s: a secret of %zu bytes can be "
			    "guessed by whoever answers in the peer's place; "
			    "take %d random ones, or a peer-key", a->name,
			    a->psk_len, OE_SECRET_WISE);
	}
}

/* The AD bit is the resolver's word; on a network anybody can give it. */
static void
advise_resolvers(const struct oe_config *c)
{
	size_t i;

	for (i = 0; c->require_dnssec && i < c->nresolvers; i++) {
		if (ntohl(c->resolvers[i]) >> 24 == 127)
			continue;
		log_warn("require-dnssec believes the resolver %s, whose answers "
		    "can be changed on their way: run a validating resolver "
		    "on this host", ipv4_text(c->resolvers[i]));
		break;
	}
}

void
settings_advise(const struct oe_config *c, bool paranoid)
{
	advise_secrets(c);
	if (paranoid && !c->require_dnssec)
		log_warn("paranoid without require-dnssec: never in the clear, "
		    "but whoever can forge DNS answers can be the peer");
	if (c->rsa_min_bits < PUBKEY_BITS_MIN)
		log_warn("rsa-min-bits = %u: keys below %d bits are within "
		    "reach of those who can pay for it", c->rsa_min_bits,
		    PUBKEY_BITS_MIN);
	advise_resolvers(c);
}
