/* ike_probe.c - the IKE engine on real sockets, for interop tests: asks or answers, prints what was agreed */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "oe/esp/algorithm.h"
#include "oe/esp/esp.h"
#include "oe/ike1/ike1.h"
#include "oe/ike2/ike2.h"
#include "tests/plain_tun.h"

/*
 * ike_probe -l LOCAL [-r PEER] [-i MYID] [-I PEERID] [-k PRIVATE.pem]
 *     [-K PEERPUBLIC.pem] [-P PSK] [-p LOCALPORT] [-s SOURCE] [-d DESTINATION]
 *     [-T TUN -B INTERFACE] [-L SECONDS] [-S SECONDS] [-b KILOBYTES]
 *     [-D SECONDS]
 * -r: asks PEER when told to; without it only answers.  -T: carries what comes
 * out of the TUN device, whose far side are the SAs; sockets are bound to
 * INTERFACE.  -L, -S, -b: lifetimes of Phase 1 and 2.  -D: DPD.  -n: nothing
 * legacy.  -e: offers 64-bit sequence numbers.  -2: IKEv2; its datagrams at
 * most -F octets, its first group -G.  Commands on stdin: request, rekey,
 * delete, shutdown, fresh (shutdown, and an engine that knows nobody), renew
 * (such an engine without a goodbye, and a request), quit.  Lines on stdout:
 * up, confirmed, down, failed with SPIs and algorithms.
 */
#define PAIRS	32		/* remembered; the newest confirmed one sends */

struct pair {
	uint32_t       spi_in;
	struct esp_sa *in, *out;
	bool	       confirmed;
};

static struct {
	const struct keying_engine *engine;
	void *ike;
	struct ike1_config config;	/* of either version what it knows */
	const struct keying_ops *ops;
	uint32_t    local, peer;
	uint16_t    port, group;
	unsigned    datagram;
	int	    fd[2];		/* our port, 4500 */
	int	    raw, esp, tun;	/* -1: keys are agreed on, no more */
	const char *interface;
	struct keying_id my_id, peer_id;
	struct pubkey    peer_key;
	const char *psk;
	uint32_t    src, dst;
	struct pair pairs[PAIRS];
	unsigned    ups;
	int	    conns[8];
	bool	    quit;
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
	to.sin_addr.s_addr = addr_v4(&path->peer);
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
    enum keying_how claims, const struct keying_path *path)
{
	const struct keying_credentials c = {
		.keys = &probe.peer_key,
		.nkeys = probe.peer_key.len != 0,
		.psk = (const uint8_t *)probe.psk,
		.psk_len = probe.psk == NULL ? 0 : strlen(probe.psk),
	};

	(void)arg;
	(void)claims;
	(void)path;
	printf("lookup %s\n", keying_id_text(id));
	probe.engine->peer_keys(probe.ike, now_ms(), token, &c);
}

static void
op_child_ask(void *arg, uint64_t token, const struct keying_ask *a)
{
	(void)arg;
	printf("ask %s %s-%s %s-%s\n", keying_id_text(a->peer_id),
	    ADDR_TEXT(&a->ours->ts[0].from), ADDR_TEXT(&a->ours->ts[0].to),
	    ADDR_TEXT(&a->theirs->ts[0].from), ADDR_TEXT(&a->theirs->ts[0].to));
	probe.engine->authorize(probe.ike, now_ms(), token, &probe.conns[7]);
}

static void
print_sa(const char *way, const struct esp_params *p)
{
	printf(" %s=0x%08x %s %s", way, p->spi, esp_cipher_name(p->cipher,
	    p->cipher_len), esp_auth_name(p->auth));
	if (p->encap_sport != 0)
		printf(" udp %u-%u", p->encap_sport, p->encap_dport);
}

static struct pair *
pair_find(uint32_t spi_in)
{
	unsigned i;

	for (i = 0; i < PAIRS; i++) {
		if (probe.pairs[i].spi_in == spi_in)
			return &probe.pairs[i];
	}
	return NULL;
}

static void
pair_drop(struct pair *p)
{
	esp_sa_free(p->in);
	esp_sa_free(p->out);
	memset(p, 0, sizeof(*p));
}

static void
op_child_up(void *arg, void *conn, const struct keying_child *c)
{
	struct pair *p = &probe.pairs[probe.ups++ % PAIRS];

	(void)arg;
	printf("up %s conn %td peer %s", c->initiator ? "initiator" :
	    "responder", (int *)conn - probe.conns,
	    keying_id_text(&c->peer_id));
	print_sa("in", &c->in);
	print_sa("out", &c->out);
	printf(" esn %d soft %lld hard %lld bytes %llu\n", c->in.esn,
	    (long long)(c->soft - now_ms()), (long long)(c->hard - now_ms()),
	    (unsigned long long)c->hard_bytes);
	pair_drop(p);
	p->spi_in = c->in.spi;
	p->in = esp_sa_new(&c->in, false);
	p->out = esp_sa_new(&c->out, true);
}

