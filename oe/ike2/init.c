/* init.c - IKE_SA_INIT in both roles: cookies, groups, NAT detection (RFC 7296 §1.2, §2.6, §2.7, §2.23) */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "oe/ike/natd.h"
#include "oe/ike2/auth.h"
#include "oe/ike2/establish.h"
#include "oe/ike2/exponent.h"
#include "oe/ike2/init.h"
#include "oe/ike2/notify.h"
#include "oe/ike2/table.h"
#include "oe/ike2/window.h"

#define MESSAGE_MAX	2048	/* of ours */
#define COOKIE_LEN	33	/* which secret, and a MAC */
#define COOKIE_MAX	64	/* of others (§2.6) */
#define SECRET_TIME	120000	/* milliseconds a cookie's secret
				 * is the newer one */
#define NATD_LEN	20	/* SHA-1 */

/* libreswan shows so that it may use or take no authentication; a
 * hint for it alone. */
static const char opportunistic[] = "Opportunistic IPsec";

/* --- NAT detection (§2.23): writes both, compares the peer's --- */

static void
ike2_natd_put(struct ike2_sa *sa, struct ike2_builder *b, uint64_t spi_i,
    uint64_t spi_r)
{
	uint8_t hash[IKE_HASH_MAX];

	if (sa->ike->c.no_natt)
		return;
	if (natd_hash_own(IKE_SHA1, spi_i, spi_r, &sa->path,
	    sa->ike->c.encapsulate, hash) == 0)
		ike2_notify_put(b, IKE2_N_NAT_DETECTION_SOURCE_IP, hash,
		    NATD_LEN);
	if (natd_hash(IKE_SHA1, spi_i, spi_r, &sa->path.peer,
	    sa->path.peer_port, hash) == 0)
		ike2_notify_put(b, IKE2_N_NAT_DETECTION_DESTINATION_IP, hash,
		    NATD_LEN);
}

static void
ike2_natd_compare(struct ike2_sa *sa, const struct ike2_chain *c,
    uint64_t spi_i, uint64_t spi_r)
{
	struct ike2_notify n;
	struct natd	   d;
	unsigned	   i;

	sa->nat_here = sa->nat_there = sa->feigned = false;
	if (sa->ike->c.no_natt || natd_begin(&d, IKE_SHA1, spi_i, spi_r,
	    &sa->came) == -1)
		return;
	for (i = 0; i < c->nparts; i++) {
		if (c->part[i].type != IKE2_P_NOTIFY ||
		    ike2_notify_read(&n, &c->part[i]) == -1)
			continue;
		if (n.type == IKE2_N_NAT_DETECTION_SOURCE_IP)
			natd_said_theirs(&d, n.data, n.len);
		else if (n.type == IKE2_N_NAT_DETECTION_DESTINATION_IP)
			natd_said_ours(&d, n.data, n.len);
	}
	sa->nat_there = d.n_theirs != 0 && d.there;
	sa->nat_here = d.n_ours != 0 && (d.here || sa->ike->c.encapsulate);
	sa->feigned = sa->nat_here && !d.here;
}

/* --- what both messages have --- */

static void
put_hashes(struct ike2_builder *b)
{
	struct writer w;
	uint8_t	      data[16];

	writer_init(&w, data, sizeof(data));
	ike2_hashes_write(&w);
	ike2_notify_put(b, IKE2_N_SIGNATURE_HASH_ALGORITHMS, data, w.len);
}

static int
remember(uint8_t **to, size_t *to_len, const uint8_t *buf, size_t len)
{
	uint8_t *copy = malloc(len);

	if (copy == NULL)
		return -1;
	memcpy(copy, buf, len);
	free(*to);
	*to = copy;
	*to_len = len;
	return 0;
}

static void
note_hashes(struct ike2_sa *sa, const struct ike2_chain *c)
{
	struct ike2_notify n;

	if (ike2_notify_find(c, IKE2_N_SIGNATURE_HASH_ALGORITHMS, &n))
		sa->init->hashes = ike2_hashes_read(n.data, n.len);
	sa->fragments = ike2_notify_find(c, IKE2_N_FRAGMENTATION_SUPPORTED, &n);
}

/* SKEYSEED and all keys, of what the peer's KE payload has: both messages are
 * there. 0, or -1: no good public value. */
