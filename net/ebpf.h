/* ebpf.h - what every loader of eBPF programs asks of libbpf; only where that is */
#ifndef NET_EBPF_H
#define NET_EBPF_H

#include <stddef.h>
#include <stdint.h>

struct bpf_object;

/* An array of the kernel's: written without a system call, which cannot
 * fail. */
struct ebpf_array {
	void	*memory;	/* NULL: not there */
	size_t	 size;		/* bytes */
	uint32_t n;
};

/* libbpf's warnings go to the log, where that is for finding faults. */
void	ebpf_log(void);
/* The array map of that name, of an object that is loaded: 0, or -errno and
 * a->memory is as it was. */
int	ebpf_array_map(const struct bpf_object *o, const char *name,
	    struct ebpf_array *a);
void	ebpf_array_unmap(struct ebpf_array *a);	/* may not be there */

#endif
