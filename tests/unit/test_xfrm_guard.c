/* test_xfrm_guard.c - what the kernel's policies let in in the clear, what a killed daemon left, and kernels without ESP */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/netlink.h"
#include "oe/esp/xfrm.h"
#include "tests/unit/xfrm_kernel.h"

#define MARK	0x4f45u
#define US	"198.51.100.10"
#define US6	"2001:db8::10"

static struct xfrm *x;

static void
kernel_begin(void)
{
	memset(&kernel, 0, sizeof(kernel));
	x = xfrm_open(MARK);
	assert_non_null(x);
	/* What a predecessor left was looked for. */
	assert_int_equal(kernel.nsent, 2);
	kernel.nsent = 0;
}

static void
guards_of_both_families(void **state)
{
	struct xfrm_userpolicy_info want;
	struct addr		    a;
	struct prefix		    net;
	unsigned		    i;

	(void)state;
	kernel_begin();
	a = address("192.0.2.0");
	net = prefix_of(&a, 24);
	assert_int_equal(xfrm_guard(x, &net, true, false), 0);
	a = address("2001:db8:1::");
	net = prefix_of(&a, 48);
	assert_int_equal(xfrm_guard(x, &net, false, true), 0);
	assert_int_equal(kernel.nsent, 3);
	for (i = 0; i < 3; i++) {
		memset(&want, 0, sizeof(want));
		want.sel.family = i == 0 ? AF_INET : AF_INET6;
		want.sel.saddr = bytes_of(i == 0 ? "192.0.2.0" :
		    "2001:db8:1::");
		want.sel.prefixlen_s = i == 0 ? 24 : 48;
		want.lft.soft_byte_limit = want.lft.hard_byte_limit = XFRM_INF;
		want.lft.soft_packet_limit = XFRM_INF;
		want.lft.hard_packet_limit = XFRM_INF;
		/* Behind all others, longer prefixes first. */
		want.priority = 0x4f450001u + (i == 0 ? 8 : 80);
		want.dir = i < 2 ? XFRM_POLICY_IN : XFRM_POLICY_FWD;
		want.action = i == 0 ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
		assert_memory_equal(payload_of(i, XFRM_MSG_UPDPOLICY,
		    NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE), &want,
		    sizeof(want));
	}
	xfrm_close(x);
}

/* The mark in message i, a policy's of so many bytes; zeros: it has none. */
static struct xfrm_mark
mark_of(unsigned i, size_t body)
{
	struct xfrm_mark mark = { 0 };
	size_t		 len;
	const uint8_t	*a;

	a = attribute_of(i, body, XFRMA_MARK, &len);
	if (a != NULL && len == sizeof(mark))
		memcpy(&mark, a, sizeof(mark));
	return mark;
}

/* All of them come before the longest prefix, and neighbours by their type. */
static void
ipv6_keeps_its_neighbours(void **state)
{
	static const struct { uint8_t proto, from; uint16_t type; } want[] = {
		{ 0, 0, 0 }, { 0, 0, 0 }, { IPPROTO_ICMPV6, 128, 0 },
		{ IPPROTO_ICMPV6, 0, 135 }, { IPPROTO_ICMPV6, 0, 136 },
		{ 0, 10, 0 },
	};
	const struct xfrm_userpolicy_info *p;
	struct xfrm_mark		   mark;
	unsigned			   i;

	(void)state;
	kernel_begin();
	assert_int_equal(xfrm_guard_leave(x, 0x120000, 0xff0000, true),
	    0);
	assert_int_equal(kernel.nsent, 6);
	for (i = 0; i < 6; i++) {
		p = (const void *)payload_of(i, XFRM_MSG_UPDPOLICY,
		    NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
		mark = mark_of(i, sizeof(*p));
		assert_int_equal(p->sel.family, AF_INET6);
		assert_int_equal(p->sel.proto, want[i].proto);
		assert_int_equal(p->sel.prefixlen_s, want[i].from);
		assert_int_equal(ntohs(p->sel.sport), want[i].type);
		assert_int_equal(p->priority, 0x4f450000u);
		assert_int_equal(p->dir, i == 1 ? XFRM_POLICY_FWD :
		    XFRM_POLICY_IN);
		assert_int_equal(p->action, XFRM_POLICY_ALLOW);
		assert_int_equal(mark.v, i < 2 ? 0x120000 : 0);
		assert_int_equal(mark.m, i < 2 ? 0xff0000 : 0);
	}
	xfrm_close(x);
}

static void
answer_sa(const char *dst, int family, uint32_t reqid)
{
	struct xfrm_usersa_info sa;
	struct nlmsghdr	       *nlh;

	memset(&sa, 0, sizeof(sa));
	sa.id.daddr = bytes_of(dst);
	sa.id.spi = htonl(0xabcd);
	sa.family = (uint16_t)family;
	sa.reqid = reqid;
	nlh = mnl_nlmsg_put_header(kernel.answer[0] + kernel.answer_len[0]);
	nlh->nlmsg_type = XFRM_MSG_NEWSA;
	nlh->nlmsg_flags = NLM_F_MULTI;
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(sa)), &sa, sizeof(sa));
	kernel.answer_len[0] += nlh->nlmsg_len;
}

