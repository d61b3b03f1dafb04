/* test_xfrm.c - the data plane in the kernel: every netlink message as bytes, of either family, and what the kernel answers */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ipsec.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/netlink.h"
#include "oe/esp/dataplane.h"
#include "oe/esp/esp.h"
#include "oe/esp/xfrm.h"
#include "tests/unit/xfrm_kernel.h"

#define MARK	0x4f45u
#define REQID	0x4f450001u	/* of the first policy */

/* --- the world ------------------------------------------------------------ */

static struct world {
	struct xfrm	 *x;
	struct esp_plane *planes[2];
	struct esp_policy policy;
	struct esp_params in, out;
	unsigned	  nclear;	/* packets that went into the stack */
	char		  calls[64];	/* of past(), '+' and '-' */
	int		  taken;	/* so often the kernel is to take it */
	bool		  not_taken;	/* and cannot */
} world;

static uint8_t
mode(void)
{
	return world.in.transport ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
}

static const uint8_t *
usersa_expect(unsigned i, const char *src, const char *dst, uint32_t spi,
    int outer, int inner, uint8_t flags)
{
	struct xfrm_usersa_info want;
	const uint8_t	       *got;

	memset(&want, 0, sizeof(want));
	want.sel.family = (uint16_t)inner;
	want.saddr = bytes_of(src);
	want.id.daddr = bytes_of(dst);
	want.id.spi = htonl(spi);
	want.id.proto = IPPROTO_ESP;
	want.lft.soft_byte_limit = want.lft.hard_byte_limit = XFRM_INF;
	want.lft.soft_packet_limit = want.lft.hard_packet_limit = XFRM_INF;
	want.reqid = REQID;
	want.family = (uint16_t)outer;
	want.mode = mode();
	want.flags = flags;
	got = payload_of(i, XFRM_MSG_NEWSA, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_EXCL);
	assert_memory_equal(got, &want, sizeof(want));
	return got;
}

static const struct packet_view packet = { .data = (const uint8_t *)"abc",
	.len = 3 };

static void
world_send(void *arg, const struct packet_view *v)
{
	assert_ptr_equal(v, &packet);
	((struct world *)arg)->nclear++;
}

static void
world_past(void *owner, bool past)
{
	struct world *w = owner;
	size_t	      at = strlen(w->calls);

	snprintf(w->calls + at, sizeof(w->calls) - at, "%s", past ? "+" : "-");
}

static int
world_take(void *arg, const struct esp_params *in,
    const struct esp_params *out, bool on)
{
	struct world *w = arg;

	assert_int_equal(in->spi, w->in.spi);
	assert_int_equal(out->spi, w->out.spi);
	w->taken += on ? 1 : -1;
	return w->not_taken ? -1 : 0;
}

static void
world_begin(const char *us, const char *peer, const char *ours,
    const char *theirs)
{
	const struct xfrm_shell shell = { .send = world_send,
		.take = world_take, .arg = &world };
	struct addr a;

	memset(&kernel, 0, sizeof(kernel));
	memset(&world, 0, sizeof(world));
	world.x = xfrm_open(MARK);
	assert_non_null(world.x);
	/* What a predecessor left was looked for. */
	assert_int_equal(kernel.nsent, 2);
	kernel.nsent = 0;
	world.planes[0] = xfrm_plane(world.x, &shell);
	a = address(ours);
	world.policy.ours = prefix_host(&a);
	a = address(theirs);
	world.policy.theirs = prefix_host(&a);
	world.policy.sole = true;
	world.policy.past = world_past;
	world.policy.owner = &world;
	world.in.spi = 0x11223344;
	world.in.cipher = ESP_AES_CBC;
	world.in.cipher_len = 16;
	memset(world.in.cipher_key, 0xc1, 16);
	world.in.auth = ESP_AUTH_HMAC_SHA2_256;
	world.in.auth_len = 32;
	memset(world.in.auth_key, 0xa1, 32);
	world.in.src = address(peer);
	world.in.dst = address(us);
	world.out = world.in;
	world.out.spi = 0x55667788;
	world.out.src = address(us);
	world.out.dst = address(peer);
}

