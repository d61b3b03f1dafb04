/* shared_read.c - what the store that gateways share has, and what is new there: loaded once, then its log is followed */
#include "config.h"

#ifdef HAVE_HIREDIS
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "rsipd/shared_internal.h"

#define ENTRIES		64	/* of the log, at once */
/* Milliseconds that the store waits for a new one. */
#define BLOCK		"250"
/* Milliseconds between two looks at the log of who serves. */
#define SERVING_PAUSE	20
#define AGAIN		5000	/* between two loads for contradictions */
#define SOON		500	/* ... where the last brought none */

static void read_log(struct shared *s);
static void read_page(struct shared *s);
static void load(struct shared *s);

static const char *
text_of(const redisReply *r)
{
	return (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS)
	    && r->str != NULL ? r->str : "";
}

static bool
is_list(const redisReply *r, size_t least)
{
	return r->type == REDIS_REPLY_ARRAY && r->elements >= least;
}

/* Else the connection is given up, as why says if the store does not. */
static bool
is_answer(struct shared *s, const redisReply *r, size_t least, const char *why)
{
	if (is_list(r, least))
		return true;
	resp_drop(s->reader, r->str != NULL ? r->str : why);
	return false;
}

/* --- records -------------------------------------------------------------- */

/* "g:01234567:89abcdef" as a key of store_record.c; 0: it is none. */
static size_t
read_key(const char *text, uint8_t *key)
{
	uint32_t client_id, bind_id;
	char	 end;

	/* Eight digits fit.  NOLINTBEGIN(cert-err34-c) */
	if (sscanf(text, "c:%8" SCNx32 "%c", &client_id, &end) == 1)
		return store_client_key(key, client_id);
	if (sscanf(text, "g:%8" SCNx32 ":%8" SCNx32 "%c", &client_id, &bind_id,
	    &end) == 2)
		return store_grant_key(key, client_id, bind_id);
	/* NOLINTEND(cert-err34-c) */
	return 0;
}

/* Nobody else says what there is of it, and
 * what is read may be older than what we did. */
static bool
is_ours(const struct shared *s, const struct addr *a)
{
	return s->serving && fence_epoch(&s->fence, a) != 0;
}

static int
take_client(struct shared *s, uint64_t now, const uint8_t *key, size_t keylen,
    const redisReply *record)
{
	struct store_client c;

	if (is_ours(s, &s->config.na))
		return 0;
	if (store_client_decode(&c, s->fqdn, now, 0, key, keylen,
	    (const uint8_t *)record->str, record->len) == -1)
		return -1;
	return gateway_follow_client(s->gateway, now, &c);
}

static int
take_grant(struct shared *s, uint64_t now, const uint8_t *key, size_t keylen,
    const redisReply *record)
{
	struct grant g;
	uint32_t     client_id;

	if (store_grant_decode(&g, &client_id, &s->room, now,
	    0, key, keylen,
	    (const uint8_t *)record->str, record->len) == -1)
		return -1;
	if (is_ours(s, &g.local))
		return 0;
	return gateway_follow_grant(s->gateway, now, client_id, &g);
}

static int
take_rest(struct shared *s, uint64_t now, const redisReply *record)
{
	struct cursor c;
	struct grant  g;
	struct addr   host;
	uint8_t	      version;

	cursor_init(&c, (const uint8_t *)record->str, record->len);
	version = cursor_u8(&c);
	if (store_rest_decode(&c, version, &host, &g, &s->room) == -1)
		return -1;
	if (is_ours(s, &g.local))
		return 0;
	gateway_restore_rest(s->gateway, now, &host, &g);
	return 0;
}

/* What is leased there is unknown here. */
static bool
is_newer(struct shared *s, const uint8_t *key, size_t keylen,
    const redisReply *record)
{
	if (!store_is_newer(key, keylen, (const uint8_t *)record->str,
	    record->len))
		return false;
	if (!s->newer)
		log_error("the shared store has records of a newer rsipd: "
		    "nothing is taken over by this one");
	s->newer = true;
	return true;
}

/* What was freed comes last, as what is leased does not rest. */
static const struct shared_loading loaded[] = { { "c", "5000" },
	{ "g", "5000" }, { "f", "400" } };
#define LOADED	(sizeof(loaded) / sizeof(loaded[0]))

/* --- all of it ------------------------------------------------------------ */

