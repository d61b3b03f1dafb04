/* tun.c - TUN devices */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "net/gso.h"
#include "net/sysctl.h"
#include "net/tun.h"

static int
tun_make(char *name, size_t cap, short flags)
{
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TUN | IFF_NO_PI |
	    IFF_VNET_HDR | flags) };
	int	     fd;

	if (strlen(name) >= IFNAMSIZ) {
		log_error("interface name \"%s\" is too long", name);
		return -1;
	}
	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1) {
		log_error("/dev/net/tun: %s%s", strerror(errno),
		    errno == ENOENT ? " (load the kernel module \"tun\")" : "");
		return -1;
	}
	if (ioctl(fd, TUNSETIFF, &ifr) == -1) {
		log_error("cannot make interface %s: %s", name,
		    errno == EBUSY ? "it exists and is in use" :
		    strerror(errno));
		close(fd);
		return -1;
	}
	snprintf(name, cap, "%s", ifr.ifr_name);
	return fd;
}

int
tun_open_gso(char *name, size_t cap, bool *offload)
{
	int fd = tun_make(name, cap, 0);

	*offload = fd != -1 && gso_enable(fd) == 0;
	return fd;
}

int
tun_open_queues(char *name, size_t cap, int *fds, unsigned n, bool *offload)
{
	unsigned i;

	*offload = true;
	for (i = 0; i < n; i++) {
		if ((fds[i] = tun_make(name, cap, IFF_MULTI_QUEUE)) == -1)
			break;
		*offload = gso_enable(fds[i]) == 0 && *offload;
	}
	if (i == n)
		return 0;
	while (i-- > 0)
		close(fds[i]);
	return -1;
}

bool
tun_ipv6(const char *name)
{
	int off;

	if (sysctl_if_get(AF_INET6, "all", "disable_ipv6", &off) == -1 ||
	    off != 0)
		return false;
	/* Each is refused by some kernels, and none is needed. */
	(void)sysctl_if_set(AF_INET6, name, "addr_gen_mode", 1);
	(void)sysctl_if_set(AF_INET6, name, "accept_ra", 0);
	(void)sysctl_if_set(AF_INET6, name, "router_solicitations", 0);
	return sysctl_if_set(AF_INET6, name, "disable_ipv6", 0) == 0;
}

bool
tun_is_gone(ssize_t n)
{
	return n == -1 && (errno == EBADFD || errno == EIO);
}
