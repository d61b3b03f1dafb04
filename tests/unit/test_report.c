/* test_report.c - reports of typed tables: values, schema, rows, and as OpenMetrics text */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The tables here have their sentences in any build. */
#undef HAVE_HELP
#define HAVE_HELP 1

#include "base/histogram.h"
#include "base/metrics.h"
#include "base/report_rows.h"

struct things {
	uint8_t		 small;
	uint16_t	 port;
	uint32_t	 id;
	uint64_t	 packets, micro;
	bool		 on;
	const char	*name;
	char		 text[8];
	json_object	*list;
	struct histogram latency;
};

#define ROW struct things
static const struct report_field fields[] = {
	GAUGE("small", small, "help of small"),
	NUMBER("port", port, "help of port"),
	NUMBER("id", id, "help of id", .flags = REPORT_PRIVATE),
	COUNTER("packets_in", packets, "help of packets_in",
	    .metric = "packets", .labels = "path=nfqueue direction=in"),
	FIELD("work_seconds", COUNTER, MICROSECONDS, micro,
	    "help of work_seconds"),
	FLAG("on", on, "help of on"),
	TEXT("name", name, "help of name"),
	CHARS("text", text, "help of text", .flags = REPORT_MAYBE),
	LIST("list", list, "help of list"),
	FIELD("latency", HISTOGRAM, SECONDS, latency, "help of latency"),
	{ 0 }
}, one_field[] = {
	{ .key = "errors", .type = REPORT_COUNTER, .size = sizeof(uint64_t),
	    .help = "errors", .metric = "errors" },
	{ 0 }
};
static const struct report_table by_error = { "errors", "", one_field,
    "error" };

static json_object *
list(void)
{
	json_object *a = json_object_new_array();

	json_object_array_add(a, json_object_new_string("1-2"));
	return a;
}

static struct things
some(void)
{
	struct things t = { .small = 200, .port = 65535, .id = 7,
		.packets = UINT64_C(1) << 40, .micro = 1500001, .on = true,
		.name = "n", .list = list() };

	histogram_add(&t.latency, 1);
	histogram_add(&t.latency, 7);
	histogram_add(&t.latency, 40000);
	return t;
}

static json_object *
made(enum report_form form, bool privileged)
{
	struct report *r = report_new(form, privileged);
	struct things  t = some();
	uint64_t       n = 3;

	report_enter(r, "outer", "engine=own");
	report_write(r, "things", "things", fields, &t);
	report_leave(r);
	report_write_labelled(r, &by_error, "BAD", &n);
	return report_end(r);
}

static void
is_text(json_object *o, const char *want)
{
	assert_string_equal(json_object_to_json_string_ext(o,
	    JSON_C_TO_STRING_PLAIN), want);
	json_object_put(o);
}

#define LATENCY "\"latency\":{\"count\":3,\"sum\":40.008,\"le\":{"	\
	"\"0.001\":1,\"0.002\":1,\"0.005\":1,\"0.010\":2,\"0.020\":2,"	\
	"\"0.050\":2,\"0.100\":2,\"0.200\":2,\"0.500\":2,\"1.000\":2,"	\
	"\"2.000\":2,\"5.000\":2,\"10.000\":2,\"30.000\":2,\"+Inf\":3}}"

static void
values_stand_under_their_keys(void **state)
{
	(void)state;
	is_text(made(REPORT_VALUES, true),
	    "{\"outer\":{\"things\":{\"small\":200,\"port\":65535,\"id\":7,"
	    "\"packets_in\":1099511627776,\"work_seconds\":1.500001,"
	    "\"on\":true,\"name\":\"n\",\"list\":[\"1-2\"]," LATENCY "}},"
	    "\"errors\":{\"BAD\":3}}");
	is_text(made(REPORT_VALUES, false),
	    "{\"outer\":{\"things\":{\"small\":200,\"port\":65535,"
	    "\"packets_in\":1099511627776,\"work_seconds\":1.500001,"
	    "\"on\":true,\"name\":\"n\",\"list\":[\"1-2\"]," LATENCY "}},"
	    "\"errors\":{\"BAD\":3}}");
}

