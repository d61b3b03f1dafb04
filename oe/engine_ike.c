/* engine_ike.c - the engine's versions of IKE, and what they ask of the core */
#include "config.h"

#include "base/clock.h"
#include "base/util.h"
#include "oe/child.h"
#include "oe/core.h"
#include "oe/engine_ike.h"
#include "oe/ike1/ike1.h"
#include "oe/ike2/ike2.h"
#include "oe/initiator.h"
#include "oe/liveness.h"
#include "oe/pair.h"
#include "oe/responder.h"
#include "oe/version.h"

static void
on_send(void *arg, const struct keying_path *path, const uint8_t *buf,
    size_t len)
{
	const struct core *c = arg;

	c->shell->send_ike(c->shell_arg, path, buf, len);
}

static int
on_spi_get(void *arg, uint32_t *spi)
{
	const struct core *c = arg;
	struct sa_pair	  *p;

	if (c->shell->spi_get != NULL)
		return c->shell->spi_get(c->shell_arg, spi);
	/* RFC 4303 §2.1: 1 to 255 are reserved. */
	do {
		random_bytes(spi, sizeof(*spi));
		HASH_FIND(hh, c->sad, spi, sizeof(*spi), p);
	} while (*spi < 256 || p != NULL);
	return 0;
}

static void
on_spi_put(void *arg, uint32_t spi)
{
	const struct core *c = arg;

	if (c->shell->spi_put != NULL)
		c->shell->spi_put(c->shell_arg, spi);
}

static int
on_cookie_get(void *arg, uint64_t *cookie)
{
	const struct core *c = arg;

	if (c->shell->cookie_get != NULL)
		return c->shell->cookie_get(c->shell_arg, cookie);
	do
		random_bytes(cookie, sizeof(*cookie));
	while (*cookie == 0);
	return 0;
}

static void
on_peer_lookup(void *arg, uint64_t token, const struct keying_id *id,
    enum keying_how claims, const struct keying_path *path)
{
	responder_peer_lookup(arg, clock_now(), token, id, claims, path);
}

static void
on_child_ask(void *arg, uint64_t token, const struct keying_ask *a)
{
	responder_child_ask(arg, clock_now(), token, a);
}

static void
on_child_up(void *arg, void *conn, const struct keying_child *k)
{
	core_set_now(arg, clock_now());
	child_up(conn, k);
}

static void
on_child_confirmed(void *arg, void *conn, uint32_t spi_in)
{
	core_set_now(arg, clock_now());
	child_confirmed(conn, spi_in);
}

static void
on_child_down(void *arg, void *conn, uint32_t spi_in, bool by_peer)
{
	core_set_now(arg, clock_now());
	child_down(conn, spi_in, by_peer);
}

static void
on_failed(void *arg, void *conn, unsigned version, enum keying_failure f,
    const char *detail)
{
	core_set_now(arg, clock_now());
	initiator_failed(conn, version, f, detail);
}

static void
on_peer_silent(void *arg, void *conn)
{
	core_set_now(arg, clock_now());
	liveness_peer_silent(conn);
}

static void
on_invalid_spi(void *arg, const struct addr *peer, uint32_t spi_out,
    const struct keying_id *who)
{
	liveness_invalid_spi(arg, clock_now(), peer, spi_out, who);
}

static void
on_initial_contact(void *arg, const struct keying_id *id,
    const struct addr *peer)
{
	responder_initial_contact(arg, clock_now(), id, peer);
}

static const struct keying_ops keying_ops = {
	.send = on_send,
	.spi_get = on_spi_get,
	.spi_put = on_spi_put,
	.cookie_get = on_cookie_get,
	.peer_lookup = on_peer_lookup,
	.child_ask = on_child_ask,
	.child_up = on_child_up,
	.child_confirmed = on_child_confirmed,
	.child_down = on_child_down,
	.failed = on_failed,
	.peer_silent = on_peer_silent,
	.invalid_spi = on_invalid_spi,
	.initial_contact = on_initial_contact,
};

static int
ike1_begin(struct core *core, struct door *door,
    const struct oe_config *c)
{
	struct ike1_config ic = {
		.key = c->key,
		.my_id = core_my_id(core, AF_INET),
		.legacy = c->legacy,
		.rsa_min_bits = c->rsa_min_bits,
		.encapsulate = c->encapsulate,
		.phase1_lifetime = c->phase1_lifetime,
		.phase2_lifetime = c->phase2_lifetime,
		.dpd_delay = c->dpd,
		.give_up = c->give_up * 1000,
	};
	struct ike1	  *e;

	if ((e = ike1_new(&ic, &keying_ops, core)) == NULL)
		return -1;
	door_set(door, clock_now(), &ike1_engine, e);
	return 0;
}

static int
ike2_begin(struct core *core, struct door *door,
    const struct oe_config *c)
{
	struct ike2_config ic = {
		.key = c->key,
		.my_id = c->id,
		.esp = c->esp,
		.transport = c->transport != OE_TRANSPORT_NO,
		.encapsulate = c->encapsulate,
		.ike_lifetime = c->phase1_lifetime,
		.child_lifetime = c->phase2_lifetime,
		.dpd_delay = c->dpd,
		.give_up = c->give_up * 1000,
	};
	struct ike2	  *e;

	if ((e = ike2_new(&ic, &keying_ops, core)) == NULL)
		return -1;
	door_set(door, clock_now(), &ike2_engine, e);
	return 0;
}

int
engine_ike_begin(struct core *core, struct door *door,
    const struct oe_config *c)
{
	unsigned i;

	static const struct {
		unsigned version;
		int	 (*begin)(struct core *core, struct door *door,
		    const struct oe_config *c);
	} versions[] = { { 2, ike2_begin }, { 1, ike1_begin } };

	for (i = 0; i < 2; i++) {
		if (!(c->ike & VERSION_BIT(versions[i].version)))
			door_close(door, clock_now(), versions[i].version);
		else if (versions[i].begin(core, door, c) == -1)
			return -1;
	}
	return 0;
}
