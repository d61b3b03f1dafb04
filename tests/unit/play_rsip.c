/* play_rsip.c - RSIP messages as the words of scenario files, read and written */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/play_rsip.h"

unsigned
play_rsip_type(struct play *p, const char *name)
{
	unsigned i;

	for (i = 1; i < 256; i++) {
		if (strcmp(rsip_type_name(i), name) == 0)
			return i;
	}
	play_fail(p, "%s is no message", name);
	return 0;
}

unsigned
play_rsip_error(struct play *p, const char *name)
{
	unsigned i;

	for (i = 1; i < 512; i++) {
		if (strcmp(rsip_error_name(i), name) == 0)
			return i;
	}
	play_fail(p, "%s is no error", name);
	return 0;
}

/* --- read ----------------------------------------------------------------- */

static bool
fill_number(const struct play *p, const char *name, struct rsip_message *m,
    uint32_t bit, uint32_t *out)
{
	const char *text = play_option(p, name);

	if (text == NULL)
		return false;
	if (strcmp(text, "none") == 0) {
		m->has &= ~bit;
		return false;
	}
	m->has |= bit;
	*out = (uint32_t)strtoul(text, NULL, 0);
	return true;
}

static void
address_of(struct play *p, const char *text, struct rsip_address *a)
{
	struct addr addr = { 0 };

	if (isdigit((unsigned char)*text))
		addr = addr_from_v4(play_address(p, text));
	rsip_address_set(a, &addr);
	if (a->any && strcmp(text, "any") != 0) {
		a->any = false;
		a->type = RSIP_ADDR_FQDN;
		snprintf(a->fqdn, sizeof(a->fqdn), "%s", text);
	}
}

static void
fill_address(struct play *p, const char *name, struct rsip_message *m,
    uint32_t bit, struct rsip_address *a)
{
	const char *text = play_option(p, name);

	if (text == NULL)
		return;
	m->has |= bit;
	address_of(p, text, a);
}

/* "4", "4@20000", "2@20000,20007": the fields, and how many there are. */
static unsigned
fields_of(const char *text, uint32_t *out, unsigned max, unsigned long *number)
{
	char	*end;
	unsigned n = 0;

	*number = strtoul(text, &end, 0);
	while ((*end == '@' || *end == ',') && n < max)
		out[n++] = (uint32_t)strtoul(end + 1, &end, 0);
	return n;
}

static void
fill_ports(struct play *p, const char *name, struct rsip_message *m,
    uint32_t bit, struct rsip_ports *out)
{
	const char   *text = play_option(p, name);
	uint32_t      field[RSIP_PORTS_MAX];
	unsigned long number;
	unsigned      i, n;

	if (text == NULL)
		return;
	m->has |= bit;
	memset(out, 0, sizeof(*out));
	if ((out->none = strcmp(text, "none") == 0))
		return;
	n = fields_of(text, field, RSIP_PORTS_MAX, &number);
	out->number = (uint8_t)number;
	out->nfields = (uint8_t)n;
	for (i = 0; i < n; i++)
		out->port[i] = (uint16_t)field[i];
}

static void
fill_spis(struct play *p, struct rsip_message *m)
{
	const char   *text = play_option(p, "spis");
	unsigned long number;

	if (text == NULL)
		return;
	m->has |= RSIP_HAS_SPIS;
	memset(&m->spis, 0, sizeof(m->spis));
	m->spis.nfields = (uint16_t)fields_of(text, m->spis.spi, RSIP_SPIS_MAX,
	    &number);
	m->spis.number = (uint16_t)number;
}

/* The word before the next comma, in a buffer of its own;
 * NULL: none is left. */
static const char *
next_name(const char **text)
{
	static char name[32];
	size_t	    n = strcspn(*text, ",");

	if (n == 0)
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)n, *text);
	*text += n + ((*text)[n] == ',');
	return name;
}

static uint8_t
number_of(struct play *p, const char *name, const char *(*of)(unsigned),
    unsigned max)
{
	unsigned i;

	for (i = 1; i <= max; i++) {
		if (strcmp(of(i), name) == 0)
			return (uint8_t)i;
	}
	play_fail(p, "there is no %s", name);
	return 0;
}

