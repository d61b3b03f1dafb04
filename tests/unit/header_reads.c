/* header_reads.c - counts how often the program reads an IP header: the linker leads its calls here (--wrap) */
#include "config.h"

#include "net/ip.h"
#include "tests/unit/header_reads.h"

unsigned header_reads;
bool	 header_reads_peer;

#define COUNTED(name)							\
	bool __real_##name(struct packet_view *, const uint8_t *, size_t); \
	bool __wrap_##name(struct packet_view *, const uint8_t *, size_t); \
	bool								\
	__wrap_##name(struct packet_view *v, const uint8_t *buf, size_t len) \
	{								\
		header_reads += !header_reads_peer;			\
		return __real_##name(v, buf, len);			\
	}

COUNTED(packet_parse)
COUNTED(packet_parse_ipv4)
COUNTED(packet_parse_quoted)
