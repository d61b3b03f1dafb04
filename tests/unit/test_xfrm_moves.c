/* test_xfrm_moves.c - a peer behind a NAT is elsewhere: what the kernel says of it, and what it is told, as bytes */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/netlink.h"
#include "oe/esp/dataplane.h"
#include "oe/esp/xfrm.h"
#include "tests/unit/xfrm_kernel.h"

#define US	"198.51.100.10"
#define PEER	"203.0.113.7"
#define THERE	"203.0.113.9"
#define LENT	"100.64.0.7"
#define SPI_IN	0x11223344u
#define SPI_OUT	0x55667788u
#define REQID	0x4f450001u
#define TIMER	32	/* XFRMA_MTIMER_THRESH */
#define BODY	sizeof(struct xfrm_usersa_info)

/* --- a kernel that says where its peers are ------------------------------- */

static struct {
	struct xfrm	 *x;
	struct esp_plane *planes[2];
	struct esp_policy policy;
	struct esp_params in, out;
	bool		  no_monitor;
	void (*fn)(int fd, void *arg);	/* that is to be called, and with */
	void		 *fn_arg;
	int		  fd;
	int		  taken;
	char		  heard[128];	/* where somebody is */
	_Alignas(8) uint8_t message[512];	/* that is heard */
} lab;

int	__wrap_netlink_monitor(int protocol, const unsigned *groups, size_t n);
void	__wrap_netlink_heard(int fd, mnl_cb_t fn, void *arg);

int
__wrap_netlink_monitor(int protocol, const unsigned *groups, size_t n)
{
	assert_int_equal(protocol, NETLINK_XFRM);
	assert_int_equal(n, 1);
	assert_int_equal(groups[0], XFRMNLGRP_MAPPING);
	if (!lab.no_monitor)
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	errno = EPERM;
	return -1;
}

void
__wrap_netlink_heard(int fd, mnl_cb_t fn, void *arg)
{
	assert_int_equal(fd, lab.fd);
	assert_int_equal(fn((struct nlmsghdr *)(void *)lab.message, arg),
	    MNL_CB_OK);
}

static void
lab_send(void *arg, const struct packet_view *v)
{
	(void)arg;
	(void)v;
	fail();
}

static int
lab_take(void *arg, const struct esp_params *in, const struct esp_params *out,
    bool on)
{
	(void)arg;
	assert_int_equal(in->spi, SPI_IN);
	assert_int_equal(out->spi, SPI_OUT);
	lab.taken += on ? 1 : -1;
	return 0;
}

static void
lab_watch(void *arg, int fd, void (*fn)(int fd, void *arg), void *fn_arg)
{
	(void)arg;
	lab.fd = fd;
	lab.fn = fn;
	lab.fn_arg = fn_arg;
}

static void
lab_elsewhere(void *arg, uint32_t spi, const struct addr *dst,
    const struct addr *peer, uint16_t port)
{
	(void)arg;
	snprintf(lab.heard, sizeof(lab.heard), "0x%x %s %s %u", spi,
	    ADDR_TEXT(dst), ADDR_TEXT(peer), port);
}

static void
lab_begin(bool no_monitor)
{
	const struct xfrm_shell shell = { .send = lab_send, .take = lab_take,
		.watch = lab_watch, .elsewhere = lab_elsewhere };
	struct addr a = address(US);

	memset(&kernel, 0, sizeof(kernel));
	memset(&lab, 0, sizeof(lab));
	lab.fd = -1;
	lab.no_monitor = no_monitor;
	lab.x = xfrm_open(7);
	kernel.nsent = 0;
	lab.planes[0] = xfrm_plane(lab.x, &shell);
	lab.policy.ours = prefix_host(&a);
	a = address(LENT);
	lab.policy.theirs = prefix_host(&a);
	lab.policy.sole = lab.policy.roams = true;
	lab.in = (struct esp_params){ .spi = SPI_IN, .src = address(PEER),
		.dst = address(US), .encap_sport = 14500, .encap_dport = 4500,
		.cipher = ESP_AES_GCM_16, .cipher_len = 20 };
	lab.out = (struct esp_params){ .spi = SPI_OUT, .src = address(US),
		.dst = address(PEER), .encap_sport = 4500,
		.encap_dport = 14500, .cipher = ESP_AES_GCM_16,
		.cipher_len = 20 };
}

