/* configuration.c - Configuration payloads, as far as they lend addresses */
#include "config.h"

#include <string.h>

#include "oe/ike2/configuration.h"

enum { INTERNAL_IP4_ADDRESS = 1, INTERNAL_IP6_ADDRESS = 8 };
#define ATTR_TYPE	0x7fff		/* the bit above is reserved */

int
ike2_cfg_read(struct ike2_cfg *cfg, const uint8_t *body, size_t len)
{
	const uint8_t *value;
	struct cursor  c;
	uint16_t       type, n;

	memset(cfg, 0, sizeof(*cfg));
	cursor_init(&c, body, len);
	cfg->type = cursor_u8(&c);
	cursor_take(&c, 3);
	while (!c.bad && cursor_left(&c) != 0) {
		type = cursor_u16(&c) & ATTR_TYPE;
		n = cursor_u16(&c);
		value = cursor_take(&c, n);
		if (c.bad)
			break;
		if (type == INTERNAL_IP4_ADDRESS && !cfg->v4) {
			if (n != 0 && n != 4)
				return -1;
			cfg->v4 = true;
			if (n == 4)
				cfg->addr4 = addr_from_bytes(AF_INET, value);
		} else if (type == INTERNAL_IP6_ADDRESS && !cfg->v6) {
			/* 17 with a prefix length; RFC 4306 had 16 in mind. */
			if (n != 0 && n != 16 && n != 17)
				return -1;
			cfg->v6 = true;
			if (n != 0)
				cfg->addr6 = addr_from_bytes(AF_INET6, value);
		}
	}
	return c.bad ? -1 : 0;
}

void
ike2_cfg_put(struct ike2_builder *b, const struct ike2_cfg *cfg)
{
	ike2_open(b, IKE2_P_CONFIGURATION);
	writer_u8(&b->w, cfg->type);
	writer_u8(&b->w, 0);
	writer_u16(&b->w, 0);
	if (cfg->v4) {
		writer_u16(&b->w, INTERNAL_IP4_ADDRESS);
		writer_u16(&b->w, (uint16_t)addr_len(&cfg->addr4));
		writer_put(&b->w, cfg->addr4.bytes, addr_len(&cfg->addr4));
	}
	if (cfg->v6) {
		writer_u16(&b->w, INTERNAL_IP6_ADDRESS);
		if (addr_is_set(&cfg->addr6)) {
			writer_u16(&b->w, 17);
			writer_put(&b->w, cfg->addr6.bytes, 16);
			writer_u8(&b->w, 128);
		} else
			writer_u16(&b->w, 0);
	}
	ike2_close(b);
}