static struct esp_pair *
world_pair(void)
{
	return esp_pair_up(world.planes, &world.policy, &world.in, &world.out);
}

static void
world_end(struct esp_pair *p)
{
	esp_policy_down(&world.policy);
	esp_pair_down(p);
	esp_plane_free(world.planes[0]);
}

#define US	"198.51.100.10"
#define PEER	"203.0.113.7"
#define US6	"2001:db8::10"
#define PEER6	"2001:db8:ffff::7"

/* --- security associations ------------------------------------------------ */

static void
sa_of_ipv4(void **state)
{
	struct esp_pair *p;
	struct xfrm_algo      cipher = { .alg_name = "cbc(aes)",
		.alg_key_len = 128 };
	struct xfrm_algo_auth auth = { .alg_name = "hmac(sha256)",
		.alg_key_len = 256, .alg_trunc_len = 128 };
	uint8_t	       cipher_key[16], auth_key[32];
	const uint8_t *got;
	size_t	       len, body = sizeof(struct xfrm_usersa_info);
	uint32_t       replay[6 + 32] = { 32, 0, 0, 0, 0, 1024 };
	uint32_t       mark = MARK;

	(void)state;
	memset(cipher_key, 0xc1, sizeof(cipher_key));
	memset(auth_key, 0xa1, sizeof(auth_key));
	world_begin(US, PEER, US, PEER);
	p = world_pair();
	assert_non_null(p);
	assert_string_equal(esp_pair_plane(p), "kernel");
	assert_int_equal(kernel.nsent, 1);
	usersa_expect(0, PEER, US, 0x11223344, AF_INET, AF_INET, 0);
	got = attribute_of(0, body, XFRMA_ALG_CRYPT, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(cipher) + 16);
	assert_memory_equal(got, &cipher, sizeof(cipher));
	assert_memory_equal(got + sizeof(cipher), cipher_key, 16);
	got = attribute_of(0, body, XFRMA_ALG_AUTH_TRUNC, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(auth) + 32);
	assert_memory_equal(got, &auth, sizeof(auth));
	assert_memory_equal(got + sizeof(auth), auth_key, 32);
	got = attribute_of(0, body, XFRMA_REPLAY_ESN_VAL, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(replay));
	assert_memory_equal(got, replay, sizeof(replay));
	assert_null(attribute_of(0, body, XFRMA_SET_MARK, &len));
	assert_null(attribute_of(0, body, XFRMA_ALG_AEAD, &len));

	/* The other half follows, past the TUN, and before any policy. */
	assert_int_equal(esp_pair_confirm(p), 0);
	assert_int_equal(kernel.nsent, 5);
	usersa_expect(1, US, PEER, 0x55667788, AF_INET, AF_INET, 0);
	got = attribute_of(1, body, XFRMA_SET_MARK, &len);
	assert_non_null(got);
	assert_int_equal(len, 4);
	assert_memory_equal(got, &mark, 4);
	world_end(p);
}

