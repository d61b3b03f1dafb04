/* identity.c - IDi and IDr payloads */
#include "config.h"

#include <string.h>

#include "oe/ike2/identity.h"

struct ike2_id
ike2_id_addr(const struct addr *a)
{
	struct ike2_id id = { .type = a->family == AF_INET6 ?
		IKE2_ID_IPV6_ADDR : IKE2_ID_IPV4_ADDR, .addr = *a };

	return id;
}

static bool
is_name_octet(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' ||
	    c == '_';
}

/* What goes into DNS queries and log lines is a name, no more. */
static int
read_name(struct ike2_id *id, const uint8_t *p, size_t n)
{
	bool	at = id->type == IKE2_ID_RFC822_ADDR;
	size_t	i;
	uint8_t c, before = '.';

	if (n == 0 || n > IKE2_ID_NAME_MAX)
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

int
ike2_id_read(struct ike2_id *id, const uint8_t *body, size_t len)
{
	struct cursor  c;
	const uint8_t *p;
	size_t	       n;

	memset(id, 0, sizeof(*id));
	cursor_init(&c, body, len);
	id->type = cursor_u8(&c);
	cursor_take(&c, 3);
	n = cursor_left(&c);
	p = cursor_take(&c, n);
	if (c.bad)
		return -1;
	switch (id->type) {
	case IKE2_ID_IPV4_ADDR:
		id->addr = addr_from_bytes(n == 4 ? AF_INET : AF_UNSPEC, p);
		return n == 4 ? 0 : -1;
	case IKE2_ID_IPV6_ADDR:
		id->addr = addr_from_bytes(n == 16 ? AF_INET6 : AF_UNSPEC, p);
		return n == 16 ? 0 : -1;
	case IKE2_ID_FQDN:
	case IKE2_ID_RFC822_ADDR:
		return read_name(id, p, n);
	case IKE2_ID_NULL:
		return n == 0 ? 0 : -1;		/* RFC 7619 §2.2 */
	default:
		return -1;
	}
}

void
ike2_id_write(struct writer *w, const struct ike2_id *id)
{
	writer_u8(w, id->type);
	writer_u8(w, 0);
	writer_u16(w, 0);
	switch (id->type) {
	case IKE2_ID_IPV4_ADDR:
	case IKE2_ID_IPV6_ADDR:
		writer_put(w, id->addr.bytes, addr_len(&id->addr));
		break;
	case IKE2_ID_FQDN:
	case IKE2_ID_RFC822_ADDR:
		writer_put(w, id->name, strlen(id->name));
		break;
	}
}

bool
ike2_id_equal(const struct ike2_id *a, const struct ike2_id *b)
{
	return a->type == b->type && addr_equal(&a->addr, &b->addr) &&
	    strcmp(a->name, b->name) == 0;
}