static void
lab_end(struct esp_pair *p)
{
	esp_policy_down(&lab.policy);
	esp_pair_down(p);
	assert_int_equal(lab.taken, 0);
	esp_plane_free(lab.planes[0]);
	if (lab.fd != -1)
		close(lab.fd);
}

static struct esp_pair *
lab_pair(void)
{
	return esp_pair_up(lab.planes, &lab.policy, &lab.in, &lab.out);
}

/* --- an SA as the kernel has it ------------------------------------------- */

static const struct xfrm_encap_tmpl encap = { .encap_type = 2 };

/* timer: it says where it is heard, and not each time. */
static void
has_sa(bool timer, uint32_t oseq, uint64_t packets, uint8_t flags)
{
	union {
		struct xfrm_algo_aead a;
		char		      room[sizeof(struct xfrm_algo_aead) + 20];
	} aead = { .a = { .alg_name = "rfc4106(gcm(aes))", .alg_key_len = 160,
		.alg_icv_len = 128 } };
	union {
		struct xfrm_replay_state_esn r;
		uint32_t		     words[6 + 32];
	} esn = { .r = { .bmp_len = 32, .oseq = oseq, .replay_window = 1024 } };
	struct xfrm_usersa_info sa = { .family = AF_INET, .reqid = REQID,
		.mode = XFRM_MODE_TUNNEL, .saddr = bytes_of(US),
		.id.daddr = bytes_of(PEER), .id.spi = htonl(SPI_OUT),
		.id.proto = IPPROTO_ESP, .curlft.packets = packets,
		.curlft.bytes = 100 * packets, .stats.replay = 5, .seq = 9,
		.flags = flags };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(kernel.answer[0]);

	memset(aead.room + sizeof(aead.a), 0xc6, 20);
	nlh->nlmsg_type = XFRM_MSG_NEWSA;
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(sa)), &sa, sizeof(sa));
	mnl_attr_put(nlh, XFRMA_ALG_AEAD, sizeof(aead), &aead);
	mnl_attr_put(nlh, XFRMA_ENCAP, sizeof(encap), &encap);
	mnl_attr_put(nlh, XFRMA_REPLAY_ESN_VAL, sizeof(esn), &esn);
	mnl_attr_put_u32(nlh, XFRMA_SET_MARK, 7);
	mnl_attr_put_u32(nlh, XFRMA_LASTUSED, 1);
	if (timer)
		mnl_attr_put_u32(nlh, TIMER, 1);
	kernel.answer_len[0] = nlh->nlmsg_len;
}

