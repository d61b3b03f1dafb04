/* reason.c - why a connection is as it is: a code, what it is about, and the words for people */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "oe/reason.h"

/* In a text, %n is the number, %w the words; NULL: the text
 * of what ended so. */
static const struct {
	const char *name, *text;
} reasons[] = {
	[REASON_NONE] = { "none", "" },
	[REASON_POLICY_DENY] = { "policy-deny", "policy class deny" },
	[REASON_POLICY_CLEAR] = { "policy-clear",
	    "policy class always-clear-text" },
	[REASON_ACCEPT_ONLY] = { "accept-only",
	    "configured to accept, not to initiate" },
	[REASON_TUNNEL] = { "tunnel", "configured tunnel %w" },
	[REASON_RECONFIGURED] = { "reconfigured", "the configuration changed" },
	[REASON_NO_KEY] = { "no-key", "we have no key of our own" },
	[REASON_NO_IDENTITY] = { "no-identity",
	    "DNS has %w: no peer could know us" },
	[REASON_IKEV1_ONLY] = { "ikev1-only",
	    "IPv6 needs IKEv2, which option ike leaves out" },
	[REASON_DNS_SLOW] = { "dns-slow",
	    "DNS has not answered within %n s; the search goes on" },
	[REASON_DNS_NONE] = { "dns-none", NULL },
	[REASON_DNS_UNUSABLE] = { "dns-unusable", NULL },
	[REASON_DNS_MALFORMED] = { "dns-malformed", NULL },
	[REASON_DNS_FAILED] = { "dns-failed", NULL },
	[REASON_DNS_BOGUS] = { "dns-bogus", NULL },
	[REASON_DNS_SILENT] = { "dns-silent", NULL },
	[REASON_DNS_NOT_SECURE] = { "dns-not-secure",
	    "its DNS record is not vouched for by DNSSEC" },
	[REASON_DNS_KEY_MALFORMED] = { "dns-key-malformed",
	    "malformed KEY record in DNS" },
	[REASON_DNS_NO_GATEWAY] = { "dns-no-gateway",
	    "no usable gateway or key in its DNS record" },
	[REASON_DNS_GONE] = { "dns-gone", "its DNS record is gone" },
	[REASON_IKE_SLOW] = { "ike-slow", "the peer's IKE has not answered "
	    "within %n s; the search goes on" },
	[REASON_IKE_SILENT] = { "ike-silent", NULL },
	[REASON_IKE_ICMP] = { "ike-icmp", NULL },
	[REASON_IKE_PEER_REFUSED] = { "ike-peer-refused", NULL },
	[REASON_IKE_CHILD_REFUSED] = { "ike-child-refused", NULL },
	[REASON_IKE_SIGNATURE] = { "ike-signature", NULL },
	[REASON_IKE_IDENTITY] = { "ike-identity", NULL },
	[REASON_IKE_OUR_PROOF] = { "ike-our-proof", NULL },
	[REASON_IKE_VERSION] = { "ike-version", NULL },
	[REASON_IKE_LOCAL] = { "ike-local", NULL },
	[REASON_REKEY_FAILED] = { "rekey-failed", NULL },
	[REASON_ONE_HOST_ONLY] = { "one-host-only", "the peer keeps keys with "
	    "one host at our address only, another has them, and refuses a "
	    "flow alone" },
	[REASON_TRYING] = { "trying",
	    "no OE record in DNS; it is tried without one" },
	[REASON_TRIED] = { "tried",
	    "no OE record in DNS, and tried without one: %w" },
	[REASON_LOOKUPS_FULL] = { "lookups-full",
	    "too many DNS look-ups under way" },
	[REASON_IKE_FULL] = { "ike-full", "%w" },
	[REASON_KEY_IN_DNS] = { "key-in-dns",
	    "its key is in DNS and IKE succeeded" },
	[REASON_PEER_ASKED] = { "peer-asked",
	    "the peer asked for it and proved its key" },
	[REASON_NOBODY_ANSWERED] = { "nobody-answered",
	    "IKE succeeded with somebody who proves nothing" },
	[REASON_NOBODY_ASKED] = { "nobody-asked",
	    "somebody asked for it, and proved nothing" },
	[REASON_EACH_FLOW] = { "each-flow", "its key is in DNS and IKE "
	    "succeeded, for each flow alone, as the peer does not tell the "
	    "hosts at our address apart" },
	[REASON_ANSWERS_ANOTHER] = { "answers-another",
	    "IKE succeeded, but the peer seems to answer another host at our "
	    "address, and %w" },
	[REASON_UNUSED] = { "unused", "not used any more" },
	[REASON_NO_FLOW] = { "no-flow", "no flow waits for keys" },
	[REASON_DELETED_BY_PEER] = { "deleted-by-peer", "deleted by the peer" },
	[REASON_KEYS_EXPIRED] = { "keys-expired", "its keys expired" },
	[REASON_CROSSED] = { "crossed",
	    "its peer began at the same time, and that stays" },
	[REASON_PEER_GONE] = { "peer-gone", "its peer is gone" },
};