static int
make_keys(struct ike2_sa *sa, const struct ike2_part *ke)
{
	uint8_t		  secret[IKE_KE_MAX];
	struct ike2_fresh f = { &sa->ni, &sa->nr, secret, 0 };
	struct ike2_init *in = sa->init;
	int		  n, rc = -1;

	n = sa->initiator ? ike_dh_derive(in->dh, ke->body + 4, ke->len - 4,
	    secret) : ike2_exponent_derive(sa->ike, in->exponent, ke->body + 4,
	    ke->len - 4, secret);
	if (n != -1) {
		f.secret_len = (size_t)n;
		rc = ike2_keys_make(&sa->keys, &sa->suite, NULL, &f,
		    sa->initiator ? sa->spi : sa->peer_spi,
		    sa->initiator ? sa->peer_spi : sa->spi);
	}
	wipe(secret, sizeof(secret));
	ike_dh_free(in->dh);
	in->dh = NULL;
	ike2_exponent_put(in->exponent);
	in->exponent = NULL;
	return rc;
}

/* --- initiator --- */

/* Builds the first message anew, with what the responder has asked
 * for, and sends it. */
static int
send_request(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_init   *in = sa->init;
	struct ike2_terms   t = { .protocol = IKE2_PROTO_IKE, .ke = in->group };
	struct ike2_header  h = { .spi_i = sa->spi, .exchange = IKE2_SA_INIT,
		.flags = IKE2_FLAG_INITIATOR };
	struct ike2_builder b;
	struct writer	    offer;
	uint8_t		    buf[MESSAGE_MAX];
	size_t		    len;

	writer_init(&offer, in->offer, sizeof(in->offer));
	ike2_offer_write(&offer, &t, 0);
	in->offer_len = offer.len;
	ike2_message_begin(&b, buf, sizeof(buf), &h);
	if (in->cookie_len != 0)
		ike2_notify_put(&b, IKE2_N_COOKIE, in->cookie, in->cookie_len);
	ike2_put(&b, IKE2_P_SA, in->offer, in->offer_len);
	ike2_ke_put(&b, in->group, in->dh);
	ike2_put(&b, IKE2_P_NONCE, sa->ni.p, sa->ni.len);
	ike2_notify_put(&b, IKE2_N_FRAGMENTATION_SUPPORTED, NULL, 0);
	put_hashes(&b);
	ike2_natd_put(sa, &b, sa->spi, 0);
	if (in->nothing || sa->ike->c.key == NULL ||
	    sa->my_id.type == KEYING_ID_NULL)
		ike2_put(&b, IKE2_P_VENDOR_ID, opportunistic,
		    sizeof(opportunistic) - 1);
	len = ike2_message_end(&b);
	if (offer.bad || len == 0 || remember(&in->mine, &in->mine_len, buf,
	    len) == -1)
		return -1;
	return ike2_request_clear(sa, now, buf, len);
}

/* libreswan, as far as it shows that. */
static bool
says_opportunistic(const struct ike2_chain *c)
{
	unsigned i;

	for (i = 0; i < c->nparts; i++) {
		if (c->part[i].type == IKE2_P_VENDOR_ID && c->part[i].len ==
		    sizeof(opportunistic) - 1 && memcmp(c->part[i].body,
		    opportunistic, sizeof(opportunistic) - 1) == 0)
			return true;
	}
	return false;
}

/* A key pair of the group, for this attempt alone. */
static int
fresh_pair(struct ike2_sa *sa, uint16_t group)
{
	ike_dh_free(sa->init->dh);
	sa->init->group = group;
	return (sa->init->dh = ike_dh_new(group)) == NULL ? -1 : 0;
}

int
ike2_init_start(struct ike2_sa *sa, uint64_t now)
{
	ike2_nonce_draw(&sa->ni);
	if (fresh_pair(sa, sa->init->group != 0 ? sa->init->group :
	    ike2_group_of(sa->ike, &sa->path.peer)) == -1)
		return -1;
	return send_request(sa, now);
}

int
ike2_init_again(struct ike2_sa *sa, uint64_t now)
{
	uint64_t spi;

	if (ike2_spi_draw(sa->ike, true, &spi) == -1)
		return -1;
	ike2_sa_hash(sa, spi);
	sa->init->cookie_len = 0;
	sa->init->rounds = 0;
	return ike2_init_start(sa, now);
}

