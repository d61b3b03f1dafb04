/* fuzz_gso.c - packets that strangers sent are joined for the TUN: the host gets each, in order, unchanged */
#include "config.h"

#include <string.h>

#include "base/cursor.h"
#include "net/gso.h"
#include "tests/fuzz/fuzz.h"

#define PACKETS_MAX	64

static struct {
	const uint8_t *bytes;
	size_t	       len;
} in[PACKETS_MAX];
static unsigned nin, nout;

static void
check_packet(void *arg, const struct packet_view *v)
{
	const uint8_t *was = in[nout].bytes;
	size_t	       i;

	(void)arg;
	FUZZ_CHECK(nout < nin && v->len == in[nout].len);
	for (i = 0; i < v->len; i++) {
		/* IPv4's identification and the sum that covers it may
		 * change. */
		if (v->src.family == AF_INET &&
		    (i == 4 || i == 5 || i == 10 || i == 11))
			continue;
		FUZZ_CHECK(v->data[i] == was[i]);
	}
	nout++;
}

static void
check_frame(void *arg, const uint8_t *frame, size_t len)
{
	static uint8_t copy[GSO_BUFFER_LEN];

	FUZZ_CHECK(len > GSO_HEADER_LEN && len <= sizeof(copy));
	memcpy(copy, frame, len);
	FUZZ_CHECK(gso_split(copy, len, check_packet, arg) > 0);
}

static void
ignore(void *arg, const struct packet_view *v)
{
	size_t *sum = arg, i;

	/* Reads the whole, for AddressSanitizer. */
	for (i = 0; i < v->len; i++)
		*sum += v->data[i];
}

/* A sequence of packets, each after its length in two bytes (what is none is
 * left out); then the same bytes as a frame from a TUN. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gso_join *j = gso_join_new(check_frame, NULL);
	struct packet_view v;
	struct cursor	 c;
	size_t		 len, sum = 0;
	uint8_t		*copy;

	nin = nout = 0;
	cursor_init(&c, data, size);
	while (cursor_left(&c) > 2 && nin < PACKETS_MAX) {
		len = cursor_u16(&c);
		if (len > cursor_left(&c))
			len = cursor_left(&c);
		if (!packet_parse(&v, cursor_take(&c, len), len))
			continue;
		in[nin].len = v.len;
		in[nin].bytes = v.data;
		nin++;
		gso_join_add(j, &v);
	}
	gso_join_flush(j);
	FUZZ_CHECK(nin == nout);
	gso_join_free(j);
	if (size > 0 && size <= GSO_BUFFER_LEN) {
		copy = malloc(size);
		FUZZ_CHECK(copy != NULL);
		memcpy(copy, data, size);
		gso_split(copy, size, ignore, &sum);
		free(copy);
	}
	return 0;
}
