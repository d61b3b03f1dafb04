/* ike_net.c - keying engines on a fake network with a fake clock */
#include "config.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "tests/unit/ike_net.h"

EVP_PKEY *
net_key(unsigned n)
{
	static EVP_PKEY *keys[NET_KEYS];

	if (n >= NET_KEYS)
		abort();
	if (keys[n] == NULL)
		keys[n] = n == NET_KEY_P256 ? EVP_EC_gen("P-256") :
		    n == NET_KEY_P384 ? EVP_EC_gen("P-384") :
		    n == NET_KEY_ED25519 ?
		    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") :
		    EVP_RSA_gen(2048);
	return keys[n];
}

uint64_t net_work_us;

/* Asked before and after each piece of work. */
uint64_t
net_spent(void)
{
	static uint64_t us;

	return us += net_work_us;
}

static uint32_t
net_random(struct net *net)
{
	net->seed = net->seed * 1664525u + 1013904223u;
	return net->seed >> 8;
}

static struct net_host *
host_by_addr(struct net *net, const struct addr *addr)
{
	unsigned i;

	for (i = 0; i < net->nhosts; i++) {
		if (addr_equal(&net->hosts[i].addr, addr))
			return &net->hosts[i];
	}
	return NULL;
}

static void
queue_add(struct net *net, const struct net_datagram *d, uint64_t due)
{
	struct net_datagram *q;

	if (net->nqueue == NET_QUEUE)
		abort();
	q = &net->queue[net->nqueue++];
	*q = *d;
	q->due = due;
}

static void
op_send(void *arg, const struct keying_path *path, const uint8_t *buf,
    size_t len)
{
	struct net_host *h = arg;
	struct net *net = h->net;
	static struct net_datagram d;

	if (len > sizeof(d.buf))
		abort();
	d.path = *path;
	if (d.path.local_port == 0)
		d.path.local_port = 500;
	if (d.path.peer_port == 0)
		d.path.peer_port = 500;
	d.path.local = h->addr;
	d.len = len;
	d.due = NET_DELAY;
	memcpy(d.buf, buf, len);
	h->sent++;
	if (len > h->longest)
		h->longest = len;
	net->count++;
	if (net->filter != NULL && !net->filter(net, &d, net->filter_arg))
		return;
	if (net_random(net) % 100 < net->loss)
		return;
	queue_add(net, &d, net->now + d.due +
	    (net_random(net) % 100 < net->reorder ? 3 * NET_DELAY : 0));
	if (net_random(net) % 100 < net->dup)
		queue_add(net, &d, net->now + d.due +
		    net_random(net) % 2000);
}

static int
op_spi_get(void *arg, uint32_t *spi)
{
	struct net_host *h = arg;

	if (h->no_spi)
		return -1;
	h->spis++;
	*spi = h->next_spi++;
	return 0;
}

static void
op_spi_put(void *arg, uint32_t spi)
{
	struct net_host *h = arg;

	(void)spi;
	h->spis--;
}

static int
op_cookie_get(void *arg, uint64_t *cookie)
{
	struct net_host *h = arg;

	random_bytes(cookie, sizeof(*cookie));
	h->last_cookie = *cookie;
	h->cookies++;
	return 0;
}

static void
late_add(struct net_host *h, uint64_t token, bool child,
    const struct keying_id *id)
{
	struct net *net = h->net;
	struct net_late *l;

	if (net->nlate == sizeof(net->late) / sizeof(net->late[0]))
		abort();
	l = &net->late[net->nlate++];
	l->due = net->now + NET_LATER;
	l->host = (unsigned)(h - net->hosts);
	l->token = token;
	l->child = child;
	l->id = *id;
}

static void
answer_keys(struct net_host *h, uint64_t token, const struct keying_id *id)
{
	struct net *net = h->net;
	struct keying_credentials c = { 0 };
	struct pubkey keys[2];
	size_t n = 0;
	unsigned i;

	for (i = 0; i < net->nhosts; i++) {
		if (keying_id_equal(&net->hosts[i].id, id) &&
		    net->hosts[i].pub.len != 0 && n == 0 && !h->unknown)
			keys[n++] = net->hosts[i].pub;
	}
	if (h->wrong_key && pubkey_from_evp(&keys[0], net_key(2)) == 0)
		n = 1;
	if (!h->psk_names_refused || id->type == KEYING_ID_ADDR) {
		c.keys = keys;
		c.nkeys = n;
		c.nothing = h->anonymous;
		c.psk = (const uint8_t *)h->psk;
		c.psk_len = h->psk == NULL ? 0 : strlen(h->psk);
	}
	h->engine->peer_keys(h->ike, net->now, token, &c);
}