static void
op_child_confirmed(void *arg, void *conn, uint32_t spi)
{
	struct pair *p = pair_find(spi);

	(void)arg;
	(void)conn;
	printf("confirmed in=0x%08x\n", spi);
	if (p != NULL)
		p->confirmed = true;
}

static void
op_child_down(void *arg, void *conn, uint32_t spi, bool by_peer)
{
	struct pair *p = pair_find(spi);

	(void)arg;
	(void)conn;
	printf("down in=0x%08x %s\n", spi, by_peer ? "by peer" : "expired");
	if (p != NULL)
		pair_drop(p);
}

static void
op_failed(void *arg, void *conn, unsigned version, enum keying_failure f,
    const char *detail)
{
	(void)version;
	(void)arg;
	(void)conn;
	printf("failed %s: %s\n", keying_failure_text(f),
	    detail == NULL ? "" : detail);
}

static void
op_initial_contact(void *arg, const struct keying_id *id,
    const struct addr *peer)
{
	(void)arg;
	printf("initial-contact %s %s\n", keying_id_text(id), ADDR_TEXT(peer));
}

/* --- packets -------------------------------------------------------------- */

static void
open_packets(const char *tun)
{
	probe.tun = plain_tun(tun);
	probe.raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	probe.esp = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ESP);
	if (probe.tun == -1 || probe.raw == -1 || probe.esp == -1) {
		fprintf(stderr, "%s: %s\n", tun, strerror(errno));
		exit(1);
	}
}

static void
bind_interface(int fd)
{
	if (probe.interface != NULL && fd != -1 && setsockopt(fd, SOL_SOCKET,
	    SO_BINDTODEVICE, probe.interface,
	    (socklen_t)strlen(probe.interface)) == -1) {
		fprintf(stderr, "%s: %s\n", probe.interface, strerror(errno));
		exit(1);
	}
}

static void
packet_in(const uint8_t *pkt, size_t len)
{
	uint8_t		   inner[65536];
	struct packet_view v, opened;
	struct pair	  *p;
	uint32_t	   spi;
	int		   rc;

	if (!packet_parse_ipv4(&v, pkt, len) || !esp_spi(&v, &spi) ||
	    (p = pair_find(spi)) == NULL || p->in == NULL) {
		printf("unknown SPI\n");
		return;
	}
	rc = esp_open(p->in, &v, inner, sizeof(inner), &opened);
	if (rc != ESP_OK)
		printf("bad packet %d\n", rc);
	else if (write(probe.tun, inner, opened.len) == -1)
		fprintf(stderr, "TUN: %s\n", strerror(errno));
}

static void
packets_out(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t		   inner[65536], out[65536];
	struct packet_view v, sealed;
	struct pair	  *p;
	unsigned	   i;
	ssize_t		   n;

	while ((n = read(probe.tun, inner, sizeof(inner))) > 0) {
		for (i = 0; i < PAIRS; i++) {
			p = &probe.pairs[(probe.ups + PAIRS - 1 - i) % PAIRS];
			if (p->out != NULL && p->confirmed)
				break;
		}
		if (i == PAIRS || !packet_parse_ipv4(&v, inner, (size_t)n) ||
		    esp_seal(p->out, &v, out, sizeof(out), &sealed) != ESP_OK)
			continue;
		to.sin_addr.s_addr = addr_v4(&sealed.dst);
		if (sendto(probe.raw, out, sealed.len, 0,
		    (struct sockaddr *)&to, sizeof(to)) == -1)
			fprintf(stderr, "ESP: %s\n", strerror(errno));
	}
}

/* RFC 3948: what came to port 4500 without a marker, as the packet it was. */
static void
packet_in_udp(const struct keying_path *path, const uint8_t *buf, size_t len)
{
	uint8_t	      pkt[65536];
	struct writer w;

	writer_init(&w, pkt, sizeof(pkt));
	writer_u16(&w, 0x4500);
	writer_u16(&w, (uint16_t)(28 + len));
	writer_u32(&w, 0);
	writer_u16(&w, 64 << 8 | IPPROTO_UDP);
	writer_u16(&w, 0);
	writer_put(&w, path->peer.bytes, 4);
	writer_put(&w, path->local.bytes, 4);
	writer_u16(&w, path->peer_port);
	writer_u16(&w, path->local_port);
	writer_u16(&w, (uint16_t)(8 + len));
	writer_u16(&w, 0);
	writer_put(&w, buf, len);
	if (!w.bad)
		packet_in(pkt, w.len);
}

