/* demux_key.h - the demux table's keys, and where a packet shows them (RFC 3104 §4) */
#ifndef NAT_DEMUX_KEY_H
#define NAT_DEMUX_KEY_H

#include <stdbool.h>

#include "base/cursor.h"
#include "nat/demux_table.h"
#include "net/ip.h"

/* Ports, SPIs and cookies are in host order. */

#define DEMUX_PORT_IKE	500
#define DEMUX_PORT_NATT	4500		/* RFC 3947 */

static inline struct demux_key
demux_key_local(struct demux_addr local)
{
	return (struct demux_key) { .local = local, .kind = DEMUX_KIND_LOCAL };
}

static inline struct demux_key
demux_key_host(struct demux_addr host, struct demux_addr local)
{
	return (struct demux_key) { .value = host.v4, .local = local,
		.kind = DEMUX_KIND_HOST };
}

static inline struct demux_key
demux_key_spi(uint32_t spi, const struct addr *local)
{
	return (struct demux_key) { .value = spi,
		.local = demux_addr_of(local), .kind = DEMUX_KIND_SPI };
}

static inline struct demux_key
demux_key_cookie(uint64_t cookie, const struct addr *local)
{
	return (struct demux_key) { .value = cookie,
		.local = demux_addr_of(local), .kind = DEMUX_KIND_COOKIE };
}

/* RFC 3102 §6.2: addresses, identifier and sequence number tell queries apart;
 * all machines of some kinds use one identifier.  icmp: 8 bytes. */
static inline struct demux_key
demux_key_icmp(const uint8_t *icmp, const struct addr *local,
    const struct addr *peer)
{
	return (struct demux_key) { .value = load_u32(icmp + 4),
		.local = demux_addr_of(local), .remote = demux_addr_of(peer),
		.kind = DEMUX_KIND_ICMP };
}

static inline struct demux_key
demux_key_peer_spi(uint8_t protocol, uint32_t spi, const struct addr *local,
    const struct addr *peer)
{
	return (struct demux_key) { .value = (uint64_t)protocol << 32 | spi,
		.local = demux_addr_of(local), .remote = demux_addr_of(peer),
		.kind = DEMUX_KIND_PEER_SPI };
}

/* Ports of what a leased port sends to a neighbour. */
static inline struct demux_key
demux_key_answer(uint8_t protocol, const struct addr *local, uint16_t port,
    const struct addr *remote, uint16_t rport)
{
	return (struct demux_key) {
		.value = (uint64_t)protocol << 32 | (uint32_t)port << 16 |
		    rport,
		.local = demux_addr_of(local), .remote = demux_addr_of(remote),
		.kind = DEMUX_KIND_ANSWER };
}

/* The SPI of ESP (RFC 4303 §2) or AH (RFC 4302 §2); false if it is cut off. */
bool	demux_read_spi(const struct packet_view *p, uint32_t *spi);

/* What lies in a UDP datagram from or to an IKE port. */
enum demux_ike { DEMUX_IKE_NOTHING, DEMUX_IKE_COOKIE, DEMUX_IKE_ESP };

/*
 * port is the one on our side.  RFC 3948 §2: on 4500 four zero bytes stand
 * before IKE, anything else is ESP.  *value is the initiator cookie or the SPI.
 */
enum demux_ike demux_read_ike(const struct packet_view *p, uint16_t port,
	    uint64_t *value);

#endif