static void
what_there_is_not_is_absent(void **state)
{
	static const struct report_field f[] = {
		COUNTER("packets", packets, "help of packets"),
		SECONDS("micro", micro, "", .flags = REPORT_MAYBE),
		FLAG("on", on, "", .flags = REPORT_MAYBE),
		CHARS("text", text, "", .flags = REPORT_MAYBE),
		TEXT("name", name, ""),
		LIST("list", list, ""),
		{ 0 }
	};
	struct things t = { .packets = REPORT_NONE };

	(void)state;
	is_text(report_row(f, &t, true), "{}");
	t.packets = UINT64_MAX - 1;
	is_text(report_row(f, &t, true), "{\"packets\":9223372036854775807}");
}

static void
rows_say_what_their_columns_are(void **state)
{
	static const struct report_field f[] = {
		NUMBER("id", id, "", .flags = REPORT_PRIVATE),
		FIELD("packets", COUNTER, BYTES, packets, "",
		    .flags = REPORT_WIDE),
		{ 0 }
	};
	struct things t = { .id = 1, .packets = 2 };
	json_object  *o = report_rows_new(f);

	(void)state;
	report_rows_add(o, f, &t, true);
	report_rows_add(o, f, &t, false);
	is_text(o, "{\"columns\":["
	    "{\"key\":\"id\",\"type\":\"number\",\"unit\":\"\",\"wide\":false},"
	    "{\"key\":\"packets\",\"type\":\"counter\",\"unit\":\"bytes\","
	    "\"wide\":true}],"
	    "\"rows\":[{\"id\":1,\"packets\":2},{\"packets\":2}]}");
}

static void
schema_names_every_field(void **state)
{
	json_object *o = made(REPORT_SCHEMA, true), *v, *f;

	(void)state;
	assert_true(json_object_object_get_ex(o, "outer", &v) &&
	    json_object_object_get_ex(v, "things", &v));
	assert_int_equal(json_object_object_length(v), 10);
	assert_true(json_object_object_get_ex(v, "packets_in", &f));
	assert_string_equal(json_object_to_json_string_ext(f,
	    JSON_C_TO_STRING_PLAIN), "{\"type\":\"counter\",\"unit\":\"\","
	    "\"help\":\"help of packets_in\",\"metric\":\"rsip_packets\","
	    "\"labels\":\"path=nfqueue direction=in\"}");
	assert_true(json_object_object_get_ex(v, "work_seconds", &f));
	assert_string_equal(json_object_to_json_string_ext(f,
	    JSON_C_TO_STRING_PLAIN), "{\"type\":\"counter\","
	    "\"unit\":\"seconds\",\"help\":\"help of work_seconds\","
	    "\"metric\":\"rsip_things_work_seconds\"}");
	assert_true(json_object_object_get_ex(o, "errors", &v) &&
	    json_object_object_get_ex(v, "<error>", &f));
	json_object_put(o);
}

static char *
printed(json_object *const *answers, size_t n)
{
	char  *text = NULL;
	size_t len;
	FILE  *f = open_memstream(&text, &len);

	assert_non_null(f);
	metrics_print(f, answers, n);
	fclose(f);
	return text;
}

