/* message.h - IKEv2 messages: bounded reading and writing of the header and of chains of payloads (RFC 7296 §3.1, §3.2) */
#ifndef OE_IKE2_MESSAGE_H
#define OE_IKE2_MESSAGE_H

#include "base/cursor.h"

#define IKE2_HEADER_LEN		28
#define IKE2_GENERIC_LEN	4	/* of a payload's generic header */
#define IKE2_MESSAGE_MAX	32768	/* ours never come near; larger
					 * ones are refused */
#define IKE2_PAYLOADS_MAX	48	/* a message, our limit */
#define IKE2_MAJOR		2	/* the version, to those
					 * above this engine too */
#define IKE2_VERSION		(IKE2_MAJOR << 4)	/* 2.0 */

enum ike2_flag {			/* §3.1; bits X are sent as zero
					 * and not looked at */
	IKE2_FLAG_INITIATOR = 0x08,	/* by the original
					 * initiator of the IKE SA */
	IKE2_FLAG_VERSION = 0x10,	/* the sender could speak a
					 * higher major version */
	IKE2_FLAG_RESPONSE = 0x20,
};

enum ike2_exchange {			/* §3.1 */
	IKE2_SA_INIT = 34,
	IKE2_AUTH = 35,
	IKE2_CREATE_CHILD_SA = 36,
	IKE2_INFORMATIONAL = 37,
};

enum ike2_payload {			/* §3.2; RFC 7383 §2.5 */
	IKE2_NONE = 0,
	IKE2_P_SA = 33,
	IKE2_P_KE = 34,
	IKE2_P_IDI = 35,
	IKE2_P_IDR = 36,
	IKE2_P_CERT = 37,
	IKE2_P_CERTREQ = 38,
	IKE2_P_AUTH = 39,
	IKE2_P_NONCE = 40,
	IKE2_P_NOTIFY = 41,
	IKE2_P_DELETE = 42,
	IKE2_P_VENDOR_ID = 43,
	IKE2_P_TSI = 44,
	IKE2_P_TSR = 45,
	IKE2_P_ENCRYPTED = 46,		/* SK */
	IKE2_P_CONFIGURATION = 47,	/* CP */
	IKE2_P_EAP = 48,
	IKE2_P_FRAGMENT = 53,		/* SKF */
};

enum ike2_protocol {			/* §3.3.1 */
	IKE2_PROTO_NONE = 0,
	IKE2_PROTO_IKE = 1,
	IKE2_PROTO_AH = 2,
	IKE2_PROTO_ESP = 3,
};

/* What reading finds wrong, and so what the peer may be told. */
enum ike2_error {
	IKE2_OK = 0,
	IKE2_E_SYNTAX = -1,		/* INVALID_SYNTAX, where it may be
					 * said at all (§2.21) */
	IKE2_E_VERSION = -2,		/* a higher major version (§2.5) */
	IKE2_E_CRITICAL = -3,		/* a payload that we may not
					 * pass over (§2.5) */
	IKE2_E_LIMIT = -4,		/* ours */
};

struct ike2_header {
	uint64_t spi_i, spi_r;		/* host order */
	uint8_t	 first;			/* type of the first payload */
	uint8_t	 version, exchange, flags;
	uint32_t msgid, length;
};

struct ike2_part {	/* one payload, borrowed from the message */
	uint8_t	       type;
	uint8_t	       next;		/* SK and SKF: type of the
					 * first payload inside */
	const uint8_t *body;		/* after the generic header */
	size_t	       len;
};

struct ike2_chain {
	/* Known types only, in order. */
	struct ike2_part part[IKE2_PAYLOADS_MAX];
	unsigned	 nparts;
	uint8_t		 refused;	/* after IKE2_E_CRITICAL: the type */
};

/*
 * Reads the fixed header and checks it against the datagram's length (without a
 * non-ESP marker).  A minor version is not looked at, nor are reserved bits.
 */
enum ike2_error ike2_header_read(struct ike2_header *h, const uint8_t *buf,
	    size_t len);

/*
 * Splits a chain of payloads that begins with the given type and fills p.  An
 * unknown payload is passed over unless it is critical.  SK and SKF end a
 * chain, and are taken only where sealed is true: nothing is encrypted twice.
 */
enum ike2_error ike2_chain_split(struct ike2_chain *c, uint8_t first,
	    const uint8_t *p, size_t len, bool sealed);

/* First payload of a type, or NULL. */
const struct ike2_part *ike2_chain_find(const struct ike2_chain *c,
	    uint8_t type);
unsigned ike2_chain_count(const struct ike2_chain *c, uint8_t type);
/* The only payload of a type; NULL if there is none or more than one. */
const struct ike2_part *ike2_chain_only(const struct ike2_chain *c,
	    uint8_t type);

/*
 * Builds a chain of payloads, each of which writes its type where the one
 * before said "none".  With a header in front of it it is a message in the
 * clear; without, the contents of an SK payload.
 */
struct ike2_builder {
	struct writer w;
	uint8_t	      first;		/* type of the first payload */
	size_t	      next_at;		/* where the next one's type belongs;
					 * SIZE_MAX: in first */
	size_t	      start;		/* of the payload being written */
};

/* h: its first and length are filled in. */
void	ike2_message_begin(struct ike2_builder *b, uint8_t *buf, size_t cap,
	    const struct ike2_header *h);
/* The message's length, or 0 if it did not fit. */
size_t	ike2_message_end(struct ike2_builder *b);
void	ike2_header_write(struct writer *w, const struct ike2_header *h);
void	ike2_chain_begin(struct ike2_builder *b, uint8_t *buf, size_t cap);

/* Opens a payload; what is written to b->w until ike2_close() is its body. */
void	ike2_open(struct ike2_builder *b, uint8_t type);
void	ike2_close(struct ike2_builder *b);
/* A whole payload at once. */
void	ike2_put(struct ike2_builder *b, uint8_t type, const void *body,
	    size_t len);

/* For log lines: "IKE_SA_INIT". Valid until the next call. */
const char *ike2_exchange_text(uint8_t exchange);

#endif