static void
answer_child(struct net_host *h, uint64_t token)
{
	h->engine->authorize(h->ike, h->net->now, token, h->ask == NET_REFUSE ?
	    NULL : &h->conns[h->asks % NET_CHILDREN]);
}

static void
op_peer_lookup(void *arg, uint64_t token, const struct keying_id *id,
    enum keying_how claims, const struct keying_path *path)
{
	static const struct keying_credentials none;
	struct net_host *h = arg;

	(void)claims;
	(void)path;
	h->lookups++;
	switch (h->lookup) {
	case NET_NOW:
		answer_keys(h, token, id);
		break;
	case NET_LATE:
		late_add(h, token, false, id);
		break;
	case NET_REFUSE:
		h->engine->peer_keys(h->ike, h->net->now, token, &none);
		break;
	case NET_NEVER:
		break;
	}
}

static void
op_child_ask(void *arg, uint64_t token, const struct keying_ask *a)
{
	struct net_host *h = arg;
	struct keying_selector	s = a->theirs->ts[0];
	struct keying_selectors part;

	h->asks++;
	h->wanted_inner += a->wants_inner;
	if (a->wants_inner && addr_is_set(&h->lends)) {
		s = keying_selector_host(&h->lends, 0, 0);
		part = keying_selectors_of(&s);
		h->engine->narrow(h->ike, token, a->ours, &part, &h->lends);
	} else if (h->first_only && h->engine->narrow != NULL) {
		part = keying_selectors_of(&s);
		h->engine->narrow(h->ike, token, a->ours, &part, NULL);
	}
	switch (h->ask) {
	case NET_NOW:
	case NET_REFUSE:
		answer_child(h, token);
		break;
	case NET_LATE:
		late_add(h, token, true, a->peer_id);
		break;
	case NET_NEVER:
		break;
	}
}

static struct net_child *
child_find(struct net_host *h, uint32_t spi_in)
{
	unsigned i, n = h->nchildren < NET_CHILDREN ? h->nchildren :
	    NET_CHILDREN;

	for (i = n; i-- > 0;) {
		if (h->children[i].child.in.spi == spi_in)
			return &h->children[i];
	}
	return NULL;
}

static void
op_child_up(void *arg, void *conn, const struct keying_child *c)
{
	struct net_host *h = arg;
	struct net_child *n = &h->children[h->nchildren % NET_CHILDREN];

	memset(n, 0, sizeof(*n));
	n->conn = conn;
	n->child = *c;
	n->sent = h->sent;
	h->nchildren++;
	h->spis--;	/* the connection's from here on */
}

static void
op_child_confirmed(void *arg, void *conn, uint32_t spi_in)
{
	struct net_host *h = arg;
	struct net_child *n = child_find(h, spi_in);

	(void)conn;
	h->confirms++;
	if (n != NULL)
		n->confirmed = true;
}

static void
op_child_down(void *arg, void *conn, uint32_t spi_in, bool by_peer)
{
	struct net_host *h = arg;
	struct net_child *n = child_find(h, spi_in);

	(void)conn;
	h->downs++;
	if (n != NULL) {
		n->down = true;
		n->by_peer = by_peer;
	}
}

static void
op_failed(void *arg, void *conn, unsigned version, enum keying_failure f,
    const char *detail)
{
	struct net_host *h = arg;

	(void)version;
	(void)conn;
	h->fails++;
	h->failure = f;
	snprintf(h->detail, sizeof(h->detail), "%s",
	    detail == NULL ? "" : detail);
}

static void
op_peer_silent(void *arg, void *conn)
{
	struct net_host *h = arg;

	(void)conn;
	h->silences++;
}

