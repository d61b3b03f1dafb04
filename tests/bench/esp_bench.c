/* esp_bench.c - ESP behind a TUN, by packets and by large segments, beside TUN echo without crypto and libcrypto alone on the same buffers */
#include "config.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/gso.h"
#include "net/ip.h"
#include "net/rtnl.h"
#include "net/tun.h"
#include "oe/esp/dataplane.h"
#include "oe/esp/esp.h"
#include "oe/esp/user.h"
#include "tests/plain_tun.h"

/*
 * CPU seconds of this process are measured, not wall time, and only while it
 * reads, works and writes: what feeds the TUN and other programs do not count.
 * The sides take turns, so that a machine that changes its pace
 * does so for all.
 */

#define ROUNDS	7
#define BURST	256	/* packets that wait in the TUN's queue of 500 */
#define BURSTS	40	/* a round */
#define BUF	2048
#define TCP_HEADER_LEN	20
#define SEGMENT	46		/* packets of the larger size that one read
				 * of a TUN brings */
#define SEGMENTS (BURST * BURSTS / SEGMENT)

static const struct suite {
	const char     *name;
	size_t		cipher_len, auth_len;
	enum esp_cipher cipher;
	enum esp_auth	auth;
	const char     *digest;
} suites[] = {
	{ "AES-256-CBC/SHA2-256", 32, 32, ESP_AES_CBC, ESP_AUTH_HMAC_SHA2_256,
	    "SHA256" },
	{ "AES-128-CBC/SHA1", 16, 20, ESP_AES_CBC, ESP_AUTH_HMAC_SHA1,
	    "SHA1" },
	{ "AES-128-GCM", 20, 0, ESP_AES_GCM_16, ESP_AUTH_NONE,
	    NULL },
	{ "AES-256-GCM", 36, 0, ESP_AES_GCM_16, ESP_AUTH_NONE,
	    NULL },
	{ "3DES-CBC/SHA1", 24, 20, ESP_3DES_CBC, ESP_AUTH_HMAC_SHA1,
	    "SHA1" },
};

struct bench {
	const struct suite *suite;
	size_t		 size;		/* of inner packets */
	int		 tun, udp;
	/* A TUN of large segments, and where these are put in. */
	int		 gso, packet;
	struct gso_join	*join;
	unsigned	 split, joined;	/* packets cut from segments, and
				 * segments made of them */
	struct esp_plane *planes[2];	/* user space */
	struct esp_pair	*out, *in;
	struct packet_view sealed;	/* the last one that out sent */
	EVP_CIPHER_CTX	*encrypt, *decrypt;
	EVP_MAC_CTX	*mac;
};

static void __attribute__((noreturn))
die(const char *what)
{
	perror(what);
	exit(1);
}

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- libcrypto alone ------------------------------------------------------ */

static void
crypto_setup(struct bench *b)
{
	const EVP_CIPHER *c;
	OSSL_PARAM	  params[2];
	EVP_MAC		 *mac;
	uint8_t		  key[64] = { 1, 2, 3 };
	char		  digest[16];

	switch (b->suite->cipher_len) {
	case 16:
		c = EVP_aes_128_cbc();
		break;
	case 20:
		c = EVP_aes_128_gcm();
		break;
	case 24:
		c = EVP_des_ede3_cbc();
		break;
	case 32:
		c = EVP_aes_256_cbc();
		break;
	default:
		c = EVP_aes_256_gcm();
		break;
	}
	b->encrypt = EVP_CIPHER_CTX_new();
	b->decrypt = EVP_CIPHER_CTX_new();
	EVP_EncryptInit_ex(b->encrypt, c, NULL, key, NULL);
	EVP_DecryptInit_ex(b->decrypt, c, NULL, key, NULL);
	EVP_CIPHER_CTX_set_padding(b->encrypt, 0);
	EVP_CIPHER_CTX_set_padding(b->decrypt, 0);
	b->mac = NULL;
	if (b->suite->digest == NULL)
		return;
	snprintf(digest, sizeof(digest), "%s", b->suite->digest);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
	    digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	b->mac = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	EVP_MAC_init(b->mac, key, b->suite->auth_len, params);
}

/* What one packet needs at both ends: the operations that no
 * ESP can do without. */
