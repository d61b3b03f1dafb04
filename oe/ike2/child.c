/* child.c - Child SAs: what is offered and answered, and CREATE_CHILD_SA about them (RFC 7296 §1.3.1, §1.3.3, §2.8, §2.9) */
#include "config.h"

#include <string.h>
#include <sys/socket.h>

#include "base/cursor.h"
#include "base/util.h"
#include "oe/ike2/child.h"
#include "oe/ike2/configuration.h"
#include "oe/ike2/notify.h"
#include "oe/ike2/selector.h"
#include "oe/ike2/table.h"
#include "oe/ike2/window.h"

#define KE_ROUNDS	1	/* INVALID_KE_PAYLOAD answered (§1.3) */

/* --- what IKE_AUTH and CREATE_CHILD_SA have in common --- */

static void
terms_of(struct ike2_child *c, uint16_t group)
{
	c->terms = (struct ike2_terms){ .protocol = IKE2_PROTO_ESP,
		.spi_len = 4, .first_child = c->first, .ke = group,
		.no_esn = c->ike->c.no_esn, .ciphers = c->ike->c.esp };
}

static void
put_ts(struct ike2_builder *b, uint8_t type, const struct keying_selectors *s)
{
	ike2_open(b, type);
	ike2_selectors_write(&b->w, s);
	ike2_close(b);
}

/* --- addresses that one end lends the other (§2.19) --- */

/* Is one to be asked for with this child, in IKE_AUTH? */
static bool
wants_inner(const struct ike2_child *c)
{
	bool nat = c->sa->nat_here && !c->sa->feigned;

	if (c->ours.ts[0].from.family != AF_INET)
		return false;
	switch (c->want_inner) {
	case KEYING_INNER_NO:
		return false;
	case KEYING_INNER_BEHIND_NAT:
		return nat;
	case KEYING_INNER_LIKELY:
		return nat || c->sa->init->opportunistic;
	case KEYING_INNER_YES:
		return true;
	}
	return false;
}

static void
put_cp(struct ike2_builder *b, uint8_t type, const struct addr *addr)
{
	struct ike2_cfg cfg = { .type = type, .v4 = true, .addr4 = *addr };

	ike2_cfg_put(b, &cfg);
}

/* What is asked for with an address: ours as it is, or else the one that is
 * lent (any: which is not known). */
static struct keying_selectors
or_inner(const struct keying_selectors *ours)
{
	static const struct prefix    any = { .addr = { .family = AF_INET } };
	const struct keying_selectors all = *ours;
	struct keying_selectors	      s = all;

	if (s.n == KEYING_SELECTORS_MAX)
		s.n--;
	s.ts[s.n++] = keying_selector_prefix(&any);
	return s;
}

/* A CFG_REPLY to our request; false: it cannot be read, or lends what cannot be
 * ours. */
static bool
take_reply(struct ike2_child *c, const struct ike2_chain *m)
{
	const struct ike2_part *p = ike2_chain_find(m, IKE2_P_CONFIGURATION);
	struct ike2_cfg		cfg;

	if (p == NULL || !c->inner_asked)
		return true;
	if (ike2_cfg_read(&cfg, p->body, p->len) == -1 ||
	    cfg.type != IKE2_CFG_REPLY)
		return false;
	if (!cfg.v4 || !addr_is_set(&cfg.addr4))
		return true;
	if (!addr_is_host(&cfg.addr4) || addr_is_loopback(&cfg.addr4))
		return false;
	c->inner = cfg.addr4;
	return true;
}

/* Is all that we get the address that was lent?  libreswan 4 answers so
 * whatever it was asked for. */
static bool
is_inner(const struct ike2_child *c, const struct keying_selectors *ours)
{
	struct keying_selector s;

	if (!addr_is_set(&c->inner))
		return false;
	s = keying_selector_host(&c->inner, 0, 0);
	return ours->n == 1 && keying_selector_equal(&ours->ts[0], &s);
}