static void
sa_of_ipv6_with_gcm_and_esn(void **state)
{
	struct esp_pair *p;
	struct xfrm_algo_aead aead = { .alg_name = "rfc4106(gcm(aes))",
		.alg_key_len = 288, .alg_icv_len = 128 };
	const uint8_t *got;
	uint8_t	       key[36];
	size_t	       len, body = sizeof(struct xfrm_usersa_info);

	(void)state;
	memset(key, 0xc6, sizeof(key));
	world_begin(US6, PEER6, US6, PEER6);
	world.in.cipher = world.out.cipher = ESP_AES_GCM_16;
	world.in.cipher_len = world.out.cipher_len = 36;
	memset(world.in.cipher_key, 0xc6, 36);
	world.in.auth = world.out.auth = ESP_AUTH_NONE;
	world.in.auth_len = world.out.auth_len = 0;
	world.in.esn = world.out.esn = true;
	p = world_pair();
	assert_non_null(p);
	usersa_expect(0, PEER6, US6, 0x11223344, AF_INET6, AF_INET6,
	    XFRM_STATE_ESN);
	got = attribute_of(0, body, XFRMA_ALG_AEAD, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(aead) + sizeof(key));
	assert_memory_equal(got, &aead, sizeof(aead));
	assert_memory_equal(got + sizeof(aead), key, sizeof(key));
	assert_null(attribute_of(0, body, XFRMA_ALG_CRYPT, &len));
	assert_null(attribute_of(0, body, XFRMA_ALG_AUTH_TRUNC, &len));
	world_end(p);
}

/* IPv4 within IPv6: the SA is of the outer family, its
 * selector of the inner. */
static void
sa_of_both_families(void **state)
{
	struct esp_pair *p;

	(void)state;
	world_begin(US6, PEER6, US, PEER);
	p = world_pair();
	assert_non_null(p);
	usersa_expect(0, PEER6, US6, 0x11223344, AF_INET6, AF_INET, 0);
	world_end(p);
}

/* What the kernel cannot keep apart, or not do, is asked of it in no word. */
static void
not_for_the_kernel(void **state)
{
	struct esp_pair *p;

	(void)state;
	world_begin(US, PEER, US, PEER);
	world.policy.sole = false;
	assert_null(world_pair());
	world.policy.sole = true;
	world.policy.roams = true;
	assert_null(world_pair());
	world.policy.roams = false;
	assert_int_equal(world.taken, 0);
	assert_null(esp_pair_up(world.planes, NULL, &world.in, &world.out));
	assert_int_equal(kernel.nsent, 0);
	/* No algorithm of its: known before it is asked. */
	world.in.cipher = (enum esp_cipher)99;
	assert_null(world_pair());
	assert_int_equal(kernel.nsent, 0);
	world.in.cipher = ESP_AES_CBC;
	kernel.refuse = XFRM_MSG_NEWSA;
	assert_null(world_pair());
	assert_int_equal(kernel.nsent, 1);
	kernel.refuse = 0;
	p = world_pair();
	assert_non_null(p);
	world_end(p);
}

/* RFC 3948, from behind a NAT: the kernel has a socket of ours take it, from
 * before it has the SA until it has none. */
static void
sa_in_udp(void **state)
{
	struct xfrm_encap_tmpl want = { .encap_type = 2 };
	const uint8_t	      *got;
	struct esp_pair	      *p;
	size_t		       len, body = sizeof(struct xfrm_usersa_info);

	(void)state;
	world_begin(US, PEER, US, PEER);
	world.in.encap_sport = world.out.encap_dport = 14500;
	world.in.encap_dport = world.out.encap_sport = 4500;
	world.not_taken = true;
	assert_null(world_pair());
	assert_int_equal(kernel.nsent, 0);
	world.taken = 0;
	world.not_taken = false;
	kernel.refuse = XFRM_MSG_NEWSA;
	assert_null(world_pair());
	assert_int_equal(world.taken, 0);
	kernel.refuse = 0;
	kernel.nsent = 0;
	p = world_pair();
	assert_non_null(p);
	assert_int_equal(world.taken, 1);
	assert_int_equal(esp_pair_confirm(p), 0);
	want.encap_sport = htons(14500);
	want.encap_dport = htons(4500);
	got = attribute_of(0, body, XFRMA_ENCAP, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(want));
	assert_memory_equal(got, &want, sizeof(want));
	want.encap_sport = htons(4500);
	want.encap_dport = htons(14500);
	got = attribute_of(1, body, XFRMA_ENCAP, &len);
	assert_non_null(got);
	assert_memory_equal(got, &want, sizeof(want));
	esp_pair_down(p);
	assert_int_equal(world.taken, 0);
	world_end(NULL);
}