static void
take_page(struct shared *s, const redisReply *reply)
{
	const redisReply *kind, *record;
	uint64_t	  now = clock_now();
	uint8_t		  key[STORE_KEY_MAX];
	size_t		  i, len;
	int		  rc;

	s->holds = true;
	for (i = 1; i + 2 < reply->elements; i += 3) {
		kind = reply->element[i];
		record = reply->element[i + 2];
		len = read_key(text_of(reply->element[i + 1]), key);
		if (len == 0 || record->type != REDIS_REPLY_STRING ||
		    is_newer(s, key, len, record))
			continue;
		switch (text_of(kind)[0]) {
		case 'C':
			rc = take_client(s, now, key, len, record);
			break;
		case 'G':
			rc = take_grant(s, now, key, len, record);
			break;
		case 'F':
			rc = take_rest(s, now, record);
			break;
		default:
			rc = -1;
		}
		s->counts.records++;
		s->bad = s->bad || rc == -1;
	}
}

/* On whatever connection. */
static bool
is_by_us(const struct shared *s, const char *by)
{
	size_t len = strlen(s->by);

	return strncmp(by, s->by, len) == 0 && by[len] == '.';
}

/* Our taking is of use only if we have, or will have, heard of it: what a
 * former connection still brought has no answer. */
static bool
is_taken(const struct shared *s, const struct addr *a, uint64_t epoch,
    const char *by)
{
	return is_by_us(s, by) && (strcmp(by, s->token) == 0 ||
	    fence_took(&s->fence, a) == epoch);
}

/*
 * Who has several gateways keeps each but the first under a name of its own.
 * Where they are not the same to all, one would not hear of the other.
 */
static void
find_foreign(struct shared *s, const struct addr *a)
{
	if (addr_equal(a, &s->config.na) ||
	    !dataplane_is_gateway(&s->config.all, a))
		return;
	if (!s->foreign)
		log_error("shared store: %s was leased for under the name %s, "
		    "which here is %s's: gateway has to be the same everywhere,"
		    " or name another one; nothing is taken over",
		    ADDR_TEXT(a), s->config.name, ADDR_TEXT(&s->config.na));
	s->foreign = true;
}

/* What the log said of them is not read any more. */
static void
note_epochs(struct shared *s, const redisReply *list)
{
	const char *token;
	char	   *by;
	size_t	    i;

	s->nepochs = 0;
	s->foreign = false;
	for (i = 0; i + 1 < list->elements && s->nepochs < FENCE_ADDRS_MAX;
	    i += 2) {
		token = text_of(list->element[i + 1]);
		if (addr_parse(&s->epochs[s->nepochs].addr,
		    text_of(list->element[i])) == -1)
			continue;
		s->epochs[s->nepochs].epoch = strtoull(token, &by, 10);
		s->epochs[s->nepochs].own = *by == ':' && is_taken(s,
		    &s->epochs[s->nepochs].addr,
		    s->epochs[s->nepochs].epoch, by + 1);
		find_foreign(s, &s->epochs[s->nepochs].addr);
		s->nepochs++;
	}
}

static void
all_loaded(struct shared *s)
{
	struct gateway_counts n;
	uint64_t	      lost;
	size_t		      i;

	if (s->sweep && s->clean)
		gateway_follow_sweep(s->gateway, clock_now());
	if (s->clean) {
		/* What is swept was in the way of something, perhaps. */
		if (s->sweep && s->bad && !s->swept) {
			s->swept = true;
			load(s);
			return;
		}
		/* What still did not fit changed
		 * meanwhile, and the log says how. */
		s->bad = false;
	}
	lost = s->fence.lost;
	for (i = 0; i < s->nepochs; i++)
		fence_heard(&s->fence, &s->epochs[i].addr, s->epochs[i].epoch,
		    s->epochs[i].own, clock_now());
	s->unsure = s->unsure || s->bad || s->fence.lost != lost ||
	    (s->sweep && !s->clean && !is_ours(s, &s->config.na));
	s->again = clock_now() + (s->bad ? AGAIN : SOON);
	s->counts.loads++;
	gateway_count(s->gateway, &n);
	log_info("the shared store has %zu registration%s with %zu binding%s%s",
	    n.registrations, plural(n.registrations), n.bindings,
	    plural(n.bindings), s->bad ?
	    "; some cannot be had here: is the configuration the same?" : "");
	s->phase = SHARED_LOG;
	s->replaying = true;
	read_log(s);
}