static void
fill_names(struct play *p, struct rsip_message *m)
{
	const char *text, *name;

	if ((text = play_option(p, "methods")) != NULL) {
		m->has |= RSIP_HAS_METHOD;
		for (m->nmethods = 0; m->nmethods < RSIP_METHODS_MAX &&
		    (name = next_name(&text)) != NULL; )
			m->method[m->nmethods++] = number_of(p, name,
			    rsip_method_name, RSIP_METHOD_RSIPSEC);
		if (m->nmethods == 0)
			m->has &= ~RSIP_HAS_METHOD;
	}
	if ((text = play_option(p, "tunnels")) != NULL) {
		m->has |= RSIP_HAS_TUNNEL;
		for (m->ntunnels = 0; m->ntunnels < RSIP_TUNNELS_MAX &&
		    (name = next_name(&text)) != NULL; )
			m->tunnel[m->ntunnels++] = number_of(p, name,
			    rsip_tunnel_name, RSIP_TUNNEL_L2TP);
		if (m->ntunnels == 0)
			m->has &= ~RSIP_HAS_TUNNEL;
	}
}

static void
fill_policy(struct play *p, struct rsip_message *m)
{
	const char *text = play_option(p, "policy"), *comma;

	if (text == NULL)
		return;
	m->has |= RSIP_HAS_POLICY;
	m->local_policy = strncmp(text, "micro", 5) == 0 ? RSIP_LOCAL_MICRO :
	    RSIP_LOCAL_MACRO;
	comma = strchr(text, ',');
	m->remote_policy = comma == NULL || strcmp(comma, ",none") == 0 ?
	    RSIP_REMOTE_NONE : strcmp(comma, ",micro") == 0 ?
	    RSIP_REMOTE_MICRO : RSIP_REMOTE_MACRO;
}

static void
fill_tuples(struct play *p, struct rsip_message *m)
{
	struct rsip_tuple *t;
	const char	  *text, *slash;
	char		   address[32];

	if ((text = play_option(p, "address")) != NULL &&
	    (t = rsip_message_add_tuple(m)) != NULL) {
		t->indicator = RSIP_LOCAL_ADDRESS;
		address_of(p, text, &t->address);
	}
	if ((text = play_option(p, "network")) != NULL &&
	    (slash = strchr(text, '/')) != NULL &&
	    (t = rsip_message_add_tuple(m)) != NULL) {
		t->indicator = RSIP_LOCAL_NETWORK;
		snprintf(address, sizeof(address), "%.*s",
		    (int)(slash - text), text);
		address_of(p, address, &t->address);
		address_of(p, slash + 1, &t->netmask);
		t->netmask.type = RSIP_ADDR_NETMASK4;
	}
}

void
play_rsip_fill(struct play *p, struct rsip_message *m)
{
	const char *text;
	uint32_t    n;

	fill_number(p, "counter", m, RSIP_HAS_COUNTER, &m->counter);
	fill_number(p, "client", m, RSIP_HAS_CLIENT_ID, &m->client_id);
	fill_number(p, "bind", m, RSIP_HAS_BIND_ID, &m->bind_id);
	fill_number(p, "lease", m, RSIP_HAS_LEASE, &m->lease);
	if (fill_number(p, "cookies", m, RSIP_HAS_COOKIES, &n))
		m->cookies_number = (uint16_t)n;
	if ((text = play_option(p, "error")) != NULL) {
		m->has |= RSIP_HAS_ERROR;
		m->error = (uint16_t)play_rsip_error(p, text);
	}
	if ((text = play_option(p, "fqdn")) != NULL) {
		m->has |= RSIP_HAS_FQDN;
		snprintf(m->fqdn, sizeof(m->fqdn), "%s", text);
	}
	fill_policy(p, m);
	fill_names(p, m);
	fill_address(p, "local", m, RSIP_HAS_LOCAL, &m->local);
	fill_address(p, "remote", m, RSIP_HAS_REMOTE, &m->remote);
	fill_address(p, "endpoint", m, RSIP_HAS_ENDPOINT, &m->endpoint);
	fill_ports(p, "ports", m, RSIP_HAS_LOCAL_PORTS, &m->local_ports);
	fill_ports(p, "rports", m, RSIP_HAS_REMOTE_PORTS, &m->remote_ports);
	fill_spis(p, m);
	fill_tuples(p, m);
}

/* --- written -------------------------------------------------------------- */

struct text {
	char   at[PLAY_EVENT_MAX];
	size_t n;
};