/* Is all of it one address? */
static bool
is_host(const struct keying_selectors *s, const struct addr *host)
{
	unsigned i;

	for (i = 0; i < s->n; i++) {
		if (!addr_equal(&s->ts[i].from, host) ||
		    !addr_equal(&s->ts[i].to, host))
			return false;
	}
	return s->n != 0;
}

/* Between the two ends themselves; and behind a NAT nobody here puts the
 * original addresses back (§2.23.1). */
static bool
may_be_transport(const struct ike2_child *c)
{
	const struct ike2_sa *sa = c->sa;

	return !sa->nat_here && !sa->nat_there && !c->inner_asked &&
	    !addr_is_set(&c->inner) && is_host(&c->ours, &sa->path.local) &&
	    is_host(&c->theirs, &sa->path.peer);
}

int
ike2_child_put_offer(struct ike2_child *c, struct ike2_builder *b)
{
	static const struct addr none;
	struct keying_selectors	 ours;
	struct ike2		*e = c->ike;
	struct writer		 w;
	uint16_t		 group = c->terms.ke;

	if (c->spi_in == 0 && e->x.ops->spi_get(e->x.arg, &c->spi_in) == -1) {
		c->spi_in = 0;
		return -1;
	}
	/* The IKE SA's own group is one that the peer takes (§1.3). */
	if (group == 0 && !c->first)
		group = c->sa->suite.ke;
	terms_of(c, group);
	writer_init(&w, c->offer, sizeof(c->offer));
	ike2_offer_write(&w, &c->terms, c->spi_in);
	c->offer_len = w.len;
	c->inner_asked = c->first && wants_inner(c);
	if (c->inner_asked)
		put_cp(b, IKE2_CFG_REQUEST, &none);
	ours = c->inner_asked ? or_inner(&c->ours) : c->ours;
	if (!may_be_transport(c))
		c->mode = KEYING_TUNNEL;
	if (c->mode == KEYING_TRANSPORT)
		ike2_notify_put(b, IKE2_N_USE_TRANSPORT_MODE, NULL, 0);
	ike2_put(b, IKE2_P_SA, c->offer, c->offer_len);
	if (!c->first) {
		ike2_nonce_draw(&c->ni);
		ike2_put(b, IKE2_P_NONCE, c->ni.p, c->ni.len);
		ike_dh_free(c->dh);
		if ((c->dh = ike_dh_new(group)) == NULL)
			return -1;
		ike2_ke_put(b, group, c->dh);
	}
	put_ts(b, IKE2_P_TSI, &ours);
	put_ts(b, IKE2_P_TSR, &c->theirs);
	return w.bad || b->w.bad ? -1 : 0;
}

static bool
take_ts(const struct ike2_chain *m, uint8_t type, struct keying_selectors *out)
{
	const struct ike2_part *p = ike2_chain_only(m, type);

	return p != NULL && ike2_selectors_read(out, p->body, p->len) == 0;
}

/* The peer's public value, if there is one. */
static bool
take_ke(struct ike2_child *c, const struct ike2_chain *m, uint16_t *group)
{
	const struct ike2_part *p = ike2_chain_find(m, IKE2_P_KE);

	*group = IKE2_KE_NONE;
	c->peer_ke_len = 0;
	if (p == NULL || c->first)
		return true;
	if (p->len <= 4 || p->len - 4 > sizeof(c->peer_ke))
		return false;
	*group = load_u16(p->body);
	c->peer_ke_len = p->len - 4;
	memcpy(c->peer_ke, p->body + 4, c->peer_ke_len);
	return true;
}