static void
sa_removed(void **state)
{
	struct xfrm_usersa_id want[2];
	struct esp_pair	     *p;
	unsigned	      i;

	(void)state;
	world_begin(US6, PEER6, US6, PEER6);
	p = world_pair();
	assert_int_equal(esp_pair_confirm(p), 0);
	esp_policy_down(&world.policy);
	kernel.nsent = 0;
	esp_pair_down(p);
	memset(want, 0, sizeof(want));
	want[0].daddr = bytes_of(US6);
	want[0].spi = htonl(0x11223344);
	want[1].daddr = bytes_of(PEER6);
	want[1].spi = htonl(0x55667788);
	assert_int_equal(kernel.nsent, 2);
	for (i = 0; i < 2; i++) {
		want[i].family = AF_INET6;
		want[i].proto = IPPROTO_ESP;
		assert_memory_equal(payload_of(i, XFRM_MSG_DELSA, NLM_F_ACK),
		    &want[i], sizeof(want[i]));
	}
	world_end(NULL);
}

/* Two peers at one address choose an SPI alike: the second's pair is not the
 * kernel's, and takes nothing from the first. */
static void
sa_of_another(void **state)
{
	struct esp_pair *p;

	(void)state;
	world_begin(US, PEER, US, PEER);
	p = world_pair();
	kernel.nsent = 0;
	kernel.refuse = XFRM_MSG_NEWSA;
	kernel.refuse_errno = EEXIST;
	assert_int_equal(esp_pair_confirm(p), -1);
	assert_int_equal(kernel.nsent, 2);
	assert_memory_equal(payload_of(1, XFRM_MSG_DELSA, NLM_F_ACK),
	    &(xfrm_address_t){ .a4 = bytes_of(US).a4 }, 4);
	world_end(p);
	assert_int_equal(world.taken, 0);
	/* Nor what was never confirmed. */
	world_begin(US, PEER, US, PEER);
	p = world_pair();
	kernel.nsent = 0;
	esp_pair_down(p);
	assert_int_equal(kernel.nsent, 1);
	world_end(NULL);
}

/* --- usage ---------------------------------------------------------------- */

static void
answer_usage(uint64_t packets, uint64_t bytes, uint32_t seq)
{
	union {
		struct xfrm_replay_state_esn r;
		uint32_t		     words[6 + 32];
	} esn = { .r = { .bmp_len = 32, .seq = seq, .replay_window = 1024 } };
	struct xfrm_usersa_info sa;
	struct nlmsghdr	       *nlh;

	memset(&sa, 0, sizeof(sa));
	sa.curlft.packets = packets;
	sa.curlft.bytes = bytes;
	sa.stats.replay = 3;
	sa.stats.integrity_failed = 4;
	nlh = mnl_nlmsg_put_header(kernel.answer[0]);
	nlh->nlmsg_type = XFRM_MSG_NEWSA;
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(sa)), &sa, sizeof(sa));
	mnl_attr_put(nlh, XFRMA_REPLAY_ESN_VAL, sizeof(esn), &esn);
	kernel.answer_len[0] = nlh->nlmsg_len;
}

