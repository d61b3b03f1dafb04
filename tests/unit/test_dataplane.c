/* test_dataplane.c - the door to who does ESP: which plane has a pair, what moves with it, and user space behind it */
#include "config.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/ip.h"
#include "oe/esp/dataplane_private.h"
#include "oe/esp/esp.h"
#include "oe/esp/user.h"

/* --- planes that write down what they are asked --------------------------- */

struct fake {
	struct esp_plane plane;
	char		 letter;
	bool		 no_pair, no_confirm, no_policy;
	struct esp_usage usage;
};

static char log_text[256];

static void
note(const char *what, const struct esp_plane *plane)
{
	size_t at = strlen(log_text);

	snprintf(log_text + at, sizeof(log_text) - at, "%s%c ", what,
	    ((const struct fake *)plane)->letter);
}

static int
fake_up(struct esp_plane *plane, struct esp_pair *p)
{
	(void)p;
	if (((struct fake *)plane)->no_pair)
		return -1;
	note("up", plane);
	return 0;
}

static int
fake_confirm(struct esp_plane *plane, struct esp_pair *p)
{
	/* Keys are there until this is done. */
	assert_int_equal(p->out.cipher_key[0], 0xcc);
	note("confirm", plane);
	return ((struct fake *)plane)->no_confirm ? -1 : 0;
}

static void
fake_down(struct esp_plane *plane, struct esp_pair *p)
{
	(void)p;
	note("down", plane);
}

static void
fake_usage(struct esp_plane *plane, const struct esp_pair *p,
    struct esp_usage *u)
{
	(void)p;
	*u = ((struct fake *)plane)->usage;
}

static int
fake_policy_up(struct esp_plane *plane, const struct esp_policy *policy)
{
	(void)policy;
	note("policy", plane);
	return ((struct fake *)plane)->no_policy ? -1 : 0;
}

static void
fake_policy_down(struct esp_plane *plane, const struct esp_policy *policy)
{
	(void)policy;
	note("nopolicy", plane);
}

static void
fake_free(struct esp_plane *plane)
{
	note("free", plane);
}

static const struct esp_plane_ops past_ops = {
	.name = "past", .past = true, .pair_up = fake_up,
	.pair_confirm = fake_confirm, .pair_down = fake_down,
	.pair_usage = fake_usage, .policy_up = fake_policy_up,
	.policy_down = fake_policy_down, .free = fake_free,
};
/* As little as a plane may do. */
static const struct esp_plane_ops least_ops = {
	.name = "least", .pair_up = fake_up, .pair_down = fake_down,
	.free = fake_free,
};

static struct fake a, b;
static struct esp_plane *planes[] = { &a.plane, &b.plane, NULL };
static struct esp_policy policy;
static struct esp_params params;

static void
fake_past(void *owner, bool past)
{
	assert_ptr_equal(owner, &policy);
	size_t at = strlen(log_text);

	snprintf(log_text + at, sizeof(log_text) - at, "%s",
	    past ? "past " : "here ");
}

static int
begin(void **state)
{
	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.plane.ops = &past_ops;
	a.letter = 'A';
	b.plane.ops = &least_ops;
	b.letter = 'B';
	memset(&policy, 0, sizeof(policy));
	policy.past = fake_past;
	policy.owner = &policy;
	memset(&params, 0, sizeof(params));
	params.spi = 0x1000;
	params.src = addr_from_v4(inet_addr("198.51.100.1"));
	params.dst = addr_from_v4(inet_addr("198.51.100.10"));
	params.cipher = ESP_AES_CBC;
	params.cipher_len = 16;
	memset(params.cipher_key, 0xcc, sizeof(params.cipher_key));
	params.auth = ESP_AUTH_HMAC_SHA2_256;
	params.auth_len = 32;
	log_text[0] = '\0';
	return 0;
}

static struct esp_pair *
pair_up(void)
{
	return esp_pair_up(planes, &policy, &params, &params);
}

static void
logged(const char *want)
{
	assert_string_equal(log_text, want);
	log_text[0] = '\0';
}

