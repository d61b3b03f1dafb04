/* rsip_examples.h - RSIP messages as the RFCs print them, beside their bytes */
#ifndef TESTS_RSIP_EXAMPLES_H
#define TESTS_RSIP_EXAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "proto/rsip.h"

/*
 * One message.  text is the parameter list in RFC 3103 Appendix C's notation:
 * "Ports (local) = 4-1234" is four from 1234, "4-0" four of any,
 * "2-1-9" a list, "none" the zero-length form of RFC 3104 §6.2; an
 * address 0 is "don't care".
 */
struct rsip_example {
	const char *section;	/* where the RFC has it; "all": every
				 * optional parameter */
	const char *name;
	const char *text;
	const char *hex;	/* what is on the wire; blanks
				 * between parameters */
};

extern const struct rsip_example rsip_examples[];
extern const size_t		 rsip_examples_count;

/* The bytes of a hex string with blanks; buf must be large enough.
 * Returns how many. */
size_t	hex_bytes(const char *hex, uint8_t *buf, size_t cap);
/* Fills m from name and text; the test fails if they cannot be read. */
void	rsip_example_message(const struct rsip_example *e,
	    struct rsip_message *m);

/* Decodes from a copy on the heap of exactly len bytes, so that a read past the
 * end is seen by AddressSanitizer. */
enum rsip_error decode_exact(struct rsip_message *m, const uint8_t *buf,
	    size_t len);
/* Do two messages say the same, in every member? */
bool	rsip_message_equal(const struct rsip_message *a,
	    const struct rsip_message *b);

#endif