static void
op_invalid_spi(void *arg, const struct addr *peer, uint32_t spi_out,
    const struct keying_id *who)
{
	struct net_host *h = arg;

	(void)peer;
	h->invalid_spi = spi_out;
	if (who != NULL)
		h->facts++;
	else
		h->hints++;
}

static void
op_initial_contact(void *arg, const struct keying_id *id,
    const struct addr *peer)
{
	struct net_host *h = arg;

	(void)id;
	(void)peer;
	h->contacts++;
}

static const struct keying_ops ops = {
	.send = op_send,
	.spi_get = op_spi_get,
	.spi_put = op_spi_put,
	.cookie_get = op_cookie_get,
	.peer_lookup = op_peer_lookup,
	.child_ask = op_child_ask,
	.child_up = op_child_up,
	.child_confirmed = op_child_confirmed,
	.child_down = op_child_down,
	.failed = op_failed,
	.peer_silent = op_peer_silent,
	.invalid_spi = op_invalid_spi,
	.initial_contact = op_initial_contact,
};

void
net_init(struct net *net, uint32_t seed)
{
	memset(net, 0, sizeof(*net));
	net_work_us = 0;
	net->seed = seed;
	net->now = 1000000;
}

struct net_host *
net_host_add(struct net *net, const char *addr, const char *id, EVP_PKEY *key,
    const struct keying_engine *engine,
    void *(*make)(struct net_host *h, const void *config,
    const struct keying_ops *ops), const void *config)
{
	struct net_host *h;

	if (net->nhosts == NET_HOSTS)
		abort();
	h = &net->hosts[net->nhosts++];
	memset(h, 0, sizeof(*h));
	h->net = net;
	if (addr_parse(&h->addr, addr) == -1)
		abort();
	h->next_spi = 0x1000u * net->nhosts;
	if (id[0] == '@') {
		h->id.type = KEYING_ID_FQDN;
		snprintf(h->id.name, sizeof(h->id.name), "%s", id + 1);
	} else {
		h->id.type = KEYING_ID_ADDR;
		if (addr_parse(&h->id.addr, id) == -1)
			abort();
	}
	h->key = key;
	if (key != NULL && pubkey_from_evp(&h->pub, key) == -1)
		abort();
	h->engine = engine;
	if ((h->ike = make(h, config, &ops)) == NULL)
		abort();
	return h;
}

void
net_request_init(struct keying_request *r, const struct net_host *a,
    const struct net_host *b, uint16_t local_port)
{
	struct keying_selector s;

	memset(r, 0, sizeof(*r));
	r->path.local = a->addr;
	r->path.peer = b->addr;
	r->path.local_port = local_port;
	r->path.peer_port = 500;
	r->my_id = a->id;
	r->peer_id = b->id;
	r->peer.nothing = a->anonymous;
	if (a->psk != NULL) {
		r->peer.psk = (const uint8_t *)a->psk;
		r->peer.psk_len = strlen(a->psk);
	} else if (b->pub.len != 0) {
		r->peer.keys = &b->pub;
		r->peer.nkeys = 1;
	}
	s = keying_selector_host(&a->addr, 0, 0);
	r->ours = keying_selectors_of(&s);
	s = keying_selector_host(&b->addr, 0, 0);
	r->theirs = keying_selectors_of(&s);
}

int
net_request(struct net_host *a, const struct net_host *b, unsigned n)
{
	struct keying_request r;

	net_request_init(&r, a, b, 0);
	return a->engine->request(a->ike, a->net->now, &r, &a->conns[n]);
}

void
net_deliver(struct net *net, const struct net_datagram *d)
{
	struct keying_path p;
	struct net_host *h;
	uint8_t *copy;
	struct addr from = d->path.local, to = d->path.peer;
	uint16_t sport = d->path.local_port, dport = d->path.peer_port;

	if (net->nat_port != 0 && addr_equal(&from, &net->nat_inside)) {
		from = net->nat_outside;
		sport = (uint16_t)(sport + net->nat_port);
	}
	if (net->nat_port != 0 && addr_equal(&to, &net->nat_outside) &&
	    dport >= net->nat_port) {
		to = net->nat_inside;
		dport = (uint16_t)(dport - net->nat_port);
	}
	if ((h = host_by_addr(net, &to)) == NULL)
		return;
	p.local = to;
	p.local_port = dport;
	p.peer = from;
	p.peer_port = sport;
	h->received++;
	/* An exact allocation: a sanitizer sees reads past the end. */
	if ((copy = malloc(d->len == 0 ? 1 : d->len)) == NULL)
		abort();
	memcpy(copy, d->buf, d->len);
	h->engine->packet(h->ike, net->now, &p, copy, d->len);
	free(copy);
}

