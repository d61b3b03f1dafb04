/* demux_key.c - the demux table's keys, and where a packet shows them (RFC 3104 §4) */
#include "config.h"

#include <netinet/in.h>

#include "nat/demux_key.h"

bool
demux_read_spi(const struct packet_view *p, uint32_t *spi)
{
	size_t off = p->protocol == IPPROTO_AH ? 4 : 0;

	if (p->len < p->header + off + 4)
		return false;
	*spi = load_u32(p->data + p->header + off);
	return true;
}

enum demux_ike
demux_read_ike(const struct packet_view *p, uint16_t port, uint64_t *value)
{
	const uint8_t *u = p->data + p->header + 8;
	size_t	       len;

	if (p->len < p->header + 8)
		return DEMUX_IKE_NOTHING;
	len = p->len - p->header - 8;
	if (port == DEMUX_PORT_NATT) {
		if (len < 8)
			return DEMUX_IKE_NOTHING;
		if (load_u32(u) != 0) {
			*value = load_u32(u);
			return DEMUX_IKE_ESP;
		}
		u += 4;
		len -= 4;
	}
	if (len < 8)
		return DEMUX_IKE_NOTHING;
	*value = load_u64(u);
	return *value != 0 ? DEMUX_IKE_COOKIE : DEMUX_IKE_NOTHING;
}
