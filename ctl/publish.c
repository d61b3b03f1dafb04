/* publish.c - "rsipctl publish": a key's records go into DNS by RFC 2136 with TSIG (RFC 8945), and are looked up */
#include "config.h"

#include "base/log.h"
#include "ctl/publish.h"

#ifndef HAVE_LDNS

int
publish_run(const struct publish_request *r, json_object *records)
{
	(void)r;
	(void)records;
	log_error("rsipctl was built without libldns, by which it publishes; "
	    "\"rsipctl dns-records\" prints the records");
	return 1;
}

#else

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/util.h"
#include "ctl/tsig.h"
#include "oe/record.h"

#define DNS_PORT	53
#define UPDATE_S	5	/* for the server's answer */
#define FUDGE		300	/* seconds that clocks may differ (RFC 8945) */
#define FIND_MS		10000	/* until a look-up is to find it */
#define FIND_AGAIN_US	500000
#define DATA_MAX	4608
#define PREFIX		"\"X-IPsec-Server"
/* RFC 8945 §3, §5.2 */
#define BADSIG		16
#define BADKEY		17
#define BADTIME		18

/* Where a name's records are changed. */
struct place {
	char	    zone[RR_NAME_MAX];
	char	    server[RR_NAME_MAX];	/* a name, or the address */
	struct addr addr;
};

struct publisher {
	const struct publish_request *request;
	struct names *names;
	struct tsig   tsig;
	struct place  place;		/* of the update under way */
};

/* --- records -------------------------------------------------------------- */

static const char *
member(json_object *record, const char *key)
{
	const char *s = json_member_text(record, key);

	return s != NULL ? s : "";
}

/* NULL after one log line. */
static ldns_rr *
record_rr(json_object *record, unsigned ttl)
{
	char	    text[DATA_MAX];
	ldns_rr	   *rr = NULL;
	ldns_status s;

	snprintf(text, sizeof(text), "%s %u IN %s %s", member(record, "name"),
	    ttl, member(record, "type"), member(record, "data"));
	s = ldns_rr_new_frm_str(&rr, text, ttl, NULL, NULL);
	if (s == LDNS_STATUS_OK)
		return rr;
	log_error("%s record of %s: %s", member(record, "type"),
	    member(record, "name"), ldns_get_errorstr_by_id(s));
	return NULL;
}

/* RFC 2136 §2.5.4: that one; of class ANY and without data, §2.5.2, all. */
static void
rr_delete(ldns_rr_list *updates, ldns_rr *rr)
{
	ldns_rr_set_ttl(rr, 0);
	ldns_rr_set_class(rr, LDNS_RR_CLASS_NONE);
	ldns_rr_list_push_rr(updates, rr);
}

static void
rrset_delete(ldns_rr_list *updates, const ldns_rr *like)
{
	ldns_rr *rr = ldns_rr_new();

	ldns_rr_set_owner(rr, ldns_rdf_clone(ldns_rr_owner(like)));
	ldns_rr_set_type(rr, ldns_rr_get_type(like));
	ldns_rr_set_ttl(rr, 0);
	ldns_rr_set_class(rr, LDNS_RR_CLASS_ANY);
	ldns_rr_list_push_rr(updates, rr);
}

/* Beside our TXT records there may be others' (SPF), which stay. */
static void
txt_delete(struct publisher *p, ldns_rr_list *updates, const ldns_rr *like)
{
	ldns_resolver *r = ldns_resolver_new();
	ldns_rdf      *server = ldns_rdf_new_frm_str(LDNS_RDF_TYPE_A,
	    ADDR_TEXT(&p->place.addr));
	ldns_pkt      *answer;
	ldns_rr	      *rr;
	char	      *text;
	size_t	       i;

	ldns_resolver_set_recursive(r, false);
	ldns_resolver_push_nameserver(r, server);
	answer = ldns_resolver_query(r, ldns_rr_owner(like), LDNS_RR_TYPE_TXT,
	    LDNS_RR_CLASS_IN, 0);
	for (i = 0; answer != NULL && i < ldns_pkt_ancount(answer); i++) {
		rr = ldns_rr_list_rr(ldns_pkt_answer(answer), i);
		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_TXT ||
		    ldns_rr_rd_count(rr) == 0)
			continue;
		text = ldns_rdf2str(ldns_rr_rdf(rr, 0));
		if (text != NULL && strncmp(text, PREFIX,
		    sizeof(PREFIX) - 1) == 0)
			rr_delete(updates, ldns_rr_clone(rr));
		free(text);
	}
	ldns_pkt_free(answer);
	ldns_rdf_deep_free(server);
	ldns_resolver_deep_free(r);
}

