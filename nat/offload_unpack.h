/* offload_unpack.h - the kernel's part of eBPF as the program carries it */
#ifndef NAT_OFFLOAD_UNPACK_H
#define NAT_OFFLOAD_UNPACK_H

#include <stddef.h>

/* The object, the caller's to free; NULL: it cannot be unpacked, or no
 * memory. */
void	*offload_unpack(size_t *len);

#endif