static void
read_esp(void)
{
	uint8_t buf[65536];
	ssize_t n;

	while ((n = recv(probe.esp, buf, sizeof(buf), 0)) > 0)
		packet_in(buf, (size_t)n);
}

static int
open_port(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int		   fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	a.sin_addr.s_addr = probe.local;
	a.sin_port = htons(port);
	bind_interface(fd);
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
		p = (struct keying_path){ addr_from_v4(probe.local),
			addr_from_v4(from.sin_addr.s_addr), port,
			ntohs(from.sin_port) };
		len = sizeof(from);
		if (port == 4500 && n >= 8 && load_u32(buf) != 0)
			packet_in_udp(&p, buf, (size_t)n);
		else
			probe.engine->packet(probe.ike, now_ms(), &p, buf,
			    (size_t)n);
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
		id->type = KEYING_ID_ADDR;
		id->addr = addr_from_v4(inet_addr(s));
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
request(void)
{
	struct addr	      src = addr_from_v4(probe.src);
	struct addr	      dst = addr_from_v4(probe.dst);
	struct keying_selector ours = keying_selector_host(&src, 0, 0);
	struct keying_selector theirs = keying_selector_host(&dst, 0, 0);
	struct keying_request r = { .path = { addr_from_v4(probe.local),
		addr_from_v4(probe.peer), probe.port, 500 },
		    .my_id = probe.my_id,
		.peer_id = probe.peer_id, .peer = { .keys = &probe.peer_key,
		.nkeys = probe.peer_key.len != 0,
		.psk = (const uint8_t *)probe.psk,
		.psk_len = probe.psk == NULL ? 0 : strlen(probe.psk) },
		.ours = keying_selectors_of(&ours),
		.theirs = keying_selectors_of(&theirs),
		.initial_contact = probe.ups == 0 };

	if (probe.engine->request(probe.ike, now_ms(), &r,
	    &probe.conns[0]) == -1)
		printf("failed at once\n");
}

static void
delete_newest(void)
{
	struct pair *p = &probe.pairs[(probe.ups + PAIRS - 1) % PAIRS];

	if (probe.ups == 0 || p->spi_in == 0 ||
	    probe.engine->delete_child(probe.ike, now_ms(), p->spi_in) == -1)
		printf("nothing to delete\n");
	else
		printf("deleting in=0x%08x\n", p->spi_in);
}

static void *
engine_new(void)
{
	const struct ike1_config *c = &probe.config;
	struct ike2_config	  c2 = {
		.key = c->key,
		.my_id = c->my_id,
		.ike_lifetime = c->phase1_lifetime,
		.child_lifetime = c->phase2_lifetime,
		.child_kilobytes = c->phase2_kilobytes,
		.dpd_delay = c->dpd_delay,
		.keepalive = c->keepalive,
		.datagram_max = probe.datagram,
		.ke = probe.group,
	};

	return probe.engine == &ike2_engine ?
	    (void *)ike2_new(&c2, probe.ops, NULL) :
	    (void *)ike1_new(c, probe.ops, NULL);
}

/* Knows nobody, told or not: the next request is a whole one. */
static void
begin_again(bool tell)
{
	if (tell)
		probe.engine->shutdown(probe.ike, now_ms());
	probe.engine->free(probe.ike);
	if ((probe.ike = engine_new()) == NULL)
		exit(1);
}

static void
command(void)
{
	char line[64];

	if (fgets(line, sizeof(line), stdin) == NULL) {
		probe.quit = true;
		return;
	}
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, "request") == 0 || strcmp(line, "rekey") == 0)
		request();
	else if (strcmp(line, "delete") == 0)
		delete_newest();
	else if (strcmp(line, "shutdown") == 0)
		probe.engine->shutdown(probe.ike, now_ms());
	else if (strcmp(line, "fresh") == 0)
		begin_again(true);
	else if (strcmp(line, "quit") == 0)
		probe.quit = true;
	else if (strcmp(line, "renew") == 0) {
		begin_again(false);
		request();
	}
	printf("did %s\n", line);
}