static void
crypto_packet(struct bench *b, uint8_t *text, size_t len, uint8_t *iv)
{
	uint8_t aad[8] = { 0 }, tag[64];
	size_t	n;
	int	m;

	EVP_EncryptInit_ex(b->encrypt, NULL, NULL, NULL, iv);
	if (b->mac == NULL) {
		EVP_EncryptUpdate(b->encrypt, NULL, &m, aad, 8);
		EVP_EncryptUpdate(b->encrypt, text, &m, text, (int)len);
		EVP_EncryptFinal_ex(b->encrypt, text + m, &m);
		EVP_CIPHER_CTX_ctrl(b->encrypt, EVP_CTRL_AEAD_GET_TAG, 16, tag);
		EVP_DecryptInit_ex(b->decrypt, NULL, NULL, NULL, iv);
		EVP_CIPHER_CTX_ctrl(b->decrypt, EVP_CTRL_AEAD_SET_TAG, 16, tag);
		EVP_DecryptUpdate(b->decrypt, NULL, &m, aad, 8);
		EVP_DecryptUpdate(b->decrypt, text, &m, text, (int)len);
		if (EVP_DecryptFinal_ex(b->decrypt, text + m, &m) != 1)
			die("GCM");
		return;
	}
	EVP_EncryptUpdate(b->encrypt, text, &m, text, (int)len);
	EVP_MAC_init(b->mac, NULL, 0, NULL);
	EVP_MAC_update(b->mac, text, len);
	EVP_MAC_final(b->mac, tag, &n, sizeof(tag));
	EVP_MAC_init(b->mac, NULL, 0, NULL);
	EVP_MAC_update(b->mac, text, len);
	EVP_MAC_final(b->mac, tag, &n, sizeof(tag));
	EVP_DecryptInit_ex(b->decrypt, NULL, NULL, NULL, iv);
	EVP_DecryptUpdate(b->decrypt, text, &m, text, (int)len);
}

static double
crypto_seconds(struct bench *b)
{
	static uint8_t buf[BUF];
	uint8_t	       iv[16] = { 0 };
	size_t	       len = (b->size + 2 + 15) / 16 * 16;
	double	       start = cpu_seconds();
	unsigned       i;

	for (i = 0; i < BURST * BURSTS; i++) {
		iv[0] = (uint8_t)i;
		iv[1] = (uint8_t)(i >> 8);
		crypto_packet(b, buf, len, iv);
	}
	return cpu_seconds() - start;
}

/* --- ESP alone, TUN alone, both ------------------------------------------- */

static void
esp_sent(void *arg, const struct packet_view *v)
{
	struct bench *b = arg;

	b->sealed = *v;
}

static void
esp_setup(struct bench *b)
{
	struct esp_params p = { .spi = 0x1000, .cipher = b->suite->cipher,
		.cipher_len = b->suite->cipher_len, .auth = b->suite->auth,
		.auth_len = b->suite->auth_len };

	p.src = addr_from_v4(inet_addr("198.51.100.1"));
	p.dst = addr_from_v4(inet_addr("198.51.100.10"));
	b->planes[0] = esp_user_new(esp_sent, b);
	b->out = esp_pair_up(b->planes, NULL, &p, &p);
	b->in = esp_pair_up(b->planes, NULL, &p, &p);
	if (b->out == NULL || b->in == NULL)
		exit(1);
}

static size_t
esp_packet(struct bench *b, const uint8_t *pkt, size_t len, uint8_t *back)
{
	struct packet_view v, opened;
	bool newest;
	int  rc = ESP_E_INNER;

	if (packet_parse_ipv4(&v, pkt, len))
		rc = esp_pair_send(b->out, &v);
	if (rc == ESP_OK)
		rc = esp_pair_open(b->in, &b->sealed, back, BUF + 32, &opened,
		    &newest);
	if (rc != ESP_OK) {
		fprintf(stderr, "ESP: error %d\n", rc);
		exit(1);
	}
	return opened.len;
}

static double
esp_seconds(struct bench *b)
{
	static uint8_t pkt[BUF], back[BUF + 32];
	double	       start;
	unsigned       i;

	pkt[0] = 0x45;
	pkt[2] = (uint8_t)(b->size >> 8);
	pkt[3] = (uint8_t)b->size;
	start = cpu_seconds();
	for (i = 0; i < BURST * BURSTS; i++)
		esp_packet(b, pkt, b->size, back);
	return cpu_seconds() - start;
}

