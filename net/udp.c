/* udp.c - another UDP socket at a port that is ours already, and which datagrams are its */
#include "config.h"

#include <errno.h>
#include <linux/filter.h>
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

int
udp_bind_shared(int owner, int fd)
{
	struct sockaddr_storage here;
	socklen_t		len = sizeof(here);
	const int		on = 1, off = 0;
	int			error;

	if (getsockname(owner, (struct sockaddr *)&here, &len) == -1)
		return -1;
	/* Who is beside the owner has let us (udp_bind_beside()). */
	if (let_share(fd, 1) == 0 &&
	    setsockopt(owner, SOL_SOCKET, SO_REUSEPORT, &on,
	    sizeof(on)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&here, len) == 0)
		return 0;
	error = errno;
	(void)setsockopt(owner, SOL_SOCKET, SO_REUSEPORT, &off, sizeof(off));
	errno = error;
	return -1;
}

int
udp_share(int owner, const uint32_t *words, size_t n)
{
	/* The program's answer is a socket's number, in the order in which they
	 * were bound; what is too short to be looked at is the first one's. */
	const struct sock_filter load = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	const struct sock_filter first = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_filter second = BPF_STMT(BPF_RET | BPF_K, 1);
	struct sock_filter code[2 * UDP_SHARE_MAX + 2];
	struct sock_fprog  p = { .filter = code };
	size_t		   i;

	if (n > UDP_SHARE_MAX) {
		errno = ENOBUFS;
		return -1;
	}
	code[p.len++] = load;
	for (i = 0; i < n; i++) {
		code[p.len++] = (struct sock_filter)BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, words[i], 0, 1);
		code[p.len++] = second;
	}
	code[p.len++] = first;
	return setsockopt(owner, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &p,
	    sizeof(p));
}
