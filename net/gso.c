/* gso.c - large TCP segments at a TUN device: splitting and joining in user space */
#include "config.h"

#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/gso.h"

#define TCP_HEADER_LEN	20
#define TCP_HEADER_MAX	60
#define TCP_CHECKSUM	16	/* offset in the header */
#define UDP_CHECKSUM	6
#define TCP_FIN		0x01
#define TCP_PSH		0x08
#define TCP_ACK		0x10
#define TCP_CWR		0x80
#define HEADERS_MAX	(256 + TCP_HEADER_MAX)

_Static_assert(sizeof(struct virtio_net_hdr) == GSO_HEADER_LEN,
    "the header before each packet of a TUN");

int
gso_enable(int fd)
{
	return ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 |
	    TUN_F_TSO6) == -1 ? -1 : 0;
}

static bool
is_ipv6(const uint8_t *pkt)
{
	return pkt[0] >> 4 == 6;
}

/* The pseudo header's sum (RFC 9293 §3.1). */
static uint32_t
pseudo_sum(const uint8_t *pkt, uint8_t protocol, size_t len)
{
	uint32_t sum = (uint32_t)(protocol + len);

	return is_ipv6(pkt) ? checksum_add(sum, pkt + 8, 32) :
	    checksum_add(sum, pkt + 12, 8);
}

static uint32_t
tcp_pseudo(const uint8_t *pkt, size_t tcp_len)
{
	return pseudo_sum(pkt, IPPROTO_TCP, tcp_len);
}

static void
ip_finish(uint8_t *pkt, size_t total)
{
	if (is_ipv6(pkt)) {
		store_u16(pkt + 4, (uint16_t)(total - IP6_HEADER_LEN));
		return;
	}
	store_u16(pkt + 2, (uint16_t)total);
	store_u16(pkt + 10, 0);
	store_u16(pkt + 10, checksum_fold(checksum_add(0, pkt,
	    (size_t)(pkt[0] & 15) * 4)));
}

/* The length of the TCP header at tcp; 0 if it is not whole. */
static size_t
tcp_header(const uint8_t *tcp, size_t left)
{
	size_t n;

	if (left < TCP_HEADER_LEN)
		return 0;
	n = (size_t)(tcp[12] >> 4) * 4;
	return n >= TCP_HEADER_LEN && n <= left ? n : 0;
}

/* --- splitting ------------------------------------------------------------ */

/* A packet whose checksum the kernel left to the device: its field holds the
 * pseudo header's sum. */
static bool
split_checksum(const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	size_t	 start = h->csum_start, field = start + h->csum_offset;
	uint16_t sum;

	if (field + 2 > len)
		return false;
	sum = checksum_fold(checksum_add(0, pkt + start, len - start));
	/* A UDP checksum of zero would mean none (RFC 768). */
	store_u16(pkt + field, sum == 0 && h->csum_offset == UDP_CHECKSUM ?
	    0xffff : sum);
	return true;
}

static unsigned
split_tcp(const struct virtio_net_hdr *h, uint8_t *pkt,
    const struct packet_view *v, packet_fn fn, void *arg)
{
	struct packet_view piece = *v;
	uint8_t	 headers[HEADERS_MAX], *seg, *tcp;
	size_t	 n, off, tcp_len, headers_len;
	uint32_t seq;
	unsigned count = 0;

	if (v->protocol != IPPROTO_TCP || packet_is_fragment(v) ||
	    h->gso_size == 0 ||
	    (tcp_len = tcp_header(pkt + v->header, v->len - v->header)) == 0 ||
	    (headers_len = v->header + tcp_len) > sizeof(headers))
		return 0;
	memcpy(headers, pkt, headers_len);
	seq = load_u32(headers + v->header + 4);
	off = headers_len;
	do {
		n = v->len - off < h->gso_size ? v->len - off : h->gso_size;
		/* In place: the headers go over the end of what was sent. */
		seg = pkt + off - headers_len;
		tcp = seg + v->header;
		memcpy(seg, headers, headers_len);
		piece.data = seg;
		piece.len = headers_len + n;
		if (v->src.family == AF_INET) {
			piece.id = (uint16_t)(v->id + count);
			store_u16(seg + 4, (uint16_t)piece.id);
		}
		store_u32(tcp + 4, seq + (uint32_t)(off - headers_len));
		if (off + n < v->len)
			tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
		if (count > 0)
			tcp[13] &= (uint8_t)~TCP_CWR;	/* RFC 3168 §6.1.2 */
		ip_finish(seg, piece.len);
		store_u16(tcp + TCP_CHECKSUM, 0);
		store_u16(tcp + TCP_CHECKSUM, checksum_fold(checksum_add(
		    tcp_pseudo(seg, tcp_len + n), tcp, tcp_len + n)));
		/* fn may not keep it, but what comes next is
		 * not touched yet. */
		fn(arg, &piece);
		count++;
		off += n;
	} while (off < v->len);
	return count;
}

