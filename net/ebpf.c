/* ebpf.c - what every loader of eBPF programs asks of libbpf */
#include "config.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "net/ebpf.h"
#include "net/tc.h"

__attribute__((format(printf, 2, 0))) static int
log_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN && log_enabled(LOG_LEVEL_DEBUG))
		log_message(LOG_LEVEL_DEBUG, fmt, ap);
	return 0;
}

void
ebpf_log(void)
{
	libbpf_set_print(log_libbpf);
}

int
ebpf_load(const void *object, size_t len, struct bpf_object **o)
{
	ebpf_log();
	*o = bpf_object__open_mem(object, len, NULL);
	return *o == NULL ? -errno : bpf_object__load(*o);
}

int
ebpf_attach(const struct bpf_object *o, const char *program,
    const struct tc_place *p)
{
	struct bpf_program *prog =
	    bpf_object__find_program_by_name(o, program);

	if (prog == NULL)
		return -ENOENT;
	return tc_add(p, bpf_program__fd(prog), program) == 0 ? 0 : -errno;
}

int
ebpf_array_map(const struct bpf_object *o, const char *name,
    struct ebpf_array *a)
{
	struct bpf_map *m = bpf_object__find_map_by_name(o, name);
	long		page = sysconf(_SC_PAGESIZE);
	void	       *memory;

	if (m == NULL || page <= 0)
		return -ENOENT;
	a->n = bpf_map__max_entries(m);
	a->size = (size_t)bpf_map__value_size(m) * a->n;
	a->size = (a->size + (size_t)page - 1) / (size_t)page * (size_t)page;
	memory = mmap(NULL, a->size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    bpf_map__fd(m), 0);
	if (memory == MAP_FAILED)
		return -errno;
	a->memory = memory;
	return 0;
}

void
ebpf_array_unmap(struct ebpf_array *a)
{
	if (a->memory != NULL)
		(void)munmap(a->memory, a->size);
}

void
ebpf_slots_init(struct ebpf_slots *s)
{
	unsigned i;

	memset(s, 0, sizeof(*s));
	for (i = 1; i < EBPF_SLOTS; i++)
		s->unused[s->nunused++] = (uint16_t)i;
}

uint16_t
ebpf_slots_next(const struct ebpf_slots *s)
{
	return s->nunused == 0 ? 0 : s->unused[s->first];
}

void
ebpf_slots_take(struct ebpf_slots *s)
{
	s->first = (s->first + 1) % EBPF_SLOTS;
	s->nunused--;
}

void
ebpf_slots_give(struct ebpf_slots *s, uint16_t slot)
{
	s->unused[(s->first + s->nunused++) % EBPF_SLOTS] = slot;
}

uint64_t
ebpf_slots_handle(struct ebpf_slots *s, uint16_t slot)
{
	if (++s->generation == 0)
		s->generation = 1;
	return (uint64_t)s->generation << 32 | slot;
}

void
ebpf_ports_used(uint8_t used[65536], void (*tell)(void *, uint16_t), void *arg)
{
	uint64_t eight;
	size_t	 i, j;

	for (i = 0; i < 65536; i += sizeof(eight)) {
		memcpy(&eight, used + i, sizeof(eight));
		if (eight == 0)
			continue;
		for (j = i; j < i + sizeof(eight); j++) {
			if (used[j] == 0)
				continue;
			used[j] = 0;
			tell(arg, (uint16_t)j);
		}
	}
}