static void
tun_feed(const struct bench *b)
{
	static struct mmsghdr msgs[BURST];
	static uint8_t	      payload[BUF];
	static struct iovec   iov;
	struct sockaddr_in    to = { .sin_family = AF_INET,
		.sin_port = htons(9) };
	int		      i, n;

	to.sin_addr.s_addr = inet_addr("10.99.0.2");
	iov.iov_base = payload;
	iov.iov_len = b->size - 28;
	for (i = 0; i < BURST; i++) {
		msgs[i].msg_hdr.msg_iov = &iov;
		msgs[i].msg_hdr.msg_iovlen = 1;
		msgs[i].msg_hdr.msg_name = &to;
		msgs[i].msg_hdr.msg_namelen = sizeof(to);
	}
	for (i = 0; i < BURST; i += n) {
		if ((n = sendmmsg(b->udp, msgs + i, (unsigned)(BURST - i),
		    0)) <= 0)
			die("sendmmsg");
	}
}

/* Reads what waits, lets it go through ESP if asked, writes it back. */
static double
tun_seconds(struct bench *b, bool with_esp)
{
	static uint8_t pkt[BUF], back[BUF + 32];
	double	       total = 0, start;
	unsigned long  packets = 0;
	ssize_t	       n;
	size_t	       len;
	unsigned       i;

	for (i = 0; i < BURSTS; i++) {
		tun_feed(b);
		start = cpu_seconds();
		while ((n = read(b->tun, pkt, sizeof(pkt))) > 0) {
			/* The kernel's own router solicitations. */
			if (pkt[0] >> 4 != 4)
				continue;
			len = (size_t)n;
			if (with_esp)
				len = esp_packet(b, pkt, len, back);
			if (write(b->tun, with_esp ? back : pkt, len) == -1)
				die("write to TUN");
			packets++;
		}
		total += cpu_seconds() - start;
	}
	return total * BURST * BURSTS / (double)packets;
}

/* --- ESP behind a TUN of large segments ----------------------------------- */

/* One TCP segment of SEGMENT packets, as a kernel gives it to a device. */
static size_t
segment_write(const struct bench *b, uint8_t *frame)
{
	size_t payload = b->size - IP_HEADER_LEN - TCP_HEADER_LEN;
	size_t len = b->size + (SEGMENT - 1) * payload;
	uint8_t *pkt = frame + GSO_HEADER_LEN;
	uint8_t *tcp = pkt + IP_HEADER_LEN;
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = IP_HEADER_LEN + TCP_HEADER_LEN,
		.gso_size = (uint16_t)payload, .csum_start = IP_HEADER_LEN,
		.csum_offset = 16 };
	struct packet_view v = { .src = addr_from_v4(inet_addr("10.98.0.1")),
		.dst = addr_from_v4(inet_addr("10.98.0.2")), .ttl = 64,
		.protocol = IPPROTO_TCP, .df = true, .len = len };

	memset(frame, 0, GSO_HEADER_LEN + len);
	memcpy(frame, &h, sizeof(h));
	ip_write(pkt, &v);
	tcp[12] = TCP_HEADER_LEN / 4 << 4;
	tcp[13] = 0x10;			/* ACK */
	return GSO_HEADER_LEN + len;
}

static void
segment_packet(void *arg, const struct packet_view *v)
{
	static uint8_t	   back[BUF + 32];
	struct bench	  *b = arg;
	struct packet_view opened;
	bool		   newest;

	if (esp_pair_send(b->out, v) != ESP_OK ||
	    esp_pair_open(b->in, &b->sealed, back, sizeof(back), &opened,
	    &newest) != ESP_OK)
		die("ESP of a segment");
	gso_join_add(b->join, &opened);
	b->split++;
}

static void
segment_back(void *arg, const uint8_t *frame, size_t len)
{
	struct bench *b = arg;

	if (write(b->gso, frame, len) == -1)
		die("write to TUN");
	b->joined++;
}

/* Cut, sealed, opened, joined and written back: as between a program and its
 * peer's, with no wire between. */
static double
segment_seconds(struct bench *b)
{
	static uint8_t frame[GSO_BUFFER_LEN], buf[GSO_BUFFER_LEN];
	size_t	       len = segment_write(b, frame);
	double	       total = 0, start;
	ssize_t	       n;
	unsigned       i;

	b->split = b->joined = 0;
	for (i = 0; i < SEGMENTS; i++) {
		if (send(b->packet, frame, len, 0) == -1)
			die("a segment to the TUN");
		start = cpu_seconds();
		while ((n = read(b->gso, buf, sizeof(buf))) > 0) {
			if (buf[GSO_HEADER_LEN] >> 4 != 4)
				continue;
			gso_split(buf, (size_t)n, segment_packet, b);
			gso_join_flush(b->join);
		}
		total += cpu_seconds() - start;
	}
	if (b->split != SEGMENTS * SEGMENT || b->joined != SEGMENTS) {
		fprintf(stderr, "%u packets of %d segments were %u at last\n",
		    b->split, SEGMENTS, b->joined);
		exit(1);
	}
	return total * BURST * BURSTS / b->split;
}