bool
gso_look(const uint8_t *buf, size_t len, struct gso_frame *look)
{
	struct virtio_net_hdr h;
	struct packet_view   *v = &look->view;
	const uint8_t	     *pkt = buf + GSO_HEADER_LEN;
	size_t		      cut;

	if (len <= GSO_HEADER_LEN ||
	    !packet_parse(v, pkt, len - GSO_HEADER_LEN))
		return false;
	memcpy(&h, buf, sizeof(h));
	look->largest = v->len;
	if ((h.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_NONE)
		return true;
	if (v->protocol != IPPROTO_TCP ||
	    (cut = tcp_header(pkt + v->header, v->len - v->header)) == 0)
		return false;
	cut += v->header + h.gso_size;
	if (cut < look->largest)
		look->largest = cut;
	return true;
}

unsigned
gso_split(uint8_t *buf, size_t len, packet_fn fn, void *arg)
{
	struct virtio_net_hdr h;
	struct packet_view    v;
	int		      family = AF_INET;
	uint8_t		     *pkt = buf + GSO_HEADER_LEN;

	if (len <= GSO_HEADER_LEN)
		return 0;
	memcpy(&h, buf, sizeof(h));
	len -= GSO_HEADER_LEN;
	if (!packet_parse(&v, pkt, len))
		return 0;
	switch (h.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		if ((h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
		    !split_checksum(&h, pkt, len))
			return 0;
		fn(arg, &v);
		return 1;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		family = AF_INET6;
		/* FALLTHROUGH */
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return v.src.family != family ? 0 :
		    split_tcp(&h, pkt, &v, fn, arg);
	}
	return 0;
}

/* --- joining -------------------------------------------------------------- */

struct gso_join {
	void	(*write)(void *arg, const uint8_t *frame, size_t len);
	void	 *arg;
	size_t	  len;		/* of the packet that waits, 0: none does */
	size_t	  ip;		/* of them its IP header */
	size_t	  headers;	/* with TCP's */
	size_t	  mss;		/* payload of its first segment */
	unsigned  segments;
	uint8_t	  frame[GSO_BUFFER_LEN];
};

struct gso_join *
gso_join_new(void (*write)(void *arg, const uint8_t *frame, size_t len),
    void *arg)
{
	struct gso_join *j = xcalloc(1, sizeof(*j));

	j->write = write;
	j->arg = arg;
	return j;
}

void
gso_join_free(struct gso_join *j)
{
	free(j);
}

void
gso_join_flush(struct gso_join *j)
{
	struct virtio_net_hdr h = { 0 };
	uint8_t		     *pkt = j->frame + GSO_HEADER_LEN;

	if (j->len == 0)
		return;
	if (j->segments > 1) {
		h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h.gso_type = is_ipv6(pkt) ? VIRTIO_NET_HDR_GSO_TCPV6 :
		    VIRTIO_NET_HDR_GSO_TCPV4;
		h.hdr_len = (uint16_t)j->headers;
		h.gso_size = (uint16_t)j->mss;
		h.csum_start = (uint16_t)j->ip;
		h.csum_offset = TCP_CHECKSUM;
		ip_finish(pkt, j->len);
		/* What the kernel expects where a device would fill it in. */
		store_u16(pkt + j->ip + TCP_CHECKSUM,
		    (uint16_t)~checksum_fold(tcp_pseudo(pkt,
		    j->len - j->ip)));
	}
	memcpy(j->frame, &h, sizeof(h));
	j->write(j->arg, j->frame, GSO_HEADER_LEN + j->len);
	j->len = 0;
}

/* May this packet be part of a larger one?  Gives the length of its headers. */
static bool
join_candidate(const struct packet_view *v, size_t *headers)
{
	size_t	       n, len = v->len - v->header;
	const uint8_t *tcp = v->data + v->header;

	if (v->header != ip_header_len(v->src.family) ||
	    v->protocol != IPPROTO_TCP || packet_is_fragment(v) ||
	    (n = tcp_header(tcp, len)) == 0 || len == n ||
	    (tcp[13] & ~TCP_PSH) != TCP_ACK)
		return false;
	*headers = v->header + n;
	/* The sum of a joined packet is taken for right: each must be. */
	return (v->src.family == AF_INET6 || ip_checksum_ok(v)) &&
	    checksum_fold(checksum_add(tcp_pseudo(v->data, len), tcp,
	    len)) == 0;
}

/* Of one family, and what a joined packet has once is the same. */
static bool
join_same_ip(const uint8_t *a, const uint8_t *b)
{
	if (is_ipv6(a))
		/* class, label; next header, hop limit, addresses */
		return memcmp(a, b, 4) == 0 && memcmp(a + 6, b + 6, 34) == 0;
	/* TOS; DF; TTL, protocol; addresses */
	return !is_ipv6(b) && a[1] == b[1] && a[6] == b[6] &&
	    memcmp(a + 8, b + 8, 2) == 0 && memcmp(a + 12, b + 12, 8) == 0;
}

/* Does it follow what waits, and may the two be one? */
static bool
join_follows(const struct gso_join *j, const uint8_t *pkt, size_t len,
    size_t headers)
{
	const uint8_t *first = j->frame + GSO_HEADER_LEN;
	const uint8_t *a = first + j->ip, *b = pkt + j->ip;

	return join_same_ip(first, pkt) && headers == j->headers &&
	    len - headers <= j->mss &&
	    j->len + len - headers <= IP_PACKET_MAX &&
	    /* ports; acknowledgement, offset; window; urgent; options */
	    memcmp(a, b, 4) == 0 && memcmp(a + 8, b + 8, 5) == 0 &&
	    memcmp(a + 14, b + 14, 2) == 0 &&
	    memcmp(a + 18, b + 18, 2) == 0 &&
	    memcmp(a + TCP_HEADER_LEN, b + TCP_HEADER_LEN,
	    headers - j->ip - TCP_HEADER_LEN) == 0 &&
	    load_u32(a + 4) + (uint32_t)(j->len - headers) == load_u32(b + 4);
}

void
gso_join_add(struct gso_join *j, const struct packet_view *v)
{
	uint8_t	      *waiting = j->frame + GSO_HEADER_LEN;
	const uint8_t *pkt = v->data;
	size_t	       len = v->len, headers = 0;
	bool	       joins, ends;

	joins = join_candidate(v, &headers);
	/* PSH asks for delivery now, and a shorter one can only be the last. */
	ends = !joins || (pkt[v->header + 13] & TCP_PSH);
	if (j->len != 0 && joins && join_follows(j, pkt, len, headers)) {
		memcpy(waiting + j->len, pkt + headers, len - headers);
		waiting[j->ip + 13] |= pkt[v->header + 13];
		j->len += len - headers;
		j->segments++;
		ends = ends || len - headers < j->mss;
	} else {
		gso_join_flush(j);
		memcpy(waiting, pkt, len);
		j->len = len;
		j->ip = v->header;
		j->headers = headers;
		j->mss = len - headers;
		j->segments = 1;
	}
	if (ends)
		gso_join_flush(j);
}

/* The place of the checksum in the upper layer's header, if the pseudo header's
 * sum alone stands there; 0 otherwise. */
static size_t
partial_checksum(const struct packet_view *v)
{
	size_t	 field = v->protocol == IPPROTO_TCP ? TCP_CHECKSUM :
	    v->protocol == IPPROTO_UDP ? UDP_CHECKSUM : 0;
	size_t	 len = v->len - v->header;
	uint16_t sum;

	if (field == 0 || packet_is_fragment(v) || len < field + 2 ||
	    v->src.family != AF_INET)
		return 0;
	sum = checksum_fold(pseudo_sum(v->data, v->protocol, len));
	/* The sum as it stands there is not inverted. */
	return load_u16(v->data + v->header + field) + sum == 0xffff ?
	    field : 0;
}

void
gso_join_received(struct gso_join *j, const struct packet_view *v, size_t mtu)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM };
	const uint8_t	     *tcp = v->data + v->header;
	size_t		      field = partial_checksum(v), headers, n;

	if (field == 0) {
		gso_join_add(j, v);
		return;
	}
	h.csum_start = (uint16_t)v->header;
	h.csum_offset = (uint16_t)field;
	if (v->len > mtu && v->protocol == IPPROTO_TCP &&
	    (n = tcp_header(tcp, v->len - v->header)) != 0 &&
	    (headers = v->header + n) < mtu) {
		h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		if (tcp[13] & TCP_CWR)
			h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
		h.hdr_len = (uint16_t)headers;
		/* How long the segments were is not told. */
		h.gso_size = (uint16_t)(mtu - headers);
	}
	gso_join_flush(j);
	memcpy(j->frame, &h, sizeof(h));
	memcpy(j->frame + GSO_HEADER_LEN, v->data, v->len);
	j->write(j->arg, j->frame, GSO_HEADER_LEN + v->len);
}