uint16_t
ike2_child_take_answer(struct ike2_child *c, const struct ike2_chain *m)
{
	const struct ike2_part *sa = ike2_chain_only(m, IKE2_P_SA);
	const struct ike2_part *nonce = ike2_chain_only(m, IKE2_P_NONCE);
	struct keying_selectors	ours, theirs;
	struct ike2_notify	n;
	uint16_t		error = ike2_notify_error(m), group;
	uint64_t		spi;

	if (error != 0)
		return error;
	if (sa == NULL || !take_ts(m, IKE2_P_TSI, &ours) ||
	    !take_ts(m, IKE2_P_TSR, &theirs) || !take_ke(c, m, &group) ||
	    !take_reply(c, m) ||
	    (!c->first && (nonce == NULL || ike2_nonce_read(&c->nr, nonce->body,
	    nonce->len) == -1)))
		return IKE2_N_INVALID_SYNTAX;
	if (ike2_offer_accept(sa->body, sa->len, c->offer, c->offer_len,
	    &c->terms, &c->suite, &spi) != IKE2_OFFER_OK)
		return IKE2_N_NO_PROPOSAL_CHOSEN;
	/* A group without a public value, or the other way round, is none. */
	if (c->suite.ke != group || (group != IKE2_KE_NONE &&
	    group != c->terms.ke))
		return IKE2_N_INVALID_KE_PAYLOAD;
	if (!keying_selectors_within(&theirs, &c->theirs))
		return IKE2_N_TS_UNACCEPTABLE;
	if (is_inner(c, &ours))
		c->sa->inner = c->inner;
	else if (keying_selectors_within(&ours, &c->ours))
		memset(&c->inner, 0, sizeof(c->inner));
	else
		return IKE2_N_TS_UNACCEPTABLE;
	c->ours = ours;
	c->theirs = theirs;
	c->spi_out = (uint32_t)spi;
	/* §1.3.1: a responder that does not say it too has chosen a tunnel. */
	if (!ike2_notify_find(m, IKE2_N_USE_TRANSPORT_MODE, &n))
		c->mode = KEYING_TUNNEL;
	else if (c->mode != KEYING_TRANSPORT)
		return IKE2_N_INVALID_SYNTAX;
	return 0;
}

bool
ike2_child_without_inner(struct ike2_child *c)
{
	if (!c->inner_asked || c->want_inner == KEYING_INNER_YES ||
	    c->conn == NULL || c->state == IKE2_CHILD_DEAD)
		return false;
	memset(&c->inner, 0, sizeof(c->inner));
	c->want_inner = KEYING_INNER_NO;
	c->first = false;
	c->state = IKE2_CHILD_WANTED;
	return true;
}

uint16_t
ike2_child_take_offer(struct ike2_child *c, const struct ike2_chain *m,
    uint16_t *group)
{
	const struct ike2_part *sa = ike2_chain_only(m, IKE2_P_SA);
	const struct ike2_part *nonce = ike2_chain_only(m, IKE2_P_NONCE);
	const struct ike2_part *cp = ike2_chain_find(m, IKE2_P_CONFIGURATION);
	struct ike2_notify	n;
	struct ike2_cfg		cfg;

	if (c->first && cp != NULL) {
		if (ike2_cfg_read(&cfg, cp->body, cp->len) == -1)
			return IKE2_N_INVALID_SYNTAX;
		c->inner_asked = cfg.type == IKE2_CFG_REQUEST && cfg.v4;
	}
	if (sa == NULL || !take_ts(m, IKE2_P_TSI, &c->theirs) ||
	    !take_ts(m, IKE2_P_TSR, &c->ours) || !take_ke(c, m, group) ||
	    (!c->first && (nonce == NULL || ike2_nonce_read(&c->ni, nonce->body,
	    nonce->len) == -1)))
		return IKE2_N_INVALID_SYNTAX;
	terms_of(c, *group);
	switch (ike2_offer_choose(sa->body, sa->len, &c->terms, &c->choice)) {
	case IKE2_OFFER_MALFORMED:
		return IKE2_N_INVALID_SYNTAX;
	case IKE2_OFFER_NONE:
		return IKE2_N_NO_PROPOSAL_CHOSEN;
	case IKE2_OFFER_OK:
		break;
	}
	c->suite = c->choice.suite;
	c->spi_out = (uint32_t)c->choice.spi;
	if (c->suite.ke != IKE2_KE_NONE && (c->suite.ke != *group ||
	    c->peer_ke_len != ike_group_len(*group))) {
		*group = c->suite.ke;
		return IKE2_N_INVALID_KE_PAYLOAD;
	}
	if (c->ours.n == 0 || c->theirs.n == 0)
		return IKE2_N_TS_UNACCEPTABLE;
	c->mode = c->ike->c.transport && may_be_transport(c) &&
	    ike2_notify_find(m, IKE2_N_USE_TRANSPORT_MODE, &n) ?
	    KEYING_TRANSPORT : KEYING_TUNNEL;
	if (c->ike->x.ops->spi_get(c->ike->x.arg, &c->spi_in) == -1) {
		c->spi_in = 0;
		return IKE2_N_NO_ADDITIONAL_SAS;
	}
	return 0;
}