/* --- the door ------------------------------------------------------------- */

static void
first_plane_that_takes_it(void **state)
{
	struct esp_pair *p;

	(void)state;
	p = pair_up();
	logged("upA ");
	assert_string_equal(esp_pair_plane(p), "past");
	esp_pair_down(p);
	logged("downA ");
	a.no_pair = true;
	p = pair_up();
	logged("upB ");
	assert_string_equal(esp_pair_plane(p), "least");
	esp_pair_down(p);
	logged("downB ");
	b.no_pair = true;
	assert_null(pair_up());
	logged("");
	esp_pair_down(NULL);
	esp_plane_free(NULL);
	esp_plane_free(&a.plane);
	logged("freeA ");
}

/* The policy before the way past the caller, and that way away before it. */
static void
policy_and_way_in_order(void **state)
{
	struct esp_pair *p, *rekeyed, *other;

	(void)state;
	p = pair_up();
	assert_int_equal(esp_pair_confirm(p), 0);
	logged("upA confirmA policyA past ");
	assert_true(esp_policy_is_past(&policy));
	/* New keys in the same plane: the policy stands. */
	rekeyed = pair_up();
	assert_int_equal(esp_pair_confirm(rekeyed), 0);
	logged("upA confirmA past ");
	/* New keys elsewhere: it goes; and comes again where the old ones are
	 * all that is left. */
	a.no_pair = true;
	other = pair_up();
	assert_int_equal(esp_pair_confirm(other), 0);
	logged("upB here nopolicyA ");
	assert_false(esp_policy_is_past(&policy));
	esp_pair_down(other);
	assert_int_equal(esp_policy_follow(&policy, rekeyed), 0);
	logged("downB policyA past ");
	/* Without any it stays: nothing is sent. */
	esp_pair_down(p);
	esp_pair_down(rekeyed);
	assert_int_equal(esp_policy_follow(&policy, NULL), 0);
	assert_true(esp_policy_is_past(&policy));
	logged("downA downA ");
	esp_policy_down(&policy);
	esp_policy_down(&policy);
	logged("here nopolicyA ");
}

/* New keys with another gateway: what is sent goes there, and
 * comes from there. */
static void
policy_moves_with_the_peer(void **state)
{
	struct esp_pair *p, *moved;

	(void)state;
	p = pair_up();
	assert_int_equal(esp_pair_confirm(p), 0);
	logged("upA confirmA policyA past ");
	assert_true(addr_equal(&policy.peer, &params.dst));
	params.dst = addr_from_v4(inet_addr("198.51.100.11"));
	moved = pair_up();
	assert_false(addr_equal(&policy.peer, &params.dst));
	assert_int_equal(esp_pair_confirm(moved), 0);
	logged("upA confirmA here nopolicyA policyA past ");
	assert_true(addr_equal(&policy.peer, &params.dst));
	assert_true(addr_equal(&policy.local, &params.src));
	esp_pair_down(moved);
	assert_int_equal(esp_policy_follow(&policy, p), 0);
	logged("downA here nopolicyA policyA past ");
	esp_policy_down(&policy);
	esp_pair_down(p);
}

static void
confirm_refused_moves_on(void **state)
{
	struct esp_pair *p;

	(void)state;
	a.no_confirm = true;
	p = pair_up();
	assert_int_equal(esp_pair_confirm(p), 0);
	logged("upA confirmA downA upB ");
	assert_string_equal(esp_pair_plane(p), "least");
	esp_pair_down(p);
	logged("downB ");
}

/* Also where the policy stands for older keys: the new ones
 * carry what is sent. */
static void
policy_refused_moves_on(void **state)
{
	struct esp_pair *old, *p;

	(void)state;
	a.no_policy = true;
	p = pair_up();
	assert_int_equal(esp_pair_confirm(p), 0);
	logged("upA confirmA policyA downA upB ");
	esp_pair_down(p);
	logged("downB ");
	a.no_policy = false;
	old = pair_up();
	assert_int_equal(esp_pair_confirm(old), 0);
	logged("upA confirmA policyA past ");
	a.no_confirm = true;
	p = pair_up();
	assert_int_equal(esp_pair_confirm(p), 0);
	logged("upA confirmA here nopolicyA downA upB ");
	esp_pair_down(p);
	esp_pair_down(old);
}

