/* header_reads.h - counts how often the program reads an IP header; linked with HEADER_READS_WRAP */
#ifndef TESTS_UNIT_HEADER_READS_H
#define TESTS_UNIT_HEADER_READS_H

#include <stdbool.h>

/* packet_parse*() calls of all but who says that it plays the peer. */
extern unsigned header_reads;
extern bool	header_reads_peer;

#endif
