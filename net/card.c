/* card.c - what the kernel says of an interface before a program is put at its card, where packets have no buffer yet (XDP) */
#include "config.h"

#include <errno.h>
#include <libgen.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/card.h"
#include "net/netlink.h"
#include "net/sysctl.h"

/* Of linux/netdev.h, which is newer than many systems' headers. */
#define FAMILY_NAME		"netdev"
#define COMMAND_DEV_GET		1
#define DEV_IFINDEX		1
#define DEV_XDP_FEATURES	3

struct answer {
	uint16_t want;		/* attribute */
	uint64_t value;
	bool	 found;
};

static int
take_number(const struct nlattr *attr, void *arg)
{
	struct answer *a = arg;
	uint16_t       len = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) != a->want)
		return MNL_CB_OK;
	a->found = true;
	if (len == sizeof(uint64_t))
		a->value = mnl_attr_get_u64(attr);
	else if (len == sizeof(uint16_t))
		a->value = mnl_attr_get_u16(attr);
	else
		a->found = false;
	return MNL_CB_OK;
}

static int
take_answer(const struct nlmsghdr *nlh, void *arg)
{
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), take_number, arg);
}

static struct nlmsghdr *
begin(void *buf, uint16_t family, uint8_t command)
{
	struct genlmsghdr g = { .cmd = command, .version = 1 };

	return netlink_begin(buf, family, NLM_F_ACK, &g, sizeof(g));
}

static int
ask(int fd, struct nlmsghdr *nlh, struct answer *a)
{
	if (netlink_ask(fd, nlh, take_answer, a) == -1)
		return -1;
	if (a->found)
		return 0;
	errno = ENOENT;
	return -1;
}

int
card_open(struct card_asker *a)
{
	_Alignas(4) char buf[NETLINK_REQUEST_MAX];
	struct answer	 family = { .want = CTRL_ATTR_FAMILY_ID };
	struct nlmsghdr *nlh;

	a->fd = netlink_open(NETLINK_GENERIC);
	if (a->fd == -1)
		return -1;
	nlh = begin(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, FAMILY_NAME);
	if (ask(a->fd, nlh, &family) == -1) {
		card_close(a);
		return -1;
	}
	a->family = (uint16_t)family.value;
	return 0;
}

void
card_close(struct card_asker *a)
{
	if (a->fd != -1)
		close(a->fd);
	a->fd = -1;
}

int
card_xdp(const struct card_asker *a, unsigned ifindex, uint64_t *features)
{
	_Alignas(4) char buf[NETLINK_REQUEST_MAX];
	struct answer	 said = { .want = DEV_XDP_FEATURES };
	struct nlmsghdr *nlh = begin(buf, a->family, COMMAND_DEV_GET);

	mnl_attr_put_u32(nlh, DEV_IFINDEX, ifindex);
	if (ask(a->fd, nlh, &said) == -1)
		return -1;
	*features = said.value;
	return 0;
}

/* The last part of where a link of an interface's device leads; "" without. */
static void
device_link(const char *ifname, const char *what, char *out, size_t cap)
{
	char	path[128], to[512];
	ssize_t n;

	out[0] = '\0';
	if (snprintf(path, sizeof(path), "/sys/class/net/%s/device/%s", ifname,
	    what) >= (int)sizeof(path) ||
	    (n = readlink(path, to, sizeof(to) - 1)) == -1)
		return;
	to[n] = '\0';
	snprintf(out, cap, "%s", basename(to));
}

bool
card_is_hardware(const char *ifname)
{
	/* Other buses are those of virtual machines (virtio, xen, vmbus), and
	 * so is this driver's device. */
	static const char *const buses[] = { "pci", "platform", "usb", "fsl-mc",
		"soc" };
	char			 bus[32], driver[32], key[64], index[16];
	size_t			 i;

	/* Of another network namespace's /sys. */
	snprintf(key, sizeof(key), "class/net/%s/ifindex", ifname);
	if (sysctl_get(key, index, sizeof(index)) == -1 ||
	    strtoul(index, NULL, 10) != if_nametoindex(ifname))
		return false;
	device_link(ifname, "subsystem", bus, sizeof(bus));
	device_link(ifname, "driver", driver, sizeof(driver));
	for (i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
		if (strcmp(bus, buses[i]) == 0)
			return strcmp(driver, "vmxnet3") != 0;
	}
	return false;
}

/* 0, or -1 with errno. */
static int
card_value(const char *ifname, struct ethtool_value *v)
{
	struct ifreq ifr = { .ifr_data = (void *)v };
	int	     fd, rc, error;

	if ((fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	rc = ioctl(fd, SIOCETHTOOL, &ifr);
	error = errno;
	close(fd);
	errno = error;
	return rc;
}

bool
card_takes_tags(const char *ifname)
{
	struct ethtool_value v = { .cmd = ETHTOOL_GFLAGS };

	return card_value(ifname, &v) == -1 || (v.data & ETH_FLAG_RXVLAN) != 0;
}

int
card_keep_apart(const char *ifname)
{
	struct ethtool_value v = { .cmd = ETHTOOL_SGRO };

	return card_value(ifname, &v);
}

struct queues {
	unsigned ifindex;
	bool	 shaped;
};

static int
see_kind(const struct nlattr *attr, void *arg)
{
	/* The last two are for what comes in, and for programs. */
	static const char *const usual[] = { "noqueue", "mq", "pfifo_fast",
		"pfifo", "bfifo", "fq_codel", "fq", "ingress", "clsact" };
	struct queues		*q = arg;
	size_t			 i;

	if (mnl_attr_get_type(attr) != TCA_KIND)
		return MNL_CB_OK;
	if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0) {
		for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
			if (strcmp(mnl_attr_get_str(attr), usual[i]) == 0)
				return MNL_CB_OK;
		}
	}
	q->shaped = true;
	return MNL_CB_OK;
}

static int
see_queue(const struct nlmsghdr *nlh, void *arg)
{
	const struct tcmsg  *tc = mnl_nlmsg_get_payload(nlh);
	const struct queues *q = arg;

	if (nlh->nlmsg_type != RTM_NEWQDISC ||
	    tc->tcm_ifindex != (int)q->ifindex)
		return MNL_CB_OK;
	return mnl_attr_parse(nlh, sizeof(*tc), see_kind, arg);
}

bool
card_is_shaped(unsigned ifindex)
{
	_Alignas(4) char buf[NETLINK_REQUEST_MAX];
	struct tcmsg	 tc = { .tcm_family = AF_UNSPEC };
	struct queues	 q = { .ifindex = ifindex };
	struct nlmsghdr *nlh;
	int		 fd, rc;

	if ((fd = netlink_open(NETLINK_ROUTE)) == -1)
		return true;
	nlh = netlink_begin(buf, RTM_GETQDISC, NLM_F_DUMP, &tc, sizeof(tc));
	rc = netlink_ask(fd, nlh, see_queue, &q);
	close(fd);
	return rc == -1 || q.shaped;
}