static void
usage_is_asked_for(void **state)
{
	struct xfrm_usersa_id want;
	struct esp_usage      u;
	struct esp_pair	     *p;

	(void)state;
	world_begin(US, PEER, US, PEER);
	p = world_pair();
	kernel.nsent = 0;
	answer_usage(10, 1000, 12);
	esp_pair_passed(p, &u);
	/* The other half is not there yet. */
	assert_int_equal(kernel.nsent, 1);
	memset(&want, 0, sizeof(want));
	want.daddr = bytes_of(US);
	want.spi = htonl(0x11223344);
	want.family = AF_INET;
	want.proto = IPPROTO_ESP;
	assert_memory_equal(payload_of(0, XFRM_MSG_GETSA, 0), &want,
	    sizeof(want));
	assert_int_equal(u.in.packets, 10);
	assert_int_equal(u.in.bytes, 1000);
	assert_int_equal(u.out.packets, 0);
	assert_int_equal(esp_pair_confirm(p), 0);
	answer_usage(15, 1600, 17);
	esp_pair_passed(p, &u);
	assert_int_equal(u.in.packets, 5);
	assert_int_equal(u.in.bytes, 600);
	assert_int_equal(u.out.packets, 15);
	assert_false(u.worn);
	esp_pair_passed(p, &u);
	assert_int_equal(u.in.packets, 0);
	/* A kernel that does not answer has counted nothing new. */
	kernel.refuse = XFRM_MSG_GETSA;
	esp_pair_passed(p, &u);
	assert_int_equal(u.in.packets, 0);
	kernel.nsent = 0;
	esp_pair_usage(p, &u);
	assert_int_equal(kernel.nsent, 0);
	assert_int_equal(u.in.packets, 15);
	assert_int_equal(u.in.seq, 17);
	assert_int_equal(u.in.replays, 3);
	assert_int_equal(u.in.auth_failures, 4);
	/* Few packets came, but with numbers that are nearly used up. */
	kernel.refuse = 0;
	answer_usage(20, 1700, 0xc0000000);
	esp_pair_passed(p, &u);
	assert_true(u.worn);
	world_end(p);
}

/* --- policies ------------------------------------------------------------- */

static void
policy_expect(unsigned i, uint8_t dir, const char *src, const char *dst,
    const char *from, const char *to, int inner, int outer, unsigned plen)
{
	struct xfrm_userpolicy_info want;
	struct xfrm_user_tmpl	    tmpl;
	const uint8_t		   *got;
	size_t			    len;

	memset(&want, 0, sizeof(want));
	want.sel.family = (uint16_t)inner;
	want.sel.saddr = bytes_of(src);
	want.sel.daddr = bytes_of(dst);
	want.sel.prefixlen_s = want.sel.prefixlen_d = (uint8_t)plen;
	want.lft.soft_byte_limit = want.lft.hard_byte_limit = XFRM_INF;
	want.lft.soft_packet_limit = want.lft.hard_packet_limit = XFRM_INF;
	want.priority = 2000;
	want.dir = dir;
	want.action = XFRM_POLICY_ALLOW;
	got = payload_of(i, XFRM_MSG_UPDPOLICY, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_REPLACE);
	assert_memory_equal(got, &want, sizeof(want));
	memset(&tmpl, 0, sizeof(tmpl));
	tmpl.family = (uint16_t)outer;
	tmpl.saddr = bytes_of(from);
	tmpl.id.daddr = bytes_of(to);
	tmpl.id.proto = IPPROTO_ESP;
	tmpl.reqid = REQID;
	tmpl.mode = mode();
	tmpl.aalgos = tmpl.ealgos = tmpl.calgos = UINT32_MAX;
	got = attribute_of(i, sizeof(want), XFRMA_TMPL, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(tmpl));
	assert_memory_equal(got, &tmpl, sizeof(tmpl));
}

