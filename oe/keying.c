/* keying.c - identities and failures as text */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "oe/keying.h"

const char *
keying_id_text(const struct keying_id *id)
{
	static _Thread_local char     text[4][KEYING_NAME_MAX + 40];
	static _Thread_local unsigned next;
	char *p = text[next++ % 4];

	switch (id->type) {
	case KEYING_ID_IPV4:
		snprintf(p, sizeof(text[0]), "%s", ipv4_text(id->addr));
		break;
	case KEYING_ID_IPV4_SUBNET:
		snprintf(p, sizeof(text[0]), "%s/%s", ipv4_text(id->addr),
		    ipv4_text(id->mask));
		break;
	case KEYING_ID_FQDN:
		snprintf(p, sizeof(text[0]), "@%s", id->name);
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
	if (a->type == KEYING_ID_IPV4)
		return a->addr == b->addr;
	if (a->type == KEYING_ID_IPV4_SUBNET)
		return a->addr == b->addr && a->mask == b->mask;
	return strcmp(a->name, b->name) == 0;
}

const char *
keying_failure_text(enum keying_failure f)
{
	switch (f) {
	case KEYING_SILENCE:
		return "no answer to IKE";
	case KEYING_ICMP:
		return "no answer to IKE but ICMP errors";
	case KEYING_PEER_REFUSED:
		return "the peer refuses IKE";
	case KEYING_CHILD_REFUSED:
		return "the peer refuses to encrypt this";
	case KEYING_SIGNATURE:
		return "signature does not verify";
	case KEYING_IDENTITY:
		return "peer is somebody else";
	case KEYING_VERSION:
		return "no version of IKE in common";
	case KEYING_LOCAL:
		return "out of local resources";
	}
	return "unknown";
}