/* Message i is the SA with these ports, and nothing but what made it. */
static void
sa_expect(unsigned i, bool again, uint16_t sport, uint16_t dport,
    uint64_t oseq)
{
	struct xfrm_replay_state_esn r;
	struct xfrm_usersa_info	     sa;
	struct xfrm_encap_tmpl	     t;
	const uint8_t		    *got;
	size_t			     len;

	got = again ? payload_of(i, XFRM_MSG_NEWSA, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_EXCL) : payload_of(i, XFRM_MSG_UPDSA, NLM_F_ACK |
	    NLM_F_REPLACE);
	memcpy(&sa, got, sizeof(sa));
	assert_int_equal(sa.id.spi, htonl(SPI_OUT));
	assert_int_equal(sa.id.daddr.a4, bytes_of(again ? THERE : PEER).a4);
	assert_int_equal(sa.saddr.a4, bytes_of(US).a4);
	assert_int_equal(sa.reqid, REQID);
	assert_int_equal(sa.seq, 0);
	assert_int_equal(sa.curlft.packets, 0);
	assert_int_equal(sa.stats.replay, 0);
	got = attribute_of(i, BODY, XFRMA_ENCAP, &len);
	assert_non_null(got);
	memcpy(&t, got, sizeof(t));
	assert_int_equal(t.encap_type, 2);
	assert_int_equal(t.encap_sport, htons(sport));
	assert_int_equal(t.encap_dport, htons(dport));
	got = attribute_of(i, BODY, XFRMA_REPLAY_ESN_VAL, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(r) + 32 * 4);
	memcpy(&r, got, sizeof(r));
	assert_int_equal(((uint64_t)r.oseq_hi << 32) | r.oseq, oseq);
	got = attribute_of(i, BODY, XFRMA_ALG_AEAD, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(struct xfrm_algo_aead) + 20);
	assert_int_equal(got[len - 1], 0xc6);
	assert_non_null(attribute_of(i, BODY, XFRMA_SET_MARK, &len));
	assert_null(attribute_of(i, BODY, XFRMA_LASTUSED, &len));
}

static void
asks_for(unsigned i, const char *dst, uint32_t spi)
{
	struct xfrm_usersa_id id;

	memcpy(&id, payload_of(i, XFRM_MSG_GETSA, 0), sizeof(id));
	assert_int_equal(id.daddr.a4, bytes_of(dst).a4);
	assert_int_equal(id.spi, htonl(spi));
}

/* Confirmed, and all of that forgotten. */
static struct esp_pair *
lab_keyed(uint32_t oseq, uint8_t flags)
{
	struct esp_pair *p;

	has_sa(true, oseq, 10, flags);
	p = lab_pair();
	assert_non_null(p);
	assert_int_equal(esp_pair_confirm(p), 0);
	kernel.nsent = 0;
	return p;
}

static int
move(struct esp_pair *p, const char *to, uint16_t port)
{
	const struct addr dst = address(to);

	return esp_pair_move(p, &dst, port);
}

static bool
goes_to(const struct esp_pair *p, const char *to, uint16_t port)
{
	const struct esp_params *out = esp_pair_params(p, true);
	const struct addr	 dst = address(to);

	return addr_equal(&out->dst, &dst) && out->encap_dport == port;
}

/* --- tests ---------------------------------------------------------------- */

/* Taken where the kernel says when a peer is elsewhere, and does not with each
 * packet; its policies take the SA wherever its peer was. */
static void
followed_where_the_kernel_tells(void **state)
{
	struct xfrm_user_tmpl tmpl;
	struct esp_pair	     *p;
	const uint8_t	     *got;
	unsigned	      i;
	size_t		      len;

	(void)state;
	lab_begin(false);
	has_sa(true, 0, 0, 0);
	p = lab_pair();
	assert_non_null(p);
	assert_int_equal(kernel.nsent, 2);
	got = attribute_of(0, BODY, TIMER, &len);
	assert_non_null(got);
	asks_for(1, US, SPI_IN);
	assert_int_equal(esp_pair_confirm(p), 0);
	assert_null(attribute_of(2, BODY, TIMER, &len));
	for (i = 3; i < 6; i++) {
		got = attribute_of(i, sizeof(struct xfrm_userpolicy_info),
		    XFRMA_TMPL, &len);
		assert_non_null(got);
		memcpy(&tmpl, got, sizeof(tmpl));
		assert_int_equal(tmpl.saddr.a4, i == 5 ? bytes_of(US).a4 : 0);
		assert_int_equal(tmpl.reqid, REQID);
	}
	lab_end(p);
}

static void
not_where_it_does_not(void **state)
{
	(void)state;
	/* At each packet: the SA goes again. */
	lab_begin(false);
	has_sa(false, 0, 0, 0);
	assert_null(lab_pair());
	assert_int_equal(kernel.nsent, 3);
	payload_of(2, XFRM_MSG_DELSA, NLM_F_ACK);
	lab_end(NULL);
	/* Never; nor what is in no UDP. */
	lab_begin(true);
	assert_null(lab_pair());
	assert_int_equal(kernel.nsent, 0);
	lab_end(NULL);
	lab_begin(false);
	lab.in.encap_sport = 0;
	assert_null(lab_pair());
	assert_int_equal(kernel.nsent, 0);
	lab_end(NULL);
}

