/* scenario_keying.c - the commands of scenario files that are an engine's of IKE to the OE core */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oe/child.h"
#include "oe/identity.h"
#include "oe/ike/door.h"
#include "oe/initiator.h"
#include "oe/liveness.h"
#include "oe/responder.h"
#include "tests/unit/scenario.h"

/* The connection of the last request to a gateway, or what was authorized. */
static struct connection *
conn_of(struct play *p, const char *peer)
{
	struct addr addr = player_host(p, peer);
	unsigned i;

	if (play_flag(p, "responder"))
		return W(p)->authorized;
	for (i = W(p)->nrequests; i > 0; i--) {
		if (addr_equal(&W(p)->requests[i - 1].peer, &addr) &&
		    W(p)->requests[i - 1].conn != NULL)
			return W(p)->requests[i - 1].conn;
	}
	return NULL;
}

/* All of an address, and of as many beside it as so many last
 * bits tell apart. */
static struct keying_selector
host_selector(struct addr addr, unsigned long bits)
{
	struct prefix p = prefix_of(&addr, (unsigned)(addr_bits(addr.family) -
	    bits));

	return keying_selector_prefix(&p);
}

/* "flow=PROTOCOL/OURS:THEIRS" */
static void
player_flow(struct play *p, struct keying_selector *ours,
    struct keying_selector *theirs)
{
	const char *text = play_option(p, "flow");
	unsigned    protocol, our_port, their_port;

	if (text == NULL)
		return;
	if (sscanf(text, "%u/%u:%u", &protocol, &our_port, &their_port) != 3) {
		play_fail(p, "no flow: %s", text);
		return;
	}
	ours->protocol = theirs->protocol = (uint8_t)protocol;
	if (our_port != 0)
		ours->port_from = ours->port_to = (uint16_t)our_port;
	if (their_port != 0)
		theirs->port_from = theirs->port_to = (uint16_t)their_port;
}

/* "ports=FROM-TO": these of TCP and UDP, and ICMP, in place of all. */
static void
player_ports(struct play *p, struct keying_selectors *side)
{
	const char *text = play_option(p, "ports");
	unsigned    lo, hi;

	if (text == NULL)
		return;
	if (sscanf(text, "%u-%u", &lo, &hi) != 2) {
		play_fail(p, "no ports: %s", text);
		return;
	}
	side->n = 3;
	side->ts[1] = side->ts[2] = side->ts[0];
	side->ts[0].protocol = 6;
	side->ts[1].protocol = 17;
	side->ts[2].protocol = 1;
	side->ts[0].port_from = side->ts[1].port_from = (uint16_t)lo;
	side->ts[0].port_to = side->ts[1].port_to = (uint16_t)hi;
}