static void
nobody_takes_it_any_more(void **state)
{
	struct packet_view v = { .data = (const uint8_t *)"abc", .len = 3 };
	struct packet_view inner;
	struct esp_pair *p;
	struct esp_usage u;
	uint8_t		 out[64];
	bool		 newest;

	(void)state;
	p = pair_up();
	a.no_confirm = b.no_pair = true;
	assert_int_equal(esp_pair_confirm(p), -1);
	logged("upA confirmA downA ");
	assert_int_equal(esp_pair_confirm(p), -1);
	/* What is asked of it fails, and nothing falls. */
	assert_string_equal(esp_pair_plane(p), "none");
	assert_int_equal(esp_pair_send(p, &v), ESP_E_PLANE);
	assert_int_equal(esp_pair_open(p, &v, out, sizeof(out), &inner,
	    &newest), ESP_E_PLANE);
	esp_pair_usage(p, &u);
	esp_pair_passed(p, &u);
	assert_int_equal(esp_policy_follow(&policy, p), 0);
	assert_false(esp_policy_is_past(&policy));
	esp_pair_down(p);
	logged("");
}

/* Flows' own pairs move no policy. */
static void
pairs_without_policy(void **state)
{
	struct esp_pair *p, *flow;

	(void)state;
	p = pair_up();
	assert_int_equal(esp_pair_confirm(p), 0);
	logged("upA confirmA policyA past ");
	a.no_pair = true;
	flow = esp_pair_up(planes, NULL, &params, &params);
	assert_int_equal(esp_pair_confirm(flow), 0);
	logged("upB ");
	assert_true(esp_policy_is_past(&policy));
	esp_pair_down(flow);
	esp_pair_down(p);
}

static void
keys_are_wiped(void **state)
{
	struct esp_pair	  *p;
	struct esp_params zero;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	p = pair_up();
	assert_int_equal(esp_pair_confirm(p), 0);
	assert_memory_equal(esp_pair_params(p, false)->cipher_key,
	    zero.cipher_key, sizeof(zero.cipher_key));
	assert_memory_equal(esp_pair_params(p, true)->cipher_key,
	    zero.cipher_key, sizeof(zero.cipher_key));
	assert_int_equal(esp_pair_params(p, true)->cipher_len, 16);
	esp_pair_down(p);
}

static void
what_went_past_is_said_once(void **state)
{
	struct esp_pair *p;
	struct esp_usage u;

	(void)state;
	p = pair_up();
	a.usage.in.packets = 7;
	a.usage.in.bytes = 700;
	a.usage.out.packets = 3;
	esp_pair_passed(p, &u);
	assert_int_equal(u.in.packets, 7);
	assert_int_equal(u.in.bytes, 700);
	assert_int_equal(u.out.packets, 3);
	a.usage.in.packets = 9;
	esp_pair_passed(p, &u);
	assert_int_equal(u.in.packets, 2);
	assert_int_equal(u.in.bytes, 0);
	assert_int_equal(u.out.packets, 0);
	/* All of it, as of then. */
	a.usage.in.packets = 100;
	esp_pair_usage(p, &u);
	assert_int_equal(u.in.packets, 9);
	assert_false(u.worn);
	a.usage.out.seq = 0xc0000000;
	esp_pair_passed(p, &u);
	assert_true(u.worn);
	esp_pair_usage(p, &u);
	assert_true(u.worn);
	esp_pair_down(p);
}

/* --- user space behind it ------------------------------------------------- */

static struct {
	uint8_t	 pkt[2048];
	size_t	 len;
	unsigned n;
} wire;

static void
wire_send(void *arg, const struct packet_view *v)
{
	assert_ptr_equal(arg, &wire);
	assert_true(v->len <= sizeof(wire.pkt));
	memcpy(wire.pkt, v->data, v->len);
	wire.len = v->len;
	wire.n++;
}

