/* test_dnssd.c - what DNS may say of gateways, and what it may not make us do */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rsipc/dnssd.h"
#include "tests/unit/dns_message.h"

#define DOMAIN	"home.lab"
#define NAME	DNSSD_SERVICE "." DOMAIN

static struct dns_message msg;

static size_t
name_data(uint8_t *out, const char *name)
{
	size_t n = 0, k;

	for (; *name != '\0'; name += k + (name[k] == '.')) {
		k = strcspn(name, ".");
		out[n++] = (uint8_t)k;
		memcpy(out + n, name, k);
		n += k;
	}
	out[n++] = 0;
	return n;
}

static void
add_ptr(const char *owner, const char *target)
{
	uint8_t data[RR_NAME_MAX + 2];

	dns_message_answer(&msg, owner, RR_TYPE_PTR, 60, data,
	    name_data(data, target));
}

static void
add_srv(const char *owner, uint16_t priority, uint16_t weight, uint16_t port,
    const char *target)
{
	uint8_t data[RR_NAME_MAX + 8];

	store_u16(data, priority);
	store_u16(data + 2, weight);
	store_u16(data + 4, port);
	dns_message_answer(&msg, owner, RR_TYPE_SRV, 60, data,
	    6 + name_data(data + 6, target));
}

static void
add_a(const char *owner, const char *text)
{
	uint32_t addr = inet_addr(text);

	dns_message_answer(&msg, owner, RR_TYPE_A, 60, &addr, sizeof(addr));
}

static void
begin(struct dnssd *d)
{
	static char domain[DNSSD_DOMAINS_MAX][RR_NAME_MAX] = { DOMAIN };

	dnssd_begin(d, domain, 1);
}

/* The next question must be this one; its answer is begun. */
static void
asked(struct dnssd *d, const char *name, uint16_t type)
{
	const struct dnssd_ask *a = dnssd_next(d);

	assert_non_null(a);
	assert_string_equal(a->name, name);
	assert_int_equal(a->type, type);
	dns_message_init(&msg, name, type, 0);
}

static void
answered(struct dnssd *d)
{
	assert_int_equal(dnssd_answer(d, msg.buf, msg.w.len), RECORD_NONE);
	dnssd_step(d);
}

static uint32_t
lowest(uint32_t bound)
{
	assert_true(bound > 0);
	return 0;
}

static uint32_t
highest(uint32_t bound)
{
	return bound - 1;
}

static void
services_lead_to_addresses(void **state)
{
	struct dnssd d;

	(void)state;
	begin(&d);
	asked(&d, NAME, RR_TYPE_SRV);
	add_srv(NULL, 10, 0, 4555, "b.home.lab");
	add_srv(NULL, 1, 0, 4777, "A.home.lab");
	answered(&d);
	asked(&d, NAME, RR_TYPE_PTR);
	add_ptr(NULL, "the house._rsip._tcp.home.lab");
	answered(&d);
	asked(&d, "b.home.lab", RR_TYPE_A);
	add_a(NULL, "10.0.0.2");
	answered(&d);
	asked(&d, "a.home.lab", RR_TYPE_A);
	dns_message_cname(&msg, "a.home.lab", 60, "c.home.lab");
	add_a("c.home.lab", "10.0.0.3");
	answered(&d);
	asked(&d, "the house._rsip._tcp.home.lab", RR_TYPE_SRV);
	add_srv(NULL, 5, 0, 4999, "b.home.lab");
	answered(&d);
	asked(&d, "b.home.lab", RR_TYPE_A);
	add_a(NULL, "10.0.0.2");
	answered(&d);
	assert_null(dnssd_next(&d));
	dnssd_order(&d, lowest);
	assert_int_equal(d.nfound, 3);
	assert_string_equal(ADDR_TEXT(&d.found[0].addr), "10.0.0.3");
	assert_int_equal(d.found[0].port, 4777);
	assert_int_equal(d.found[1].port, 4999);
	assert_int_equal(d.found[2].port, 4555);
}

/* RFC 2782. */
static void
weights_decide(void **state)
{
	struct dnssd d = { .nfound = 3, .found = {
	    { .port = 1, .priority = 7, .weight = 0 },
	    { .port = 2, .priority = 7, .weight = 60000 },
	    { .port = 3, .priority = 2, .weight = 0 } } };
	struct dnssd e = d;

	(void)state;
	dnssd_order(&d, lowest);
	assert_int_equal(d.found[0].port, 3);
	assert_int_equal(d.found[1].port, 2);
	assert_int_equal(d.found[2].port, 1);
	/* A server of weight 0 has a small chance beside others. */
	dnssd_order(&e, highest);
	assert_int_equal(e.found[0].port, 3);
	assert_int_equal(e.found[1].port, 1);
	assert_int_equal(e.found[2].port, 2);
}

