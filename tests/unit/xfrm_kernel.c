/* xfrm_kernel.c - a kernel of netlink messages, in the place of net/netlink's functions (the linker's --wrap) */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "net/netlink.h"
#include "tests/unit/xfrm_kernel.h"

/* As in netlink, whose macros mix signs. */
#define ALIGNED(n)	(((size_t)(n) + 3) & ~(size_t)3)
#define ATTRIBUTE	4u

/* --- a kernel of netlink messages ----------------------------------------- */

struct kernel kernel;

int	__wrap_netlink_open(int protocol);
int	__wrap_netlink_ask(int fd, struct nlmsghdr *nlh, mnl_cb_t fn,
    void *arg);

int
__wrap_netlink_open(int protocol)
{
	assert_int_equal(protocol, NETLINK_XFRM);
	errno = EPROTONOSUPPORT;
	return kernel.no_socket ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* Each message of the answer to fn, until it has enough: 0, or -1. */
static int
kernel_answer(unsigned which, bool dump, mnl_cb_t fn, void *arg)
{
	_Alignas(8) uint8_t copy[KERNEL_ROOM];
	struct nlmsghdr	   *nlh;
	size_t		    len = kernel.answer_len[which], at;

	memcpy(copy, kernel.answer[which], len);
	/* What was listed is removed next. */
	if (dump)
		kernel.answer_len[which] = 0;
	for (at = 0; at < len; at += ALIGNED(nlh->nlmsg_len)) {
		nlh = (struct nlmsghdr *)(void *)(copy + at);
		if (fn(nlh, arg) <= MNL_CB_STOP)
			return 0;
	}
	errno = ESRCH;
	return dump ? 0 : -1;
}

int
__wrap_netlink_ask(int fd, struct nlmsghdr *nlh, mnl_cb_t fn, void *arg)
{
	assert_true(fd > 2);
	assert_true(nlh->nlmsg_len <= KERNEL_ROOM);
	assert_true(kernel.nsent < KERNEL_SENT);
	memcpy(kernel.sent[kernel.nsent++], nlh, nlh->nlmsg_len);
	if (nlh->nlmsg_type == kernel.refuse && kernel.refuse_from-- == 0) {
		kernel.refuse_from = 0;
		errno = kernel.refuse_errno != 0 ? kernel.refuse_errno : EPERM;
		return -1;
	}
	if (nlh->nlmsg_type == XFRM_MSG_GETSA)
		return kernel_answer(0, nlh->nlmsg_flags & NLM_F_DUMP, fn, arg);
	if (nlh->nlmsg_type == XFRM_MSG_GETPOLICY)
		return kernel_answer(1, nlh->nlmsg_flags & NLM_F_DUMP, fn, arg);
	assert_int_not_equal(nlh->nlmsg_flags & NLM_F_ACK, 0);
	return 0;
}

/* --- what is expected ----------------------------------------------------- */

const uint8_t *
payload_of(unsigned i, uint16_t type, uint16_t flags)
{
	const struct nlmsghdr *nlh;

	assert_true(i < kernel.nsent);
	nlh = (const struct nlmsghdr *)(void *)kernel.sent[i];
	assert_int_equal(nlh->nlmsg_type, type);
	assert_int_equal(nlh->nlmsg_flags, NLM_F_REQUEST | flags);
	return kernel.sent[i] + NLMSG_HDRLEN;
}

const uint8_t *
attribute_of(unsigned i, size_t offset, uint16_t type, size_t *len)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)
	    (void *)kernel.sent[i];
	const struct nlattr   *a;
	size_t		       at;

	for (at = sizeof(*nlh) + ALIGNED(offset); at < nlh->nlmsg_len;
	    at += ALIGNED(a->nla_len)) {
		a = (const struct nlattr *)(void *)(kernel.sent[i] + at);
		if (a->nla_type == type) {
			*len = a->nla_len - ATTRIBUTE;
			return kernel.sent[i] + at + ATTRIBUTE;
		}
	}
	return NULL;
}

struct addr
address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

xfrm_address_t
bytes_of(const char *text)
{
	xfrm_address_t x;

	memset(&x, 0, sizeof(x));
	if (inet_pton(AF_INET, text, &x) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, &x), 1);
	return x;
}