static void __attribute__((format(printf, 2, 3)))
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int	n;

	va_start(ap, fmt);
	n = vsnprintf(t->at + t->n, sizeof(t->at) - t->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->n += (size_t)n;
	if (t->n >= sizeof(t->at))
		t->n = sizeof(t->at) - 1;
}

static void
add_address(struct text *t, const char *name, const struct rsip_address *a)
{
	add(t, " %s=%s", name, a->any ? "any" : a->type == RSIP_ADDR_FQDN ?
	    a->fqdn : ADDR_TEXT(&a->addr));
}

static void
add_ports(struct text *t, const char *name, const struct rsip_ports *ports)
{
	unsigned i;

	if (ports->none) {
		add(t, " %s=none", name);
		return;
	}
	add(t, " %s=%u", name, ports->number);
	for (i = 0; i < ports->nfields; i++)
		add(t, "%c%u", i == 0 ? '@' : ',', ports->port[i]);
}

static void
add_lists(struct text *t, const struct rsip_message *m)
{
	unsigned i;

	for (i = 0; (m->has & RSIP_HAS_METHOD) && i < m->nmethods; i++)
		add(t, "%s%s", i == 0 ? " methods=" : ",",
		    rsip_method_name(m->method[i]));
	for (i = 0; (m->has & RSIP_HAS_TUNNEL) && i < m->ntunnels; i++)
		add(t, "%s%s", i == 0 ? " tunnels=" : ",",
		    rsip_tunnel_name(m->tunnel[i]));
	for (i = 0; (m->has & RSIP_HAS_TUPLES) && i < m->ntuples; i++) {
		add_address(t, m->tuple[i].indicator == RSIP_LOCAL_ADDRESS ?
		    "address" : m->tuple[i].indicator == RSIP_LOCAL_NETWORK ?
		    "network" : "far", &m->tuple[i].address);
		if (m->tuple[i].indicator == RSIP_LOCAL_NETWORK ||
		    m->tuple[i].indicator == RSIP_REMOTE_NETWORK)
			add_address(t, "mask", &m->tuple[i].netmask);
	}
}

void
play_rsip_event(struct play *p, const char *what, const struct rsip_message *m)
{
	static const char *const local[] = { "?", "macro", "micro" };
	static const char *const remote[] = { "?", "macro", "micro", "none" };
	struct text t = { .n = 0 };
	unsigned    i;

	add(&t, "%s %s", what, rsip_type_name(m->type));
	if (m->has & RSIP_HAS_COUNTER)
		add(&t, " counter=%" PRIu32, m->counter);
	if (m->has & RSIP_HAS_CLIENT_ID)
		add(&t, " client=%" PRIu32, m->client_id);
	if (m->has & RSIP_HAS_BIND_ID)
		add(&t, " bind=%" PRIu32, m->bind_id);
	if (m->has & RSIP_HAS_ERROR)
		add(&t, " error=%s", rsip_error_name(m->error));
	if (m->has & RSIP_HAS_LEASE)
		add(&t, " lease=%" PRIu32, m->lease);
	if (m->has & RSIP_HAS_POLICY)
		add(&t, " policy=%s,%s", local[m->local_policy < 3 ?
		    m->local_policy : 0], remote[m->remote_policy < 4 ?
		    m->remote_policy : 0]);
	add_lists(&t, m);
	if (m->has & RSIP_HAS_LOCAL)
		add_address(&t, "local", &m->local);
	if (m->has & RSIP_HAS_LOCAL_PORTS)
		add_ports(&t, "ports", &m->local_ports);
	if (m->has & RSIP_HAS_REMOTE)
		add_address(&t, "remote", &m->remote);
	if (m->has & RSIP_HAS_REMOTE_PORTS)
		add_ports(&t, "rports", &m->remote_ports);
	if (m->has & RSIP_HAS_ENDPOINT)
		add_address(&t, "endpoint", &m->endpoint);
	if (m->has & RSIP_HAS_SPIS) {
		add(&t, " spis=%u", m->spis.number);
		for (i = 0; i < m->spis.nfields; i++)
			add(&t, "%c0x%" PRIx32, i == 0 ? '@' : ',',
			    m->spis.spi[i]);
	}
	if (m->has & RSIP_HAS_COOKIES)
		add(&t, " cookies=%u", m->cookies_number);
	if (m->has & RSIP_HAS_FQDN)
		add(&t, " fqdn=%s", m->fqdn);
	play_event(p, "%s", t.at);
}