static void
metrics_are_openmetrics(void **state)
{
	json_object *a[2] = { made(REPORT_METRICS, false),
		made(REPORT_METRICS, false) };
	const char  *want =
	    "# TYPE rsip_things_small gauge\n"
	    "# HELP rsip_things_small help of small\n"
	    "rsip_things_small{daemon=\"a\",engine=\"own\"} 200\n"
	    "rsip_things_small{daemon=\"b\\\"\\\\\\n?\",engine=\"own\"} 200\n"
	    "# TYPE rsip_packets counter\n"
	    "# HELP rsip_packets help of packets_in\n"
	    "rsip_packets_total{daemon=\"a\",engine=\"own\",path=\"nfqueue\","
	    "direction=\"in\"} 1099511627776\n";
	char	    *text;

	(void)state;
	json_object_object_add(a[0], "daemon", json_object_new_string("a"));
	json_object_object_add(a[1], "daemon",
	    json_object_new_string("b\"\\\n\x80"));
	text = printed(a, 2);
	assert_memory_equal(text, want, strlen(want));
	assert_non_null(strstr(text,
	    "# UNIT rsip_things_work_seconds seconds\n"));
	assert_non_null(strstr(text,
	    "rsip_things_work_seconds_total{daemon=\"a\","
	    "engine=\"own\"} 1.500001\n"));
	assert_non_null(strstr(text, "rsip_things_on{daemon=\"a\","
	    "engine=\"own\"} 1\n"));
	assert_non_null(strstr(text, "rsip_things_latency_seconds_bucket{"
	    "daemon=\"a\",engine=\"own\",le=\"+Inf\"} 3\n"
	    "rsip_things_latency_seconds_count{daemon=\"a\",engine=\"own\"} 3\n"
	    "rsip_things_latency_seconds_sum{daemon=\"a\",engine=\"own\"} "
	    "40.008\n"));
	assert_non_null(strstr(text, "rsip_errors_total{daemon=\"a\","
	    "error=\"BAD\"} 3\n"));
	assert_null(strstr(text, "name"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	free(text);
	json_object_put(a[0]);
	json_object_put(a[1]);
}

/* What answers at a socket may be anything: the document still is one. */
static void
strange_answers_are_left_out(void **state)
{
	static const char *const answers[] = {
		"{\"metrics\":5}", "{\"metrics\":{\"a b\":{\"type\":\"gauge\","
		"\"samples\":[]}}}", "[]", "null",
		"{\"metrics\":{\"x\":{\"type\":\"gauge\\n\",\"samples\":[]}}}",
		"{\"metrics\":{\"x\":{\"type\":\"gauge\",\"unit\":\"bytes\","
		"\"samples\":[]}}}", "{\"metrics\":{\"x\":null,\"y\":[]}}",
		"{\"metrics\":{\"x\":{\"type\":\"gauge\"}}}" };
	json_object *o, *all[2];
	char	    *text;
	size_t	     i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		o = json_tokener_parse(answers[i]);
		text = printed(&o, 1);
		assert_string_equal(text, "# EOF\n");
		free(text);
		json_object_put(o);
	}
	all[0] = json_tokener_parse("{\"daemon\":\"d\",\"metrics\":{\"x\":{"
	    "\"type\":\"gauge\",\"help\":\"a\\nb\",\"samples\":[5,null,"
	    "{\"value\":\"1\\n\"},{\"value\":null},{\"labels\":{\"a-b\":\"1\","
	    "\"c\":2,\"daemon\":\"x\"},\"value\":1}]},\"h\":{"
	    "\"type\":\"histogram\",\"samples\":[{\"value\":{}},{\"value\":{"
	    "\"le\":{\"1\\n\":1},\"count\":1,\"sum\":\"x\"}}]}}}");
	all[1] = json_tokener_parse("{\"metrics\":{\"x\":{\"type\":\"counter\","
	    "\"samples\":[{\"value\":1}]}}}");
	text = printed(all, 2);
	assert_string_equal(text, "# TYPE x gauge\n# HELP x a\\nb\n"
	    "x{daemon=\"d\"} 1\n# TYPE h histogram\n# HELP h \n# EOF\n");
	free(text);
	json_object_put(all[0]);
	json_object_put(all[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stand_under_their_keys),
		cmocka_unit_test(what_there_is_not_is_absent),
		cmocka_unit_test(rows_say_what_their_columns_are),
		cmocka_unit_test(schema_names_every_field),
		cmocka_unit_test(metrics_are_openmetrics),
		cmocka_unit_test(strange_answers_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
