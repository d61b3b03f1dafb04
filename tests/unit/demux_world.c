/* demux_world.c - two hosts at one address, packets of theirs and of the Internet, and who gets them */
#include "config.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "tests/unit/demux_world.h"

uint8_t buf[2048];

struct addr
addr(const char *s)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, s), 0);
	return a;
}

/* --- making packets ------------------------------------------------------- */

size_t
make_ip(uint8_t *p, const char *src, const char *dst, uint8_t protocol,
    size_t payload)
{
	struct addr s = addr(src), d = addr(dst);

	memset(p, 0, 20);
	p[0] = 0x45;
	store_u16(p + 2, (uint16_t)(20 + payload));
	store_u16(p + 4, 0x1234);
	p[8] = 64;
	p[9] = protocol;
	memcpy(p + 12, s.bytes, 4);
	memcpy(p + 16, d.bytes, 4);
	return 20 + payload;
}

size_t
make_esp(const char *src, const char *dst, uint32_t spi)
{
	memset(buf, 0, 64);
	store_u32(buf + 20, spi);
	return make_ip(buf, src, dst, IPPROTO_ESP, 24);
}

size_t
make_ah(const char *src, const char *dst, uint32_t spi)
{
	memset(buf, 0, 64);
	store_u32(buf + 24, spi);
	return make_ip(buf, src, dst, IPPROTO_AH, 24);
}

size_t
make_port(uint8_t protocol, const char *src, const char *dst, uint16_t sport,
    uint16_t dport)
{
	memset(buf, 0, 64);
	store_u16(buf + 20, sport);
	store_u16(buf + 22, dport);
	return make_ip(buf, src, dst, protocol, 20);
}

size_t
make_ike(const char *src, const char *dst, uint16_t port, uint64_t cookie)
{
	size_t off = port == 4500 ? 32 : 28;

	memset(buf, 0, 128);
	store_u16(buf + 20, port);
	store_u16(buf + 22, port);
	store_u64(buf + off, cookie);
	return make_ip(buf, src, dst, IPPROTO_UDP, off - 20 + 28);
}

size_t
make_echo(const char *src, const char *dst, uint8_t type, uint16_t id)
{
	memset(buf, 0, 64);
	buf[20] = type;
	store_u16(buf + 24, id);
	return make_ip(buf, src, dst, IPPROTO_ICMP, 12);
}

size_t
make_ping(const char *src, const char *dst, uint8_t type, uint16_t id,
    uint16_t sequence)
{
	size_t n = make_echo(src, dst, type, id);

	store_u16(buf + 26, sequence);
	return n;
}

/* Turns the packet in buf into an ICMP error about its first n bytes. */
size_t
make_error(const char *src, const char *dst, uint8_t type, size_t n)
{
	memmove(buf + 28, buf, n);
	memset(buf + 20, 0, 8);
	buf[20] = type;
	return make_ip(buf, src, dst, IPPROTO_ICMP, 8 + n);
}

/* --- asking --------------------------------------------------------------- */

enum demux_verdict
ask_inbound(struct demux *d, const uint8_t *p, size_t len,
    struct demux_target *t)
{
	struct packet_view v;

	return packet_parse_ipv4(&v, p, len) ? demux_inbound(d, NOW, &v, t) :
	    DEMUX_DROP;
}

enum demux_verdict
ask_outbound(struct demux *d, uint64_t now, const char *host,
    enum tunnel_type tunnel, const uint8_t *p, size_t len,
    struct demux_target *t)
{
	struct packet_view v;
	struct addr	   from = addr(host);

	return packet_parse_ipv4(&v, p, len) ?
	    demux_outbound(d, now, &from, tunnel, &v, t) : DEMUX_DROP;
}

enum demux_verdict
in(struct demux *d, size_t len, struct demux_target *t)
{
	memset(t, 0, sizeof(*t));
	return ask_inbound(d, buf, len, t);
}

enum demux_verdict
out_at(struct demux *d, uint64_t now, const char *host, size_t len)
{
	struct demux_target t;

	return ask_outbound(d, now, host, TUNNEL_IPIP, buf, len, &t);
}

enum demux_verdict
out(struct demux *d, const char *host, size_t len)
{
	return out_at(d, NOW, host, len);
}

bool
holds(struct demux *d, const char *host, const char *local)
{
	struct addr h = addr(host), l = addr(local);

	return demux_holds(d, &h, &l);
}

/* Two hosts at one address, as in the picture of the design. */
const struct demux_range ports1 = { 20000, 20063 },
	ports2 = { 20064, 20127 };
const uint32_t spis1[2] = { 0x1001, 0x1002 }, spis2[1] = { 0x2001 };

struct demux_binding
binding(uint32_t client, const char *host)
{
	return (struct demux_binding) {
		.client_id = client,
		.bind_id = 1,
		.host = addr(host),
		.gateway = addr(NA),
		.tunnel = TUNNEL_IPIP,
		.local = addr(NB),
		.ipsec = true,
		.remote_policy = DEMUX_REMOTE_NONE,
	};
}

struct demux *
two_hosts(void)
{
	struct demux	    *d = demux_new(10000);
	struct demux_binding b1 = binding(1, X1), b2 = binding(2, X2);

	assert_non_null(d);
	b1.ports = &ports1;
	b1.nports = 1;
	b1.spis = spis1;
	b1.nspis = 2;
	b2.ports = &ports2;
	b2.nports = 1;
	b2.spis = spis2;
	b2.nspis = 1;
	assert_non_null(demux_add(d, &b1));
	assert_non_null(demux_add(d, &b2));
	return d;
}