/* --- the update ----------------------------------------------------------- */

static int
update_error(const struct publisher *p, ldns_pkt_rcode rcode, int tsig_error)
{
	const char *server = p->place.server, *zone = p->place.zone;
	const char *key = p->tsig.name;

	switch (tsig_error) {
	case BADKEY:
		log_error("%s does not know the key \"%s\" (%s): its name and "
		    "algorithm have to be in the server's configuration",
		    server, key, p->tsig.algorithm);
		return -1;
	case BADSIG:
		log_error("%s has another secret for the key \"%s\": give both "
		    "the same file", server, key);
		return -1;
	case BADTIME:
		log_error("%s has another time: set the clock here, or there",
		    server);
		return -1;
	}
	switch (rcode) {
	case LDNS_RCODE_REFUSED:
		log_error("%s refuses to let the key \"%s\" change %s: allow "
		    "it there (BIND: update-policy { grant %s zonesub ANY; })",
		    server, key, zone, key);
		return -1;
	case LDNS_RCODE_NOTAUTH:
	case LDNS_RCODE_NOTZONE:
		log_error("%s does not serve the zone %s as its own: name its "
		    "primary with --server, or the zone with --zone", server,
		    zone);
		return -1;
	case LDNS_RCODE_NOTIMPL:
		log_error("%s takes no updates (nsd does not): --server names "
		    "one that does", server);
		return -1;
	default:
		log_error("%s does not take the update of %s (RCODE %d): its "
		    "log says why", server, zone, (int)rcode);
		return -1;
	}
}

static int
answer_tsig_error(const ldns_pkt *answer)
{
	const ldns_rr *t = ldns_pkt_tsig(answer);

	return t != NULL && ldns_rr_rd_count(t) > 5 ?
	    ldns_rdf2native_int16(ldns_rr_rdf(t, 5)) : 0;
}

static int
update_answered(const struct publisher *p, const ldns_pkt *query,
    const uint8_t *wire, size_t len)
{
	ldns_pkt *answer = NULL;
	int	  rc, error;

	if (ldns_wire2pkt(&answer, wire, len) != LDNS_STATUS_OK) {
		log_error("%s answers what is no answer: is a name server "
		    "there?", p->place.server);
		return -1;
	}
	error = answer_tsig_error(answer);
	if (ldns_pkt_get_rcode(answer) != LDNS_RCODE_NOERROR || error != 0) {
		rc = update_error(p, ldns_pkt_get_rcode(answer), error);
	} else if (!ldns_pkt_tsig_verify(answer, wire, len, p->tsig.name,
	    p->tsig.secret, ldns_rr_rdf(ldns_pkt_tsig(query), 3))) {
		log_error("the answer of %s is not signed with the key \"%s\": "
		    "somebody else answers in its place", p->place.server,
		    p->tsig.name);
		rc = -1;
	} else {
		rc = 0;
	}
	ldns_pkt_free(answer);
	return rc;
}