static void
what_leads_nowhere(void **state)
{
	static const uint8_t empty[] = { 0, 1, 0, 1, 17, 203, 0 };
	struct dnssd	     d;
	unsigned	     i;
	char		     name[32];

	(void)state;
	begin(&d);
	asked(&d, NAME, RR_TYPE_SRV);
	/* "." is "no such service"; another's records, other types. */
	dns_message_answer(&msg, NULL, RR_TYPE_SRV, 60, empty, sizeof(empty));
	dns_message_answer(&msg, NULL, RR_TYPE_SRV, 60, empty, 3);
	add_srv("x.home.lab", 0, 0, 1, "x.home.lab");
	add_srv(NULL, 0, 0, 0, "x.home.lab");
	add_a(NULL, "10.0.0.9");
	answered(&d);
	asked(&d, NAME, RR_TYPE_PTR);
	add_ptr(NULL, NAME);		/* asked already */
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "i%u.home.lab", i);
		add_ptr(NULL, name);
	}
	answered(&d);
	assert_int_equal(d.n, DNSSD_ASKS_MAX);
	for (i = 0; dnssd_next(&d) != NULL; i++) {
		dns_message_init(&msg, dnssd_next(&d)->name, RR_TYPE_SRV, 0);
		add_srv(NULL, 0, 0, 1, "more.home.lab");
		answered(&d);
	}
	assert_int_equal(d.n, DNSSD_ASKS_MAX);
	assert_int_equal(d.nfound, 0);

	begin(&d);
	asked(&d, NAME, RR_TYPE_SRV);
	add_srv(NULL, 0, 0, 4555, "a.home.lab");
	answered(&d);
	dnssd_step(&d);
	asked(&d, "a.home.lab", RR_TYPE_A);
	add_a(NULL, "127.0.0.1");
	add_a(NULL, "224.0.0.1");
	add_a(NULL, "0.0.0.0");
	dns_message_answer(&msg, NULL, RR_TYPE_A, 60, empty, 3);
	for (i = 1; i < 60; i++) {
		snprintf(name, sizeof(name), "10.0.1.%u", i % 30 + 1);
		add_a(NULL, name);
	}
	answered(&d);
	assert_int_equal(d.nfound, DNSSD_FOUND_MAX);
	assert_int_equal(dnssd_answer(&d, msg.buf, msg.w.len), RECORD_FAILED);
}

/* Every truncation, every change of one byte: no crash, and no more
 * than there may be. */
static void
damage(void **state)
{
	struct dnssd d, start;
	uint8_t	     copy[DNS_MESSAGE_MAX];
	size_t	     i, len;
	unsigned     bit;

	(void)state;
	begin(&start);
	asked(&start, NAME, RR_TYPE_SRV);
	add_srv(NULL, 1, 2, 4555, "gw.home.lab");
	dns_message_cname(&msg, NAME, 60, "other.home.lab");
	add_srv("other.home.lab", 1, 2, 4555, "gw2.home.lab");
	len = msg.w.len;
	for (i = 0; i < len; i++) {
		d = start;
		assert_int_equal(dnssd_answer(&d, msg.buf, i), RECORD_FAILED);
		assert_int_equal(d.n, 2);
		for (bit = 0; bit < 256; bit++) {
			memcpy(copy, msg.buf, len);
			copy[i] = (uint8_t)bit;
			d = start;
			(void)dnssd_answer(&d, copy, len);
			assert_true(d.n <= 4 && d.nfound == 0);
		}
	}
	d = start;
	assert_int_equal(dnssd_answer(&d, msg.buf, len), RECORD_NONE);
	assert_int_equal(d.n, 4);
}

static void
search_lines(void **state)
{
	char   domain[DNSSD_DOMAINS_MAX][RR_NAME_MAX], line[400];
	size_t n = 9;

	(void)state;
	assert_false(dnssd_domains("nameserver 10.0.0.1\n", domain, &n));
	assert_false(dnssd_domains("searching a\n", domain, &n));
	assert_int_equal(n, 9);
	assert_true(dnssd_domains("search a.example\tB. \n", domain, &n));
	assert_int_equal(n, 2);
	assert_string_equal(domain[0], "a.example");
	assert_string_equal(domain[1], "B");
	assert_true(dnssd_domains("domain .\n", domain, &n));
	assert_int_equal(n, 0);
	assert_true(dnssd_domains("search 1 2 3 4 5 6 7 8", domain, &n));
	assert_int_equal(n, DNSSD_DOMAINS_MAX);
	assert_true(dnssd_domains("search a/b c\\d x", domain, &n));
	assert_int_equal(n, 1);
	memset(line, 'x', sizeof(line));
	memcpy(line, "search ", 7);
	line[sizeof(line) - 1] = '\0';
	assert_true(dnssd_domains(line, domain, &n));
	assert_int_equal(n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_lead_to_addresses),
		cmocka_unit_test(weights_decide),
		cmocka_unit_test(what_leads_nowhere),
		cmocka_unit_test(damage),
		cmocka_unit_test(search_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
