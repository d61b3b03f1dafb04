/* show.c - Phase 1 SAs and counters for rsipctl */
#include "config.h"

#include <stdio.h>

#include "base/util.h"
#include "oe/ike1/table.h"

static void
json_text(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void
json_number(json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)value));
}

void
ike1_report_sas(const void *engine, uint64_t now, json_object *rows)
{
	const struct ike1    *e = engine;
	json_object	     *o;
	const struct ike1_sa *sa;
	char		     text[64];

	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state == IKE1_MM_DEAD)
			continue;
		o = json_object_new_object();
		json_number(o, "phase", 1);
		snprintf(text, sizeof(text), "%s:%u", ipv4_text(sa->path.local),
		    sa->path.local_port);
		json_text(o, "src", text);
		snprintf(text, sizeof(text), "%s:%u", ipv4_text(sa->path.peer),
		    sa->path.peer_port);
		json_text(o, "dst", text);
		json_text(o, "peer", keying_id_text(&sa->peer_id));
		snprintf(text, sizeof(text), "%016llx",
		    (unsigned long long)sa->cookie_i);
		json_text(o, "spi_in", text);
		snprintf(text, sizeof(text), "%016llx",
		    (unsigned long long)sa->cookie_r);
		json_text(o, "spi_out", text);
		if (sa->suite.enc != 0)
			snprintf(text, sizeof(text), "%s/%s/%s",
			    ike1_enc_name(sa->suite.enc, sa->suite.enc_bits),
			    ike_hash_name(sa->suite.hash),
			    ike_group_name(sa->suite.group));
		else
			text[0] = '\0';
		json_text(o, "cipher", text);
		json_text(o, "state", sa->state == IKE1_MM_UP ? "up" :
		    "negotiating");
		json_text(o, "role", sa->initiator ? "initiator" : "responder");
		json_number(o, "age", (now - sa->created) / 1000);
		json_number(o, "expires", sa->expires == IKE1_NEVER ||
		    sa->expires < now ? 0 : (sa->expires - now) / 1000);
		json_object_array_add(rows, o);
	}
}

void
ike1_report_status(const void *engine, json_object *o)
{
	const struct ike1 *e = engine;

	json_number(o, "phase1_sas", e->nsas[false] + e->nsas[true]);
	json_number(o, "half_open", e->half_open);
	json_number(o, "work_waiting", e->work.n);
	json_text(o, "algorithms", e->c.legacy ?
	    "AES, SHA2, groups 14 15 19 20, and legacy: 3DES, MD5, SHA1, "
	    "groups 2 5" : "AES, SHA2, groups 14 15 19 20");
#define COUNT(name) json_number(o, #name, e->count.name)
	COUNT(received);
	COUNT(malformed);
	COUNT(unknown);
	COUNT(half_open_refused);
	COUNT(half_open_evicted);
	COUNT(phase1_evicted);
	COUNT(phase1_up);
	COUNT(phase1_failed);
	COUNT(phase2_up);
	COUNT(phase2_failed);
	COUNT(auth_failed);
	COUNT(retransmits);
	COUNT(duplicates);
	COUNT(replays);
	COUNT(work_us);
	COUNT(work_waited);
	COUNT(work_lost);
#undef COUNT
}
