/* refusal.c - a stranger's IKEv2 to an address that several hosts have is refused, where silence would make it wait */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "base/cursor.h"
#include "nat/refusal.h"

#define PORT_IKE	500

/* RFC 7296 §3.1, §3.10. */
#define HEADER_LEN	28
#define ANSWER_LEN	(HEADER_LEN + 8)
#define SPI_LEN		8
#define IKE_VERSION	0x20
#define SA_INIT		34
#define FLAG_INITIATOR	0x08
#define FLAG_RESPONSE	0x20
#define PAYLOAD_NOTIFY	41
#define NO_PROPOSAL_CHOSEN 14

/* RFC 7296 §3.1: the initiator's SPI, no responder's, version 2, number 0. */
static bool
is_first_message(const uint8_t *ike, size_t len)
{
	static const uint8_t zero[SPI_LEN];

	return len > ANSWER_LEN && memcmp(ike, zero, SPI_LEN) != 0 &&
	    memcmp(ike + SPI_LEN, zero, SPI_LEN) == 0 &&
	    (ike[17] & 0xf0) == IKE_VERSION && ike[18] == SA_INIT &&
	    (ike[19] & (FLAG_INITIATOR | FLAG_RESPONSE)) == FLAG_INITIATOR &&
	    load_u32(ike + 20) == 0 && load_u32(ike + 24) == len;
}

bool
refusal_write(uint8_t out[REFUSAL_MAX], const struct packet_view *p,
    struct packet_view *v)
{
	const uint8_t *ike;
	uint8_t	      *at = out + IP_HEADER_LEN + UDP_HEADER_LEN;
	uint16_t       sport, dport;
	size_t	       skip;

	if (p->src.family != AF_INET || p->protocol != IPPROTO_UDP ||
	    packet_is_fragment(p) || !packet_ports(p, &sport, &dport) ||
	    dport != PORT_IKE || sport == 0)
		return false;
	skip = p->header + UDP_HEADER_LEN;
	if (p->len < skip || !addr_is_host(&p->src) || !addr_is_host(&p->dst))
		return false;
	ike = p->data + skip;
	if (!is_first_message(ike, p->len - skip))
		return false;
	memset(at, 0, ANSWER_LEN);
	memcpy(at, ike, SPI_LEN);
	at[16] = PAYLOAD_NOTIFY;
	at[17] = IKE_VERSION;
	at[18] = SA_INIT;
	at[19] = FLAG_RESPONSE;
	store_u32(at + 24, ANSWER_LEN);
	store_u16(at + HEADER_LEN + 2, ANSWER_LEN - HEADER_LEN);
	store_u16(at + HEADER_LEN + 6, NO_PROPOSAL_CHOSEN);
	ip_write_udp(out, &p->dst, &p->src, dport, sport, ANSWER_LEN, v);
	return true;
}
