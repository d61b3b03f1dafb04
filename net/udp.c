/* udp.c - another UDP socket at a port that is ours already */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/udp.h"

/* The port is shared where this is on at all that are bound to it. */
static int
let_share(int fd, int on)
{
	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

uint16_t
udp_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t		len = sizeof(ss);
	uint16_t		port = 0;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		(void)addr_from_sockaddr(&ss, len, &port);
	return port;
}

int
udp_bind_beside(int owner, int fd, const struct addr *local,
    const struct addr *peer, uint16_t peer_port)
{
	struct sockaddr_storage here, there;
	socklen_t		len;
	uint16_t		port = udp_port(owner);
	int			error;

	if (port == 0)
		return -1;
	len = addr_to_sockaddr(local, port, &here);
	(void)addr_to_sockaddr(peer, peer_port, &there);
	error = let_share(owner, 1) == -1 || let_share(fd, 1) == -1 ||
	    bind(fd, (struct sockaddr *)&here, len) == -1 ? errno : 0;
	if (error == 0 && connect(fd, (struct sockaddr *)&there, len) == -1)
		error = errno;
	/* What others ask for meets this one, whatever fd lets them. */
	if (let_share(owner, 0) == -1 && error == 0)
		error = errno;
	errno = error;
	return error == 0 ? 0 : -1;
}
