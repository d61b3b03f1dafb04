/* icmp.h - ICMP: errors that are made, the packet that one quotes, echo requests (RFC 792, 1191, 1812 §4.3) */
#ifndef NET_ICMP_H
#define NET_ICMP_H

#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"

#define ICMP_HEADER_LEN		8
#define ICMP_ERROR_MAX		576	/* RFC 1812 §4.3.2.3 */

/* Is it an error (unreachable, time exceeded, parameter problem) with a whole
 * ICMP header?  False of fragments. */
bool	icmp_is_error(const struct packet_view *p);

/*
 * The packet that an error is about, as far as it is quoted:
 * quoted->len is what is there of it, the header at least.  False if p
 * is no error, or quotes none.
 */
bool	icmp_quoted(const struct packet_view *p, struct packet_view *quoted);

/* RFC 1122 §3.2.2: never about an error, a later fragment, or to or from what
 * is no single host. */
bool	icmp_may_answer(const struct packet_view *about);

/*
 * An error from src (IPv4) about a packet, of which it quotes what fits
 * ICMP_ERROR_MAX bytes, which out has, with rest (RFC 1191: next-hop MTU in its
 * low half).  *error is the packet at out; false where none may be made.
 */
bool	icmp_write_error(uint8_t *out, const struct addr *src, uint8_t type,
	    uint8_t code, uint32_t rest, const struct packet_view *about,
	    struct packet_view *error);

/* Writes an echo request of ICMP_ECHO_LEN bytes with an identifier and sequence
 * number of its own. */
#define ICMP_ECHO_LEN	(IP_HEADER_LEN + ICMP_HEADER_LEN)
void	icmp_write_echo(uint8_t *out, const struct addr *src,
	    const struct addr *dst, uint8_t ttl, struct packet_view *echo);

#endif
