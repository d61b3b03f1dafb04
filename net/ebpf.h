/* ebpf.h - what every loader of eBPF programs asks of libbpf; only where that is */
#ifndef NET_EBPF_H
#define NET_EBPF_H

#include <stddef.h>
#include <stdint.h>

struct bpf_object;
struct tc_place;

/* An array of the kernel's: written without a system call, which cannot
 * fail. */
struct ebpf_array {
	void	*memory;	/* NULL: not there */
	size_t	 size;		/* bytes */
	uint32_t n;
};

/* libbpf's warnings go to the log, where that is for finding faults. */
void	ebpf_log(void);
/* An object that a program carries, len bytes, into the kernel.  0, or -errno;
 * bpf_object__close() for *o is the caller's either way. */
int	ebpf_load(const void *object, size_t len, struct bpf_object **o);
/* A program of an object that is loaded, to where p says, for as long as
 * tc_del() has not taken it away.  0, or -errno. */
int	ebpf_attach(const struct bpf_object *o, const char *program,
	    const struct tc_place *p);
/* The array map of that name, of an object that is loaded: 0, or -errno and
 * a->memory is as it was. */
int	ebpf_array_map(const struct bpf_object *o, const char *name,
	    struct ebpf_array *a);
void	ebpf_array_unmap(struct ebpf_array *a);	/* may not be there */

/*
 * Numbers of an array's slots, from 1 on, and the handles that name a use of
 * one: a number and, above its 32 bits, what no other use has had; neither half
 * is ever 0.
 */
#define EBPF_SLOTS	4096	/* 0 is none of them */

struct ebpf_slots {
	uint16_t unused[EBPF_SLOTS];	/* a ring */
	unsigned first, nunused;
	uint32_t generation;
};

void	ebpf_slots_init(struct ebpf_slots *s);
/* The one that has been unused for longest, which is still unused; 0: there is
 * none. */
uint16_t ebpf_slots_next(const struct ebpf_slots *s);
void	ebpf_slots_take(struct ebpf_slots *s);	/* ebpf_slots_next() */
void	ebpf_slots_give(struct ebpf_slots *s, uint16_t slot);
uint64_t ebpf_slots_handle(struct ebpf_slots *s, uint16_t slot);

/* A map's counter, which the kernel adds to. */
static inline uint64_t
ebpf_counter(const unsigned long long *n)
{
	return __atomic_load_n(n, __ATOMIC_RELAXED);
}

/* Tells of each port that a program has marked in a map, and unmarks it.
 * Host order. */
void	ebpf_ports_used(uint8_t used[65536],
	    void (*tell)(void *arg, uint16_t port), void *arg);

#endif
