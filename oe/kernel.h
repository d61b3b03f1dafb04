/* kernel.h - ESP that the kernel does */
#ifndef OE_KERNEL_H
#define OE_KERNEL_H

#include "oe/connection.h"
#include "oe/pair.h"

/* Keys came: gives them to the kernel if it can have this pair. */
void	kernel_pair_up(struct sa_pair *p, const struct keying_child *k);
/* The pair carries what we send from here on. */
void	kernel_pair_confirm(struct sa_pair *p);
void	kernel_pair_down(struct sa_pair *p);
/* What the connection sends comes to the TUN again. */
void	kernel_connection_down(struct connection *conn);
/* Another pair carries what is sent: the kernel's policy follows.  False if the
 * kernel refuses the policy that this pair needs: it must not be sent on. */
bool	kernel_follow(struct connection *conn);
/* Sees what passed meanwhile. */
void	kernel_tick(struct connection *conn);

#endif