struct ends {
	struct esp_plane *user, *planes[2];
	struct esp_pair	 *ours, *theirs;
	struct esp_policy policy;
};

static void
ends_up(struct ends *e)
{
	struct esp_params in = params, out = params;

	memset(e, 0, sizeof(*e));
	memset(&wire, 0, sizeof(wire));
	e->planes[0] = e->user = esp_user_new(wire_send, &wire);
	out.spi = 0x2000;
	in.src = out.dst;
	in.dst = out.src;
	e->policy.past = fake_past;
	e->ours = esp_pair_up(e->planes, &e->policy, &in, &out);
	e->theirs = esp_pair_up(e->planes, NULL, &out, &in);
	assert_non_null(e->ours);
	assert_non_null(e->theirs);
	assert_int_equal(esp_pair_confirm(e->ours), 0);
	assert_string_equal(esp_pair_plane(e->ours), "user");
	/* Packets come by the caller always. */
	assert_false(esp_policy_is_past(&e->policy));
}

static void
ends_down(struct ends *e)
{
	esp_policy_down(&e->policy);
	esp_pair_down(e->ours);
	esp_pair_down(e->theirs);
	esp_plane_free(e->user);
	logged("");
}

static struct packet_view
inner_make(uint8_t *pkt, size_t len)
{
	struct packet_view v = { .src = addr_from_v4(inet_addr("192.0.2.1")),
		.dst = addr_from_v4(inet_addr("192.0.2.2")), .ttl = 64,
		.protocol = 17, .len = len };

	memset(pkt, 0x5a, len);
	ip_write(pkt, &v);
	return v;
}

static int
send_new(struct esp_pair *p, uint8_t *pkt, size_t len)
{
	struct packet_view v = inner_make(pkt, len);

	return esp_pair_send(p, &v);
}

/* The length of what was in it, or an esp_error. */
static int
open_bytes(struct esp_pair *p, const uint8_t *pkt, size_t len, uint8_t *out,
    size_t cap, bool *newest)
{
	struct packet_view v, inner;
	int		   rc;

	assert_true(packet_parse_ipv4(&v, pkt, len));
	rc = esp_pair_open(p, &v, out, cap, &inner, newest);
	return rc == ESP_OK ? (int)inner.len : rc;
}

static void
there_and_back(void **state)
{
	struct ends	 e;
	struct esp_usage u;
	uint8_t		 pkt[1400], kept[2048], out[2048];
	size_t		 len = sizeof(pkt), kept_len;
	bool		 newest;

	(void)state;
	ends_up(&e);
	assert_int_equal(send_new(e.ours, pkt, len), ESP_OK);
	assert_int_equal(wire.n, 1);
	assert_int_equal(open_bytes(e.theirs, wire.pkt, wire.len, out,
	    sizeof(out), &newest), len);
	assert_memory_equal(out, pkt, len);
	assert_true(newest);
	/* A packet that comes late is good, but not the newest;
	 * once more it is not. */
	assert_int_equal(send_new(e.ours, pkt, len), ESP_OK);
	memcpy(kept, wire.pkt, wire.len);
	kept_len = wire.len;
	assert_int_equal(send_new(e.ours, pkt, len), ESP_OK);
	assert_int_equal(open_bytes(e.theirs, wire.pkt, wire.len, out,
	    sizeof(out), &newest), len);
	assert_true(newest);
	assert_int_equal(open_bytes(e.theirs, kept, kept_len, out,
	    sizeof(out), &newest), len);
	assert_false(newest);
	assert_int_equal(open_bytes(e.theirs, kept, kept_len, out,
	    sizeof(out), &newest), ESP_E_REPLAY);
	assert_false(newest);
	kept[kept_len - 1] ^= 1;
	kept[27]++;
	kept[27]++;
	assert_int_equal(open_bytes(e.theirs, kept, kept_len, out,
	    sizeof(out), &newest), ESP_E_AUTH);
	assert_false(newest);
	esp_pair_usage(e.theirs, &u);
	assert_int_equal(u.in.packets, 3);
	assert_int_equal(u.in.bytes, 3 * len);
	assert_int_equal(u.in.replays, 1);
	assert_int_equal(u.in.auth_failures, 1);
	assert_int_equal(u.out.packets, 0);
	esp_pair_usage(e.ours, &u);
	assert_int_equal(u.out.packets, 3);
	assert_int_equal(u.out.seq, 3);
	assert_false(u.worn);
	/* Nothing went past. */
	esp_pair_passed(e.ours, &u);
	assert_int_equal(u.out.packets, 0);
	ends_down(&e);
}