void
ike2_child_put_answer(struct ike2_child *c, struct ike2_builder *b)
{
	if (addr_is_set(&c->lent))
		put_cp(b, IKE2_CFG_REPLY, &c->lent);
	if (c->mode == KEYING_TRANSPORT)
		ike2_notify_put(b, IKE2_N_USE_TRANSPORT_MODE, NULL, 0);
	ike2_open(b, IKE2_P_SA);
	ike2_offer_answer(&b->w, &c->choice, &c->terms, c->spi_in);
	ike2_close(b);
	if (!c->first) {
		ike2_put(b, IKE2_P_NONCE, c->nr.p, c->nr.len);
		if (c->suite.ke != IKE2_KE_NONE)
			ike2_ke_put(b, c->suite.ke, c->dh);
	}
	put_ts(b, IKE2_P_TSI, &c->theirs);
	put_ts(b, IKE2_P_TSR, &c->ours);
}

void
ike2_child_ask(struct ike2_child *c)
{
	struct ike2_sa	 *sa = c->sa;
	struct ike2	 *e = c->ike;
	struct keying_ask ask = { &sa->peer_id, &sa->proof, &sa->path, &c->ours,
		&c->theirs, c->mode, true, c->inner_asked };

	sa->token = ike_token(&e->x);
	c->since = sa->heard;
	ike_timer(&e->x, c->since + IKE2_ASK_TIME);
	e->x.ops->child_ask(e->x.arg, sa->token, &ask);
}

/* The secret of the exchange's own, if it has one. 0, or -1. */
static int
derive(struct ike2_child *c, struct ike2_fresh *f, uint8_t *secret)
{
	int n;

	*f = (struct ike2_fresh){ &c->ni, &c->nr, NULL, 0 };
	if (c->suite.ke == IKE2_KE_NONE)
		return 0;
	n = ike_dh_derive(c->dh, c->peer_ke, c->peer_ke_len, secret);
	ike_dh_free(c->dh);
	c->dh = NULL;
	if (n == -1)
		return -1;
	f->secret = secret;
	f->secret_len = (size_t)n;
	return 0;
}

int
ike2_child_announce(struct ike2_child *c, uint64_t now,
    const struct ike2_fresh *f)
{
	struct ike2_sa	   *sa = c->sa;
	struct ike2	   *e = c->ike;
	struct keying_child up = { 0 };
	uint64_t	    life = (uint64_t)e->c.child_lifetime * 1000;
	unsigned	    percent;

	if (ike2_child_keys(&sa->keys, f, &c->suite, c->initiator, &up.in,
	    &up.out) == -1) {
		wipe(&up, sizeof(up));
		return -1;
	}
	up.in.spi = c->spi_in;
	up.out.spi = c->spi_out;
	up.in.src = up.out.dst = sa->path.peer;
	up.in.dst = up.out.src = sa->path.local;
	if (sa->nat_here || sa->nat_there) {
		up.in.encap_sport = up.out.encap_dport = sa->path.peer_port;
		up.in.encap_dport = up.out.encap_sport = sa->path.local_port;
	}
	up.ours = c->ours;
	up.theirs = c->theirs;
	up.inner = c->inner;
	up.path = sa->path;
	up.peer_id = sa->peer_id;
	up.proof = sa->proof;
	up.version = IKE2_MAJOR;
	up.nonce = load_u64(sa->ni.p);
	up.mode = c->mode;
	up.in.transport = up.out.transport = c->mode == KEYING_TRANSPORT;
	up.initiator = c->initiator;
	up.nat_there = sa->nat_there;
	/* The initiator renews first, so that both do not at once. */
	percent = c->initiator ? 85 - random_uniform(5) : 95;
	up.hard = c->hard = now + life;
	up.soft = now + life / 100 * percent;
	up.hard_bytes = (uint64_t)e->c.child_kilobytes * 1024;
	up.soft_bytes = up.hard_bytes / 100 * percent;
	c->state = IKE2_CHILD_UP;
	c->announced = true;
	sa->childless_at = IKE_NEVER;
	e->count.children++;
	ike_timer(&e->x, c->hard);
	e->x.ops->child_up(e->x.arg, c->conn, &up);
	wipe(&up, sizeof(up));
	/* The responder had its half before it answered. */
	if (c->initiator)
		ike2_child_confirm(c);
	return 0;
}

