/* offload_unpack.c - the kernel's part of eBPF as the program carries it: packed, a third of its size */
#include "config.h"

#include <stdlib.h>
#include <zlib.h>

#include "nat/offload_unpack.h"
#include "nat/offload_packed.h"

#define GZIP_WINDOW	(16 + MAX_WBITS)	/* with gzip's header */

/* What gzip notes at the end: the length, low byte first (RFC 1952 §2.3.1). */
static size_t
length(void)
{
	const unsigned char *end = offload_packed + sizeof(offload_packed);

	return (size_t)end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 |
	    (size_t)end[-1] << 24;
}

void *
offload_unpack(size_t *len)
{
	z_stream z = { .next_in = (z_const Bytef *)offload_packed,
		.avail_in = sizeof(offload_packed) };
	void	*out = malloc(length());
	int	 rc;

	if (out == NULL || inflateInit2(&z, GZIP_WINDOW) != Z_OK) {
		free(out);
		return NULL;
	}
	z.next_out = out;
	z.avail_out = (uInt)length();
	rc = inflate(&z, Z_FINISH);
	(void)inflateEnd(&z);
	if (rc != Z_STREAM_END || z.avail_out != 0) {
		free(out);
		return NULL;
	}
	*len = length();
	return out;
}
