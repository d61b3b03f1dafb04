/* keep.h - leases on disk as the daemon runs it: loaded at the start, written in batches */
#ifndef RSIPD_KEEP_H
#define RSIPD_KEEP_H

#include <event2/event.h>
#include <stddef.h>

#include "rsipd/gateway.h"
#include "rsipd/store.h"

struct keep;

/*
 * Opens the store at path (store.h), gives what it has to the
 * gateway, and is the gateway's store from then on: both the
 * event base and the gateway must outlive it but for
 * keep_close().  Before priv_drop().  NULL after one log line.
 */
struct keep *keep_open(struct event_base *base, const char *path,
	    enum store_durability d, size_t max, uint64_t rest,
	    struct gateway *g);
/* Gives what could not be had before: an address
 * is there again. -1 after a log line. */
int	keep_load(struct keep *k);
/* What is under way to the disk is waited for, and its answers leave;
 * k may be NULL. */
void	keep_settle(struct keep *k);
/* For its counts; k may be NULL. */
struct store *keep_store(struct keep *k);
/* After the last message. */
void	keep_close(struct keep *k);

#endif