static void
on_page(void *arg, const redisReply *reply)
{
	struct shared *s = arg;

	if (reply == NULL || !is_answer(s, reply, 1, "no page"))
		return;
	take_page(s, reply);
	snprintf(s->cursor, sizeof(s->cursor), "%s",
	    text_of(reply->element[0]));
	if (strcmp(s->cursor, "0") != 0) {
		read_page(s);
		return;
	}
	if (s->loading == &loaded[LOADED - 1]) {
		all_loaded(s);
		return;
	}
	s->loading++;
	read_page(s);
}

static void
read_page(struct shared *s)
{
	resp_ask(s->reader, on_page, s, "EVALSHA", s->sha[SHARED_PAGE], "0",
	    s->prefix, s->loading->kind, s->cursor, s->loading->page, NULL);
}

static void
load(struct shared *s)
{
	s->phase = SHARED_LOADING;
	s->caught_up = false;
	s->loading = loaded;
	s->bad = s->unsure = s->newer = false;
	s->clean = !s->serving && s->nunderway == 0 && s->nowed == 0 &&
	    (s->open == NULL || s->open->changes == 0);
	s->counts.records = 0;
	snprintf(s->cursor, sizeof(s->cursor), "0");
	gateway_follow_mark(s->gateway);
	shared_update(s);
	read_page(s);
}

/* The log goes on where we were, or something is missing. */
static void
on_begin(void *arg, const redisReply *reply)
{
	struct shared *s = arg;
	const char    *id;
	uint64_t       seq;
	bool	       same;

	if (reply == NULL || !is_answer(s, reply, 4, "no beginning"))
		return;
	id = text_of(reply->element[0]);
	seq = strtoull(text_of(reply->element[1]), NULL, 10);
	same = strcmp(id, s->id) == 0 && seq >= s->seq;
	if (s->known && same) {
		s->phase = SHARED_LOG;
		read_log(s);
		return;
	}
	/* What it has forgotten is leased all the same: who is active tells it
	 * again, and nobody drops it. */
	if (s->holds && !same) {
		log_warn("the shared store has forgotten what it had");
		fence_reset(&s->fence);
		s->republish = true;
		s->sweep = false;
	}
	snprintf(s->id, sizeof(s->id), "%s", id);
	snprintf(s->last, sizeof(s->last), "%s", text_of(reply->element[2]));
	note_epochs(s, reply->element[3]);
	s->seq = seq;
	s->known = true;
	s->swept = false;
	load(s);
}

static void
begin_life(struct shared *s)
{
	uint64_t name;
	char	 text[17];

	random_bytes(&name, sizeof(name));
	snprintf(text, sizeof(text), "%016" PRIx64, name);
	resp_ask(s->reader, on_begin, s, "EVALSHA", s->sha[SHARED_BEGIN], "0",
	    s->prefix, text, NULL);
}

void
shared_reload(struct shared *s)
{
	s->known = false;
	s->sweep = true;
	s->caught_up = false;
	if (s->phase != SHARED_LOST)
		s->phase = SHARED_LOADING;
}

/* --- what is new ---------------------------------------------------------- */

static int
take_change(struct shared *s, uint64_t now, const char *field,
    const redisReply *value)
{
	uint8_t	    key[STORE_KEY_MAX];
	size_t	    len = read_key(field + 1, key);
	uint32_t    client_id;

	if (len == 0 || value->type != REDIS_REPLY_STRING)
		return -1;
	if ((*field == 'C' || *field == 'G') && is_newer(s, key, len, value))
		return 0;
	client_id = load_u32(key + 1);
	switch (*field) {
	case 'C':
		return take_client(s, now, key, len, value);
	case 'G':
		return take_grant(s, now, key, len, value);
	case 'F':
		gateway_follow_freed(s->gateway, now, client_id,
		    load_u32(key + 5));
		return 0;
	case 'D':
		gateway_follow_ended(s->gateway, now, client_id);
		return 0;
	default:
		return -1;
	}
}