void
ike2_init_give_up(struct ike2_sa *sa)
{
	uint16_t type = sa->init->refused;

	ike2_sa_failed(sa, type == IKE2_N_INVALID_MAJOR_VERSION ?
	    KEYING_VERSION : KEYING_PEER_REFUSED, ike2_notify_text(type));
}

/* COOKIE or INVALID_KE_PAYLOAD: the same once more with what it
 * says; true if so. */
static bool
asked_again(struct ike2_sa *sa, uint64_t now, const struct ike2_chain *c)
{
	struct ike2_notify n;
	uint16_t	   group;

	if (sa->init->rounds >= IKE2_INIT_ROUNDS)
		return false;
	if (ike2_notify_find(c, IKE2_N_COOKIE, &n)) {
		if (n.len == 0 || n.len > COOKIE_MAX ||
		    (n.len == sa->init->cookie_len &&
		    memcmp(n.data, sa->init->cookie, n.len) == 0))
			return true;
		/* §2.6: all else as it was, SPI, nonce and public value. */
		memcpy(sa->init->cookie, n.data, n.len);
		sa->init->cookie_len = n.len;
	} else if (ike2_notify_find(c, IKE2_N_INVALID_KE_PAYLOAD, &n)) {
		group = n.len == 2 ? load_u16(n.data) : 0;
		/* §1.2: one that we offered; the offer remains whole, so that
		 * a forger gains nothing that the responder
		 * would not choose. */
		if (group == sa->init->group || !ike2_ke_allowed(group))
			return true;
		if (fresh_pair(sa, group) == -1)
			return true;
	} else
		return false;
	sa->init->rounds++;
	if (send_request(sa, now) == -1)
		ike2_sa_failed(sa, KEYING_LOCAL, "no memory");
	return true;
}

/* Behind a NAT, or in front of one: to port 4500 (§2.23). */
static void
float_path(struct ike2_sa *sa)
{
	if (!sa->nat_here && !sa->nat_there)
		return;
	/* A port leased for IKE stays ours; the marker goes by either port. */
	if (sa->path.local_port == KEYING_PORT)
		sa->path.local_port = KEYING_PORT_NATT;
	sa->path.peer_port = KEYING_PORT_NATT;
}

/* SAr1, KEr, Nr, or false. */
static bool
take_answer(struct ike2_sa *sa, const struct ike2_chain *c)
{
	const struct ike2_part *psa = ike2_chain_only(c, IKE2_P_SA);
	const struct ike2_part *ke = ike2_chain_only(c, IKE2_P_KE);
	const struct ike2_part *nonce = ike2_chain_only(c, IKE2_P_NONCE);
	struct ike2_terms	t = { .protocol = IKE2_PROTO_IKE,
		.ke = sa->init->group };
	uint64_t		spi;

	return psa != NULL && ke != NULL && nonce != NULL && ke->len > 4 &&
	    ike2_offer_accept(psa->body, psa->len, sa->init->offer,
	    sa->init->offer_len, &t, &sa->suite, &spi) == IKE2_OFFER_OK &&
	    /* §2.7: another group would be said by INVALID_KE_PAYLOAD. */
	    sa->suite.ke == sa->init->group &&
	    load_u16(ke->body) == sa->init->group &&
	    ike2_nonce_read(&sa->nr, nonce->body, nonce->len) == 0 &&
	    make_keys(sa, ke) == 0;
}

void
ike2_init_answer(struct ike2_sa *sa, uint64_t now, const struct ike2_header *h,
    const uint8_t *buf, size_t len)
{
	struct ike2_chain c;
	uint16_t	  refused;

	if (ike2_chain_split(&c, h->first, buf + IKE2_HEADER_LEN,
	    len - IKE2_HEADER_LEN, false) != IKE2_OK ||
	    asked_again(sa, now, &c))
		return;
	if ((refused = ike2_notify_error(&c)) != 0) {
		/* §2.21.1: nobody has signed it. */
		if (sa->init->refused == 0) {
			sa->init->refused = refused;
			sa->init->refused_at = now + IKE2_REFUSED_WAIT;
			ike_timer(&sa->ike->x, sa->init->refused_at);
		}
		return;
	}
	if (h->spi_r == 0 || ike2_chain_find(&c, IKE2_P_SA) == NULL)
		return;
	/* The answer may be forged, and the true one on its way; but our
	 * secret half is used once, so the first answer that fits
	 * decides (§2.21.1). */
	sa->peer_spi = h->spi_r;
	if (!take_answer(sa, &c) || remember(&sa->init->theirs,
	    &sa->init->theirs_len, buf, len) == -1) {
		ike2_sa_failed(sa, KEYING_PEER_REFUSED,
		    "its answer to IKE_SA_INIT is not what was offered");
		return;
	}
	note_hashes(sa, &c);
	sa->init->opportunistic = says_opportunistic(&c);
	ike2_natd_compare(sa, &c, sa->spi, sa->peer_spi);
	float_path(sa);
	ike2_request_done(sa);
	sa->out_next = 1;
	sa->state = IKE2_AUTH_SENT;
	if (ike2_auth_start(sa, now) == -1)
		ike2_sa_failed(sa, KEYING_LOCAL, "no IKE_AUTH can be made");
}