void
ike2_child_confirm(struct ike2_child *c)
{
	if (c->confirmed || !c->announced || c->conn == NULL)
		return;
	c->confirmed = true;
	c->ike->x.ops->child_confirmed(c->ike->x.arg, c->conn, c->spi_in);
}

void
ike2_child_not_made(struct ike2_child *c, uint64_t now,
    const struct ike2_chain *m, uint16_t error)
{
	const char *detail = error == 0 ? "no keys" : ike2_notify_text(error);

	if (ike2_notify_error(m) != 0) {
		ike2_child_failed(c, KEYING_CHILD_REFUSED, detail);
		return;
	}
	/* The peer has made its half, which we do not want. */
	ike2_child_abandon(c, KEYING_CHILD_REFUSED, detail);
	ike2_child_delete(c, now);
}

void
ike2_child_delete(struct ike2_child *c, uint64_t now)
{
	if (c->state == IKE2_CHILD_DEAD || c->state == IKE2_CHILD_DELETING)
		return;
	c->state = IKE2_CHILD_DELETING;
	if (c->sa != NULL)
		c->ike->next(c->sa, now);
}

/* --- CREATE_CHILD_SA: initiator --- */

/* A child of the peer's that replaces the same as c (§2.8.1), if there is
 * such a collision. */
static struct ike2_child *
rival(const struct ike2_child *c)
{
	struct ike2_child *o;

	TAILQ_FOREACH(o, &c->sa->children, entry) {
		if (o != c && c->rekeys != 0 && o->rekeys == c->rekeys &&
		    o->initiator != c->initiator && o->announced &&
		    o->state != IKE2_CHILD_DEAD)
			return o;
	}
	return NULL;
}

void
ike2_child_start(struct ike2_child *c, uint64_t now)
{
	struct ike2_sa	   *sa = c->sa;
	struct ike2_child  *old = c->rekeys == 0 ? NULL :
	    ike2_child_by_in(sa, c->rekeys);
	struct ike2_builder b;

	if (rival(c) != NULL && (old == NULL || old->state != IKE2_CHILD_UP)) {
		/* The peer has replaced it meanwhile. */
		ike2_child_kill(c);
		return;
	}
	ike2_inner_begin(sa, &b);
	/* §1.3.3: it is named by the SPI that we receive on. */
	c->unsure = old != NULL && !old->initiator && !old->confirmed;
	if (old != NULL && old->state == IKE2_CHILD_UP)
		ike2_notify_put_esp(&b, IKE2_N_REKEY_SA, c->rekeys);
	else
		c->rekeys = 0;
	if (ike2_child_put_offer(c, &b) == -1 || ike2_request_send(sa, now,
	    IKE2_JOB_CHILD, IKE2_CREATE_CHILD_SA, c, &b) == -1) {
		ike2_child_failed(c, KEYING_LOCAL, "no SPI, or no memory");
		return;
	}
	c->state = IKE2_CHILD_SENT;
	sa->nearly = 0;
}

