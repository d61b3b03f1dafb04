/* message.c - messages of a Phase 1 SA: sealed, opened, sent */
#include "config.h"

#include <string.h>

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
message_open(struct ike1_sa *sa, uint8_t *iv, uint8_t *buf, size_t len)
{
	sa_count(sa, len);
	return ike1_cbc(sa->suite.enc, false, sa->k.enc, sa->k.enc_len, iv, buf,
	    len);
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

void
message_send(struct ike1_sa *sa, const uint8_t *buf, size_t len)
{
	ike_send(&sa->ike->x, &sa->path, buf, len);
}