/* --- responder --- */

/* <which secret> | MAC over nonce, address and SPI (§2.6): no
 * state is kept for it. */
static int
cookie_make(struct ike2 *e, uint8_t number, const struct keying_path *path,
    const struct ike2_header *h, const struct ike2_part *nonce,
    uint8_t out[COOKIE_LEN])
{
	uint8_t		 mac[IKE_HASH_MAX], where[8 + 17 + 2];
	struct ike_chunk c[2] = { { nonce->body, nonce->len },
		{ where, sizeof(where) } };

	store_u64(where, h->spi_i);
	where[8] = path->peer.family;
	memcpy(where + 9, path->peer.bytes, 16);
	store_u16(where + 25, path->peer_port);
	if (ike_prf(IKE_SHA2_256, e->secret[number & 1],
	    sizeof(e->secret[0]), c, 2, mac) == -1)
		return -1;
	out[0] = number;
	memcpy(out + 1, mac, COOKIE_LEN - 1);
	return 0;
}

static void
renew_secret(struct ike2 *e, uint64_t now)
{
	if (now < e->secret_at)
		return;
	e->secret_no++;
	random_bytes(e->secret[e->secret_no & 1], sizeof(e->secret[0]));
	/* After a long rest the one before is as good as published. */
	if (now >= e->secret_at + SECRET_TIME)
		random_bytes(e->secret[~e->secret_no & 1],
		    sizeof(e->secret[0]));
	e->secret_at = now + SECRET_TIME;
}

/* Has this stranger shown that it receives at its address? */
static bool
cookie_good(struct ike2 *e, uint64_t now, const struct keying_path *path,
    const struct ike2_header *h, const struct ike2_chain *c,
    const struct ike2_part *nonce)
{
	struct ike2_notify n;
	uint8_t		   want[COOKIE_LEN];

	renew_secret(e, now);
	return ike2_notify_find(c, IKE2_N_COOKIE, &n) && n.len == COOKIE_LEN &&
	    (n.data[0] == e->secret_no ||
	    n.data[0] == (uint8_t)(e->secret_no - 1)) &&
	    cookie_make(e, n.data[0], path, h, nonce, want) == 0 &&
	    compare_secret(want, n.data, COOKIE_LEN) == 0;
}

/* A notify in the clear, without any state of ours. */
static void
refuse(struct ike2 *e, const struct keying_path *path,
    const struct ike2_header *request, uint16_t type, const void *data,
    size_t len)
{
	struct ike2_header  h = { .spi_i = request->spi_i,
		.exchange = IKE2_SA_INIT, .flags = IKE2_FLAG_RESPONSE };
	struct ike2_builder b;
	uint8_t		    buf[128];

	e->count.refused += type != IKE2_N_COOKIE;
	e->count.cookies += type == IKE2_N_COOKIE;
	ike2_message_begin(&b, buf, sizeof(buf), &h);
	ike2_notify_put(&b, type, data, len);
	ike_send(&e->x, path, buf, ike2_message_end(&b));
}

static void
ask_cookie(struct ike2 *e, const struct keying_path *path,
    const struct ike2_header *h, const struct ike2_part *nonce)
{
	uint8_t cookie[COOKIE_LEN];

	if (cookie_make(e, e->secret_no, path, h, nonce, cookie) == 0)
		refuse(e, path, h, IKE2_N_COOKIE, cookie, COOKIE_LEN);
}