static const struct ike2_nonce *
lower_nonce(const struct ike2_child *c)
{
	return ike2_nonce_compare(&c->ni, &c->nr) < 0 ? &c->ni : &c->nr;
}

/* A rekey of ours is done: what is redundant goes, by who made it; of two that
 * replace the same that is the one with the lowest of the four
 * nonces (§2.8.1). */
static void
drop_redundant(struct ike2_child *c, uint64_t now)
{
	struct ike2_child *other = rival(c), *old;

	if (other != NULL && ike2_nonce_compare(lower_nonce(c),
	    lower_nonce(other)) < 0) {
		c->redundant = true;
		ike2_child_delete(c, now);
		return;
	}
	if (other != NULL)
		other->redundant = true;
	if ((old = ike2_child_by_in(c->sa, c->rekeys)) != NULL)
		ike2_child_delete(old, now);
}

/* Has the peer taken it back before we heard of it? */
static bool
deleted_early(const struct ike2_child *c)
{
	unsigned i;

	for (i = 0; i < IKE2_EARLY_MAX && i < c->sa->nearly; i++) {
		if (c->sa->early[i] == c->spi_out)
			return true;
	}
	return false;
}

void
ike2_child_answer(struct ike2_child *c, uint64_t now,
    const struct ike2_chain *m)
{
	struct ike2_sa	 *sa = c->sa;
	struct ike2_notify n;
	struct ike2_fresh f;
	uint8_t		  secret[IKE_KE_MAX];
	uint16_t	  error = ike2_child_take_answer(c, m), group;
	struct ike2_child *old;
	int		  rc;

	switch (error) {
	case 0:
		break;
	case IKE2_N_INVALID_KE_PAYLOAD:
		group = ike2_notify_find(m, error, &n) && n.len == 2 ?
		    load_u16(n.data) : 0;
		if (c->rounds++ < KE_ROUNDS && group != c->terms.ke &&
		    ike2_ke_allowed(group)) {
			c->terms.ke = group;
			c->state = IKE2_CHILD_WANTED;
			return;
		}
		break;
	case IKE2_N_TEMPORARY_FAILURE:
		/* §2.25: later, if it is still wanted. */
		ike2_peer_busy(sa, now);
		c->state = IKE2_CHILD_WANTED;
		return;
	case IKE2_N_CHILD_SA_NOT_FOUND:
		/* §2.25: it has deleted that one; begin a new one. */
		old = c->rekeys == 0 ? NULL : ike2_child_by_in(sa, c->rekeys);
		if (c->unsure) {
			/* Or had not heard that it is there:
			 * it is fresh then. */
			ike2_child_kill(c);
			return;
		}
		if (old != NULL && old->state == IKE2_CHILD_UP)
			ike2_child_gone(old, true);
		if (rival(c) != NULL) {
			ike2_child_kill(c);
			return;
		}
		if (c->rekeys != 0) {
			c->rekeys = 0;
			c->state = IKE2_CHILD_WANTED;
			return;
		}
		break;
	case IKE2_N_NO_ADDITIONAL_SAS:
		/* §4: there are peers that take one, and never rekey; whoever
		 * asks again gets another IKE SA. */
		sa->full = true;
		ike2_child_failed(c, KEYING_LOCAL, ike2_notify_text(error));
		return;
	default:
		break;
	}
	if (error == 0 && deleted_early(c)) {
		ike2_child_failed(c, KEYING_CHILD_REFUSED,
		    "the peer deleted it at once");
		return;
	}
	if (error == 0 && c->conn == NULL) {
		/* Nobody wants it any more; the peer has it. */
		ike2_child_delete(c, now);
		return;
	}
	if (error == 0) {
		rc = derive(c, &f, secret);
		if (rc == 0)
			rc = ike2_child_announce(c, now, &f);
		wipe(secret, sizeof(secret));
		if (rc == 0) {
			drop_redundant(c, now);
			return;
		}
	}
	ike2_child_not_made(c, now, m, error);
}

/* --- CREATE_CHILD_SA: responder --- */