/* Nothing is put in where the kernel has no large segments: gso stays -1. */
static int
segment_setup(struct bench *b)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP) };
	char	  name[] = "large%d";
	const int on = 1;
	bool	  offload;

	b->gso = tun_open_gso(name, sizeof(name), &offload);
	if (b->gso == -1 || rtnl_link_up(name) == -1)
		return -1;
	b->packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	ll.sll_ifindex = (int)if_nametoindex(name);
	if (b->packet == -1 || setsockopt(b->packet, SOL_PACKET,
	    PACKET_VNET_HDR, &on, sizeof(on)) == -1 ||
	    bind(b->packet, (struct sockaddr *)&ll, sizeof(ll)) == -1)
		return -1;
	b->join = gso_join_new(segment_back, b);
	if (!offload) {
		close(b->gso);
		b->gso = -1;
	}
	return 0;
}

static int
network_setup(struct bench *b)
{
	struct addr own = addr_from_v4(inet_addr("10.99.0.1"));
	const char  name[] = "bench0";

	if (unshare(CLONE_NEWNET) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
		return -1;
	if (rtnl_open() == -1 || (b->tun = plain_tun(name)) == -1)
		return -1;
	if (rtnl_addr_add(name, &own, 24) == -1 ||
	    rtnl_link_up(name) == -1 || segment_setup(b) == -1)
		return -1;
	return (b->udp = socket(AF_INET, SOCK_DGRAM, 0)) == -1 ? -1 : 0;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), compare);
	return v[ROUNDS / 2];
}

static void
bench_run(struct bench *b)
{
	double	 tun[ROUNDS], crypto[ROUNDS], esp[ROUNDS], path[ROUNDS];
	double	 ratio[ROUNDS], n = BURST * BURSTS, p;
	double	 large[ROUNDS], part[ROUNDS];
	bool	 segments = b->gso != -1 && b->size == 1400;
	unsigned i;

	esp_setup(b);
	crypto_setup(b);
	for (i = 0; i < ROUNDS; i++) {
		tun[i] = tun_seconds(b, false);
		crypto[i] = crypto_seconds(b);
		path[i] = tun_seconds(b, true);
		esp[i] = esp_seconds(b);
		ratio[i] = (tun[i] + crypto[i]) / path[i];
		large[i] = segments ? segment_seconds(b) : 0;
		part[i] = segments ? crypto[i] / large[i] : 0;
	}
	p = median(path);
	printf("%-21s %5zu %8.0f %8.0f %8.0f %8.0f %6.2f %6.2f %6.2f",
	    b->suite->name, b->size, n / median(tun) / 1e3,
	    n / median(crypto) / 1e3, n / median(esp) / 1e3, n / p / 1e3,
	    n * (double)b->size * 8 / p / 1e9, median(crypto) / median(esp),
	    median(ratio));
	if (segments)
		printf(" %8.0f %6.2f", n / median(large) / 1e3, median(part));
	putchar('\n');
	fflush(stdout);
	esp_pair_down(b->out);
	esp_pair_down(b->in);
	esp_plane_free(b->planes[0]);
	EVP_CIPHER_CTX_free(b->encrypt);
	EVP_CIPHER_CTX_free(b->decrypt);
	EVP_MAC_CTX_free(b->mac);
}

int
main(void)
{
	static const size_t sizes[] = { 64, 1400 };
	struct bench	    b = { 0 };
	size_t		    i, j;

	if (network_setup(&b) == -1) {
		fputs("needs a network namespace and /dev/net/tun\n", stderr);
		return 77;
	}
	puts("Each packet is encrypted and decrypted; thousands of packets a "
	    "CPU second.\n"
	    "tun: read and written back; crypto: libcrypto alone; esp: sent "
	    "and opened through the door;\n"
	    "path: TUN, seal, open, TUN; ratio: what tun and crypto in "
	    "sequence take / path;\n"
	    "large: the path by segments of 64 KiB, cut and joined; c/large: "
	    "the share of crypto in it.\n");
	printf("%-21s %5s %8s %8s %8s %8s %6s %6s %6s %8s %6s\n", "", "bytes",
	    "tun", "crypto", "esp", "path", "Gb/s", "c/esp", "ratio", "large",
	    "c/large");
	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		for (j = 0; j < 2; j++) {
			b.suite = &suites[i];
			b.size = sizes[j];
			bench_run(&b);
		}
	}
	rtnl_close();
	return 0;
}
