/* test_demux_threads.c - the demux table's packet threads beside its control thread, under ThreadSanitizer where there is one */
#include "config.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "nat/demux.h"
#include "nat/demux_inbound.h"
#include "nat/demux_outbound.h"
#include "nat/demux_reader.h"
#include "nat/demux_table.h"
#include "tests/unit/demux_ids.h"

#define LOCAL	0xc6336401u
#define PEER	0xc633640au
#define NOW	1000000u

/* The table's own sources are compiled into this program with DEMUX_TEST. */
void	demux_test_wish(bool claimed);

/* Where a thread waits in the table: before its wish takes a place in the
 * queue, or before it fills it. */
enum stop { STOP_NOWHERE, STOP_WISHING, STOP_CLAIMED };

static _Thread_local enum stop stop_at;
static _Atomic unsigned	       stopped;
static _Atomic bool	       wishing_go_on, claimed_go_on;
static int		       failures;

static void
check(bool good, const char *what)
{
	printf("%s %s\n", good ? "ok     " : "NOT OK ", what);
	if (!good)
		failures++;
}

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
nap(unsigned us)
{
	struct timespec ts = { .tv_nsec = (long)us * 1000 };

	nanosleep(&ts, NULL);
}

static struct demux_binding
binding(uint32_t client, const uint32_t *spi)
{
	return (struct demux_binding) {
		.client_id = client,
		.bind_id = 1,
		.host = addr_from_v4(htonl(0x0a000000 + client)),
		.gateway = addr_from_v4(htonl(0x0a000001)),
		.tunnel = TUNNEL_IPIP,
		.local = addr_from_v4(htonl(LOCAL)),
		.ipsec = true,
		.spis = spi,
		.nspis = 1,
		.remote_policy = DEMUX_REMOTE_NONE,
	};
}

static void
make_esp(struct packet_view *v, uint8_t p[64], uint32_t src, uint32_t dst,
    uint32_t spi)
{
	uint32_t s = htonl(src), t = htonl(dst);

	memset(p, 0, 64);
	p[0] = 0x45;
	store_u16(p + 2, 44);
	p[8] = 64;
	p[9] = IPPROTO_ESP;
	memcpy(p + 12, &s, 4);
	memcpy(p + 16, &t, 4);
	store_u32(p + 20, spi);
	if (!packet_parse_ipv4(v, p, 44))
		abort();
}

/* --- interrupted at the worst moment -------------------------------------- */

void
demux_test_wish(bool claimed)
{
	if (stop_at != (claimed ? STOP_CLAIMED : STOP_WISHING))
		return;
	stop_at = STOP_NOWHERE;
	atomic_fetch_add(&stopped, 1);
	while (!atomic_load(claimed ? &claimed_go_on : &wishing_go_on))
		nap(100);
}

struct sender {
	struct demux *d;
	unsigned      reader;
	uint32_t      client;
	enum stop     stop;
};

/* One packet out, which teaches the table its SPI. */
static void *
send_one(void *arg)
{
	const struct sender *s = arg;
	struct addr	     host = addr_from_v4(htonl(0x0a000000 + s->client));
	struct demux_target  t;
	uint8_t		     p[64];
	struct packet_view   v;

	make_esp(&v, p, LOCAL, PEER, 0x9000 + s->client);
	stop_at = s->stop;
	demux_online(s->d, s->reader);
	(void)demux_outbound(s->d, NOW, &host, TUNNEL_IPIP, &v, &t);
	demux_offline(s->d, s->reader);
	return NULL;
}

static void
start_and_stop(pthread_t *t, struct sender *s)
{
	unsigned before = atomic_load(&stopped);

	pthread_create(t, NULL, send_one, s);
	while (atomic_load(&stopped) == before)
		nap(100);
}

/*
 * A thread has found a lease and is about to wish that a key lead there.  The
 * lease ends.  Then another thread takes the next place in the queue and is
 * interrupted before it fills it: the wish of the first stays behind it, and
 * names a lease that no thread inside the table can have seen.
 */
static void
test_interrupted_wish(void)
{
	struct demux	    *d = demux_new(1000);
	uint32_t	     spi[2] = { 0x1001, 0x1002 };
	struct demux_binding b[2] = { binding(1, &spi[0]),
		binding(2, &spi[1]) };
	struct sender	     late = { d, 0, 2, STOP_WISHING },
			     half = { d, 1, 1, STOP_CLAIMED };
	pthread_t	     t[2];
	size_t		     bindings, keys;

	atomic_store(&claimed_go_on, false);
	atomic_store(&wishing_go_on, false);
	if (demux_add(d, &b[0]) == NULL || demux_add(d, &b[1]) == NULL)
		check(false, "two leases");
	start_and_stop(&t[0], &late);
	check(demux_remove_ids(d, 0, 2, 1) == 0,
	    "a lease ends while a thread has it in its hands");
	start_and_stop(&t[1], &half);
	atomic_store(&wishing_go_on, true);
	pthread_join(t[0], NULL);
	for (unsigned i = 0; i < 4; i++)
		demux_tick(d, NOW + i);
	atomic_store(&claimed_go_on, true);
	pthread_join(t[1], NULL);
	for (unsigned i = 0; i < 4; i++)
		demux_tick(d, NOW + 10 + i);
	demux_count(d, &bindings, &keys, NULL);
	check(bindings == 1 && keys == 3,
	    "the other lease is there, and what its packet taught");
	check(d->retired.stqh_first == NULL, "what ended is freed");
	demux_free(d);
}