static void
policy_of_ipv4(void **state)
{
	static const uint8_t dirs[] = { XFRM_POLICY_OUT, XFRM_POLICY_IN,
		XFRM_POLICY_FWD };
	struct xfrm_userpolicy_id want;
	struct esp_pair		 *p;
	unsigned		  i;

	(void)state;
	world_begin(US, PEER, US, PEER);
	p = world_pair();
	assert_int_equal(esp_pair_confirm(p), 0);
	/* What comes must be encrypted before what goes is. */
	policy_expect(2, XFRM_POLICY_IN, PEER, US, PEER, US, AF_INET, AF_INET,
	    32);
	policy_expect(3, XFRM_POLICY_FWD, PEER, US, PEER, US, AF_INET, AF_INET,
	    32);
	policy_expect(4, XFRM_POLICY_OUT, US, PEER, US, PEER, AF_INET, AF_INET,
	    32);
	assert_string_equal(world.calls, "+");
	assert_true(esp_policy_is_past(&world.policy));
	kernel.nsent = 0;
	esp_policy_down(&world.policy);
	assert_string_equal(world.calls, "+-");
	assert_int_equal(kernel.nsent, 3);
	for (i = 0; i < 3; i++) {
		memset(&want, 0, sizeof(want));
		want.sel.family = AF_INET;
		want.sel.saddr = bytes_of(i == 0 ? US : PEER);
		want.sel.daddr = bytes_of(i == 0 ? PEER : US);
		want.sel.prefixlen_s = want.sel.prefixlen_d = 32;
		want.dir = dirs[i];
		assert_memory_equal(payload_of(i, XFRM_MSG_DELPOLICY,
		    NLM_F_ACK), &want, sizeof(want));
	}
	world_end(p);
}

static void
policy_of_ipv6(void **state)
{
	struct esp_pair *p;

	(void)state;
	world_begin(US6, PEER6, US6, PEER6);
	p = world_pair();
	assert_int_equal(esp_pair_confirm(p), 0);
	policy_expect(2, XFRM_POLICY_IN, PEER6, US6, PEER6, US6, AF_INET6,
	    AF_INET6, 128);
	policy_expect(3, XFRM_POLICY_FWD, PEER6, US6, PEER6, US6, AF_INET6,
	    AF_INET6, 128);
	policy_expect(4, XFRM_POLICY_OUT, US6, PEER6, US6, PEER6, AF_INET6,
	    AF_INET6, 128);
	world_end(p);
}

/* A policy of which the kernel takes a part stands not at all, and nothing is
 * sent into it. */
static void
policy_refused(void **state)
{
	struct esp_pair *p;

	(void)state;
	world_begin(US, PEER, US, PEER);
	p = world_pair();
	kernel.nsent = 0;
	kernel.refuse = XFRM_MSG_UPDPOLICY;
	kernel.refuse_from = 1;
	assert_int_equal(esp_pair_confirm(p), -1);
	/* SA; IN, FWD; three policies and both SAs away. */
	assert_int_equal(kernel.nsent, 1 + 2 + 3 + 2);
	payload_of(3, XFRM_MSG_DELPOLICY, NLM_F_ACK);
	payload_of(6, XFRM_MSG_DELSA, NLM_F_ACK);
	assert_string_equal(world.calls, "");
	assert_int_equal(esp_pair_send(p, &packet), ESP_E_PLANE);
	assert_int_equal(world.nclear, 0);
	world_end(p);
}

/* Packets go into the stack, whose policy takes them; never without one. */
static void
send_needs_the_policy(void **state)
{
	struct esp_pair *p;
	struct packet_view inner;
	uint8_t		 out[64];
	bool		 newest;

	(void)state;
	world_begin(US, PEER, US, PEER);
	p = world_pair();
	assert_int_equal(esp_pair_send(p, &packet), ESP_E_PLANE);
	assert_int_equal(esp_pair_confirm(p), 0);
	assert_int_equal(esp_pair_send(p, &packet), ESP_PAST);
	assert_int_equal(world.nclear, 1);
	/* What comes is a copy of what the kernel has opened. */
	assert_int_equal(esp_pair_open(p, &packet, out, sizeof(out),
	    &inner, &newest), ESP_E_PLANE);
	esp_policy_down(&world.policy);
	assert_int_equal(esp_pair_send(p, &packet), ESP_E_PLANE);
	assert_int_equal(world.nclear, 1);
	world_end(p);
}