/* Both SAs stay what they are. */
static void
another_port(void **state)
{
	struct esp_pair *p;

	(void)state;
	lab_begin(false);
	p = lab_keyed(1000, 0);
	assert_int_equal(move(p, PEER, 31000), 0);
	assert_int_equal(kernel.nsent, 4);
	asks_for(0, PEER, SPI_OUT);
	sa_expect(1, false, 4500, 31000, 1000);
	asks_for(2, US, SPI_IN);
	sa_expect(3, false, 31000, 4500, 1000);
	assert_true(goes_to(p, PEER, 31000));
	/* Before the outbound one is there. */
	esp_pair_down(p);
	has_sa(true, 0, 0, 0);
	p = lab_pair();
	kernel.nsent = 0;
	assert_int_equal(move(p, PEER, 32000), 0);
	assert_int_equal(kernel.nsent, 2);
	sa_expect(1, false, 32000, 4500, 0);
	assert_true(goes_to(p, PEER, 32000));
	lab_end(p);
}

/* The new SA is there before a policy names it, and the old one goes last. */
static void
another_address(void **state)
{
	static const uint8_t dirs[] = { XFRM_POLICY_IN, XFRM_POLICY_FWD,
		XFRM_POLICY_OUT };
	struct xfrm_userpolicy_info info;
	struct xfrm_user_tmpl	    tmpl;
	struct xfrm_usersa_id	    id;
	struct esp_usage	    u;
	struct esp_pair		   *p;
	const uint8_t		   *got;
	unsigned		    i;
	size_t			    len;

	(void)state;
	lab_begin(false);
	p = lab_keyed(1000, 0);
	esp_pair_passed(p, &u);
	kernel.nsent = 0;
	assert_int_equal(move(p, THERE, 500), 0);
	assert_int_equal(kernel.nsent, 9);
	sa_expect(1, true, 4500, 500, 1000 + (1u << 24));
	for (i = 0; i < 3; i++) {
		memcpy(&info, payload_of(2 + i, XFRM_MSG_UPDPOLICY, NLM_F_ACK |
		    NLM_F_CREATE | NLM_F_REPLACE), sizeof(info));
		assert_int_equal(info.dir, dirs[i]);
		got = attribute_of(2 + i, sizeof(info), XFRMA_TMPL, &len);
		assert_non_null(got);
		memcpy(&tmpl, got, sizeof(tmpl));
		assert_int_equal(tmpl.id.daddr.a4, bytes_of(i == 2 ? THERE :
		    US).a4);
	}
	asks_for(5, PEER, SPI_OUT);
	memcpy(&id, payload_of(6, XFRM_MSG_DELSA, NLM_F_ACK), sizeof(id));
	assert_int_equal(id.daddr.a4, bytes_of(PEER).a4);
	/* The peer is at no place that the inbound SA could name. */
	asks_for(7, US, SPI_IN);
	sa_expect(8, false, 0, 4500, 1000);
	assert_true(goes_to(p, THERE, 500));
	assert_true(addr_equal(&lab.policy.peer,
	    &esp_pair_params(p, true)->dst));
	/* The new one has counted nothing yet; then what it has is added. */
	has_sa(true, 0, 0, 0);
	esp_pair_passed(p, &u);
	assert_int_equal(u.out.packets, 0);
	has_sa(true, 0, 3, 0);
	esp_pair_passed(p, &u);
	assert_int_equal(u.out.packets, 3);
	assert_int_equal(u.out.bytes, 300);
	esp_pair_usage(p, &u);
	assert_int_equal(u.out.packets, 13);
	/* Where it was at first. */
	kernel.nsent = 0;
	assert_int_equal(move(p, PEER, 600), 0);
	sa_expect(8, false, 600, 4500, 0);
	lab_end(p);
}

