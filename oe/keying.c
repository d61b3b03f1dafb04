/* keying.c - identities, selectors and failures, compared and as text */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "oe/keying.h"

const char *
keying_id_text(const struct keying_id *id)
{
	static _Thread_local char     text[4][KEYING_NAME_MAX + 40];
	static _Thread_local unsigned next;
	char *p = text[next++ % 4];

	switch (id->type) {
	case KEYING_ID_ADDR:
		addr_text(&id->addr, p, sizeof(text[0]));
		break;
	case KEYING_ID_PREFIX:
		snprintf(p, sizeof(text[0]), "%s/%u", ADDR_TEXT(&id->addr),
		    id->plen);
		break;
	case KEYING_ID_NULL:
		snprintf(p, sizeof(text[0]), "somebody");
		break;
	case KEYING_ID_FQDN:
		snprintf(p, sizeof(text[0]), "@%s", id->name);
		break;
	case KEYING_ID_KEY:
		snprintf(p, sizeof(text[0]), "@#%s", id->name);
		break;
	case KEYING_ID_USER_FQDN:
		snprintf(p, sizeof(text[0]), "%s", id->name);
		break;
	default:
		snprintf(p, sizeof(text[0]), "anyone");
	}
	return p;
}

bool
keying_id_equal(const struct keying_id *a, const struct keying_id *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case KEYING_ID_ADDR:
		return addr_equal(&a->addr, &b->addr);
	case KEYING_ID_PREFIX:
		return addr_equal(&a->addr, &b->addr) && a->plen == b->plen;
	default:
		return strcmp(a->name, b->name) == 0;
	}
}

struct keying_id
keying_id_addr(const struct addr *a)
{
	struct keying_id id;

	memset(&id, 0, sizeof(id));
	id.type = KEYING_ID_ADDR;
	id.addr = *a;
	return id;
}

struct keying_selector
keying_selector_prefix(const struct prefix *p)
{
	struct keying_selector s;
	struct addr	       mask = prefix_mask(p->addr.family, p->plen);
	size_t		       i;

	memset(&s, 0, sizeof(s));
	s.from = s.to = p->addr;
	s.port_to = UINT16_MAX;
	for (i = 0; i < addr_len(&s.to); i++)
		s.to.bytes[i] |= (uint8_t)~mask.bytes[i];
	return s;
}

struct keying_selector
keying_selector_host(const struct addr *a, uint8_t protocol, uint16_t port)
{
	struct prefix	       all = prefix_host(a);
	struct keying_selector s = keying_selector_prefix(&all);

	s.protocol = protocol;
	if (port != 0)
		s.port_from = s.port_to = port;
	return s;
}

bool
keying_selector_is_prefix(const struct keying_selector *s, struct prefix *p)
{
	struct keying_selector whole;
	unsigned	       plen = addr_bits(s->from.family);

	/* From the longest: what is no prefix differs sooner or later. */
	for (;; plen--) {
		*p = prefix_of(&s->from, plen);
		whole = keying_selector_prefix(p);
		if (!addr_equal(&whole.from, &s->from))
			return false;
		if (addr_equal(&whole.to, &s->to))
			return true;
		if (plen == 0)
			return false;
	}
}

int
keying_selector_port(const struct keying_selector *s)
{
	if (s->port_from == 0 && s->port_to == UINT16_MAX)
		return 0;
	return s->port_from == s->port_to ? s->port_from : -1;
}

bool
keying_selector_equal(const struct keying_selector *a,
    const struct keying_selector *b)
{
	return addr_equal(&a->from, &b->from) && addr_equal(&a->to, &b->to) &&
	    a->protocol == b->protocol && a->port_from == b->port_from &&
	    a->port_to == b->port_to;
}

bool
keying_selectors_equal(const struct keying_selectors *a,
    const struct keying_selectors *b)
{
	unsigned i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (!keying_selector_equal(&a->ts[i], &b->ts[i]))
			return false;
	}
	return true;
}

