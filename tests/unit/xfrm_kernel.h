/* xfrm_kernel.h - a kernel of netlink messages: what XFRM was told, and what it answers */
#ifndef TESTS_UNIT_XFRM_KERNEL_H
#define TESTS_UNIT_XFRM_KERNEL_H

#include <linux/xfrm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

#define KERNEL_ROOM	8192	/* of a message, of an answer */
#define KERNEL_SENT	32

/* Zeroed before each test. */
extern struct kernel {
	_Alignas(8) uint8_t sent[KERNEL_SENT][KERNEL_ROOM];
	unsigned nsent;
	bool	 no_socket;	/* none for XFRM */
	uint16_t refuse;	/* the type that is answered
				 * with an error; 0: none */
	int	 refuse_errno;	/* 0: EPERM */
	unsigned refuse_from;	/* after so many of it that are not */
	/* Answers to GETSA and GETPOLICY. */
	_Alignas(8) uint8_t answer[2][KERNEL_ROOM];
	size_t	 answer_len[2];
} kernel;

/* What message i carries behind its header; its type and flags are these. */
const uint8_t *payload_of(unsigned i, uint16_t type, uint16_t flags);
/* The attribute's bytes in message i, which begin at offset;
 * NULL: it has none. */
const uint8_t *attribute_of(unsigned i, size_t offset, uint16_t type,
	    size_t *len);
/* An address as text: as we have it, and as the kernel has it. */
struct addr address(const char *text);
xfrm_address_t bytes_of(const char *text);

#endif