/* Numbers of 32 bits end; of 64 they go on. */
static void
no_number_twice(void **state)
{
	struct esp_pair *p;

	(void)state;
	lab_begin(false);
	p = lab_keyed(UINT32_MAX - 5, 0);
	assert_int_equal(move(p, THERE, 500), -1);
	assert_int_equal(kernel.nsent, 1);
	assert_true(goes_to(p, PEER, 14500));
	lab_end(p);
	lab_begin(false);
	p = lab_keyed(UINT32_MAX - 5, XFRM_STATE_ESN);
	assert_int_equal(move(p, THERE, 500), 0);
	sa_expect(1, true, 4500, 500, UINT32_MAX - 5 +
	    (uint64_t)(1u << 24));
	lab_end(p);
}

/* What the kernel does not take leaves all as it was. */
static void
a_move_refused(void **state)
{
	struct xfrm_usersa_id id;
	struct esp_pair	     *p;

	(void)state;
	lab_begin(false);
	p = lab_keyed(1000, 0);
	kernel.refuse = XFRM_MSG_UPDPOLICY;
	kernel.refuse_from = 2;
	assert_int_equal(move(p, THERE, 500), -1);
	assert_int_equal(kernel.nsent, 6);
	memcpy(&id, payload_of(5, XFRM_MSG_DELSA, NLM_F_ACK), sizeof(id));
	assert_int_equal(id.daddr.a4, bytes_of(THERE).a4);
	assert_true(goes_to(p, PEER, 14500));
	kernel.nsent = 0;
	kernel.refuse = XFRM_MSG_UPDSA;
	kernel.refuse_from = 0;
	assert_int_equal(move(p, PEER, 31000), -1);
	assert_int_equal(kernel.nsent, 2);
	assert_true(goes_to(p, PEER, 14500));
	lab_end(p);
}

/* Said of an SA: what it is, whose, and where somebody is. */
static const char *
told(uint16_t type, uint32_t reqid, size_t len)
{
	struct xfrm_user_mapping m;
	struct nlmsghdr		*nlh;

	memset(&m, 0, sizeof(m));
	m.id.daddr = bytes_of(US);
	m.id.spi = htonl(SPI_IN);
	m.id.family = AF_INET;
	m.id.proto = IPPROTO_ESP;
	m.reqid = reqid;
	m.old_saddr = bytes_of(PEER);
	m.new_saddr = bytes_of(THERE);
	m.new_sport = htons(31000);
	nlh = mnl_nlmsg_put_header(lab.message);
	nlh->nlmsg_type = type;
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(m)), &m, sizeof(m));
	nlh->nlmsg_len -= (uint32_t)(sizeof(m) - len);
	lab.heard[0] = '\0';
	lab.fn(lab.fd, lab.fn_arg);
	return lab.heard;
}

static void
the_kernel_says_where(void **state)
{
	const size_t whole = sizeof(struct xfrm_user_mapping);

	(void)state;
	lab_begin(false);
	assert_string_equal(told(XFRM_MSG_MAPPING, REQID, whole),
	    "0x11223344 " US " " THERE " 31000");
	/* Another program's SA, another message, and a part of one. */
	assert_string_equal(told(XFRM_MSG_MAPPING, 1, whole), "");
	assert_string_equal(told(XFRM_MSG_EXPIRE, REQID, whole), "");
	assert_string_equal(told(XFRM_MSG_MAPPING, REQID, whole - 4), "");
	lab_end(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(followed_where_the_kernel_tells),
		cmocka_unit_test(not_where_it_does_not),
		cmocka_unit_test(another_port),
		cmocka_unit_test(another_address),
		cmocka_unit_test(no_number_twice),
		cmocka_unit_test(a_move_refused),
		cmocka_unit_test(the_kernel_says_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