/* By TCP, as a key's records are long. */
static int
update_send(const struct publisher *p, ldns_pkt *query)
{
	struct sockaddr_storage ss;
	socklen_t		sslen = addr_to_sockaddr(&p->place.addr,
	    DNS_PORT, &ss);
	struct timeval		timeout = { UPDATE_S, 0 };
	ldns_buffer	       *buffer = ldns_buffer_new(LDNS_MAX_PACKETLEN);
	uint8_t		       *answer = NULL;
	size_t			len = 0;
	int			rc = -1;

	if (ldns_pkt_tsig_sign(query, p->tsig.name, p->tsig.secret, FUDGE,
	    p->tsig.algorithm, NULL) != LDNS_STATUS_OK)
		log_error("the key \"%s\" cannot sign: algorithm %s, secret in "
		    "base64?", p->tsig.name, p->tsig.algorithm);
	else if (ldns_pkt2buffer_wire(buffer, query) != LDNS_STATUS_OK)
		log_error("the update of %s is too long", p->place.zone);
	else if (ldns_tcp_send(&answer, buffer, &ss, sslen, timeout, &len) !=
	    LDNS_STATUS_OK)
		log_error("%s does not answer at TCP port %d of %s: a "
		    "firewall, or not the zone's primary server (--server)",
		    p->place.server, DNS_PORT, ADDR_TEXT(&p->place.addr));
	else
		rc = update_answered(p, query, answer, len);
	free(answer);
	ldns_buffer_free(buffer);
	return rc;
}

/* What becomes of those records that are in the place's zone. */
static int
update_fill(struct publisher *p, json_object *records, const bool *mine,
    ldns_rr_list *updates)
{
	const struct publish_request *r = p->request;
	size_t			      i, n = json_object_array_length(records);
	ldns_rr			     *rr;

	for (i = 0; i < n; i++) {
		if (!mine[i])
			continue;
		if ((rr = record_rr(json_object_array_get_idx(records, i),
		    r->ttl)) == NULL)
			return -1;
		if (r->how == PUBLISH_REMOVE) {
			rr_delete(updates, rr);
			continue;
		}
		if (r->how == PUBLISH_REPLACE &&
		    ldns_rr_get_type(rr) == LDNS_RR_TYPE_TXT)
			txt_delete(p, updates, rr);
		else if (r->how == PUBLISH_REPLACE)
			rrset_delete(updates, rr);
		ldns_rr_list_push_rr(updates, rr);
	}
	return 0;
}

static int
update_zone(struct publisher *p, json_object *records, const bool *mine)
{
	ldns_rr_list *updates = ldns_rr_list_new();
	ldns_pkt     *query = NULL;
	ldns_rdf     *zone = ldns_dname_new_frm_str(p->place.zone);
	int	      rc = -1;

	if (zone != NULL && update_fill(p, records, mine, updates) == 0 &&
	    (query = ldns_update_pkt_new(zone, LDNS_RR_CLASS_IN, NULL, updates,
	    NULL)) != NULL) {
		ldns_pkt_set_random_id(query);
		rc = update_send(p, query);
	}
	/* The packet owns the zone's name. */
	if (query == NULL)
		ldns_rdf_deep_free(zone);
	ldns_pkt_free(query);
	ldns_rr_list_deep_free(updates);
	return rc;
}

/* --- where to ------------------------------------------------------------- */

/* The zone and server of a name; -1 after one log line. */
static int
publisher_find(struct publisher *p, const char *name, struct place *out)
{
	const struct publish_request *r = p->request;
	char			      zone[RR_NAME_MAX] = "";
	char			      primary[RR_NAME_MAX] = "";

	if ((r->zone == NULL || r->server == NULL) && names_zone(p->names,
	    r->zone != NULL ? r->zone : name, zone, primary) == -1) {
		log_error("%s does not say in which zone %s is: name it with "
		    "--zone, and its primary server with --server",
		    names_servers(p->names), name);
		return -1;
	}
	snprintf(out->zone, sizeof(out->zone), "%s",
	    r->zone != NULL ? r->zone : zone);
	snprintf(out->server, sizeof(out->server), "%s",
	    r->server != NULL ? r->server : primary);
	if (addr_parse(&out->addr, out->server) == 0 ||
	    names_addresses(p->names, out->server, &out->addr, 1) == 1)
		return 0;
	log_error("the primary server %s of %s has no address in DNS: name one "
	    "with --server", out->server, out->zone);
	return -1;
}