/* Are so many under way that a stranger shows that it receives at its address?
 * Of one address half of its places, else who forges it has them all. */
static bool
crowded(const struct ike2 *e, const struct keying_path *path)
{
	return e->budget.nhalf >= e->c.cookie_from ||
	    ike_half_of(&e->budget, &path->peer) >=
	    (e->budget.limits.per_network + 1) / 2;
}

/* Room for one more that others begin? */
static bool
admit(struct ike2 *e, const struct keying_path *path)
{
	const struct ike2_sa *sa;
	unsigned	      n = 0;
	void		     *victim;

	TAILQ_FOREACH(sa, &e->sas, entry)
		n += !sa->initiator &&
		    addr_same_network(&sa->path.peer, &path->peer);
	if (e->nsas[false] >= e->c.sa_max || n >= e->c.sa_per_address ||
	    !ike_half_room(&e->budget, path, &victim))
		return false;
	if (victim != NULL) {
		e->count.half_open_evicted++;
		ike2_sa_free(victim);
	}
	return true;
}

/* HDR, SAr1, KEr, Nr, and what we can. */
static int
send_answer(struct ike2_sa *sa, const struct ike2_choice *choice,
    const struct ike2_terms *t, bool hashes)
{
	struct ike2_header  h = { .spi_i = sa->peer_spi, .spi_r = sa->spi,
		.exchange = IKE2_SA_INIT, .flags = IKE2_FLAG_RESPONSE };
	struct ike2_builder b;
	uint8_t		    buf[MESSAGE_MAX];
	size_t		    len;

	ike2_message_begin(&b, buf, sizeof(buf), &h);
	ike2_open(&b, IKE2_P_SA);
	ike2_offer_answer(&b.w, choice, t, 0);
	ike2_close(&b);
	ike2_ke_put(&b, sa->suite.ke, sa->init->exponent->dh);
	ike2_put(&b, IKE2_P_NONCE, sa->nr.p, sa->nr.len);
	ike2_natd_put(sa, &b, sa->peer_spi, sa->spi);
	if (sa->fragments)
		ike2_notify_put(&b, IKE2_N_FRAGMENTATION_SUPPORTED, NULL, 0);
	if (hashes)
		put_hashes(&b);
	len = ike2_message_end(&b);
	if (len == 0 || remember(&sa->init->mine, &sa->init->mine_len, buf,
	    len) == -1)
		return -1;
	ike_send(&sa->ike->x, &sa->path, buf, len);
	return 0;
}

/* Good so far: a half-open SA, and no public-key work for it. */
static void
begin(struct ike2 *e, uint64_t now, const struct keying_path *path,
    const struct ike2_header *h, const struct ike2_chain *c,
    const struct ike2_choice *choice, const struct ike2_terms *t, bool shown,
    const uint8_t *buf, size_t len)
{
	const struct ike2_part *nonce = ike2_chain_only(c, IKE2_P_NONCE);
	struct ike2_sa	       *sa;

	if ((sa = ike2_sa_new(e, now, path, false)) == NULL)
		return;
	sa->peer_spi = h->spi_i;
	sa->suite = choice->suite;
	sa->in_next = 1;
	sa->expires = now + IKE2_HALF_OPEN_TIME;
	ike_timer(&e->x, sa->expires);
	sa->init_key.spi_i = h->spi_i;
	sa->init_key.peer = path->peer;
	sa->init_key.port = path->peer_port;
	HASH_ADD(hh_init, e->by_init, init_key, sizeof(sa->init_key), sa);
	sa->half_open = true;
	ike_half_add(&e->budget, &sa->half, path, shown, sa);
	note_hashes(sa, c);
	ike2_natd_compare(sa, c, h->spi_i, 0);
	ike2_nonce_draw(&sa->nr);
	sa->init->exponent = ike2_exponent_get(e, now, sa->suite.ke);
	if (sa->init->exponent == NULL ||
	    ike2_nonce_read(&sa->ni, nonce->body, nonce->len) == -1 ||
	    remember(&sa->init->theirs, &sa->init->theirs_len, buf,
	    len) == -1 ||
	    send_answer(sa, choice, t, sa->init->hashes != 0) == -1)
		ike2_sa_kill(sa, false, false);
}