static const enum oe_reason of_record[] = {
	[RECORD_FOUND] = REASON_DNS_NONE,
	[RECORD_NONE] = REASON_DNS_NONE,
	[RECORD_UNUSABLE] = REASON_DNS_UNUSABLE,
	[RECORD_MALFORMED] = REASON_DNS_MALFORMED,
	[RECORD_FAILED] = REASON_DNS_FAILED,
	[RECORD_BOGUS] = REASON_DNS_BOGUS,
	[RECORD_TIMEOUT] = REASON_DNS_SILENT,
};

static const enum oe_reason of_failure[] = {
	[KEYING_SILENCE] = REASON_IKE_SILENT,
	[KEYING_ICMP] = REASON_IKE_ICMP,
	[KEYING_LOST] = REASON_IKE_SILENT,
	[KEYING_PEER_REFUSED] = REASON_IKE_PEER_REFUSED,
	[KEYING_CHILD_REFUSED] = REASON_IKE_CHILD_REFUSED,
	[KEYING_SIGNATURE] = REASON_IKE_SIGNATURE,
	[KEYING_IDENTITY] = REASON_IKE_IDENTITY,
	[KEYING_OUR_PROOF] = REASON_IKE_OUR_PROOF,
	[KEYING_VERSION] = REASON_IKE_VERSION,
	[KEYING_LOCAL] = REASON_IKE_LOCAL,
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct reason
reason_of(enum oe_reason code)
{
	return (struct reason){ .code = code };
}

struct reason
reason_with(enum oe_reason code, const char *words)
{
	struct reason r = { .code = code };

	snprintf(r.words, sizeof(r.words), "%s", words);
	return r;
}

struct reason
reason_of_record(enum record_status s)
{
	return reason_of(of_record[s]);
}

struct reason
reason_of_failure(enum keying_failure f, const struct addr *peer,
    const char *said)
{
	struct reason r = reason_with(of_failure[f], said != NULL ? said : "");

	r.addr = *peer;
	return r;
}

bool
reason_equal(const struct reason *a, const struct reason *b)
{
	return a->code == b->code && addr_equal(&a->addr, &b->addr) &&
	    a->number == b->number && strcmp(a->words, b->words) == 0;
}

const char *
reason_name(enum oe_reason code)
{
	return reasons[code].name;
}

/* The text of a look-up's or a negotiation's end; NULL: it is none. */
static const char *
borrowed_text(const struct reason *r)
{
	size_t i;

	if (r->code == REASON_REKEY_FAILED)
		return keying_failure_text((enum keying_failure)r->number);
	for (i = RECORD_NONE; i < COUNT(of_record); i++) {
		if (of_record[i] == r->code)
			return record_status_text((enum record_status)i);
	}
	for (i = 0; i < COUNT(of_failure); i++) {
		if (of_failure[i] == r->code)
			return keying_failure_text((enum keying_failure)i);
	}
	return NULL;
}

void
reason_detail(const struct reason *r, char *out, size_t cap)
{
	*out = '\0';
	if (r->code == REASON_REKEY_FAILED)
		snprintf(out, cap, "%s: %s", ADDR_TEXT(&r->addr),
		    borrowed_text(r));
	else if (addr_is_set(&r->addr))
		snprintf(out, cap, "%s%s%s", ADDR_TEXT(&r->addr),
		    *r->words != '\0' ? ", " : "", r->words);
	else if (r->number != 0)
		snprintf(out, cap, "%u", r->number);
	else
		snprintf(out, cap, "%s", r->words);
}

/* out, with what %n and %w stand for. */
static void
expand_format(const char *format, const struct reason *r, char *out, size_t cap)
{
	size_t n = 0;

	for (; *format != '\0' && n + 1 < cap; format++) {
		if (*format != '%') {
			out[n++] = *format;
			out[n] = '\0';
			continue;
		}
		if (*++format == 'n')
			snprintf(out + n, cap - n, "%u", r->number);
		else
			snprintf(out + n, cap - n, "%s", r->words);
		n += strlen(out + n);
	}
}

const char *
reason_text(const struct reason *r, char *out, size_t cap)
{
	const char *said = borrowed_text(r);

	*out = '\0';
	if (said == NULL)
		expand_format(reasons[r->code].text, r, out, cap);
	else if (!addr_is_set(&r->addr))
		snprintf(out, cap, "%s", said);
	else
		snprintf(out, cap, "%s with %s: %s%s%s",
		    r->code == REASON_REKEY_FAILED ? "rekeying" : "IKE",
		    ADDR_TEXT(&r->addr), said, *r->words != '\0' ? ", " : "",
		    r->words);
	return out;
}