/* What esp_pair_mtu() says fits in just so many bytes on the wire. */
static void
mtu_is_kept(void **state)
{
	struct ends e;
	uint8_t	    pkt[1500];
	size_t	    mtu;

	(void)state;
	ends_up(&e);
	for (mtu = 576; mtu <= 1500; mtu++) {
		assert_int_equal(send_new(e.ours, pkt,
		    esp_pair_mtu(e.ours, mtu)), ESP_OK);
		assert_true(wire.len <= mtu);
		assert_int_equal(send_new(e.ours, pkt,
		    esp_pair_mtu(e.ours, mtu) + 1), ESP_OK);
		assert_true(wire.len > mtu);
	}
	ends_down(&e);
}

static void
moves_to_another_port(void **state)
{
	struct ends    e;
	struct packet_view ip;
	struct addr    elsewhere = addr_from_v4(inet_addr("203.0.113.9"));
	uint8_t	       pkt[100];
	uint16_t       sport, dport;

	(void)state;
	params.encap_sport = params.encap_dport = 4500;
	ends_up(&e);
	esp_pair_move(e.ours, &elsewhere, 32000);
	assert_int_equal(send_new(e.ours, pkt, sizeof(pkt)), ESP_OK);
	assert_true(packet_parse_ipv4(&ip, wire.pkt, wire.len));
	assert_true(addr_equal(&ip.dst, &elsewhere));
	assert_true(packet_ports(&ip, &sport, &dport));
	assert_int_equal(sport, 4500);
	assert_int_equal(dport, 32000);
	assert_true(addr_equal(&esp_pair_params(e.ours, true)->dst,
	    &elsewhere));
	assert_int_equal(esp_pair_params(e.ours, true)->encap_dport, 32000);
	ends_down(&e);
}

/* Ends of two families, algorithms that there are not: no pair at all. */
static void
user_space_refuses(void **state)
{
	struct esp_plane *user = esp_user_new(wire_send, &wire);
	struct esp_plane *list[] = { user, NULL };
	struct esp_params bad = params;

	(void)state;
	assert_int_equal(addr_parse(&bad.dst, "2001:db8::1"), 0);
	assert_null(esp_pair_up(list, NULL, &bad, &bad));
	bad = params;
	bad.cipher_len = 17;
	assert_null(esp_pair_up(list, NULL, &bad, &bad));
	bad = params;
	bad.auth = ESP_AUTH_NONE;
	assert_null(esp_pair_up(list, NULL, &bad, &bad));
	esp_plane_free(user);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(first_plane_that_takes_it, begin),
		cmocka_unit_test_setup(policy_and_way_in_order, begin),
		cmocka_unit_test_setup(policy_moves_with_the_peer, begin),
		cmocka_unit_test_setup(confirm_refused_moves_on, begin),
		cmocka_unit_test_setup(policy_refused_moves_on, begin),
		cmocka_unit_test_setup(nobody_takes_it_any_more, begin),
		cmocka_unit_test_setup(pairs_without_policy, begin),
		cmocka_unit_test_setup(keys_are_wiped, begin),
		cmocka_unit_test_setup(what_went_past_is_said_once, begin),
		cmocka_unit_test_setup(there_and_back, begin),
		cmocka_unit_test_setup(mtu_is_kept, begin),
		cmocka_unit_test_setup(moves_to_another_port, begin),
		cmocka_unit_test_setup(user_space_refuses, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
