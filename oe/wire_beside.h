/* wire_beside.h - the engine's sockets once more, for threads beside the one of its event loop: ways out, and raw ESP by SPI */
#ifndef OE_WIRE_BESIDE_H
#define OE_WIRE_BESIDE_H

#include <stdbool.h>

#include "net/ip.h"

struct wire;
struct wire_in;
struct wire_out;

/*
 * A way out beside the wire's own, by sockets that it shares with nobody but
 * for ESP in UDP by the piece: for one thread at a time.  What the kernel does
 * not take as it is too large is told to too_big (by the thread that sends),
 * who has wire_too_big() called by the event loop's.  NULL after a log line.
 */
struct wire_out *wire_out_new(struct wire *w, packet_fn too_big, void *arg);
void	wire_out_free(struct wire_out *o);	/* NULL is allowed */
void	wire_out_send(void *out, const struct packet_view *v);
void	wire_out_flush(void *out);

/*
 * Sockets, one a family, for raw ESP whose SPI leaves i when divided by n: for
 * n of these, i from 0 on, which share all of it.  The wire's own get none from
 * wire_share_esp() on, and all again without share.  NULL after a log line.
 */
struct wire_in *wire_in_new(struct wire *w, unsigned i, unsigned n);
void	wire_in_free(struct wire_in *in);	/* NULL is allowed */
void	wire_share_esp(struct wire *w, bool share);
int	wire_in_fd(const struct wire_in *in, int family);	/* -1: none */
/* Calls fn with what waits at one of its sockets, fd, a turn's worth at most.
 * For one thread at a time. */
void	wire_in_read(void *in, int fd, packet_fn fn, void *arg);

#endif
