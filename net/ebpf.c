/* ebpf.c - what every loader of eBPF programs asks of libbpf */
#include "config.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "net/ebpf.h"

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
