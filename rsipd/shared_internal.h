/* shared_internal.h - what the files of the store that gateways share know of each other */
#ifndef RSIPD_SHARED_INTERNAL_H
#define RSIPD_SHARED_INTERNAL_H

#include <event2/event.h>

#include "rsipd/fence.h"
#include "rsipd/shared.h"
#include "rsipd/shared_batch.h"
#include "rsipd/store.h"

enum shared_script {
	SHARED_BEGIN, SHARED_PAGE, SHARED_RENEW, SHARED_TAKE, SHARED_WRITE,
	SHARED_SCRIPTS
};

enum shared_phase {
	SHARED_LOST,		/* not connected, or its
				 * scripts are not there */
	SHARED_LOADING,		/* all that there is */
	SHARED_LOG,		/* what is new */
};

/* Of page.lua: what, and how many keys at once, about; one of what was freed is
 * of a whole batch. */
struct shared_loading {
	const char *kind, *page;
};

struct shared {
	struct event_base *base;
	struct shared_config config;
	struct gateway *gateway;
	shared_serving serving_fn;
	void	*arg;
	struct grant_store ops;
	struct fence fence;
	char	 by[17];		/* this gateway, in this life */
	char	 token[28];		/* ... a dot, and which of the
					 * writer's connections it is */
	unsigned connections;
	char	 prefix[96];
	struct resp *writer, *reader;
	struct event *tick, *batch, *look;
	char	 sha[SHARED_SCRIPTS][41];
	bool	 serving;

	/* What was read; shared_read.c. */
	enum shared_phase phase;
	bool	 known;			/* the log goes on from where the
					 * three that follow say */
	char	 id[17];		/* the store's */
	uint64_t seq;			/* of the last entry */
	char	 last[48];		/* ... and its name */
	bool	 caught_up;
	bool	 holds;			/* something of it is in the tables */
	uint64_t read_at;		/* when the last of it
					 * was read; 0: never */
	uint64_t again;			/* reading all of it once more
					 * must wait until then */
	struct {			/* as they were when loading began */
		struct addr addr;
		uint64_t epoch;
		bool	 own;
	}	 epochs[FENCE_ADDRS_MAX];
	size_t	 nepochs;
	char	 cursor[24];
	const struct shared_loading *loading;
	bool	 sweep, bad;		/* what was not found goes;
					 * something did not fit */
	bool	 newer;			/* records of a version to come:
					 * nothing is taken over */
	bool	 foreign;		/* what is kept under another name here
					 * was leased under this one */
	bool	 clean;			/* all of it was read while nothing
					 * of ours was new or on its way */
	bool	 swept;			/* ... and loaded a second time */
	bool	 replaying;		/* the log of while it was
					 * loaded is not read yet */
	struct store_room room;
	char	 fqdn[UINT8_MAX + 1];

	/* What is written; shared_write.c. */
	bool	 ready;
	struct shared_batch *open;
	struct shared_batches underway, owed;
	size_t	 nunderway, nowed;
	bool	 part_failed;
	bool	 unsure;		/* grants were on their way
					 * when the store went */
	bool	 republish;		/* the store has less than we know */
	uint64_t life;			/* of what the store has
					 * of registrations */
	bool	 asking;
	struct addr asked[FENCE_ADDRS_MAX];
	size_t	 nasked;
	uint8_t	 record[1 + STORE_REST_HEAD + STORE_RECORD_MAX];
	struct shared_counts counts;
};

/* Where in a key of store_rest_key() the version is that a value begins with
 * here. */
#define SHARED_REST_VERSION	9

/* Entries of its log that the store keeps, about. */
#define SHARED_LOG_LENGTH	"4096"

/* After whatever may have changed who serves. */
void	shared_update(struct shared *s);

/* shared_script.c */
/* Loads a script; fn has its reply. */
void	shared_load_script(struct shared *s, struct resp *r,
	    enum shared_script which, resp_fn fn);
/* Keeps what a script is called by; false:
 * that is no answer, and r was dropped. */
bool	shared_script_loaded(struct shared *s, struct resp *r,
	    enum shared_script which, const struct redisReply *reply);
/* How the call of one begins, behind which is its last common argument; returns
 * SHARED_CALL_HEAD. */
#define SHARED_CALL_HEAD	6
size_t	shared_script_call(const struct shared *s, enum shared_script which,
	    const char *last, const char **argv);

/* shared_read.c */
extern const struct resp_ops shared_reader_ops;
/* All of it, once more. */
void	shared_reload(struct shared *s);
/* The timer of the next look at the log. */
void	shared_on_look(void *arg);

/* shared_write.c */
extern const struct resp_ops shared_writer_ops;
/* One more change for the open batch; -1: out of memory. */
int	shared_add_change(struct shared *s, char kind, const struct addr *a,
	    const char *key, uint64_t ms, const void *record, size_t len);
/* The open batch, away with it; waiting: gateway_commit()s that hear of it.  1:
 * it is on its way, 0: nothing was in it, -1: it is owed. */
int	shared_send_open(struct shared *s, unsigned waiting);
/* The timer of the open batch. */
void	shared_on_batch(void *arg);

/* shared_keep.c; arg: the struct shared. */
extern const struct grant_store shared_grant_ops;

#endif
