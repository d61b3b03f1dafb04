/* demux_table.h - the demux table itself, as its writer and its readers know it */
#ifndef NAT_DEMUX_TABLE_H
#define NAT_DEMUX_TABLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "nat/binding.h"

enum demux_kind {
	DEMUX_KIND_LOCAL = 1,	/* local -> struct demux_local */
	DEMUX_KIND_HOST,	/* host, local -> its first entry */
	DEMUX_KIND_SPI,		/* SPI, local: ESP and AH */
	DEMUX_KIND_COOKIE,	/* initiator cookie, local */
	DEMUX_KIND_ICMP,	/* id and sequence, peer, local */
	DEMUX_KIND_PEER_SPI,	/* protocol and SPI, peer, local */
	DEMUX_KIND_ANSWER,	/* protocol and ports, neighbour, local */
	DEMUX_KIND_PASSED,	/* no key: a wish for the entry's counters */
};

struct demux_key {
	uint64_t value;
	struct demux_addr local, remote;	/* remote: 0 where it is not
						 * part of the key */
	enum demux_kind kind;
};

/*
 * One place of the hash table.  A reader loads owner, compares the key and
 * loads owner again: equal means that the key was this owner's all along,
 * because an owner's memory is not used again before every reader has been
 * seen outside of the table.
 */
struct demux_slot {
	_Atomic(void *) owner;		/* NULL: never used; DEMUX_GONE: was
					 * removed */
	_Atomic uint64_t value;
	_Atomic uint32_t local, remote;	/* demux_addr */
	_Atomic uint32_t kind;
	_Atomic uint32_t last_used;	/* seconds of "now" */
};

/* Any number of places, not a power of two: half of those would lie idle. */
struct demux_table {
	size_t nslots;
	size_t used, gone;		/* writer's */
	struct demux_slot *slots;	/* behind it: two are a cache line */
};

struct demux_entry;

struct demux_port_page {
	_Atomic(struct demux_entry *) port[256];
};

/* A leased address: who has it whole, and who has each port. */
struct demux_local {
	struct demux_addr addr;
	_Atomic(struct demux_entry *) whole;
	_Atomic(struct demux_port_page *) page[256];
	size_t nentries;			/* writer's */
	SLIST_ENTRY(demux_local) next;
};

/* What traffic taught us; the slot in the table points to the entry. */
struct demux_learnt {
	struct demux_key key;
	struct demux_entry *entry;
	uint32_t seen;			/* last use that counted, seconds of
					 * "now" */
	TAILQ_ENTRY(demux_learnt) in_all, in_class;
};
TAILQ_HEAD(demux_learnt_list, demux_learnt);

/* Each has a budget of its own, so that one cannot push out another. */
enum demux_class {
	DEMUX_CLASS_LASTING,		/* cookies, peers' SPIs */
	DEMUX_CLASS_FLEETING,		/* about one packet and its answer */
	DEMUX_CLASS_OTHERS,		/* what others than the host bring
					 * about */
	DEMUX_CLASSES
};

/* What was learnt under one entry, the longest known first. */
struct demux_taught {
	struct demux_learnt_list list[DEMUX_CLASSES];
	unsigned n[DEMUX_CLASSES];
};

/* What passed under an entry; made by its first packet. */
struct demux_passed {
	_Atomic uint64_t packets_in, bytes_in, packets_out, bytes_out;
};

struct demux_entry {
	/* Constant while readers can find it. */
	uint32_t client_id, bind_id;
	struct demux_addr host, gateway, local;
	uint8_t tunnel : 2;		/* enum tunnel_type */
	uint8_t remote_policy : 2;	/* enum demux_remote */
	uint8_t whole : 1, ipsec : 1;

	bool dead;			/* the writer's own */
	/* Small, as there is one of these for each binding. */
	uint8_t grantor, ncookies;
	uint16_t nspis, nports;
	_Atomic uint32_t slot;		/* the watcher's; 0: none */

	_Atomic(struct demux_entry *) next_of_host;
	_Atomic(struct demux_passed *) passed;

	/* The writer's own. */
	struct demux_taught *taught;	/* NULL: nothing yet */

	_Atomic uint32_t last_used;	/* seconds of "now"; 0: never */
	/* SPIs, ranges of ports, peer: see demux_entry_spis(); cookies come
	 * first, and begin behind the struct.  With one SPI or range all is a
	 * cache line. */
	uint32_t data[];
};

/* With whom an entry may speak, unless with anybody; ports: MICRO. */
struct demux_peer {
	struct demux_addr addr;
	struct demux_range ports;
};

static inline uint64_t *
demux_entry_cookies(struct demux_entry *e)
{
	return (uint64_t *)(void *)(e + 1);
}

static inline uint32_t *
demux_entry_spis(struct demux_entry *e)
{
	return e->ncookies == 0 ? e->data :
	    (uint32_t *)(void *)(demux_entry_cookies(e) + e->ncookies);
}

static inline struct demux_range *
demux_entry_ports(struct demux_entry *e)
{
	return (struct demux_range *)(void *)(demux_entry_spis(e) + e->nspis);
}

/* Not of DEMUX_REMOTE_NONE. */
static inline struct demux_peer *
demux_entry_peer(struct demux_entry *e)
{
	return (struct demux_peer *)(void *)(demux_entry_ports(e) + e->nports);
}

static inline size_t
demux_entry_size(const struct demux_entry *e)
{
	return (e->ncookies == 0 ? offsetof(struct demux_entry, data) :
	    sizeof(*e) + e->ncookies * sizeof(uint64_t)) +
	    e->nspis * sizeof(uint32_t) +
	    e->nports * sizeof(struct demux_range) +
	    (e->remote_policy != DEMUX_REMOTE_NONE ?
	    sizeof(struct demux_peer) : 0);
}

/* A wish to learn, on its way from a reader to the writer. */
struct demux_wish {
	struct demux_key key;
	struct demux_entry *entry;
	uint64_t now;
};

#define DEMUX_WISHES	512		/* a power of two */
struct demux_wish_cell {
	_Atomic size_t turn;
	struct demux_wish wish;
};

/* Memory that readers may still look at. */
struct demux_retired {
	void *memory;			/* NULL: that of entry */
	struct demux_entry *entry;
	uint64_t epoch;
	STAILQ_ENTRY(demux_retired) next;
};

struct demux_reader {
	_Alignas(64) _Atomic uint64_t epoch;	/* 0: outside of the table */
};

struct demux {
	_Atomic(struct demux_table *) table;
	uint64_t seed;
	_Atomic bool local_ipsec, refuse_ike;

	const struct demux_watcher *watcher;
	void *watcher_arg;

	_Atomic size_t wish_head, wish_tail;
	struct demux_wish_cell wishes[DEMUX_WISHES];

	_Atomic uint64_t epoch;
	struct demux_reader readers[DEMUX_READERS];

	pthread_mutex_t lock;		/* held to write; readers only ever try
					 * it */
	_Atomic unsigned writers;	/* control threads that wait for it or
					 * have it */
	size_t nentries, nremoved;	/* there now; ever */
	struct slab *slab;		/* of entries, and of what is retired */
	struct demux_learnt_list learnt;
	struct demux_learnt *cursor;	/* where expiry goes on */
	STAILQ_HEAD(demux_retired_list, demux_retired) retired;
	SLIST_HEAD(demux_local_list, demux_local) locals;
	size_t max_keys, nkeys, nlearnt;
	size_t bytes;
};

#endif
