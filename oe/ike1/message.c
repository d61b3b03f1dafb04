/* message.c - messages of a Phase 1 SA: sealed, opened, sent */
#include "config.h"

#include <string.h>

#include "base/util.h"
#include "oe/ike1/message.h"

int
message_iv(const struct ike1_sa *sa, uint32_t msgid, uint8_t *iv)
{
	uint8_t		 id[4], out[IKE_HASH_MAX];
	size_t		 block = ike1_block_len(sa->suite.enc);
	struct ike_chunk c[2] = { { sa->iv, block }, { id, 4 } };

	store_u32(id, msgid);
	if (ike_hash(sa->suite.hash, c, 2, out) == -1)
		return -1;
	memcpy(iv, out, block);
	return 0;
}

static void
sa_count(struct ike1_sa *sa, size_t len)
{
	sa->bytes += len;
	if (ike1_sa_used_up(sa))
		ike_timer(&sa->ike->x, 0);
}

int
message_open(struct ike1_sa *sa, uint8_t *iv, const struct isakmp_header *h,
    const uint8_t *buf, size_t len, uint8_t *text, struct isakmp_message *m)
{
	size_t body = len - ISAKMP_HEADER_LEN;

	if (!(h->flags & ISAKMP_FLAG_ENCRYPTION))
		return -1;
	memcpy(text, buf + ISAKMP_HEADER_LEN, body);
	m->h = *h;
	sa_count(sa, body);
	if (ike1_cbc(sa->suite.enc, false, sa->k.enc, sa->k.enc_len, iv, text,
	    body) == -1)
		return -1;
	return isakmp_split(m, text, body, true);
}

/* rest: what follows the HASH payload; of HASH(3) nothing does. */
static int
message_hash(const struct ike1_sa *sa, const struct message_hash *k,
    const uint8_t *rest, size_t len, uint8_t out[IKE_HASH_MAX])
{
	static const uint8_t zero;
	struct ike_chunk     c[4];
	uint8_t		     msgid[4];
	size_t		     n = 0;

	store_u32(msgid, k->msgid);
	if (k->step == 3)
		c[n++] = (struct ike_chunk){ &zero, 1 };
	c[n++] = (struct ike_chunk){ msgid, 4 };
	if (k->step >= 2)
		c[n++] = k->ni;
	c[n++] = k->step == 3 ? k->nr : (struct ike_chunk){ rest, len };
	return ike_prf(sa->suite.hash, sa->k.a, sa->k.len, c, n, out);
}

int
message_open_hashed(struct ike1_sa *sa, uint8_t *iv,
    const struct message_hash *k, const struct isakmp_header *h,
    const uint8_t *buf, size_t len, uint8_t *text, struct isakmp_message *m)
{
	const struct isakmp_part *last;
	const uint8_t		 *rest = text + 4 + sa->k.len;
	uint8_t			  hash[IKE_HASH_MAX];

	if (message_open(sa, iv, h, buf, len, text, m) == -1 ||
	    m->nparts == 0 || m->part[0].type != ISAKMP_HASH ||
	    m->part[0].len != sa->k.len)
		return -1;
	/* What is hashed ends with the last payload, before the padding. */
	last = &m->part[m->nparts - 1];
	if (message_hash(sa, k, rest, (size_t)(last->body + last->len - rest),
	    hash) == -1)
		return -1;
	return compare_secret(hash, m->part[0].body, sa->k.len) == 0 ? 0 : -1;
}

void
message_begin(struct isakmp_builder *b, uint8_t *buf, size_t cap,
    const struct ike1_sa *sa, uint8_t exchange, uint8_t flags, uint32_t msgid)
{
	static const uint8_t	   zero[IKE_HASH_MAX];
	const struct isakmp_header h = { .cookie_i = sa->cookie_i,
		.cookie_r = sa->cookie_r, .exchange = exchange,
		.flags = flags, .msgid = msgid };

	isakmp_begin(b, buf, cap, &h);
	if (msgid != 0)
		isakmp_put(b, ISAKMP_HASH, zero, sa->k.len);
}

size_t
message_seal(struct ike1_sa *sa, struct isakmp_builder *b, uint8_t *iv)
{
	size_t block = ike1_block_len(sa->suite.enc);

	while (!b->w.bad && (b->w.len - ISAKMP_HEADER_LEN) % block != 0)
		writer_u8(&b->w, 0);
	if (isakmp_end(b) == 0 || ike1_cbc(sa->suite.enc, true, sa->k.enc,
	    sa->k.enc_len, iv, b->w.base + ISAKMP_HEADER_LEN,
	    b->w.len - ISAKMP_HEADER_LEN) == -1)
		return 0;
	sa_count(sa, b->w.len);
	return b->w.len;
}

size_t
message_seal_hashed(struct ike1_sa *sa, struct isakmp_builder *b, uint8_t *iv,
    const struct message_hash *k)
{
	size_t	at = ISAKMP_HEADER_LEN + 4 + sa->k.len;
	uint8_t hash[IKE_HASH_MAX];

	if (b->w.bad || message_hash(sa, k, b->w.base + at, b->w.len - at,
	    hash) == -1)
		return 0;
	memcpy(b->w.base + ISAKMP_HEADER_LEN + 4, hash, sa->k.len);
	return message_seal(sa, b, iv);
}

bool
message_find_ke(const struct isakmp_message *m, unsigned group,
    const struct isakmp_part **ke, const struct isakmp_part **nonce)
{
	*ke = isakmp_find(m, ISAKMP_KE);
	*nonce = isakmp_find(m, ISAKMP_NONCE);
	return *ke != NULL && *nonce != NULL &&
	    isakmp_count(m, ISAKMP_KE) == 1 &&
	    isakmp_count(m, ISAKMP_NONCE) == 1 &&
	    (*ke)->len == ike_group_len(group) &&
	    (*nonce)->len >= IKE1_NONCE_MIN && (*nonce)->len <= IKE1_NONCE_MAX;
}

bool
message_take_ke(const struct isakmp_message *m, unsigned group,
    uint8_t ke[IKE_KE_MAX], uint8_t nonce[IKE1_NONCE_MAX], size_t *nonce_len)
{
	const struct isakmp_part *k, *n;

	if (!message_find_ke(m, group, &k, &n))
		return false;
	memcpy(ke, k->body, k->len);
	memcpy(nonce, n->body, n->len);
	*nonce_len = n->len;
	return true;
}

void
message_send(struct ike1_sa *sa, const uint8_t *buf, size_t len)
{
	ike_send(&sa->ike->x, &sa->path, buf, len);
}
