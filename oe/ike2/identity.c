/* identity.c - IDi and IDr payloads */
#include "config.h"

#include <string.h>

#include "oe/ike2/identity.h"

enum id_type {				/* §3.5; RFC 7619 §2.2 */
	ID_IPV4_ADDR = 1,
	ID_FQDN = 2,
	ID_RFC822_ADDR = 3,
	ID_IPV6_ADDR = 5,
	ID_KEY_ID = 11,
	ID_NULL = 13,
};

static bool
is_name_octet(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' ||
	    c == '_';
}

/* What goes into DNS queries and log lines is a name, no more. */
static int
read_name(struct keying_id *id, const uint8_t *p, size_t n)
{
	bool	at = id->type == KEYING_ID_USER_FQDN;
	size_t	i;
	uint8_t c, before = '.';

	if (n == 0 || n > KEYING_NAME_MAX)
		return -1;
	for (i = 0; i < n; i++, before = c) {
		c = p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i];
		if (c == '@' && at && i != 0)
			at = false;
		else if (c == '.' ? before == '.' || before == '@' :
		    !is_name_octet(c))
			return -1;
		id->name[i] = (char)c;
	}
	if (before == '.')
		id->name[n - 1] = '\0';
	/* An address of mail has both sides of its one @. */
	return at || before == '@' || id->name[0] == '\0' ? -1 : 0;
}

#define KEY_ID_MAX	(KEYING_NAME_MAX / 2)	/* octets */

/* In hexadecimal, so that it is text everywhere else. */
static int
read_key_id(struct keying_id *id, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t		  i;

	if (n == 0 || n > KEY_ID_MAX)
		return -1;
	for (i = 0; i < n; i++) {
		id->name[2 * i] = digits[p[i] >> 4];
		id->name[2 * i + 1] = digits[p[i] & 0xf];
	}
	return 0;
}

static unsigned
digit_value(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void
write_key_id(struct writer *w, const struct keying_id *id)
{
	const char *s;

	for (s = id->name; s[0] != '\0' && s[1] != '\0'; s += 2)
		writer_u8(w, (uint8_t)(digit_value(s[0]) << 4 |
		    digit_value(s[1])));
}

int
ike2_id_read(struct keying_id *id, const uint8_t *body, size_t len)
{
	struct cursor  c;
	const uint8_t *p;
	uint8_t	       type;
	size_t	       n;

	memset(id, 0, sizeof(*id));
	cursor_init(&c, body, len);
	type = cursor_u8(&c);
	cursor_take(&c, 3);
	n = cursor_left(&c);
	p = cursor_take(&c, n);
	if (c.bad)
		return -1;
	switch (type) {
	case ID_IPV4_ADDR:
	case ID_IPV6_ADDR:
		if (n != (type == ID_IPV4_ADDR ? 4 : 16))
			return -1;
		id->type = KEYING_ID_ADDR;
		id->addr = addr_from_bytes(n == 4 ? AF_INET : AF_INET6, p);
		return 0;
	case ID_FQDN:
		id->type = KEYING_ID_FQDN;
		return read_name(id, p, n);
	case ID_RFC822_ADDR:
		id->type = KEYING_ID_USER_FQDN;
		return read_name(id, p, n);
	case ID_KEY_ID:
		id->type = KEYING_ID_KEY;
		return read_key_id(id, p, n);
	case ID_NULL:
		id->type = KEYING_ID_NULL;
		return n == 0 ? 0 : -1;		/* RFC 7619 §2.2 */
	default:
		return -1;
	}
}

int
ike2_id_write(struct writer *w, const struct keying_id *id)
{
	uint8_t type;

	switch (id->type) {
	case KEYING_ID_ADDR:
		type = id->addr.family == AF_INET6 ? ID_IPV6_ADDR :
		    ID_IPV4_ADDR;
		break;
	case KEYING_ID_FQDN:
		type = ID_FQDN;
		break;
	case KEYING_ID_USER_FQDN:
		type = ID_RFC822_ADDR;
		break;
	case KEYING_ID_KEY:
		type = ID_KEY_ID;
		break;
	case KEYING_ID_NULL:
		type = ID_NULL;
		break;
	default:
		return -1;
	}
	writer_u8(w, type);
	writer_u8(w, 0);
	writer_u16(w, 0);
	if (id->type == KEYING_ID_KEY) {
		write_key_id(w, id);
		return w->bad ? -1 : 0;
	}
	/* Of each of them one is empty. */
	writer_put(w, id->addr.bytes, addr_len(&id->addr));
	writer_put(w, id->name, strlen(id->name));
	return w->bad ? -1 : 0;
}
