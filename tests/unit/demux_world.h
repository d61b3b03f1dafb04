/* demux_world.h - two hosts at one address, packets of theirs and of the Internet, and who gets them */
#ifndef TESTS_UNIT_DEMUX_WORLD_H
#define TESTS_UNIT_DEMUX_WORLD_H

#include "nat/demux.h"
#include "nat/demux_inbound.h"
#include "nat/demux_outbound.h"
#include "nat/demux_reader.h"

#define NOW	1000000u
#define NB	"198.51.100.1"
#define NB2	"198.51.100.2"
#define NA	"10.0.0.1"
#define X1	"10.0.0.11"
#define X2	"10.0.0.12"
#define Y	"198.51.100.10"
#define Y2	"198.51.100.20"

/* The packet that the next question is about. */
extern uint8_t buf[2048];
/* What the two have leased. */
extern const struct demux_range ports1, ports2;
extern const uint32_t spis1[2], spis2[1];

struct addr addr(const char *s);

/* Each writes a packet into buf, make_ip() into p, and returns its length. */
size_t make_ip(uint8_t *p, const char *src, const char *dst, uint8_t protocol,
	    size_t payload);
size_t make_esp(const char *src, const char *dst, uint32_t spi);
size_t make_ah(const char *src, const char *dst, uint32_t spi);
size_t make_port(uint8_t protocol, const char *src, const char *dst,
	    uint16_t sport, uint16_t dport);
size_t make_ike(const char *src, const char *dst, uint16_t port,
	    uint64_t cookie);
size_t make_echo(const char *src, const char *dst, uint8_t type, uint16_t id);
size_t make_ping(const char *src, const char *dst, uint8_t type, uint16_t id,
	    uint16_t sequence);
/* Turns the packet in buf into an ICMP error about its first n bytes. */
size_t make_error(const char *src, const char *dst, uint8_t type, size_t n);

/* What becomes of bytes as they come in; what is no packet is
 * never asked about. */
enum demux_verdict ask_inbound(struct demux *d, const uint8_t *p, size_t len,
	    struct demux_target *t);
enum demux_verdict ask_outbound(struct demux *d, uint64_t now, const char *host,
	    enum tunnel_type tunnel, const uint8_t *p, size_t len,
	    struct demux_target *t);
/* What becomes of the packet in buf: from the Internet, and out of
 * a host's tunnel. */
enum demux_verdict in(struct demux *d, size_t len, struct demux_target *t);
enum demux_verdict out_at(struct demux *d, uint64_t now, const char *host,
	    size_t len);
enum demux_verdict out(struct demux *d, const char *host, size_t len);
/* Does that host hold anything of the address? */
bool holds(struct demux *d, const char *host, const char *local);
/* A binding of that host without ports and SPIs. */
struct demux_binding binding(uint32_t client, const char *host);
/* A table that knows both; the caller frees. */
struct demux *two_hosts(void);

#define assert_to(d, len, x)                                                \
	do {                                                                \
		struct demux_target to_;                                    \
		assert_int_equal(in(d, len, &to_), DEMUX_FORWARD);          \
		assert_string_equal(ADDR_TEXT(&to_.host), x);               \
		assert_string_equal(ADDR_TEXT(&to_.gateway), NA);           \
	} while (0)

#define assert_in(d, len, verdict)                                          \
	do {                                                                \
		struct demux_target to_;                                    \
		assert_int_equal(in(d, len, &to_), verdict);                \
	} while (0)

#endif