/* The kernel's names of what IKEv2 has and IKEv1 has not. */
static void
newer_algorithms(void **state)
{
	struct xfrm_algo_aead aead;
	struct xfrm_algo_auth auth;
	struct esp_pair	     *p;
	const uint8_t	     *got;
	size_t		      len, body = sizeof(struct xfrm_usersa_info);

	(void)state;
	world_begin(US, PEER, US, PEER);
	world.in.cipher = world.out.cipher = ESP_CHACHA20_POLY1305;
	world.in.cipher_len = world.out.cipher_len = 36;
	world.in.auth = world.out.auth = ESP_AUTH_NONE;
	world.in.auth_len = world.out.auth_len = 0;
	p = world_pair();
	assert_non_null(p);
	got = attribute_of(0, body, XFRMA_ALG_AEAD, &len);
	assert_non_null(got);
	memcpy(&aead, got, sizeof(aead));
	assert_string_equal(aead.alg_name, "rfc7539esp(chacha20,poly1305)");
	assert_int_equal(aead.alg_key_len, 36 * 8);
	assert_int_equal(aead.alg_icv_len, 128);
	world_end(p);
	world_begin(US, PEER, US, PEER);
	world.in.auth = world.out.auth = ESP_AUTH_HMAC_SHA2_384;
	world.in.auth_len = world.out.auth_len = 48;
	p = world_pair();
	assert_non_null(p);
	got = attribute_of(0, body, XFRMA_ALG_AUTH_TRUNC, &len);
	assert_non_null(got);
	memcpy(&auth, got, sizeof(auth));
	assert_string_equal(auth.alg_name, "hmac(sha384)");
	assert_int_equal(auth.alg_key_len, 48 * 8);
	assert_int_equal(auth.alg_trunc_len, 192);
	world_end(p);
}

/* RFC 4303 §3.1.1; and what carries the policy may come to be a tunnel. */
static void
transport_mode(void **state)
{
	struct esp_pair *p, *tunnel;

	(void)state;
	world_begin(US, PEER, US, PEER);
	world.in.transport = world.out.transport = true;
	p = world_pair();
	assert_int_equal(esp_pair_confirm(p), 0);
	usersa_expect(0, PEER, US, 0x11223344, AF_INET, AF_INET, 0);
	usersa_expect(1, US, PEER, 0x55667788, AF_INET, AF_INET, 0);
	policy_expect(2, XFRM_POLICY_IN, PEER, US, PEER, US, AF_INET, AF_INET,
	    32);
	policy_expect(4, XFRM_POLICY_OUT, US, PEER, US, PEER, AF_INET, AF_INET,
	    32);
	world.in.transport = world.out.transport = false;
	kernel.nsent = 0;
	tunnel = world_pair();
	assert_int_equal(esp_pair_confirm(tunnel), 0);
	/* Two SAs, three policies that go, three that come. */
	assert_int_equal(kernel.nsent, 8);
	policy_expect(7, XFRM_POLICY_OUT, US, PEER, US, PEER, AF_INET, AF_INET,
	    32);
	assert_string_equal(world.calls, "+-+");
	esp_pair_down(p);
	world_end(tunnel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sa_of_ipv4),
		cmocka_unit_test(sa_of_ipv6_with_gcm_and_esn),
		cmocka_unit_test(sa_of_both_families),
		cmocka_unit_test(not_for_the_kernel),
		cmocka_unit_test(sa_in_udp),
		cmocka_unit_test(sa_removed),
		cmocka_unit_test(sa_of_another),
		cmocka_unit_test(usage_is_asked_for),
		cmocka_unit_test(policy_of_ipv4),
		cmocka_unit_test(newer_algorithms),
		cmocka_unit_test(transport_mode),
		cmocka_unit_test(policy_of_ipv6),
		cmocka_unit_test(policy_refused),
		cmocka_unit_test(send_needs_the_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
