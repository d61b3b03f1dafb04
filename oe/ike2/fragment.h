/* fragment.h - messages that are longer than a datagram should be (RFC 7383): cut, and put together again */
#ifndef OE_IKE2_FRAGMENT_H
#define OE_IKE2_FRAGMENT_H

#include "oe/ike2/sealed.h"

#define IKE2_FRAGMENTS_MAX	32	/* a message, both ways */
#define IKE2_REASSEMBLY_TIME	30000	/* milliseconds from
					 * the first part on */

/* The datagrams of one message, as they are sent and sent again. */
struct ike2_packets {
	uint8_t *buf;			/* one behind the other; NULL: none */
	unsigned n;
	size_t	 len[IKE2_FRAGMENTS_MAX];
};

/*
 * Seals a chain that begins with type first in one SK or, where fragment is
 * true and that would be longer than size octets, in SKFs that are not.  0; -1
 * if it would take too many, memory is out or OpenSSL failed, and out has none.
 */
int	ike2_packets_seal(struct ike2_packets *out, struct ike2_key *k,
	    const struct ike2_header *h, uint8_t first, const uint8_t *p,
	    size_t len, size_t size, bool fragment);
/* One message in the clear. */
int	ike2_packets_set(struct ike2_packets *out, const uint8_t *buf,
	    size_t len);
void	ike2_packets_free(struct ike2_packets *p);

/* The parts of one message that came so far.  All zero: none. */
struct ike2_reassembly {
	uint32_t msgid;
	uint8_t	 first;			/* from part 1 */
	uint16_t total;			/* 0: none waits */
	unsigned have;
	size_t	 bytes;
	uint64_t until;
	struct {
		uint8_t *p;		/* NULL: missing */
		size_t	 len;
	} part[IKE2_FRAGMENTS_MAX];
};

enum ike2_arrival {
	IKE2_ARRIVAL_WAIT,		/* kept; others are missing */
	IKE2_ARRIVAL_WHOLE,
	IKE2_ARRIVAL_DROP,		/* to be discarded in silence (§2.6) */
};

/* Before it is decrypted: is this part of any use? */
bool	ike2_reassembly_wants(const struct ike2_reassembly *r, uint32_t msgid,
	    struct ike2_fragment_no no);
/*
 * An authentic part, decrypted.  first: the type that its Next Payload names.
 * With IKE2_ARRIVAL_WHOLE *out (of *out_len octets, the caller frees) is the
 * chain that begins with type *out_first, and r has forgotten it.
 */
enum ike2_arrival ike2_reassembly_add(struct ike2_reassembly *r, uint64_t now,
	    uint32_t msgid, struct ike2_fragment_no no, uint8_t first,
	    const uint8_t *p, size_t len, uint8_t **out, size_t *out_len,
	    uint8_t *out_first);
/* Forgets what has waited too long; when to be called next,
 * UINT64_MAX: never. */
uint64_t ike2_reassembly_tick(struct ike2_reassembly *r, uint64_t now);
void	ike2_reassembly_clear(struct ike2_reassembly *r);

#endif
