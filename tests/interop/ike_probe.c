/* ike_probe.c - the IKE engine on real sockets, for interop tests: asks or answers, prints what was agreed */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "oe/ike/ike.h"

/*
 * ike_probe -l LOCAL [-r PEER] [-i MYID] [-I PEERID] [-k PRIVATE.pem]
 *     [-K PEERPUBLIC.pem] [-P PSK] [-p LOCALPORT] [-t SECONDS] [-R] [-n]
 * -r: asks PEER; without it only answers.  -R: rekeys once when up.
 * -n: offers nothing legacy.  -x: forgets (with deletes) before it ends.
 * Lines: up/confirmed/down/failed with SPIs, keys in hexadecimal for a packet dump.
 */
static struct {
	struct ike *ike;
	uint32_t    local, peer;
	uint16_t    port;
	int	    fd[2];		/* our port, 4500 */
	struct keying_id my_id, peer_id;
	struct pubkey    peer_key;
	const char *psk;
	struct keying_selector src, dst;
	unsigned    ups, wanted;
	int	    conns[8];
	bool	    failed;
} probe;

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
op_send(void *arg, const struct keying_path *path, const uint8_t *buf,
    size_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET };

	(void)arg;
	to.sin_addr.s_addr = path->peer;
	to.sin_port = htons(path->peer_port);
	if (sendto(probe.fd[path->local_port == 4500], buf, len, 0,
	    (struct sockaddr *)&to, sizeof(to)) == -1)
		fprintf(stderr, "sendto: %s\n", strerror(errno));
}

static int
op_spi_get(void *arg, uint32_t *spi)
{
	(void)arg;
	random_bytes(spi, sizeof(*spi));
	*spi |= 0x1000;
	return 0;
}

static void
op_spi_put(void *arg, uint32_t spi)
{
	(void)arg;
	(void)spi;
}

static int
op_cookie_get(void *arg, uint64_t *cookie)
{
	(void)arg;
	random_bytes(cookie, sizeof(*cookie));
	return 0;
}

static void
op_peer_lookup(void *arg, uint64_t token, const struct keying_id *id,
    const struct keying_path *path)
{
	(void)arg;
	(void)path;
	printf("lookup %s\n", keying_id_text(id));
	ike_peer_keys(probe.ike, now_ms(), token, &probe.peer_key,
	    probe.peer_key.len != 0, (const uint8_t *)probe.psk,
	    probe.psk == NULL ? 0 : strlen(probe.psk));
}

static void
op_child_ask(void *arg, uint64_t token, const struct keying_id *id,
    const struct keying_path *path, const struct keying_selector *src,
    const struct keying_selector *dst)
{
	(void)arg;
	(void)path;
	printf("ask %s %s/%s %s/%s\n", keying_id_text(id), ipv4_text(src->net),
	    ipv4_text(src->mask), ipv4_text(dst->net), ipv4_text(dst->mask));
	ike_authorize(probe.ike, now_ms(), token, &probe.conns[7]);
}

static void
print_sa(const char *way, const struct esp_params *p)
{
	size_t i;

	printf(" %s=0x%08x %s %s", way, p->spi, esp_cipher_name(p->cipher,
	    p->cipher_len), esp_auth_name(p->auth));
	if (p->encap_sport != 0)
		printf(" udp %u-%u", p->encap_sport, p->encap_dport);
	printf(" key ");
	for (i = 0; i < p->cipher_len; i++)
		printf("%02x", p->cipher_key[i]);
	printf(" auth ");
	for (i = 0; i < p->auth_len; i++)
		printf("%02x", p->auth_key[i]);
}

static void
op_child_up(void *arg, void *conn, const struct keying_child *c)
{
	(void)arg;
	printf("up %s conn %td peer %s", c->initiator ? "initiator" :
	    "responder", (int *)conn - probe.conns, keying_id_text(&c->peer_id));
	print_sa("in", &c->in);
	print_sa("out", &c->out);
	printf(" esn %d soft %lld hard %lld bytes %llu\n", c->in.esn,
	    (long long)(c->soft - now_ms()), (long long)(c->hard - now_ms()),
	    (unsigned long long)c->hard_bytes);
	probe.ups++;
}

static void
op_child_confirmed(void *arg, void *conn, uint32_t spi)
{
	(void)arg;
	(void)conn;
	printf("confirmed in=0x%08x\n", spi);
}

static void
op_child_down(void *arg, void *conn, uint32_t spi, bool by_peer)
{
	(void)arg;
	(void)conn;
	printf("down in=0x%08x %s\n", spi, by_peer ? "by peer" : "expired");
}

static void
op_failed(void *arg, void *conn, enum keying_failure f, const char *detail)
{
	(void)arg;
	(void)conn;
	printf("failed %s: %s\n", keying_failure_text(f),
	    detail == NULL ? "" : detail);
	probe.failed = true;
}

static void
op_initial_contact(void *arg, const struct keying_id *id, uint32_t peer)
{
	(void)arg;
	printf("initial-contact %s %s\n", keying_id_text(id), ipv4_text(peer));
}

static int
open_port(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int		   fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	a.sin_addr.s_addr = probe.local;
	a.sin_port = htons(port);
	if (fd == -1 || bind(fd, (struct sockaddr *)&a, sizeof(a)) == -1) {
		fprintf(stderr, "port %u: %s\n", port, strerror(errno));
		exit(1);
	}
	return fd;
}