static void
loop(void)
{
	struct pollfd pfd[5];
	uint64_t      now, next;

	while (!probe.quit) {
		now = now_ms();
		next = probe.engine->next(probe.ike);
		next = next <= now ? 0 : next - now < 1000 ? next - now : 1000;
		pfd[0] = (struct pollfd){ probe.fd[0], POLLIN, 0 };
		pfd[1] = (struct pollfd){ probe.fd[1], POLLIN, 0 };
		pfd[2] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
		pfd[3] = (struct pollfd){ probe.esp, POLLIN, 0 };
		pfd[4] = (struct pollfd){ probe.tun, POLLIN, 0 };
		poll(pfd, 5, (int)next);
		if (pfd[0].revents)
			read_port(probe.fd[0], probe.port);
		if (pfd[1].revents)
			read_port(probe.fd[1], 4500);
		if (pfd[2].revents)
			command();
		if (pfd[3].revents)
			read_esp();
		if (pfd[4].revents)
			packets_out();
		if (probe.engine->next(probe.ike) <= now_ms())
			probe.engine->tick(probe.ike, now_ms());
	}
}

static void
op_peer_silent(void *arg, void *conn)
{
	(void)arg;
	(void)conn;
}

static void
op_invalid_spi(void *arg, const struct addr *peer, uint32_t spi_out,
    const struct keying_id *who)
{
	(void)arg;
	(void)peer;
	(void)spi_out;
	(void)who;
}

int
main(int argc, char **argv)
{
	static const struct keying_ops ops = {
		.send = op_send,
		.spi_get = op_spi_get,
		.spi_put = op_spi_put,
		.cookie_get = op_cookie_get,
		.peer_lookup = op_peer_lookup,
		.child_ask = op_child_ask,
		.child_up = op_child_up,
		.child_confirmed = op_child_confirmed,
		.child_down = op_child_down,
		.failed = op_failed,
		.peer_silent = op_peer_silent,
		.invalid_spi = op_invalid_spi,
		.initial_contact = op_initial_contact,
	};
	struct ike1_config c = { .legacy = true, .rsa_min_bits = 2048 };
	EVP_PKEY	 *k;
	const char	 *tun = NULL;
	unsigned	  i;
	int		  o;

	probe.engine = &ike1_engine;
	probe.port = 500;
	probe.raw = probe.esp = probe.tun = -1;
	log_init("ike_probe", true, LOG_LEVEL_DEBUG);
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	while ((o = getopt(argc, argv,
	    "2l:r:i:I:k:K:P:p:d:s:neD:T:B:L:S:b:F:G:")) != -1) {
		switch (o) {
		case '2':
			probe.engine = &ike2_engine;
			break;
		case 'F':
			probe.datagram = (unsigned)atoi(optarg);
			break;
		case 'G':
			probe.group = (uint16_t)atoi(optarg);
			break;
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
			if (pubkey_from_evp(&probe.peer_key, k) == -1)
				return 2;
			EVP_PKEY_free(k);
			break;
		case 'P':
			probe.psk = optarg;
			break;
		case 'p':
			probe.port = (uint16_t)atoi(optarg);
			break;
		case 's':
			probe.src = inet_addr(optarg);
			break;
		case 'd':
			probe.dst = inet_addr(optarg);
			break;
		case 'D':
			c.dpd_delay = (unsigned)atoi(optarg);
			break;
		case 'L':
			c.phase1_lifetime = (uint32_t)atoi(optarg);
			break;
		case 'S':
			c.phase2_lifetime = (uint32_t)atoi(optarg);
			break;
		case 'b':
			c.phase2_kilobytes = (uint32_t)atoi(optarg);
			break;
		case 'T':
			tun = optarg;
			break;
		case 'B':
			probe.interface = optarg;
			break;
		case 'n':
			c.legacy = false;
			break;
		case 'e':
			c.esn = true;
			break;
		default:
			return 2;
		}
	}
	if (probe.src == 0)
		probe.src = probe.local;
	if (probe.dst == 0)
		probe.dst = probe.peer;
	if (probe.my_id.type == 0) {
		probe.my_id.type = KEYING_ID_ADDR;
		probe.my_id.addr = addr_from_v4(probe.local);
	}
	c.my_id = probe.my_id;
	c.keepalive = 5;
	if (tun != NULL)
		open_packets(tun);
	bind_interface(probe.raw);
	bind_interface(probe.esp);
	probe.fd[0] = open_port(probe.port);
	probe.fd[1] = open_port(4500);
	probe.config = c;
	probe.ops = &ops;
	if ((probe.ike = engine_new()) == NULL)
		return 1;
	printf("ready\n");
	loop();
	probe.engine->free(probe.ike);
	EVP_PKEY_free(c.key);
	for (i = 0; i < PAIRS; i++)
		pair_drop(&probe.pairs[i]);
	return 0;
}