static uint64_t
net_next(const struct net *net)
{
	uint64_t next = UINT64_MAX, t;
	unsigned i;

	for (i = 0; i < net->nqueue; i++) {
		if (net->queue[i].due < next)
			next = net->queue[i].due;
	}
	for (i = 0; i < net->nlate; i++) {
		if (net->late[i].due < next)
			next = net->late[i].due;
	}
	for (i = 0; i < net->nhosts; i++) {
		t = net->hosts[i].engine->next(net->hosts[i].ike);
		if (t < next)
			next = t;
	}
	return next;
}

void
net_run(struct net *net, uint64_t until)
{
	static struct net_datagram d;
	struct net_late l;
	uint64_t next;
	unsigned i, same = 0;

	while ((next = net_next(net)) <= until) {
		/* An engine that wants to be called in the past,
		 * for ever, hangs. */
		if (next > net->now) {
			net->now = next;
			same = 0;
		} else if (++same > 100000) {
			fprintf(stderr, "ike_net: the engine spins\n");
			abort();
		}
		for (i = 0; i < net->nqueue; i++) {
			if (net->queue[i].due > net->now)
				continue;
			d = net->queue[i];
			net->nqueue--;
			memmove(&net->queue[i], &net->queue[i + 1],
			    (net->nqueue - i) * sizeof(d));
			net_deliver(net, &d);
			i--;
		}
		for (i = 0; i < net->nlate; i++) {
			if (net->late[i].due > net->now)
				continue;
			l = net->late[i];
			net->late[i] = net->late[--net->nlate];
			if (l.child)
				answer_child(&net->hosts[l.host], l.token);
			else
				answer_keys(&net->hosts[l.host], l.token,
				    &l.id);
			i--;
		}
		for (i = 0; i < net->nhosts; i++) {
			if (net->hosts[i].engine->next(net->hosts[i].ike) <=
			    net->now)
				net->hosts[i].engine->tick(net->hosts[i].ike,
				    net->now);
		}
	}
	net->now = until;
}

void
net_pass(struct net *net, uint64_t ms)
{
	net_run(net, net->now + ms);
}

unsigned
net_alive(const struct net_host *h)
{
	unsigned i, n = 0;

	for (i = 0; i < h->nchildren && i < NET_CHILDREN; i++)
		n += !h->children[i].down;
	return n;
}

static bool
params_equal(const struct esp_params *a, const struct esp_params *b)
{
	return a->spi == b->spi && a->cipher == b->cipher &&
	    a->cipher_len == b->cipher_len && a->cipher_len != 0 &&
	    memcmp(a->cipher_key, b->cipher_key, a->cipher_len) == 0 &&
	    a->auth == b->auth && a->auth_len == b->auth_len &&
	    memcmp(a->auth_key, b->auth_key, a->auth_len) == 0 &&
	    a->esn == b->esn;
}

bool
net_agree(const struct net_host *a, const struct net_host *b)
{
	const struct keying_child *x, *y;

	if (a->nchildren == 0 || b->nchildren == 0)
		return false;
	x = &a->children[(a->nchildren - 1) % NET_CHILDREN].child;
	y = &b->children[(b->nchildren - 1) % NET_CHILDREN].child;
	return params_equal(&x->in, &y->out) && params_equal(&x->out, &y->in) &&
	    memcmp(x->in.cipher_key, x->out.cipher_key,
	    x->in.cipher_len) != 0 &&
	    keying_selectors_equal(&x->ours, &y->theirs) &&
	    keying_selectors_equal(&x->theirs, &y->ours);
}

bool
net_end(struct net *net)
{
	bool clean = true;
	unsigned i;

	for (i = 0; i < net->nhosts; i++) {
		net->hosts[i].engine->free(net->hosts[i].ike);
		net->hosts[i].ike = NULL;
		if (net->hosts[i].spis != 0)
			clean = false;
	}
	return clean;
}