static void
answer_policy(uint32_t priority, uint32_t reqid, uint8_t dir)
{
	const struct xfrm_mark	    mark = { 5, 7 };
	struct xfrm_userpolicy_info p;
	struct xfrm_user_tmpl	    t;
	struct nlmsghdr		   *nlh;

	memset(&p, 0, sizeof(p));
	p.priority = priority;
	p.dir = dir;
	nlh = mnl_nlmsg_put_header(kernel.answer[1] + kernel.answer_len[1]);
	nlh->nlmsg_type = XFRM_MSG_NEWPOLICY;
	nlh->nlmsg_flags = NLM_F_MULTI;
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(p)), &p, sizeof(p));
	if (reqid != 0) {
		memset(&t, 0, sizeof(t));
		t.reqid = reqid;
		mnl_attr_put(nlh, XFRMA_TMPL, sizeof(t), &t);
	} else {
		mnl_attr_put(nlh, XFRMA_MARK, sizeof(mark), &mark);
	}
	kernel.answer_len[1] += nlh->nlmsg_len;
}

static void
leftovers_are_removed(void **state)
{
	const xfrm_address_t		 us = bytes_of(US6);
	const struct xfrm_userpolicy_id *policy;
	const struct xfrm_usersa_id	*sa;

	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	answer_sa(US, AF_INET, 0x4f450007);
	answer_sa(US, AF_INET, 0x12345678);	/* an operator's */
	answer_sa(US6, AF_INET6, 0x4f450008);
	answer_policy(2000, 0x4f450007, XFRM_POLICY_IN);
	answer_policy(2000, 0x12345678, XFRM_POLICY_OUT);
	answer_policy(1000, 0, XFRM_POLICY_OUT);
	answer_policy(0x4f450008, 0, XFRM_POLICY_FWD);	/* a guard */
	x = xfrm_open(MARK);
	assert_non_null(x);
	/* Both lists; two policies, two SAs; both lists once
	 * more, now empty. */
	assert_int_equal(kernel.nsent, 8);
	policy = (const void *)payload_of(2, XFRM_MSG_DELPOLICY, NLM_F_ACK);
	assert_int_equal(policy->dir, XFRM_POLICY_IN);
	policy = (const void *)payload_of(3, XFRM_MSG_DELPOLICY, NLM_F_ACK);
	assert_int_equal(policy->dir, XFRM_POLICY_FWD);
	/* The kernel finds one with a mark by that. */
	assert_int_equal(mark_of(3, sizeof(*policy)).m, 7);
	sa = (const void *)payload_of(4, XFRM_MSG_DELSA, NLM_F_ACK);
	assert_int_equal(sa->family, AF_INET);
	sa = (const void *)payload_of(5, XFRM_MSG_DELSA, NLM_F_ACK);
	assert_int_equal(sa->family, AF_INET6);
	assert_memory_equal(sa->daddr.a6, us.a6, sizeof(us.a6));
	xfrm_close(x);
}

static void
guards_are_cleared_alone(void **state)
{
	(void)state;
	kernel_begin();
	answer_policy(2000, 0x4f450007, XFRM_POLICY_IN);
	answer_policy(0x4f450008, 0, XFRM_POLICY_IN);
	xfrm_guard_clear(x);
	assert_int_equal(kernel.nsent, 3);
	payload_of(1, XFRM_MSG_DELPOLICY, NLM_F_ACK);
	payload_of(2, XFRM_MSG_GETPOLICY, NLM_F_DUMP);
	xfrm_close(x);
}

static void
kernel_without_esp(void **state)
{
	(void)state;
	kernel_begin();
	/* Two ciphers and a policy, there and gone. */
	assert_null(xfrm_lacks(x, AF_INET));
	assert_int_equal(kernel.nsent, 6);
	payload_of(1, XFRM_MSG_DELSA, NLM_F_ACK);
	payload_of(3, XFRM_MSG_DELSA, NLM_F_ACK);
	payload_of(5, XFRM_MSG_DELPOLICY, NLM_F_ACK);
	kernel.nsent = 0;
	assert_null(xfrm_lacks(x, AF_INET6));
	kernel.refuse = XFRM_MSG_NEWSA;
	assert_string_equal(xfrm_lacks(x, AF_INET),
	    "we may not ask the kernel");
	kernel.refuse_errno = EPROTONOSUPPORT;
	assert_string_equal(xfrm_lacks(x, AF_INET),
	    "the kernel has no ESP");
	kernel.refuse_from = 1;
	assert_string_equal(xfrm_lacks(x, AF_INET),
	    "the kernel has no AES-GCM for ESP");
	kernel.refuse = XFRM_MSG_UPDPOLICY;
	kernel.refuse_from = 0;
	assert_string_equal(xfrm_lacks(x, AF_INET),
	    "the kernel has no IPsec policies");
	xfrm_close(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guards_of_both_families),
		cmocka_unit_test(ipv6_keeps_its_neighbours),
		cmocka_unit_test(leftovers_are_removed),
		cmocka_unit_test(guards_are_cleared_alone),
		cmocka_unit_test(kernel_without_esp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
