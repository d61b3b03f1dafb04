/* example.c - connects to an address and tells whether the connection is encrypted */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rsip/status.h>

int
main(int argc, char **argv)
{
	static const char *const protection[] = { "none", "clear", "held",
		"dropped", "encrypted" };
	static const char *const auth[] = { "none", "dns", "dnssec", "key",
		"psk" };
	static const char *const right[] = { "none", "own-flows", "dns",
		"dnssec", "configured" };
	const struct addrinfo	 hints = { .ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_DGRAM };
	struct addrinfo		*to;
	struct rsip_status	 st;
	int			 fd;

	if (argc < 3 || getaddrinfo(argv[1], argv[2], &hints, &to) != 0) {
		fputs("usage: rsip-example ADDRESS UDP-PORT [CONTROL-SOCKET]\n",
		    stderr);
		return 2;
	}
	fd = socket(to->ai_family, SOCK_DGRAM, 0);
	if (fd == -1 || connect(fd, to->ai_addr, to->ai_addrlen) == -1) {
		perror(argv[1]);
		return 1;
	}
	if (rsip_status_socket(fd, argv[3], &st) == -1) {
		fprintf(stderr, "unknown: %s\n", strerror(errno));
		close(fd);
		return 1;
	}
	close(fd);
	printf("%s peer=%s auth=%s cipher=%s required=%d right=%s\n%s\n",
	    protection[st.protection], st.peer, auth[st.authentication],
	    st.cipher, st.required, right[st.right], st.reason);
	return 0;
}
