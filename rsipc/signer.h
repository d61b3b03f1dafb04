/* signer.h - signed messages to and from the gateway: counters without a clock or a disk (doc/wire.md, subtypes 2 and 4) */
#ifndef RSIPC_SIGNER_H
#define RSIPC_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "proto/rsip.h"

#define SIGNER_SECRET_MAX	256	/* bytes */

/* Zero but for index is a signer without a secret. */
struct signer {
	uint8_t	 secret[SIGNER_SECRET_MAX];
	size_t	 secret_len;		/* 0: nothing is signed or verified */
	uint32_t key_id;
	bool	 require;		/* what is not signed is not believed */
	uint64_t index;			/* ours: random at the start, another
					 * for each of the gateway's */
	uint64_t theirs;		/* the gateway's that we
					 * speak to; 0: none yet */
	uint64_t sent, seen;		/* the last counters of
					 * ours and of theirs */
};

enum signer_verdict {
	SIGNER_GOOD,
	SIGNER_AGAIN,		/* the gateway could not know that our last
				 * message is new: sign it once more, which it
				 * now can; else not for anybody */
	SIGNER_UNSIGNED,
	SIGNER_WRONG,		/* key or MAC */
	SIGNER_OLD,		/* right, but said before, or to
				 * another life of ours */
};

/* seed: random.  Whoever has it wipes it. */
void	signer_init(struct signer *s, uint64_t seed);
/* Counters go on.  A longer secret than SIGNER_SECRET_MAX is cut. */
void	signer_set_key(struct signer *s, uint32_t key_id, const uint8_t *secret,
	    size_t len, bool require);

/* Encodes m, signed if there is a secret.  The length, or -1. */
int	signer_encode(struct signer *s, struct rsip_message *m, uint8_t *out,
	    size_t cap, const struct addr *host, const struct addr *gateway);
/* What a decoded message is worth; buf is what it was decoded from. */
enum signer_verdict signer_verify(struct signer *s,
	    const struct rsip_message *m, const uint8_t *buf, size_t len,
	    const struct addr *host,
	    const struct addr *gateway);

#endif