static void
do_up(struct play *p)
{
	struct keying_child k;
	struct keying_selector ours, theirs;
	struct connection  *conn = conn_of(p, p->words[1]);
	struct esp_params   e;
	struct mirror	   *m;
	char		    name[32];

	if (conn == NULL) {
		play_fail(p, "no negotiation with %s", p->words[1]);
		return;
	}
	memset(&k, 0, sizeof(k));
	k.in.spi = (uint32_t)play_number(p, "in", 0);
	k.in.src = player_host(p, p->words[1]);
	k.in.dst = player_local(p, &k.in.src);
	k.in.cipher = ESP_AES_CBC;
	k.in.cipher_len = 16;
	memset(k.in.cipher_key, (int)(k.in.spi & 0xff), 16);
	k.in.auth = ESP_AUTH_HMAC_SHA2_256;
	k.in.auth_len = 32;
	memset(k.in.auth_key, 0x5a, 32);
	k.out = k.in;
	k.nat_there = play_number(p, "nat", 0) != 0;
	if (k.nat_there) {
		k.in.encap_sport = (uint16_t)play_number(p, "nat", 0);
		k.in.encap_dport = 4500;
	}
	k.out.encap_sport = k.in.encap_dport;
	k.out.encap_dport = k.in.encap_sport;
	k.out.spi = (uint32_t)play_number(p, "out", 0);
	k.out.src = k.in.dst;
	k.out.dst = k.in.src;
	ours = host_selector(conn->key.src.addr, 0);
	theirs = host_selector(conn->key.dst.addr, 0);
	player_flow(p, &ours, &theirs);
	k.ours = keying_selectors_of(&ours);
	k.theirs = keying_selectors_of(&theirs);
	player_ports(p, play_flag(p, "responder") ? &k.theirs : &k.ours);
	k.path.local = k.in.dst;
	k.path.peer = k.in.src;
	k.path.local_port = 500;
	k.path.peer_port = (uint16_t)play_number(p, "port", 500);
	k.peer_id = player_identity(p, play_option(p, "id") != NULL ?
	    play_option(p, "id") : p->words[1]);
	k.hard = W(p)->now + play_number(p, "life", 1200) * 1000;
	k.soft = k.hard - (k.hard - W(p)->now) / 4;
	k.soft_bytes = play_number(p, "bytes", 0);
	k.initiator = !play_flag(p, "responder");
	k.version = (unsigned)play_number(p, "version", 2);
	k.nonce = play_number(p, "nonce", 0);
	snprintf(name, sizeof(name), "KEY%lu", play_number(p, "key", 1));
	k.proof.how = k.peer_id.type == KEYING_ID_NULL ? KEYING_BY_NOTHING :
	    KEYING_BY_KEY;
	if (k.proof.how == KEYING_BY_KEY)
		k.proof.key = player_key(name);
	if (W(p)->nmirrors == MIRRORS_MAX) {
		play_fail(p, "too many SAs");
		return;
	}
	m = &W(p)->mirrors[W(p)->nmirrors++];
	m->spi_in = k.in.spi;
	m->spi_out = k.out.spi;
	m->conn = conn;
	m->nat = k.nat_there;
	e = k.in;
	m->seal = esp_sa_new(&e, true);
	e = k.out;
	m->open = esp_sa_new(&e, false);
	m->dst = e.dst;
	W(p)->core->now = W(p)->now;
	child_up(conn, &k);
}

static struct mirror *
mirror_of(struct play *p, const char *text)
{
	uint32_t spi = (uint32_t)strtoul(text, NULL, 0);
	unsigned i;

	for (i = W(p)->nmirrors; i > 0; i--) {
		if (W(p)->mirrors[i - 1].spi_in == spi &&
		    W(p)->mirrors[i - 1].conn != NULL)
			return &W(p)->mirrors[i - 1];
	}
	play_fail(p, "no SA has SPI 0x%x", spi);
	return NULL;
}

static void
do_confirmed(struct play *p)
{
	struct mirror *m = mirror_of(p, p->words[1]);

	W(p)->core->now = W(p)->now;
	if (m != NULL)
		child_confirmed(m->conn, m->spi_in);
}

static void
do_down(struct play *p)
{
	struct mirror *m = mirror_of(p, p->words[1]);
	void	      *conn;

	if (m == NULL)
		return;
	conn = m->conn;
	m->conn = NULL;
	W(p)->core->now = W(p)->now;
	child_down(conn, m->spi_in, play_flag(p, "peer"));
}

static void
do_fail(struct play *p)
{
	static const struct {
		const char	   *name;
		enum keying_failure f;
	} how[] = {
		{ "silence", KEYING_SILENCE }, { "icmp", KEYING_ICMP },
		{ "lost", KEYING_LOST }, { "phase1", KEYING_PEER_REFUSED },
		{ "phase2", KEYING_CHILD_REFUSED },
		{ "signature", KEYING_SIGNATURE },
		{ "identity", KEYING_IDENTITY },
		{ "our-proof", KEYING_OUR_PROOF }, { "local", KEYING_LOCAL },
	};
	struct connection *conn = conn_of(p, p->words[1]);
	size_t		   i;

	W(p)->core->now = W(p)->now;
	for (i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		if (strcmp(how[i].name, p->words[2]) == 0 && conn != NULL) {
			initiator_failed(conn,
			    (unsigned)play_number(p, "version", 2), how[i].f,
			    p->n > 3 ? p->words[3] : "in a scenario");
			return;
		}
	}
	play_fail(p, "nothing to fail");
}

