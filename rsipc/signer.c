/* signer.c - signed messages to and from the gateway: counters without a clock or a disk */
#include "config.h"

#include <string.h>

#include "base/util.h"
#include "rsipc/signer.h"

void
signer_init(struct signer *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->index = seed == 0 ? 1 : seed;
}

void
signer_set_key(struct signer *s, uint32_t key_id, const uint8_t *secret,
    size_t len, bool require)
{
	wipe(s->secret, sizeof(s->secret));
	s->secret_len = len > sizeof(s->secret) ? sizeof(s->secret) : len;
	memcpy(s->secret, secret, s->secret_len);
	s->key_id = key_id;
	s->require = require;
}

static struct rsip_key
signer_key(const struct signer *s, const struct addr *host,
    const struct addr *gateway)
{
	return (struct rsip_key){ .id = s->key_id, .secret = s->secret,
		.len = s->secret_len, .host = *host, .gateway = *gateway };
}

int
signer_encode(struct signer *s, struct rsip_message *m, uint8_t *out,
    size_t cap, const struct addr *host, const struct addr *gateway)
{
	struct rsip_key key = signer_key(s, host, gateway);
	int		n;

	if (s->secret_len > 0) {
		m->has |= RSIP_HAS_AUTH;
		m->auth_key_id = s->key_id;
		m->auth_index = s->index;
		m->auth_echo = s->theirs;
		m->auth_counter = ++s->sent;
	}
	n = rsip_encode(m, out, cap);
	if (n != -1 && s->secret_len > 0)
		rsip_auth_sign(m, out, (size_t)n, &key);
	return n;
}

/*
 * What the gateway says when it cannot tell our message from a recorded one:
 * its index, and the counter that a new one has to pass.  It names our index,
 * so it is an answer to us as we are since the last such answer, which no other
 * can be after this one: recorded ones move nothing, nor make us take what an
 * earlier life of the gateway said for new.
 */
static enum signer_verdict
signer_begin_anew(struct signer *s, const struct rsip_message *m)
{
	/* The gateway has our last message, or speaks of one before that. */
	if (m->auth_index == s->theirs && m->auth_floor <= s->sent)
		return SIGNER_OLD;
	s->theirs = m->auth_index;
	s->sent = m->auth_floor;
	s->seen = m->auth_counter;
	if (++s->index == 0)
		s->index = 1;
	return SIGNER_AGAIN;
}

enum signer_verdict
signer_verify(struct signer *s, const struct rsip_message *m,
    const uint8_t *buf, size_t len, const struct addr *host,
    const struct addr *gateway)
{
	struct rsip_key key = signer_key(s, host, gateway);

	if (s->secret_len == 0)
		return SIGNER_GOOD;
	if (!(m->has & RSIP_HAS_AUTH))
		return s->require ? SIGNER_UNSIGNED : SIGNER_GOOD;
	if (!rsip_auth_verify(m, buf, len, &key))
		return SIGNER_WRONG;
	if (m->auth_echo != s->index)
		return SIGNER_OLD;
	if (m->has & RSIP_HAS_FLOOR)
		return signer_begin_anew(s, m);
	if (m->auth_index != s->theirs ||
	    !rsip_auth_newer(m->auth_counter, s->seen))
		return SIGNER_OLD;
	s->seen = m->auth_counter;
	return SIGNER_GOOD;
}