int
ike2_init_keys(struct ike2_sa *sa)
{
	const struct ike2_init *in = sa->init;
	struct ike2_header	h;
	struct ike2_chain	c;
	uint64_t		begun;
	int			rc;

	if (in->exponent == NULL)
		return 0;
	/* The message was read before: its KE payload is there. */
	ike2_header_read(&h, in->theirs, in->theirs_len);
	ike2_chain_split(&c, h.first, in->theirs + IKE2_HEADER_LEN,
	    in->theirs_len - IKE2_HEADER_LEN, false);
	begun = ike_work_begin(&sa->ike->budget);
	rc = make_keys(sa, ike2_chain_only(&c, IKE2_P_KE));
	ike_work_end(&sa->ike->budget, begun);
	return rc;
}

/* A repeated request gets the answer that it got; true: it was one. */
static bool
repeated(struct ike2 *e, const struct keying_path *path,
    const struct ike2_header *h, const uint8_t *buf, size_t len)
{
	struct ike2_sa *sa, key;

	memset(&key.init_key, 0, sizeof(key.init_key));
	key.init_key.spi_i = h->spi_i;
	key.init_key.peer = path->peer;
	key.init_key.port = path->peer_port;
	HASH_FIND(hh_init, e->by_init, &key.init_key, sizeof(key.init_key), sa);
	if (sa == NULL || sa->init == NULL || sa->init->mine == NULL)
		return false;
	e->count.duplicates++;
	/* With other contents it is an error, or somebody else's (§2.1). */
	if (len == sa->init->theirs_len &&
	    memcmp(buf, sa->init->theirs, len) == 0)
		ike_send(&e->x, path, sa->init->mine, sa->init->mine_len);
	return true;
}

void
ike2_init_request(struct ike2 *e, uint64_t now, const struct keying_path *path,
    const struct ike2_header *h, const uint8_t *buf, size_t len)
{
	const struct ike2_part *psa, *ke, *nonce;
	struct ike2_terms	t = { .protocol = IKE2_PROTO_IKE };
	struct ike2_choice	choice;
	struct ike2_chain	c;
	enum ike2_error		err;
	uint8_t			group[2];
	bool			shown;

	if (repeated(e, path, h, buf, len))
		return;
	err = ike2_chain_split(&c, h->first, buf + IKE2_HEADER_LEN,
	    len - IKE2_HEADER_LEN, false);
	if (err == IKE2_E_CRITICAL) {
		refuse(e, path, h, IKE2_N_UNSUPPORTED_CRITICAL_PAYLOAD,
		    &c.refused, 1);
		return;
	}
	psa = ike2_chain_only(&c, IKE2_P_SA);
	ke = ike2_chain_only(&c, IKE2_P_KE);
	nonce = ike2_chain_only(&c, IKE2_P_NONCE);
	if (err != IKE2_OK || psa == NULL || ke == NULL || nonce == NULL ||
	    ke->len <= 4 || nonce->len < IKE2_NONCE_MIN ||
	    nonce->len > IKE2_NONCE_MAX) {
		e->count.malformed++;
		return;
	}
	shown = cookie_good(e, now, path, h, &c, nonce);
	if (!shown && crowded(e, path)) {
		ask_cookie(e, path, h, nonce);
		return;
	}
	t.ke = load_u16(ke->body);
	switch (ike2_offer_choose(psa->body, psa->len, &t, &choice)) {
	case IKE2_OFFER_MALFORMED:
		e->count.malformed++;
		return;
	case IKE2_OFFER_NONE:
		refuse(e, path, h, IKE2_N_NO_PROPOSAL_CHOSEN, NULL, 0);
		return;
	case IKE2_OFFER_OK:
		break;
	}
	if (choice.suite.ke != t.ke) {
		store_u16(group, choice.suite.ke);
		refuse(e, path, h, IKE2_N_INVALID_KE_PAYLOAD, group, 2);
		return;
	}
	if (ke->len - 4 != ike_group_len(t.ke)) {
		e->count.malformed++;
		return;
	}
	if (!admit(e, path)) {
		e->count.half_open_refused++;
		return;
	}
	if (!ike2_exponent_is_ready(e, t.ke)) {
		/* The first of this group: work for who is there. */
		if (!shown)
			ask_cookie(e, path, h, nonce);
		if (!shown || ike2_exponent_make(e, t.ke) == -1)
			return;
	}
	begin(e, now, path, h, &c, &choice, &t, shown, buf, len);
}
