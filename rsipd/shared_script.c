/* shared_script.c - the scripts that the store which gateways share runs: loaded, and called by what they hash to */
#include "config.h"

#ifdef HAVE_HIREDIS
#include <hiredis/hiredis.h>
#include <string.h>

#include "rsipd/shared_internal.h"
#include "rsipd/shared_lua.h"

static const char *const scripts[] = {
	[SHARED_BEGIN] = shared_lua_begin, [SHARED_PAGE] = shared_lua_page,
	[SHARED_RENEW] = shared_lua_renew,
	[SHARED_TAKE] = shared_lua_take, [SHARED_WRITE] = shared_lua_write,
};

void
shared_load_script(struct shared *s, struct resp *r, enum shared_script which,
    resp_fn fn)
{
	resp_ask(r, fn, s, "SCRIPT", "LOAD", scripts[which], NULL);
}

bool
shared_script_loaded(struct shared *s, struct resp *r, enum shared_script which,
    const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING || reply->len != 40) {
		resp_drop(r, reply->type == REDIS_REPLY_ERROR ? reply->str :
		    "it takes no scripts");
		return false;
	}
	memcpy(s->sha[which], reply->str, 41);
	return true;
}

size_t
shared_script_call(const struct shared *s, enum shared_script which,
    const char *last, const char **argv)
{
	const char *const head[SHARED_CALL_HEAD] = { "EVALSHA", s->sha[which],
		"0", s->prefix, s->token, last };

	memcpy(argv, head, sizeof(head));
	return SHARED_CALL_HEAD;
}
#endif
