/* store.h - registrations and grants that outlive the gateway: kept on disk, loaded at the start */
#ifndef RSIPD_STORE_H
#define RSIPD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "net/addr.h"
#include "proto/rsip.h"
#include "rsipd/grant.h"

/*
 * One file of one gateway (LMDB), and two journals beside it, path.1 and .2.
 * What store_put() has taken is there after a crash or a loss of power.  Ends
 * are kept as time left: the file counts on by the wall clock, and where that
 * went back, nothing is lost of what was left.
 */
struct store;

enum store_durability {
	STORE_COMMIT,		/* on the disk before it is answered */
	STORE_INTERVAL,		/* within a second: a crash of the
				 * daemon loses nothing, one of
				 * the machine what came since */
};

/* False: built without LMDB, nothing can be opened. */
bool	store_is_built(void);

/*
 * Opens path, made with mode 0600 with its folder, which no other
 * process may have open like this; before priv_drop().  A file that
 * is torn or something else is set aside beside it, after one log
 * line.  max: of registrations and bindings.  rest: milliseconds
 * that what was freed rests.  NULL after one log line.
 */
struct store *store_open(const char *path, enum store_durability d, size_t max,
	    uint64_t rest);
void	store_close(struct store *s);

/*
 * Registrations come before their grants; what they point to is borrowed.  now:
 * milliseconds of clock_now(), wall: of the Epoch.  0: the gateway has it; 1:
 * not now, but it is kept; -1: it cannot use it, and it is forgotten.  What
 * cannot be read is forgotten as well.
 */
struct store_client {
	struct addr host;
	uint32_t client_id, next_bind_id;
	uint8_t	 transport;		/* enum gateway_transport */
	bool	 authentic, privileged;
	uint64_t expires;
	const char *fqdn;		/* NULL: none */
};

struct store_reader {
	int	(*client)(void *arg, const struct store_client *c);
	int	(*grant)(void *arg, uint32_t client_id, const struct grant *g);
	/* Host freed g, not long ago. */
	void	(*rest)(void *arg, const struct addr *host,
		    const struct grant *g);
	void	*arg;
};

/* At the start, and again when there is more
 * to be had.  0, or -1 after one log line. */
int	store_load(struct store *s, uint64_t now, uint64_t wall,
	    const struct store_reader *r);

/*
 * As grant_tables' keep and forget: 1: in the batch, which store_commit()
 * writes, all of it or (-1) nothing; what it should have removed is removed
 * with the next.  While nothing can be written each change is tried alone, 0 or
 * -1.  The first of several failures has its log line.
 */
int	store_commit(struct store *s);
/*
 * The same where it need not be waited for: from now on store_commit() may
 * return 1, when the batch is written and a thread flushes it.  The descriptor
 * can be read when that has done something; -1: there is none, and all stays
 * as it was.
 */
int	store_flush_later(struct store *s);
/* Number of the last batch that was written. */
uint64_t store_last(const struct store *s);
/* All batches up to that number are on the disk; failed: those that follow are
 * not. */
uint64_t store_flushed(struct store *s, bool *failed);
/* Until nothing is under way any more. */
void	store_flush_wait(struct store *s);
int	store_put(struct store *s, uint64_t now, uint64_t wall,
	    struct lease_client *c, struct lease_binding *b);
/* b NULL: the registration, after all of its grants. */
int	store_remove(struct store *s, uint64_t wall,
	    const struct lease_client *c, struct lease_binding *b);

/*
 * A registration changes with each of its bindings.  It is written
 * ahead, so that most of these need not write it again: after a
 * crash it may last a little longer, and skip some bind IDs.
 * life: another one when what was written before may be lost.
 * False: nothing is to be written, else out, whose fqdn is c's.
 */
bool	store_client_due(struct lease_client *c, uint64_t life, bool changed,
	    struct store_client *out);

/*
 * Begins to bring into the file what is in the journal;
 * with STORE_INTERVAL that is when it is on the disk.
 * It is tried again while there is anything to be.
 */
void	store_turn(struct store *s);
bool	store_is_due(struct store *s);

struct store_counts {
	size_t	 records;
	size_t	 loaded;		/* at the start */
	uint64_t writes, failures;	/* transactions; those that
					 * could not be written */
	bool	 behind;		/* the last one failed */
	bool	 late;			/* all is safe, but the file
					 * cannot be written */
};
void	store_count(struct store *s, struct store_counts *out);

/*
 * store_record.c: records as bytes, network order, addresses of either family.
 * encode returns the length, 0 if it does not fit.  decode reads what former
 * versions wrote, too; checks all of it, and returns -1 if that is no record; a
 * grant's lists are put into room.
 */
#define STORE_RECORD_MAX	8192
#define STORE_KEY_MAX		10

struct store_room {
	struct demux_range range[RSIP_PORTS_MAX];
	uint32_t spi[RSIP_SPIS_MAX];
	uint64_t cookie[RSIP_COOKIES_MAX];
};

/* at: of a batch's end, milliseconds of the Epoch. */
size_t	store_rest_key(uint8_t *out, uint64_t at);
/* Does a version to come write such records?  Nobody here can read it, and what
 * it says is leased all the same. */
bool	store_is_newer(const uint8_t *key, size_t keylen, const uint8_t *value,
	    size_t len);
/* False: it is no such key.  version: of the value's layout, for
 * store_rest_decode(). */
bool	store_rest_read_key(const uint8_t *key, size_t keylen, uint64_t *at,
	    uint8_t *version);
size_t	store_client_key(uint8_t *out, uint32_t client_id);
size_t	store_grant_key(uint8_t *out, uint32_t client_id, uint32_t bind_id);
size_t	store_client_encode(uint8_t *out, uint64_t now, uint64_t wall,
	    const struct store_client *c);
size_t	store_grant_encode(uint8_t *out, uint64_t now, uint64_t wall,
	    const struct grant *g);
/*
 * What was freed in one batch, one after the other.  decode takes one off the
 * cursor; g and room as store_grant_decode().  encode has its head before what
 * store_grant_encode() may write.
 */
#define STORE_REST_HEAD	(1 + 16 + 2)	/* the host, and how much it is */
size_t	store_rest_encode(uint8_t *out, const struct addr *host,
	    const struct grant *g);
int	store_rest_decode(struct cursor *c, uint8_t version, struct addr *host,
	    struct grant *g, struct store_room *room);
/* fqdn: room for 256 bytes. */
int	store_client_decode(struct store_client *c, char *fqdn, uint64_t now,
	    uint64_t wall, const uint8_t *key, size_t keylen,
	    const uint8_t *value, size_t len);
int	store_grant_decode(struct grant *g, uint32_t *client_id,
	    struct store_room *room, uint64_t now, uint64_t wall,
	    const uint8_t *key, size_t keylen, const uint8_t *value,
	    size_t len);

#endif