/* --- packet threads that never rest beside a control thread --------------- */

#define FLOODERS 4
#define CHANGES	 20
#define BATCHES	 50

struct flood {
	struct demux *d;
	_Atomic bool  stop;
	_Atomic unsigned next;
	_Atomic uint64_t batches[FLOODERS];
	_Atomic uint64_t packets, wrong;
};

/* Each packet has an SPI of its own: all want to be learnt. */
static void *
flood_run(void *arg)
{
	struct flood	   *f = arg;
	unsigned	    me = atomic_fetch_add(&f->next, 1);
	struct demux_target t;
	uint8_t		    p[64];
	struct packet_view  v;
	struct addr	    host;
	uint32_t	    i = me << 24;

	while (!atomic_load_explicit(&f->stop, memory_order_relaxed)) {
		demux_online(f->d, me);
		for (unsigned k = 0; k < 32; k++) {
			make_esp(&v, p, LOCAL, PEER, ++i);
			host = addr_from_v4(htonl(0x0a000000 + i % 64));
			(void)demux_outbound(f->d, NOW, &host, TUNNEL_IPIP,
			    &v, &t);
			make_esp(&v, p, PEER, LOCAL, 0x10000 + i % 64);
			if (demux_inbound(f->d, NOW, &v, &t) == DEMUX_FORWARD
			    && t.client_id != i % 64)
				atomic_fetch_add(&f->wrong, 1);
		}
		atomic_fetch_add_explicit(
		    &f->packets, 64, memory_order_relaxed);
		atomic_fetch_add(&f->batches[me], 1);
	}
	demux_offline(f->d, me);
	return NULL;
}

/* Until each of the threads has had so many batches more. */
static void
batches_pass(struct flood *f, unsigned n)
{
	uint64_t end[FLOODERS];

	for (unsigned i = 0; i < FLOODERS; i++)
		end[i] = atomic_load(&f->batches[i]) + n;
	for (unsigned i = 0; i < FLOODERS; i++) {
		while (atomic_load(&f->batches[i]) < end[i])
			nap(500);
	}
}

/* Where readers barged in, control had a handful of turns in
 * as many seconds. */
static void
test_readers_keep_away(struct flood *f)
{
	size_t before;

	atomic_fetch_add(&f->d->writers, 1);
	batches_pass(f, 2);	/* who was inside the lock is out of it */
	before = atomic_load(&f->d->wish_tail);
	batches_pass(f, BATCHES);
	check(atomic_load(&f->d->wish_tail) == before,
	    "no packet thread takes the lock while control wants it");
	atomic_fetch_sub(&f->d->writers, 1);
	demux_tick(f->d, NOW);	/* a full queue is emptied by
				 * who made it wait */
	before = atomic_load(&f->d->wish_tail);
	batches_pass(f, 2);
	check(atomic_load(&f->d->wish_tail) != before,
	    "and they do when it does not");
}

static void
test_flood(void)
{
	struct flood	     f = { .d = demux_new(100000) };
	pthread_t	     t[FLOODERS];
	uint32_t	     spi;
	struct demux_binding b;
	uint64_t	     start, worst = 0;
	bool		     good = true;

	for (uint32_t i = 0; i < 64; i++) {
		spi = 0x10000 + i;
		b = binding(i, &spi);
		good = demux_add(f.d, &b) != NULL && good;
	}
	for (unsigned i = 0; i < FLOODERS; i++)
		pthread_create(&t[i], NULL, flood_run, &f);
	batches_pass(&f, 1);
	test_readers_keep_away(&f);
	for (uint32_t i = 0; i < CHANGES; i++) {
		start = now_us();
		spi = 0x10000 + i;
		b = binding(i, &spi);
		good = demux_remove_ids(f.d, 0, i, 1) == 0 && good;
		good = demux_add(f.d, &b) != NULL && good;
		if (now_us() - start > worst)
			worst = now_us() - start;
		if (i % 16 == 0)
			demux_tick(f.d, NOW + i);
		nap(500);
	}
	atomic_store(&f.stop, true);
	for (unsigned i = 0; i < FLOODERS; i++)
		pthread_join(t[i], NULL);
	printf("        %d threads, %.1f million packets: remove and add %d "
	       "times, the slowest %.1f ms\n", FLOODERS,
	    (double)atomic_load(&f.packets) / 1e6, CHANGES,
	    (double)worst / 1e3);
	check(good, "each lease ended and began");
	check(atomic_load(&f.wrong) == 0, "no packet went to another host");
	demux_free(f.d);
}

int
main(int argc, char *argv[])
{
	int old;

	(void)argc;
#ifdef TSAN
	/* ThreadSanitizer wants the address space where it expects it. */
	old = personality(0xffffffff);
	if (old != -1 && (old & ADDR_NO_RANDOMIZE) == 0
	    && personality((unsigned)old | ADDR_NO_RANDOMIZE) != -1)
		execv("/proc/self/exe", argv);
	puts("with ThreadSanitizer");
#else
	(void)old;
	(void)argv;
	puts("without ThreadSanitizer: this compiler has none, or another "
	     "sanitizer is in its place");
#endif
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned i = 0; i < 5; i++)
		test_interrupted_wish();
	test_flood();
	return failures == 0 ? 0 : 1;
}
