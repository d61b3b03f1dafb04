/* icmp.h - ICMP of both families: errors that are made, the packet that one quotes, echo requests (RFC 792, 1191, 1812 §4.3, 4443) */
#ifndef NET_ICMP_H
#define NET_ICMP_H

#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"

#define ICMP_HEADER_LEN		8
#define ICMP_ERROR_MAX		576	/* RFC 1812 §4.3.2.3 */
/* Room for one of either family (RFC 4443 §2.4 (c)). */
#define ICMP_ERROR_ROOM		IP6_MTU_MIN

/* Is it an error (unreachable, too big, time exceeded, parameter problem) with
 * a whole ICMP header?  False of fragments. */
bool	icmp_is_error(const struct packet_view *p);
/* Does an icmp_is_error() say that the destination is not reached, or that a
 * packet was too big for a link that takes *mtu? */
bool	icmp_is_unreachable(const struct packet_view *p);
bool	icmp_is_too_big(const struct packet_view *p, size_t *mtu);
/* An echo request? */
bool	icmp_is_query(const struct packet_view *p);

/*
 * The packet that an error is about, as far as it is quoted:
 * quoted->len is what is there of it, the header at least.  False if p
 * is no error, or quotes none.
 */
bool	icmp_quoted(const struct packet_view *p, struct packet_view *quoted);

/* RFC 1122 §3.2.2, RFC 4443 §2.4 (e): never about an error, a later fragment,
 * IPv6's neighbour discovery, or to or from what is no single host. */
bool	icmp_may_answer(const struct packet_view *about);

/*
 * An error from src (IPv4) about a packet, of which it quotes what fits
 * ICMP_ERROR_MAX bytes, which out has, with rest (RFC 1191: next-hop MTU in its
 * low half).  *error is the packet at out; false where none may be made.
 */
bool	icmp_write_error(uint8_t *out, const struct addr *src, uint8_t type,
	    uint8_t code, uint32_t rest, const struct packet_view *about,
	    struct packet_view *error);

/*
 * The same in either family, with ICMP_ERROR_ROOM bytes at out: that a packet
 * is too big for what lies ahead, which takes mtu; that policy forbids it.
 */
bool	icmp_write_too_big(uint8_t *out, const struct addr *src, size_t mtu,
	    const struct packet_view *about, struct packet_view *error);
bool	icmp_write_prohibited(uint8_t *out, const struct addr *src,
	    const struct packet_view *about, struct packet_view *error);

/* Writes an echo request (IPv4) of ICMP_ECHO_LEN bytes with an identifier and
 * sequence number of its own. */
#define ICMP_ECHO_LEN	(IP_HEADER_LEN + ICMP_HEADER_LEN)
void	icmp_write_echo(uint8_t *out, const struct addr *src,
	    const struct addr *dst, uint8_t ttl, struct packet_view *echo);

#endif
