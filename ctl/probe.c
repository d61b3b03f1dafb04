/* probe.c - does a host answer IKE at all, as a stranger sees it? */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/util.h"
#include "ctl/probe.h"

#define IKE_PORT	500
#define IKE_HEADER	28
#define TRIES		3
#define TRY_MS		1000
#define VERSION_1	0x10
#define VERSION_2	0x20

/* RFC 7296 §3.1; the length is written at the end. */
static void
probe_header(struct writer *w, uint8_t next, uint8_t version, uint8_t exchange,
    uint8_t flags)
{
	uint64_t spi;

	random_bytes(&spi, sizeof(spi));
	writer_u64(w, spi | 1);
	writer_u64(w, 0);
	writer_u8(w, next);
	writer_u8(w, version);
	writer_u8(w, exchange);
	writer_u8(w, flags);
	writer_u32(w, 0);
	writer_u32(w, 0);
}

/* RFC 7296 §3.3.2; bits: of the key, 0: the transform has no such attribute. */
static void
probe_transform(struct writer *w, bool last, uint8_t type, uint16_t id,
    uint16_t bits)
{
	writer_u8(w, last ? 0 : 3);
	writer_u8(w, 0);
	writer_u16(w, bits != 0 ? 12 : 8);
	writer_u8(w, type);
	writer_u8(w, 0);
	writer_u16(w, id);
	if (bits != 0) {
		writer_u16(w, 0x800e);
		writer_u16(w, bits);
	}
}

/* IKE_SA_INIT with AES-GCM-16-256, SHA2-256 and group 31, of which any 32 bytes
 * are a public value: whoever wants another one says so, which is an answer. */
static size_t
probe_v2(uint8_t *buf, size_t cap)
{
	struct writer w;
	uint8_t	      random[64];

	random_bytes(random, sizeof(random));
	writer_init(&w, buf, cap);
	probe_header(&w, 33, VERSION_2, 34, 0x08);
	writer_u16(&w, 34 << 8);	/* SA, then KE */
	writer_u16(&w, 4 + 8 + 12 + 8 + 8);
	writer_u16(&w, 0);
	writer_u16(&w, 8 + 12 + 8 + 8);
	writer_u32(&w, 0x01010003);	/* number 1, IKE, no SPI,
					 * three transforms */
	probe_transform(&w, false, 1, 20, 256);
	probe_transform(&w, false, 2, 5, 0);
	probe_transform(&w, true, 4, 31, 0);
	writer_u16(&w, 40 << 8);	/* KE, then Nonce */
	writer_u16(&w, 8 + 32);
	writer_u16(&w, 31);
	writer_u16(&w, 0);
	writer_put(&w, random, 32);
	writer_u16(&w, 0);
	writer_u16(&w, 4 + 32);
	writer_put(&w, random + 32, 32);
	store_u32(buf + 24, (uint32_t)w.len);
	return w.len;
}

/* RFC 2409: Main Mode's first message with AES-256, SHA2-256, RSA signatures
 * and group 14. */
static size_t
probe_v1(uint8_t *buf, size_t cap)
{
	static const uint16_t attributes[][2] = { { 1, 7 }, { 14, 256 },
		{ 2, 4 }, { 3, 3 }, { 4, 14 }, { 11, 1 }, { 12, 3600 } };
	const size_t	      n = sizeof(attributes) / sizeof(attributes[0]);
	struct writer	      w;
	size_t		      i;

	writer_init(&w, buf, cap);
	probe_header(&w, 1, VERSION_1, 2, 0);
	writer_u16(&w, 0);
	writer_u16(&w, (uint16_t)(12 + 8 + 8 + 4 * n));
	writer_u32(&w, 1);		/* DOI: IPsec */
	writer_u32(&w, 1);		/* situation: identity only */
	writer_u16(&w, 0);
	writer_u16(&w, (uint16_t)(8 + 8 + 4 * n));
	writer_u32(&w, 0x00010001);	/* number 0, ISAKMP, no SPI, one */
	writer_u16(&w, 0);
	writer_u16(&w, (uint16_t)(8 + 4 * n));
	writer_u32(&w, 0x00010000);	/* number 0, KEY_IKE */
	for (i = 0; i < n; i++) {
		writer_u16(&w, 0x8000 | attributes[i][0]);
		writer_u16(&w, attributes[i][1]);
	}
	store_u32(buf + 24, (uint32_t)w.len);
	return w.len;
}

/* True: an answer to that message, whatever it says, of its own version. */
static bool
probe_once(int fd, const uint8_t *msg, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t      now, end = clock_now() + TRY_MS;
	uint8_t	      in[2048];
	ssize_t	      n;

	if (send(fd, msg, len, 0) == -1 && errno == ECONNREFUSED)
		return false;
	errno = 0;
	while ((now = clock_now()) < end) {
		if (poll(&p, 1, (int)(end - now)) <= 0)
			continue;
		if ((n = recv(fd, in, sizeof(in), 0)) == -1) {
			if (errno == ECONNREFUSED)
				return false;
			continue;
		}
		if (n >= IKE_HEADER && memcmp(in, msg, 8) == 0 &&
		    (in[17] & 0xf0) == (msg[17] & 0xf0))
			return true;
	}
	errno = 0;
	return false;
}

unsigned
probe_ike(const struct addr *host)
{
	struct sockaddr_storage ss;
	socklen_t		sslen = addr_to_sockaddr(host, IKE_PORT, &ss);
	uint8_t			msg[2][256];
	size_t			len[2] = { probe_v2(msg[0], sizeof(msg[0])),
		probe_v1(msg[1], sizeof(msg[1])) };
	unsigned		i, found = 0;
	int			fd = socket(ss.ss_family,
	    SOCK_DGRAM | SOCK_CLOEXEC, 0), saved;

	if (fd == -1 || connect(fd, (struct sockaddr *)&ss, sslen) == -1) {
		if (fd != -1)
			close(fd);
		return 0;
	}
	/* Whoever listens gets one that was lost once more. */
	for (i = 0; i < 2 * TRIES && found == 0; i++) {
		if (probe_once(fd, msg[i / TRIES], len[i / TRIES]))
			found = 2 - i / TRIES;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return found;
}
