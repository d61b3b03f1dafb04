/* id.c - Identification payloads (RFC 2407 §4.6.2) */
#include "config.h"

#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "oe/ike1/id.h"

enum { ID_IPV4_ADDR = 1, ID_FQDN = 2, ID_USER_FQDN = 3,
	ID_IPV4_ADDR_SUBNET = 4 };

static void
put_v4(struct writer *w, const struct addr *a)
{
	if (a->family != AF_INET)
		w->bad = true;		/* nobody asks that of IKEv1 here */
	writer_put(w, a->bytes, 4);
}

static struct addr
take_v4(struct cursor *c)
{
	uint8_t v4[4] = { 0 };

	cursor_copy(c, v4, sizeof(v4));
	return addr_from_bytes(AF_INET, v4);
}

/* A net and its mask, which must have its ones first. 0, or -1. */
static int
take_v4_subnet(struct cursor *c, struct prefix *p)
{
	struct addr net = take_v4(c), mask = take_v4(c);
	int	    plen = prefix_mask_len(&mask);

	if (c->bad || plen == -1)
		return -1;
	*p = prefix_of(&net, (unsigned)plen);
	return addr_equal(&p->addr, &net) ? 0 : -1;
}

void
ike1_id_write(struct writer *w, const struct keying_id *id)
{
	static const uint8_t types[] = { [KEYING_ID_ADDR] = ID_IPV4_ADDR,
		[KEYING_ID_FQDN] = ID_FQDN,
		[KEYING_ID_USER_FQDN] = ID_USER_FQDN,
		[KEYING_ID_PREFIX] = ID_IPV4_ADDR_SUBNET };
	struct addr	     mask;

	if (id->type >= sizeof(types) || types[id->type] == 0) {
		w->bad = true;
		return;
	}
	writer_u8(w, types[id->type]);
	writer_u8(w, 0);
	writer_u16(w, 0);
	switch (id->type) {
	case KEYING_ID_ADDR:
		put_v4(w, &id->addr);
		break;
	case KEYING_ID_PREFIX:
		mask = prefix_mask(AF_INET, id->plen);
		put_v4(w, &id->addr);
		put_v4(w, &mask);
		break;
	default:
		writer_put(w, id->name, strlen(id->name));
	}
}

static int
take_name(struct keying_id *id, struct cursor *c)
{
	size_t	       n = cursor_left(c), i;
	const uint8_t *p;

	if (n == 0 || n > KEYING_NAME_MAX || (p = cursor_take(c, n)) == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		/* What goes into DNS queries and log lines is a name, no
		 * more. */
		if (!isalnum(p[i]) && p[i] != '.' && p[i] != '-' &&
		    p[i] != '_' && !(p[i] == '@' &&
		    id->type == KEYING_ID_USER_FQDN))
			return -1;
		if (p[i] == '.' && (i == 0 || p[i - 1] == '.'))
			return -1;	/* an empty label */
		id->name[i] = (char)tolower(p[i]);
	}
	if (id->name[n - 1] == '.')
		id->name[n - 1] = '\0';
	return id->name[0] == '\0' ? -1 : 0;
}

int
ike1_id_read(struct keying_id *id, const uint8_t *body, size_t len)
{
	struct cursor c;
	struct prefix net;
	uint8_t	      type, protocol;
	uint16_t      port;

	memset(id, 0, sizeof(*id));
	cursor_init(&c, body, len);
	type = cursor_u8(&c);
	protocol = cursor_u8(&c);
	port = cursor_u16(&c);
	/* RFC 2407 §4.6.2: anything else MUST end the negotiation. */
	if ((protocol != 0 || port != 0) &&
	    (protocol != IPPROTO_UDP || (port != 500 && port != 0)))
		return -1;
	switch (type) {
	case ID_IPV4_ADDR:
		id->type = KEYING_ID_ADDR;
		id->addr = take_v4(&c);
		return c.bad || cursor_left(&c) != 0 ? -1 : 0;
	case ID_IPV4_ADDR_SUBNET:
		id->type = KEYING_ID_PREFIX;
		if (take_v4_subnet(&c, &net) == -1 || cursor_left(&c) != 0)
			return -1;
		id->addr = net.addr;
		id->plen = net.plen;
		return 0;
	case ID_FQDN:
		id->type = KEYING_ID_FQDN;
		return take_name(id, &c);
	case ID_USER_FQDN:
		id->type = KEYING_ID_USER_FQDN;
		return take_name(id, &c);
	default:
		return -1;
	}
}

bool
ike1_selector_fits(const struct keying_selectors *s)
{
	struct prefix p;

	return s->n == 1 && keying_selector_is_prefix(&s->ts[0], &p) &&
	    p.addr.family == AF_INET && keying_selector_port(&s->ts[0]) != -1;
}

void
ike1_selector_write(struct writer *w, const struct keying_selector *s)
{
	struct prefix p;
	struct addr   mask;

	if (!keying_selector_is_prefix(s, &p)) {
		w->bad = true;
		return;
	}
	mask = prefix_mask(AF_INET, p.plen);
	writer_u8(w, ID_IPV4_ADDR_SUBNET);
	writer_u8(w, s->protocol);
	writer_u16(w, (uint16_t)keying_selector_port(s));
	put_v4(w, &p.addr);
	put_v4(w, &mask);
}

int
ike1_selector_read(struct keying_selector *s, const uint8_t *body, size_t len)
{
	struct cursor c;
	struct prefix p;
	struct addr   host;
	uint8_t	      type, protocol;
	uint16_t      port;

	cursor_init(&c, body, len);
	type = cursor_u8(&c);
	protocol = cursor_u8(&c);
	port = cursor_u16(&c);
	if (type == ID_IPV4_ADDR) {
		host = take_v4(&c);
		p = prefix_host(&host);
	} else if (type != ID_IPV4_ADDR_SUBNET ||
	    take_v4_subnet(&c, &p) == -1)
		return -1;
	if (c.bad || cursor_left(&c) != 0)
		return -1;
	*s = keying_selector_prefix(&p);
	s->protocol = protocol;
	if (port != 0)
		s->port_from = s->port_to = port;
	return 0;
}
