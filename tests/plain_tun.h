/* plain_tun.h - for tests: a TUN device whose packets have no header before them, as no program has it */
#ifndef TESTS_PLAIN_TUN_H
#define TESTS_PLAIN_TUN_H

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Makes it, non-blocking: the descriptor, or -1 with errno. */
static inline int
plain_tun(const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int	     fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (fd == -1 || ioctl(fd, TUNSETIFF, &r) == 0)
		return fd;
	close(fd);
	return -1;
}

#endif