static void
read_port(int fd, uint16_t port)
{
	struct sockaddr_in from;
	struct keying_path p;
	socklen_t	   len = sizeof(from);
	uint8_t		   buf[65536];
	ssize_t		   n;

	while ((n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from,
	    &len)) >= 0) {
		p = (struct keying_path){ probe.local, from.sin_addr.s_addr,
			port, ntohs(from.sin_port) };
		ike_packet(probe.ike, now_ms(), &p, buf, (size_t)n);
		len = sizeof(from);
	}
}

static void
read_id(struct keying_id *id, const char *s)
{
	memset(id, 0, sizeof(*id));
	if (s[0] == '@') {
		id->type = KEYING_ID_FQDN;
		snprintf(id->name, sizeof(id->name), "%s", s + 1);
	} else {
		id->type = KEYING_ID_IPV4;
		id->addr = inet_addr(s);
	}
}

static EVP_PKEY *
read_key(const char *path, bool private)
{
	FILE	 *f = fopen(path, "r");
	EVP_PKEY *k;

	if (f == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	k = private ? PEM_read_PrivateKey(f, NULL, NULL, NULL) :
	    PEM_read_PUBKEY(f, NULL, NULL, NULL);
	fclose(f);
	if (k == NULL) {
		fprintf(stderr, "%s: no key\n", path);
		exit(1);
	}
	return k;
}

static void
request(unsigned conn)
{
	struct keying_request r = { .path = { probe.local, probe.peer,
		probe.port, 500 }, .my_id = probe.my_id,
		.peer_id = probe.peer_id, .keys = &probe.peer_key,
		.nkeys = probe.peer_key.len != 0,
		.psk = (const uint8_t *)probe.psk,
		.psk_len = probe.psk == NULL ? 0 : strlen(probe.psk),
		.src = probe.src, .dst = probe.dst, .initial_contact = true };

	if (ike_request(probe.ike, now_ms(), &r, &probe.conns[conn]) == -1) {
		printf("failed at once\n");
		probe.failed = true;
	}
}

int
main(int argc, char **argv)
{
	static const struct keying_ops ops = {
		op_send, op_spi_get, op_spi_put, op_cookie_get, op_peer_lookup,
		op_child_ask, op_child_up, op_child_confirmed, op_child_down,
		op_failed, op_initial_contact };
	struct ike_config c = { .legacy = true, .rsa_min_bits = 2048 };
	struct pollfd	  pfd[2];
	uint64_t	  end, next, now;
	EVP_PKEY	 *k;
	unsigned	  seconds = 10;
	bool		  rekey = false, leave = false;
	int		  o;

	probe.port = 500;
	log_init("ike_probe", true, LOG_LEVEL_DEBUG);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((o = getopt(argc, argv, "l:r:i:I:k:K:P:p:t:d:s:RnxD:")) != -1) {
		switch (o) {
		case 'l':
			probe.local = inet_addr(optarg);
			break;
		case 'r':
			probe.peer = inet_addr(optarg);
			break;
		case 'i':
			read_id(&probe.my_id, optarg);
			break;
		case 'I':
			read_id(&probe.peer_id, optarg);
			break;
		case 'k':
			c.key = read_key(optarg, true);
			break;
		case 'K':
			k = read_key(optarg, false);
			pubkey_from_evp(&probe.peer_key, k);
			EVP_PKEY_free(k);
			break;
		case 'P':
			probe.psk = optarg;
			break;
		case 'p':
			probe.port = (uint16_t)atoi(optarg);
			break;
		case 't':
			seconds = (unsigned)atoi(optarg);
			break;
		case 's':
			probe.src.net = inet_addr(optarg);
			break;
		case 'd':
			probe.dst.net = inet_addr(optarg);
			break;
		case 'D':
			c.dpd_delay = (unsigned)atoi(optarg);
			break;
		case 'R':
			rekey = true;
			break;
		case 'n':
			c.legacy = false;
			break;
		case 'x':
			leave = true;
			break;
		default:
			return 2;
		}
	}
	if (probe.src.net == 0)
		probe.src.net = probe.local;
	if (probe.dst.net == 0)
		probe.dst.net = probe.peer;
	probe.src.mask = probe.dst.mask = 0xffffffff;
	if (probe.my_id.type == 0) {
		probe.my_id.type = KEYING_ID_IPV4;
		probe.my_id.addr = probe.local;
	}
	c.my_id = probe.my_id;
	probe.fd[0] = open_port(probe.port);
	probe.fd[1] = open_port(4500);
	if ((probe.ike = ike_new(&c, &ops, NULL)) == NULL)
		return 1;
	if (probe.peer != 0)
		request(0);
	end = now_ms() + seconds * 1000ull;
	while ((now = now_ms()) < end && !probe.failed) {
		next = ike_next(probe.ike);
		pfd[0] = (struct pollfd){ probe.fd[0], POLLIN, 0 };
		pfd[1] = (struct pollfd){ probe.fd[1], POLLIN, 0 };
		if (next > end)
			next = end;
		poll(pfd, 2, next > now ? (int)(next - now) : 0);
		if (pfd[0].revents)
			read_port(probe.fd[0], probe.port);
		if (pfd[1].revents)
			read_port(probe.fd[1], 4500);
		if (ike_next(probe.ike) <= now_ms())
			ike_tick(probe.ike, now_ms());
		if (rekey && probe.ups == 1) {
			rekey = false;
			request(0);
		}
	}
	if (leave)
		ike_shutdown(probe.ike, now_ms());
	ike_free(probe.ike);
	EVP_PKEY_free(c.key);
	return probe.failed || (probe.peer != 0 && probe.ups == 0);
}