/* One update for each zone. */
static int
publisher_update(struct publisher *p, json_object *records)
{
	size_t	      i, k, n = json_object_array_length(records);
	struct place *places = xcalloc(n + 1, sizeof(*places));
	bool	     *done = xcalloc(n + 1, sizeof(*done)), *mine;
	int	      rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = publisher_find(p, member(json_object_array_get_idx(
		    records, i), "name"), &places[i]);
	for (i = 0; i < n && rc == 0; i++) {
		if (done[i])
			continue;
		mine = xcalloc(n + 1, sizeof(*mine));
		for (k = i; k < n; k++) {
			mine[k] = strcmp(places[k].zone, places[i].zone) == 0;
			done[k] = done[k] || mine[k];
		}
		p->place = places[i];
		rc = update_zone(p, records, mine);
		free(mine);
	}
	free(places);
	free(done);
	return rc;
}

/* --- the look-up ---------------------------------------------------------- */

static uint16_t
record_type(json_object *record)
{
	const char *type = member(record, "type");

	return strcmp(type, "KEY") == 0 ? RECORD_TYPE_KEY :
	    strcmp(type, "TXT") == 0 ? RECORD_TYPE_TXT : RECORD_TYPE_IPSECKEY;
}

/* Is the key there, as others see it? */
static bool
record_is_found(struct publisher *p, json_object *record,
    struct names_answer *a)
{
	static struct record_answer r;
	char			    name[RR_NAME_MAX];
	const struct pubkey	   *key = p->request->key;
	unsigned		    i;

	snprintf(name, sizeof(name), "%s", member(record, "name"));
	names_ask(p->names, name, record_type(record), true, a);
	if (a->len == 0)
		return false;
	record_parse(&r, a->msg, a->len, name, record_type(record), 1);
	for (i = 0; i < r.n; i++) {
		if (r.r[i].key.len == key->len &&
		    memcmp(r.r[i].key.wire, key->wire, key->len) == 0)
			return true;
	}
	return false;
}

/* Prints one line for each record; how many could not be found. */
static int
publisher_look_up(struct publisher *p, json_object *records)
{
	struct names_answer a;
	uint64_t	    end = clock_now() + FIND_MS;
	size_t		    i, n = json_object_array_length(records);
	int		    missed = 0;
	json_object	   *record;
	bool		    found;

	for (i = 0; i < n; i++) {
		record = json_object_array_get_idx(records, i);
		while (!(found = record_is_found(p, record, &a)) &&
		    a.verdict != VALIDATOR_BOGUS && clock_now() < end)
			usleep(FIND_AGAIN_US);
		if (found && a.verdict != VALIDATOR_BOGUS) {
			printf("%s %s: found, %s\n", member(record, "name"),
			    member(record, "type"),
			    a.verdict == VALIDATOR_SECURE ? "signed" :
			    "not signed: peers that insist on DNSSEC will not "
			    "take it");
			continue;
		}
		missed++;
		if (a.verdict == VALIDATOR_BOGUS)
			log_error("%s %s is published, but does not stand up "
			    "to DNSSEC: %s", member(record, "name"),
			    member(record, "type"), a.why);
		else
			log_error("%s %s is published, but a look-up by %s "
			    "does not find it yet: it may remember what was "
			    "there before; \"rsipctl check\" tells later",
			    member(record, "name"), member(record, "type"),
			    names_servers(p->names));
	}
	return missed;
}

int
publish_run(const struct publish_request *r, json_object *records)
{
	struct publisher p = { .request = r };
	int		 rc = 1;

	if (tsig_read(&p.tsig, r->tsig) == -1 ||
	    (p.names = names_open(&r->names)) == NULL)
		goto out;
	if (publisher_update(&p, records) == -1)
		goto out;
	if (r->how == PUBLISH_REMOVE) {
		printf("removed\n");
		rc = 0;
	} else {
		rc = publisher_look_up(&p, records) > 0;
	}
out:
	names_close(p.names);
	wipe(&p.tsig, sizeof(p.tsig));
	return rc;
}

#endif