static struct keying_path
path_from(struct play *p, const char *name)
{
	struct keying_path path;

	memset(&path, 0, sizeof(path));
	path.peer = player_host(p, name);
	path.local = player_local(p, &path.peer);
	path.local_port = path.peer_port = 500;
	return path;
}

static void
do_peer_lookup(struct play *p)
{
	struct keying_id   id = player_identity(p, p->words[1]);
	struct keying_path path = path_from(p, p->words[2]);

	responder_peer_lookup(W(p)->core, W(p)->now,
	    DOOR_TOKEN(play_number(p, "version", 2)) + ++W(p)->token, &id,
	    id.type == KEYING_ID_NULL ? KEYING_BY_NOTHING : KEYING_BY_KEY,
	    &path);
}

static void
do_child_ask(struct play *p)
{
	struct keying_id       id = player_identity(p, p->words[1]);
	struct keying_path     path = path_from(p, p->words[2]);
	struct keying_selector src, dst;
	struct keying_selectors ours, theirs;
	struct keying_proof    proof = { .how = KEYING_BY_KEY };

	src = host_selector(player_host(p, p->words[3]),
	    play_number(p, "src-bits", 0));
	dst = host_selector(player_host(p, p->words[4]),
	    play_number(p, "dst-bits", 0));
	if (id.type == KEYING_ID_NULL)
		proof.how = KEYING_BY_NOTHING;
	player_flow(p, &src, &dst);
	ours = keying_selectors_of(&src);
	theirs = keying_selectors_of(&dst);
	player_ports(p, &theirs);
	if (play_flag(p, "or-any"))
		theirs.ts[theirs.n++] = host_selector((struct addr){
		    .family = AF_INET }, 32);
	if (play_flag(p, "nat"))
		path.local_port = KEYING_PORT_NATT;
	responder_child_ask(W(p)->core, W(p)->now, ++W(p)->token,
	    &(struct keying_ask){ .peer_id = &id, .proof = &proof,
	    .path = &path, .ours = &ours, .theirs = &theirs,
	    .mode = KEYING_TUNNEL, .less = play_flag(p, "less"),
	    .wants_inner = play_flag(p, "inner") });
}

static void
do_initial_contact(struct play *p)
{
	struct keying_id id = player_identity(p, p->words[1]);

	struct addr	 peer = player_host(p, p->words[2]);

	responder_initial_contact(W(p)->core, W(p)->now, &id, &peer);
}

static void
do_silent(struct play *p)
{
	struct connection *conn = p->n > 2 ? NULL : conn_of(p, p->words[1]);
	struct mirror	  *m = p->n > 2 ? mirror_of(p, p->words[2]) : NULL;

	if (m != NULL)
		conn = m->conn;
	W(p)->core->now = W(p)->now;
	if (conn != NULL)
		liveness_peer_silent(conn);
}

static void
do_invalid_spi(struct play *p)
{
	struct addr	 peer = player_host(p, p->words[1]);
	const char	*by = play_option(p, "by");
	struct keying_id who = player_identity(p, by != NULL ? by :
	    p->words[1]);

	liveness_invalid_spi(W(p)->core, W(p)->now, &peer,
	    (uint32_t)strtoul(p->words[2], NULL, 0),
	    play_flag(p, "authenticated") ? &who : NULL);
}

static void
do_identity(struct play *p)
{
	identity_check(W(p)->core, W(p)->now);
}

const struct play_command player_keying_acts[] = {
	{ "up", 4, true, do_up },
	{ "confirmed", 2, true, do_confirmed },
	{ "down", 3, true, do_down },
	{ "fail", 3, true, do_fail },
	{ "peer-lookup", 3, true, do_peer_lookup },
	{ "child-ask", 5, true, do_child_ask },
	{ "initial-contact", 3, true, do_initial_contact },
	{ "identity", 1, true, do_identity },
	{ "silent", 2, true, do_silent },
	{ "invalid-spi", 3, true, do_invalid_spi },
	{ NULL, 0, false, NULL },
};
