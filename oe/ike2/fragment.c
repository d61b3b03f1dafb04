/* fragment.c - messages that are longer than a datagram should be: cut, and put together again */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "oe/ike2/fragment.h"

int
ike2_packets_set(struct ike2_packets *out, const uint8_t *buf, size_t len)
{
	memset(out, 0, sizeof(*out));
	if (len == 0 || (out->buf = malloc(len)) == NULL)
		return -1;
	memcpy(out->buf, buf, len);
	out->len[0] = len;
	out->n = 1;
	return 0;
}

void
ike2_packets_free(struct ike2_packets *p)
{
	free(p->buf);
	memset(p, 0, sizeof(*p));
}

int
ike2_packets_seal(struct ike2_packets *out, struct ike2_key *k,
    const struct ike2_header *h, uint8_t first, const uint8_t *p, size_t len,
    size_t size, bool fragment)
{
	struct ike2_fragment_no no = { 0, 0 };
	size_t			room, part, cap, used = 0, total = 1;

	memset(out, 0, sizeof(*out));
	if (len > IKE2_MESSAGE_MAX)
		return -1;
	fragment = fragment && ike2_sealed_len(k, len, false) > size;
	room = len;
	if (fragment) {
		room = ike2_sealed_room(k, size, true);
		total = room == 0 ? IKE2_FRAGMENTS_MAX + 1 :
		    (len + room - 1) / room;
		if (total > IKE2_FRAGMENTS_MAX)
			return -1;
		no.total = (uint16_t)total;
	}
	cap = total * ike2_sealed_len(k, room, fragment);
	if ((out->buf = malloc(cap)) == NULL)
		return -1;
	do {
		part = len < room ? len : room;
		no.number = fragment ? (uint16_t)(out->n + 1) : 0;
		out->len[out->n] = ike2_seal(k, h, out->n == 0 ? first :
		    IKE2_NONE, no, p, part, out->buf + used, cap - used);
		if (out->len[out->n] == 0) {
			ike2_packets_free(out);
			return -1;
		}
		used += out->len[out->n++];
		p += part;
		len -= part;
	} while (len > 0);
	return 0;
}

void
ike2_reassembly_clear(struct ike2_reassembly *r)
{
	unsigned i;

	for (i = 0; i < IKE2_FRAGMENTS_MAX; i++)
		wipe_free(r->part[i].p, r->part[i].len);
	memset(r, 0, sizeof(*r));
}

bool
ike2_reassembly_wants(const struct ike2_reassembly *r, uint32_t msgid,
    struct ike2_fragment_no no)
{
	if (no.number == 0 || no.number > no.total ||
	    no.total > IKE2_FRAGMENTS_MAX)
		return false;
	if (r->total == 0 || r->msgid != msgid)
		return true;
	/* §2.6: a larger total is of a newer cut, a smaller one of an older. */
	return no.total > r->total ||
	    (no.total == r->total && r->part[no.number - 1].p == NULL);
}

/* All parts are there. */
static enum ike2_arrival
join(struct ike2_reassembly *r, uint8_t **out, size_t *out_len,
    uint8_t *out_first)
{
	uint8_t *buf = malloc(r->bytes == 0 ? 1 : r->bytes);
	size_t	 at = 0;
	unsigned i;

	if (buf != NULL) {
		for (i = 0; i < r->total; i++) {
			memcpy(buf + at, r->part[i].p, r->part[i].len);
			at += r->part[i].len;
		}
		*out = buf;
		*out_len = at;
		*out_first = r->first;
	}
	ike2_reassembly_clear(r);
	return buf == NULL ? IKE2_ARRIVAL_DROP : IKE2_ARRIVAL_WHOLE;
}

enum ike2_arrival
ike2_reassembly_add(struct ike2_reassembly *r, uint64_t now, uint32_t msgid,
    struct ike2_fragment_no no, uint8_t first, const uint8_t *p, size_t len,
    uint8_t **out, size_t *out_len, uint8_t *out_first)
{
	uint8_t *copy;

	*out = NULL;
	*out_len = 0;
	*out_first = IKE2_NONE;
	if (!ike2_reassembly_wants(r, msgid, no))
		return IKE2_ARRIVAL_DROP;
	/* Only the peer makes authentic parts, so a new number
	 * is a new message. */
	if (r->total != 0 && (r->msgid != msgid || r->total != no.total))
		ike2_reassembly_clear(r);
	if (len > IKE2_MESSAGE_MAX - r->bytes ||
	    (copy = malloc(len == 0 ? 1 : len)) == NULL)
		return IKE2_ARRIVAL_DROP;
	if (len != 0)
		memcpy(copy, p, len);
	if (r->total == 0) {
		r->msgid = msgid;
		r->total = no.total;
		r->until = now + IKE2_REASSEMBLY_TIME;
	}
	r->part[no.number - 1].p = copy;
	r->part[no.number - 1].len = len;
	r->bytes += len;
	if (no.number == 1)
		r->first = first;
	return ++r->have == r->total ? join(r, out, out_len, out_first) :
	    IKE2_ARRIVAL_WAIT;
}

uint64_t
ike2_reassembly_tick(struct ike2_reassembly *r, uint64_t now)
{
	if (r->total == 0)
		return UINT64_MAX;
	if (now >= r->until) {
		ike2_reassembly_clear(r);
		return UINT64_MAX;
	}
	return r->until;
}