void
ike2_child_request(struct ike2_sa *sa, uint64_t now, const struct ike2_chain *m)
{
	struct ike2_child  *c, *old = NULL;
	struct ike2_notify  n;
	struct ike2_builder b;
	uint64_t	    begun;
	uint16_t	    error, group = 0;

	/* §2.25.2: this IKE SA is about to go, and children with it move. */
	if (sa->close || sa->rekey != NULL || sa->replaced) {
		ike2_create_refuse(sa, now, IKE2_N_TEMPORARY_FAILURE, 0);
		return;
	}
	if (ike2_notify_find(m, IKE2_N_REKEY_SA, &n)) {
		old = n.protocol == IKE2_PROTO_ESP ?
		    ike2_child_by_out(sa, n.spi) : NULL;
		if (old == NULL) {
			ike2_inner_begin(sa, &b);
			ike2_notify_put_esp(&b, IKE2_N_CHILD_SA_NOT_FOUND,
			    n.spi);
			ike2_answer_send(sa, now, IKE2_CREATE_CHILD_SA, &b);
			return;
		}
		/* §2.25.1: our own delete of it is on its way. */
		if (old->state != IKE2_CHILD_UP) {
			ike2_create_refuse(sa, now,
			    IKE2_N_TEMPORARY_FAILURE, 0);
			return;
		}
	}
	if ((c = ike2_child_new(sa, false)) == NULL) {
		ike2_create_refuse(sa, now, IKE2_N_NO_ADDITIONAL_SAS, 0);
		return;
	}
	if (old != NULL)
		c->rekeys = old->spi_in;
	error = ike2_child_take_offer(c, m, &group);
	if (error == 0 && c->suite.ke != IKE2_KE_NONE) {
		begun = ike_work_begin(&c->ike->budget);
		if ((c->dh = ike_dh_new(c->suite.ke)) == NULL)
			error = IKE2_N_NO_ADDITIONAL_SAS;
		ike_work_end(&c->ike->budget, begun);
	}
	if (error != 0) {
		ike2_child_kill(c);
		ike2_create_refuse(sa, now, error, group);
		return;
	}
	ike2_nonce_draw(&c->nr);
	/* What carried its traffic before is known to whom it belongs. */
	if (old != NULL && keying_selectors_within(&c->ours, &old->ours) &&
	    keying_selectors_within(&c->theirs, &old->theirs)) {
		if (is_inner(old, &c->ours))
			c->inner = old->inner;
		ike2_child_authorized(c, now, old->conn);
		return;
	}
	ike2_child_ask(c);
}

void
ike2_child_authorized(struct ike2_child *c, uint64_t now, void *conn)
{
	struct ike2_sa	   *sa = c->sa;
	struct ike2_builder b;
	struct ike2_fresh   f;
	uint8_t		    secret[IKE_KE_MAX];
	uint64_t	    begun;
	int		    rc;

	if (conn == NULL) {
		ike2_child_kill(c);
		ike2_create_refuse(sa, now, IKE2_N_TS_UNACCEPTABLE, 0);
		return;
	}
	c->conn = conn;
	ike2_inner_begin(sa, &b);
	ike2_child_put_answer(c, &b);
	rc = ike2_answer_seal(sa, IKE2_CREATE_CHILD_SA, &b);
	begun = ike_work_begin(&c->ike->budget);
	if (rc == 0)
		rc = derive(c, &f, secret);
	ike_work_end(&c->ike->budget, begun);
	/* Inbound stands before the peer can use it. */
	if (rc == 0)
		rc = ike2_child_announce(c, now, &f);
	wipe(secret, sizeof(secret));
	if (rc == 0) {
		ike2_answer_flush(sa, now);
		/* §2.8: one that replaces another carries nothing of ours until
		 * the peer has shown that it has it. */
		if (c->rekeys == 0)
			ike2_child_confirm(c);
		return;
	}
	ike2_child_kill(c);
	ike2_create_refuse(sa, now, IKE2_N_INVALID_SYNTAX, 0);
}
