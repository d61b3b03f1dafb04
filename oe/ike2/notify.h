/* notify.h - Notify and Delete payloads (RFC 7296 §3.10, §3.11) */
#ifndef OE_IKE2_NOTIFY_H
#define OE_IKE2_NOTIFY_H

#include "oe/ike2/message.h"

enum ike2_notify_type {	/* §3.10.1; RFC 7383 §2.3, RFC 7427 §4 */
	IKE2_N_UNSUPPORTED_CRITICAL_PAYLOAD = 1,
	IKE2_N_INVALID_IKE_SPI = 4,
	IKE2_N_INVALID_MAJOR_VERSION = 5,
	IKE2_N_INVALID_SYNTAX = 7,
	IKE2_N_INVALID_MESSAGE_ID = 9,
	IKE2_N_INVALID_SPI = 11,
	IKE2_N_NO_PROPOSAL_CHOSEN = 14,
	IKE2_N_INVALID_KE_PAYLOAD = 17,
	IKE2_N_AUTHENTICATION_FAILED = 24,
	IKE2_N_SINGLE_PAIR_REQUIRED = 34,
	IKE2_N_NO_ADDITIONAL_SAS = 35,
	IKE2_N_INTERNAL_ADDRESS_FAILURE = 36,
	IKE2_N_FAILED_CP_REQUIRED = 37,
	IKE2_N_TS_UNACCEPTABLE = 38,
	IKE2_N_INVALID_SELECTORS = 39,
	IKE2_N_TEMPORARY_FAILURE = 43,
	IKE2_N_CHILD_SA_NOT_FOUND = 44,
	IKE2_N_STATUS = 16384,		/* from here on: no errors */
	IKE2_N_INITIAL_CONTACT = 16384,
	IKE2_N_SET_WINDOW_SIZE = 16385,
	IKE2_N_ADDITIONAL_TS_POSSIBLE = 16386,
	IKE2_N_IPCOMP_SUPPORTED = 16387,
	IKE2_N_NAT_DETECTION_SOURCE_IP = 16388,
	IKE2_N_NAT_DETECTION_DESTINATION_IP = 16389,
	IKE2_N_COOKIE = 16390,
	IKE2_N_USE_TRANSPORT_MODE = 16391,
	IKE2_N_REKEY_SA = 16393,
	IKE2_N_ESP_TFC_PADDING_NOT_SUPPORTED = 16394,
	IKE2_N_NON_FIRST_FRAGMENTS_ALSO = 16395,
	IKE2_N_FRAGMENTATION_SUPPORTED = 16430,
	IKE2_N_SIGNATURE_HASH_ALGORITHMS = 16431,
	IKE2_N_NULL_AUTH = 40960,	/* libreswan's own: method 13's value
					 * beside a signature */
};

struct ike2_notify {
	uint8_t	       protocol;	/* 0 where there is no SPI (§3.10) */
	uint8_t	       spi_len;		/* 0 or 4 */
	uint32_t       spi;		/* host order */
	uint16_t       type;
	const uint8_t *data;		/* borrowed */
	size_t	       len;
};

/* A payload's body. 0, or -1: malformed. */
int	ike2_notify_read(struct ike2_notify *n, const struct ike2_part *p);
/* The first one of a type in a chain that is not malformed;
 * false: there is none. */
bool	ike2_notify_find(const struct ike2_chain *c, uint16_t type,
	    struct ike2_notify *n);
/* The first error in a chain, 0: there is none (§3.10.1: a
 * type below 16384). */
uint16_t ike2_notify_error(const struct ike2_chain *c);

/* A whole payload, about the SA that the message is of. */
void	ike2_notify_put(struct ike2_builder *b, uint16_t type, const void *data,
	    size_t len);
/* And about an ESP SA, of which the sender receives spi (REKEY_SA,
 * CHILD_SA_NOT_FOUND). */
void	ike2_notify_put_esp(struct ike2_builder *b, uint16_t type,
	    uint32_t spi);
/* "NO_PROPOSAL_CHOSEN"; of an unknown one its number, valid
 * until the next call. */
const char *ike2_notify_text(uint16_t type);

#define IKE2_DELETE_MAX	64		/* SPIs in one payload, both ways */

struct ike2_delete {
	uint8_t	 protocol;	/* IKE2_PROTO_IKE: the IKE SA itself, no SPIs */
	unsigned n;
	uint32_t spi[IKE2_DELETE_MAX];	/* ESP and AH, host order: the
					 * sender's inbound */
};

/* A payload's body. 0, or -1: malformed, or more SPIs than the limit. */
int	ike2_delete_read(struct ike2_delete *d, const struct ike2_part *p);
void	ike2_delete_put(struct ike2_builder *b, const struct ike2_delete *d);

#endif
