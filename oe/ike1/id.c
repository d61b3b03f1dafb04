/* id.c - Identification payloads (RFC 2407 §4.6.2) */
#include "config.h"

#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

#include "oe/ike1/id.h"

void
ike1_id_write(struct writer *w, const struct keying_id *id)
{
	writer_u8(w, id->type);
	writer_u8(w, 0);
	writer_u16(w, 0);
	switch (id->type) {
	case KEYING_ID_IPV4:
		writer_put(w, &id->addr, 4);
		break;
	case KEYING_ID_IPV4_SUBNET:
		writer_put(w, &id->addr, 4);
		writer_put(w, &id->mask, 4);
		break;
	default:
		writer_put(w, id->name, strlen(id->name));
	}
}

int
ike1_id_read(struct keying_id *id, const uint8_t *body, size_t len)
{
	struct cursor  c;
	const uint8_t *p;
	uint8_t	       protocol;
	uint16_t       port;
	size_t	       n, i;

	memset(id, 0, sizeof(*id));
	cursor_init(&c, body, len);
	id->type = cursor_u8(&c);
	protocol = cursor_u8(&c);
	port = cursor_u16(&c);
	/* RFC 2407 §4.6.2: anything else MUST end the negotiation. */
	if ((protocol != 0 || port != 0) &&
	    (protocol != IPPROTO_UDP || (port != 500 && port != 0)))
		return -1;
	n = cursor_left(&c);
	switch (id->type) {
	case KEYING_ID_IPV4:
		cursor_copy(&c, &id->addr, 4);
		return c.bad || n != 4 ? -1 : 0;
	case KEYING_ID_IPV4_SUBNET:
		cursor_copy(&c, &id->addr, 4);
		cursor_copy(&c, &id->mask, 4);
		return c.bad || n != 8 ? -1 : 0;
	case KEYING_ID_FQDN:
	case KEYING_ID_USER_FQDN:
		break;
	default:
		return -1;
	}
	if (n == 0 || n > KEYING_NAME_MAX || (p = cursor_take(&c, n)) == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		/* What goes into DNS queries and log lines is a name, no more. */
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

void
ike1_selector_write(struct writer *w, const struct keying_selector *s)
{
	writer_u8(w, KEYING_ID_IPV4_SUBNET);
	writer_u8(w, s->protocol);
	writer_u16(w, s->port);
	writer_put(w, &s->net, 4);
	writer_put(w, &s->mask, 4);
}

int
ike1_selector_read(struct keying_selector *s, const uint8_t *body, size_t len)
{
	struct cursor c;
	uint8_t	      type;

	memset(s, 0, sizeof(*s));
	cursor_init(&c, body, len);
	type = cursor_u8(&c);
	s->protocol = cursor_u8(&c);
	s->port = cursor_u16(&c);
	cursor_copy(&c, &s->net, 4);
	if (type == KEYING_ID_IPV4_SUBNET)
		cursor_copy(&c, &s->mask, 4);
	else if (type == KEYING_ID_IPV4)
		s->mask = 0xffffffff;
	else
		return -1;
	if (c.bad || cursor_left(&c) != 0 || (s->net & ~s->mask) != 0)
		return -1;
	return 0;
}
