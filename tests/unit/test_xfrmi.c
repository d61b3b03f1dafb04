/* test_xfrmi.c - an xfrm interface: the messages that make one, and whose device of that name goes for it */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "net/netlink.h"
#include "net/rtnl.h"
#include "net/sysctl.h"
#include "net/xfrmi.h"

/* --- a kernel (the linker's --wrap) --------------------------------------- */

static const char  device[IFNAMSIZ] = "oe0-esp";
static char	   said[256];
static const char *kind;	/* of the device that has the name; NULL:
				 * none has */
static int	   refuse;	/* errno of whatever is made */
static bool	   taken;	/* somebody else's has our number */
static bool	   stays;	/* the device cannot be removed */

int	 __wrap_netlink_open(int protocol);
int	 __wrap_netlink_ask(int fd, struct nlmsghdr *nlh, mnl_cb_t fn,
    void *arg);
int	 __wrap_netlink_ask_once(int protocol, struct nlmsghdr *nlh);
unsigned __wrap_if_nametoindex(const char *name);
void	 __wrap_rtnl_link_del(const char *name);
bool	 __wrap_rtnl_has_ipv6(void);
int	 __wrap_sysctl_if_set(int family, const char *name, const char *key,
    int value);

static void
say(const char *what)
{
	size_t at = strlen(said);

	snprintf(said + at, sizeof(said) - at, "%s", what);
}

int
__wrap_netlink_open(int protocol)
{
	assert_int_equal(protocol, NETLINK_ROUTE);
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

struct pick {
	uint16_t	     type;
	const struct nlattr *a;
};

static int
pick(const struct nlattr *a, void *arg)
{
	struct pick *want = arg;

	if (mnl_attr_get_type(a) == want->type)
		want->a = a;
	return MNL_CB_OK;
}

/* Of a message, or in another attribute of it. */
static const struct nlattr *
attribute(const struct nlattr *in, const struct nlmsghdr *nlh, uint16_t type)
{
	struct pick want = { type, NULL };

	if (in != NULL)
		(void)mnl_attr_parse_nested(in, pick, &want);
	else
		(void)mnl_attr_parse(nlh, sizeof(struct ifinfomsg), pick,
		    &want);
	assert_non_null(want.a);
	return want.a;
}

/* What is there of that name. */
int
__wrap_netlink_ask(int fd, struct nlmsghdr *nlh, mnl_cb_t fn, void *arg)
{
	_Alignas(8) char buf[NETLINK_REQUEST_MAX];
	struct nlmsghdr *answer;
	struct nlattr	*info;

	assert_true(fd > 2);
	assert_int_equal(nlh->nlmsg_type, RTM_GETLINK);
	assert_string_equal(mnl_attr_get_str(attribute(NULL, nlh,
	    IFLA_IFNAME)), "oe0-esp");
	if (kind == NULL) {
		errno = ENODEV;
		return -1;
	}
	answer = netlink_begin(buf, RTM_NEWLINK, 0, NULL,
	    sizeof(struct ifinfomsg));
	mnl_attr_put_u32(answer, IFLA_MTU, 1500);
	info = mnl_attr_nest_start(answer, IFLA_LINKINFO);
	mnl_attr_put_strz(answer, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(answer, info);
	assert_int_equal(fn(answer, arg), MNL_CB_STOP);
	return 0;
}

int
__wrap_netlink_ask_once(int protocol, struct nlmsghdr *nlh)
{
	const struct nlattr *info, *data;

	assert_int_equal(protocol, NETLINK_ROUTE);
	assert_int_equal(nlh->nlmsg_type, RTM_NEWLINK);
	assert_int_equal(nlh->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK |
	    NLM_F_CREATE | NLM_F_EXCL);
	info = attribute(NULL, nlh, IFLA_LINKINFO);
	assert_string_equal(mnl_attr_get_str(attribute(info, nlh,
	    IFLA_INFO_KIND)), "xfrm");
	data = attribute(info, nlh, IFLA_INFO_DATA);
	assert_int_equal(mnl_attr_get_u32(attribute(data, nlh,
	    IFLA_XFRM_LINK)), 6);
	assert_int_equal(mnl_attr_get_u32(attribute(data, nlh,
	    IFLA_XFRM_IF_ID)), 0x4f450005);
	assert_string_equal(mnl_attr_get_str(attribute(NULL, nlh,
	    IFLA_IFNAME)), "oe0-esp");
	say("make;");
	errno = refuse != 0 ? refuse : kind != NULL || taken ? EEXIST : 0;
	return errno == 0 ? 0 : -1;
}

unsigned
__wrap_if_nametoindex(const char *name)
{
	errno = ENODEV;
	return strcmp(name, "rsip0") == 0 ? 6 : 0;
}

void
__wrap_rtnl_link_del(const char *name)
{
	assert_string_equal(name, "oe0-esp");
	say("del;");
	if (!stays)
		kind = NULL;
}

bool
__wrap_rtnl_has_ipv6(void)
{
	return true;
}

int
__wrap_sysctl_if_set(int family, const char *name, const char *key, int value)
{
	assert_int_equal(family, AF_INET6);
	assert_string_equal(name, "oe0-esp");
	assert_string_equal(key, "disable_ipv6");
	assert_int_equal(value, 1);
	say("mute;");
	return 0;
}

static void
expect(int rc, const char *want)
{
	said[0] = '\0';
	errno = 0;
	assert_int_equal(xfrmi_add(device, "rsip0", 0x4f450005), rc);
	assert_string_equal(said, want);
}

/* --- tests ---------------------------------------------------------------- */

static int
begin(void **state)
{
	(void)state;
	kind = NULL;
	refuse = 0;
	taken = stays = false;
	return 0;
}

static void
is_made(void **state)
{
	(void)state;
	expect(0, "make;mute;");
}

static void
in_place_of_what_a_killed_process_left(void **state)
{
	(void)state;
	kind = "xfrm";
	expect(0, "make;del;make;mute;");
}

static void
not_in_place_of_an_operators(void **state)
{
	(void)state;
	kind = "bridge";
	expect(-1, "make;");
	assert_int_equal(errno, EEXIST);
	kind = "xfrmer";
	expect(-1, "make;");
	kind = "xf";
	expect(-1, "make;");
}

static void
cannot_be_made(void **state)
{
	(void)state;
	taken = true;
	expect(-1, "make;");
	assert_int_equal(errno, EEXIST);
	stays = true;
	kind = "xfrm";
	expect(-1, "make;del;make;");
	assert_int_equal(errno, EEXIST);
	refuse = EOPNOTSUPP;
	expect(-1, "make;");
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(xfrmi_add(device, "nowhere", 0x4f450005), -1);
	assert_int_equal(errno, ENODEV);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(is_made, begin),
		cmocka_unit_test_setup(in_place_of_what_a_killed_process_left,
		    begin),
		cmocka_unit_test_setup(not_in_place_of_an_operators, begin),
		cmocka_unit_test_setup(cannot_be_made, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
