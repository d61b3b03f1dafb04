/* report_rows.h - how a table of fields is written (base/report.h): a row a field */
#ifndef BASE_REPORT_ROWS_H
#define BASE_REPORT_ROWS_H

#include "base/report.h"

/*
 * ROW is #defined as the struct that the fields of a table are of.  k: the key;
 * m: the member; last the help text, and what else a field has:
 *
 *	GAUGE("half_open", half_open, "unfinished ones", .flags = REPORT_WIDE),
 *
 * FIELD() takes type and unit, without their REPORT_; the others are short for
 * it.
 */
#define FIELD(k, t, u, m, ...)						\
	{ .key = (k), .type = REPORT_##t, .unit = REPORT_##u,		\
	    .offset = offsetof(ROW, m), .size = sizeof(((ROW *)0)->m),	\
	    HELP(__VA_ARGS__) }
#define COUNTER(k, m, ...)	FIELD(k, COUNTER, PLAIN, m, __VA_ARGS__)
#define GAUGE(k, m, ...)	FIELD(k, GAUGE, PLAIN, m, __VA_ARGS__)
#define SECONDS(k, m, ...)	FIELD(k, GAUGE, SECONDS, m, __VA_ARGS__)
#define BYTES(k, m, ...)	FIELD(k, GAUGE, BYTES, m, __VA_ARGS__)
#define NUMBER(k, m, ...)	FIELD(k, NUMBER, PLAIN, m, __VA_ARGS__)
#define FLAG(k, m, ...)		FIELD(k, FLAG, PLAIN, m, __VA_ARGS__)
#define TEXT(k, m, ...)		FIELD(k, TEXT, PLAIN, m, __VA_ARGS__)
#define CHARS(k, m, ...)	FIELD(k, CHARS, PLAIN, m, __VA_ARGS__)
#define LIST(k, m, ...)		FIELD(k, LIST, PLAIN, m, __VA_ARGS__)

/* Packets, told apart by a label of one metric: those that passed by a way,
 * their bytes, those dropped for a reason. */
#define PASSED(k, m, name, way)						\
	COUNTER(k, m, "packets that passed, by the way they took",	\
	    .metric = (name), .labels = "path=" way)
#define PASSED_BYTES(k, m, name, way)					\
	FIELD(k, COUNTER, BYTES, m,					\
	    "bytes of packets that passed, without their tunnel",	\
	    .metric = (name), .labels = "path=" way)
#define DROPPED(k, m, name, why)					\
	COUNTER(k, m, "packets that were dropped, by reason",		\
	    .metric = (name), .labels = "reason=" why)

/* What the gateway and its host both say of a binding. */
#define BINDING_ROWS							\
	NUMBER("bind_id", bind_id, "the binding"),			\
	CHARS("address", address, "leased address"),			\
	LIST("ports", ports, "leased ports, as ranges"),		\
	LIST("spis", spis, "leased SPIs"),				\
	TEXT("method", method, "what was asked for"),			\
	TEXT("tunnel", tunnel,						\
	    "what carries packets between host and gateway"),		\
	CHARS("remote", remote, "whom flow policy binds it to")

#endif
