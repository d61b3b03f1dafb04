/* isakmp.h - ISAKMP messages: bounded reading and writing of headers, payloads, attributes (RFC 2408 §3) */
#ifndef OE_IKE1_ISAKMP_H
#define OE_IKE1_ISAKMP_H

#include "base/cursor.h"

#define ISAKMP_HEADER_LEN	28
#define ISAKMP_MESSAGE_MAX	4096	/* ours never come near; larger ones are
					 * refused */
#define ISAKMP_PAYLOADS_MAX	32	/* a message, our limit */
#define ISAKMP_VERSION		0x10
#define ISAKMP_FLAG_ENCRYPTION	0x01
#define ISAKMP_FLAG_COMMIT	0x02
#define ISAKMP_FLAG_AUTH_ONLY	0x04

enum isakmp_exchange {			/* §3.1; RFC 2409 App. A */
	ISAKMP_MAIN_MODE = 2,		/* Identity Protection */
	ISAKMP_AGGRESSIVE = 4,
	ISAKMP_INFORMATIONAL = 5,
	ISAKMP_QUICK_MODE = 32,
};

enum isakmp_payload {			/* §3.1 */
	ISAKMP_NONE = 0,
	ISAKMP_SA = 1,
	ISAKMP_PROPOSAL = 2,
	ISAKMP_TRANSFORM = 3,
	ISAKMP_KE = 4,
	ISAKMP_ID = 5,
	ISAKMP_CERT = 6,
	ISAKMP_CERT_REQUEST = 7,
	ISAKMP_HASH = 8,
	ISAKMP_SIGNATURE = 9,
	ISAKMP_NONCE = 10,
	ISAKMP_NOTIFICATION = 11,
	ISAKMP_DELETE = 12,
	ISAKMP_VENDOR_ID = 13,
	ISAKMP_NAT_D = 20,		/* RFC 3947 §3.2 */
	ISAKMP_NAT_OA = 21,		/* §5.2 */
	ISAKMP_PRIVATE = 128,		/* from here on */
};

enum isakmp_notify {		/* §3.14.1; RFC 2407 §4.6.3; RFC 3706 §5 */
	ISAKMP_N_INVALID_COOKIE = 4,
	ISAKMP_N_PAYLOAD_MALFORMED = 16,
	ISAKMP_N_INVALID_SPI = 11,
	ISAKMP_N_NO_PROPOSAL_CHOSEN = 14,
	ISAKMP_N_INVALID_ID_INFORMATION = 18,
	ISAKMP_N_AUTHENTICATION_FAILED = 24,
	ISAKMP_N_CONNECTED = 16384,
	ISAKMP_N_RESPONDER_LIFETIME = 24576,
	ISAKMP_N_REPLAY_STATUS = 24577,
	ISAKMP_N_INITIAL_CONTACT = 24578,
	ISAKMP_N_R_U_THERE = 36136,
	ISAKMP_N_R_U_THERE_ACK = 36137,
};

/* A type's name as the RFCs write it, or "notify 8200" of one without, until
 * the next call in this thread. */
const char *isakmp_notify_text(uint16_t type);

#define IPSEC_DOI		1	/* RFC 2407 §4.1 */
#define IPSEC_SIT_IDENTITY	1	/* SIT_IDENTITY_ONLY */
#define PROTO_ISAKMP		1
#define PROTO_AH		2
#define PROTO_ESP		3

struct isakmp_header {
	uint64_t cookie_i, cookie_r;
	uint8_t	 first;			/* type of the first payload */
	uint8_t	 exchange, flags;
	uint32_t msgid, length;
};

struct isakmp_part {		/* one payload, borrowed from the message */
	uint8_t	       type;
	const uint8_t *body;		/* after the generic header */
	size_t	       len;
};

struct isakmp_message {
	struct isakmp_header h;
	struct isakmp_part   part[ISAKMP_PAYLOADS_MAX];
	unsigned	     nparts;
};

/* Reads and checks the fixed header against the datagram's length. */
int	isakmp_header_read(struct isakmp_header *h, const uint8_t *buf,
	    size_t len);

/*
 * Splits the payloads in body (the message without its header, decrypted).
 * Padding after the last payload is allowed only if encrypted.  0, or -1.
 */
int	isakmp_split(struct isakmp_message *m, const uint8_t *body, size_t len,
	    bool encrypted);

/* First payload of a type, or NULL. */
const struct isakmp_part *isakmp_find(const struct isakmp_message *m,
	    uint8_t type);
unsigned isakmp_count(const struct isakmp_message *m, uint8_t type);

/* Builds a message: payloads are chained by patching the one before. */
struct isakmp_builder {
	struct writer w;
	size_t	      next_at;	/* where the type of the next payload belongs */
	size_t	      start;		/* of the payload being written */
};

/* Begins a message in buf with header h, whose length isakmp_end() fills in. */
void	isakmp_begin(struct isakmp_builder *b, uint8_t *buf, size_t cap,
	    const struct isakmp_header *h);
/* Opens a payload; what is written to b->w until isakmp_close() is its body. */
void	isakmp_open(struct isakmp_builder *b, uint8_t type);
void	isakmp_close(struct isakmp_builder *b);
/* A whole payload at once. */
void	isakmp_put(struct isakmp_builder *b, uint8_t type, const void *body,
	    size_t len);
/* Sets the overall length; the message's length, or 0 if it did not fit. */
size_t	isakmp_end(struct isakmp_builder *b);

/* Data attributes (§3.3): a short one holds its value, a long one bytes. */
void	isakmp_attr(struct writer *w, uint16_t type, uint32_t value);
struct isakmp_attr {
	uint16_t       type;
	uint32_t       value;	/* of short ones and of up to four bytes */
	const uint8_t *bytes;
	size_t	       len;
};
/* Next attribute, or false at the end or at bad ones (then c->bad). */
bool	isakmp_attr_next(struct cursor *c, struct isakmp_attr *a);

#endif