bool
keying_selector_covers(const struct keying_selector *a,
    const struct keying_selector *b)
{
	return a->from.family == b->from.family &&
	    addr_compare(&a->from, &b->from) <= 0 &&
	    addr_compare(&a->to, &b->to) >= 0 &&
	    (a->protocol == 0 || a->protocol == b->protocol) &&
	    a->port_from <= b->port_from && a->port_to >= b->port_to;
}

static bool
intersect(const struct keying_selector *a, const struct keying_selector *b,
    struct keying_selector *out)
{
	if (a->from.family != b->from.family || (a->protocol != 0 &&
	    b->protocol != 0 && a->protocol != b->protocol))
		return false;
	memset(out, 0, sizeof(*out));
	out->from = addr_compare(&a->from, &b->from) >= 0 ? a->from : b->from;
	out->to = addr_compare(&a->to, &b->to) <= 0 ? a->to : b->to;
	out->protocol = a->protocol != 0 ? a->protocol : b->protocol;
	out->port_from = a->port_from > b->port_from ? a->port_from :
	    b->port_from;
	out->port_to = a->port_to < b->port_to ? a->port_to : b->port_to;
	return addr_compare(&out->from, &out->to) <= 0 &&
	    out->port_from <= out->port_to;
}

static bool
any_covers(const struct keying_selectors *s, const struct keying_selector *one)
{
	unsigned i;

	for (i = 0; i < s->n; i++) {
		if (keying_selector_covers(&s->ts[i], one))
			return true;
	}
	return false;
}

void
keying_selectors_add(struct keying_selectors *s,
    const struct keying_selector *one,
    bool (*has)(const struct keying_selector *, const struct keying_selector *))
{
	unsigned i, n = 0;

	for (i = 0; i < s->n; i++) {
		if (has(&s->ts[i], one))
			return;
	}
	for (i = 0; i < s->n; i++) {
		if (!has(one, &s->ts[i]))
			s->ts[n++] = s->ts[i];
	}
	s->n = n;
	if (s->n < KEYING_SELECTORS_MAX)
		s->ts[s->n++] = *one;
}

bool
keying_selectors_narrow(struct keying_selectors *out,
    const struct keying_selectors *asked,
    const struct keying_selectors *allowed)
{
	struct keying_selectors got = { 0 };
	struct keying_selector  one;
	unsigned	      i, k;

	for (i = 0; i < asked->n; i++) {
		for (k = 0; k < allowed->n; k++) {
			if (intersect(&asked->ts[i], &allowed->ts[k], &one))
				keying_selectors_add(&got, &one,
				    keying_selector_covers);
		}
	}
	*out = got;
	return got.n != 0;
}

bool
keying_selectors_within(const struct keying_selectors *part,
    const struct keying_selectors *all)
{
	unsigned i;

	for (i = 0; i < part->n; i++) {
		if (!any_covers(all, &part->ts[i]))
			return false;
	}
	return part->n != 0;
}

bool
keying_selectors_prefix(const struct keying_selectors *s, struct prefix *p)
{
	struct prefix one;
	unsigned      i;

	for (i = 0; i < s->n; i++) {
		if (!keying_selector_is_prefix(&s->ts[i], &one) ||
		    (i != 0 && !prefix_equal(&one, p)))
			return false;
		*p = one;
	}
	return s->n != 0;
}

struct keying_selectors
keying_selectors_of(const struct keying_selector *s)
{
	return (struct keying_selectors){ .n = 1, .ts = { *s } };
}

const char *
keying_failure_text(enum keying_failure f)
{
	static const char *const texts[] = {
		[KEYING_SILENCE] = "no answer to IKE",
		[KEYING_ICMP] = "no answer to IKE but ICMP errors",
		[KEYING_LOST] = "the IKE SA ended",
		[KEYING_PEER_REFUSED] = "the peer refuses IKE",
		[KEYING_CHILD_REFUSED] = "the peer refuses to encrypt this",
		[KEYING_SIGNATURE] = "signature does not verify",
		[KEYING_IDENTITY] = "peer is somebody else",
		[KEYING_OUR_PROOF] =
		    "the peer does not accept our proof of who we are",
		[KEYING_VERSION] = "no version of IKE in common",
		[KEYING_LOCAL] = "out of local resources",
	};

	return texts[f];
}
