/* codec_pipe.c - proto/'s codec on a pipe, so that a second implementation can disagree with it */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "proto/rsip.h"

/*
 * Reads frames of two bytes length and a message; answers each with two bytes
 * of error (0: it was read) and, framed alike, the message written again.
 */
int
main(void)
{
	static uint8_t	    in[RSIP_MESSAGE_MAX], out[RSIP_MESSAGE_MAX];
	struct rsip_message m = { 0 };
	enum rsip_error	    error;
	uint8_t		    head[4];
	size_t		    len;
	int		    n;

	while (fread(head, 2, 1, stdin) == 1) {
		len = load_u16(head);
		if (len != 0 && fread(in, len, 1, stdin) != 1)
			return 1;
		n = 0;
		error = rsip_decode(&m, in, len);
		if (error == RSIP_OK &&
		    (n = rsip_encode(&m, out, sizeof(out))) == -1) {
			fprintf(stderr, "%s does not encode again\n",
			    rsip_type_name(m.type));
			return 1;
		}
		rsip_message_clear(&m);
		store_u16(head, (uint16_t)error);
		store_u16(head + 2, (uint16_t)n);
		if (fwrite(head, 4, 1, stdout) != 1 ||
		    (n > 0 && fwrite(out, (size_t)n, 1, stdout) != 1) ||
		    fflush(stdout) != 0)
			return 1;
	}
	return 0;
}