static void
take_fields(struct shared *s, const redisReply *fields, const char *by)
{
	uint64_t	  now = clock_now(), epoch;
	bool		  own = is_by_us(s, by);
	struct addr	  a;
	const char	 *field;
	const redisReply *value;
	size_t		  i;

	for (i = 4; i + 1 < fields->elements; i += 2) {
		field = text_of(fields->element[i]);
		value = fields->element[i + 1];
		if (*field == 'T') {
			epoch = strtoull(text_of(value), NULL, 10);
			if (addr_parse(&a, field + 1) == 0)
				fence_heard(&s->fence, &a, epoch, is_taken(s,
				    &a, epoch, by), now);
		} else if ((!own || (s->replaying && s->clean)) &&
		    take_change(s, now, field, value) == -1) {
			s->bad = true;
		}
	}
}

/* False: entries are missing before it. */
static bool
take_entry(struct shared *s, const redisReply *entry)
{
	const redisReply *fields;
	uint64_t	  seq;

	if (!is_list(entry, 2) || !is_list(entry->element[1], 4))
		return false;
	fields = entry->element[1];
	seq = strtoull(text_of(fields->element[1]), NULL, 10);
	if (seq != s->seq + 1)
		return false;
	take_fields(s, fields, text_of(fields->element[3]));
	s->seq = seq;
	snprintf(s->last, sizeof(s->last), "%s", text_of(entry->element[0]));
	return true;
}

/*
 * What another gave may still be on its way to the store from here, where
 * it will be refused.  Until all of it is read again, nothing is asked for.
 */
static void
contradicted(struct shared *s)
{
	s->unsure = true;
	if (clock_now() >= s->again)
		log_warn("the log of the shared store does not fit to what is "
		    "known: all of it is read again");
}

static void
on_log(void *arg, const redisReply *reply)
{
	struct shared	 *s = arg;
	const redisReply *entries = NULL;
	size_t		  i;

	if (reply == NULL)
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		resp_drop(s->reader, reply->str);
		return;
	}
	if (is_list(reply, 1) && is_list(reply->element[0], 2) &&
	    is_list(reply->element[0]->element[1], 0))
		entries = reply->element[0]->element[1];
	s->bad = false;
	for (i = 0; entries != NULL && i < entries->elements; i++) {
		if (!take_entry(s, entries->element[i])) {
			log_warn("the log of the shared store has a gap: all "
			    "of it is read again");
			shared_reload(s);
			break;
		}
	}
	if (s->bad && !(s->replaying && s->clean))
		contradicted(s);
	if (!s->known) {
		begin_life(s);
		return;
	}
	if (entries == NULL || entries->elements < ENTRIES) {
		s->caught_up = true;
		s->replaying = false;
		s->read_at = clock_now();
	}
	shared_update(s);
	/* Of our own there is little to learn, and much. */
	if (s->serving && entries != NULL && entries->elements < ENTRIES)
		watch_after(s->look, SERVING_PAUSE);
	else
		read_log(s);
}

void
shared_on_look(void *arg)
{
	struct shared *s = arg;

	if (s->known)
		read_log(s);
	else
		begin_life(s);
}

static void
read_log(struct shared *s)
{
	char key[sizeof(s->prefix) + 4], count[8];

	snprintf(key, sizeof(key), "%slog", s->prefix);
	snprintf(count, sizeof(count), "%d", ENTRIES);
	resp_ask(s->reader, on_log, s, "XREAD", "COUNT", count, "BLOCK", BLOCK,
	    "STREAMS", key, s->last, NULL);
}

/* --- its connection ------------------------------------------------------- */

static void
on_page_script(void *arg, const redisReply *reply)
{
	struct shared *s = arg;

	if (reply != NULL && shared_script_loaded(s, s->reader, SHARED_PAGE,
	    reply))
		begin_life(s);
}

static void
on_begin_script(void *arg, const redisReply *reply)
{
	struct shared *s = arg;

	if (reply != NULL)
		shared_script_loaded(s, s->reader, SHARED_BEGIN, reply);
}

static void
on_up(void *arg)
{
	struct shared *s = arg;

	shared_load_script(s, s->reader, SHARED_BEGIN, on_begin_script);
	shared_load_script(s, s->reader, SHARED_PAGE, on_page_script);
}

static void
on_down(void *arg)
{
	struct shared *s = arg;

	event_del(s->look);
	s->phase = SHARED_LOST;
	s->caught_up = false;
	shared_update(s);
}

const struct resp_ops shared_reader_ops = { on_up, on_down };
#endif
