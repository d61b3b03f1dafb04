/* example.c - connects to an address and tells whether the connection is encrypted */
#include <arpa/inet.h>
#include <errno.h>
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
	struct sockaddr_in	 sa = { .sin_family = AF_INET };
	struct rsip_status	 st;
	int			 fd;

	if (argc < 3 || inet_pton(AF_INET, argv[1], &sa.sin_addr) != 1) {
		fputs("usage: rsip-example ADDRESS UDP-PORT [CONTROL-SOCKET]\n",
		    stderr);
		return 2;
	}
	sa.sin_port = htons((in_port_t)strtoul(argv[2], NULL, 10));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1) {
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
