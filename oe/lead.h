/* lead.h - packets that may be sealed and opened before the engine sees them: when */
#ifndef OE_LEAD_H
#define OE_LEAD_H

#include <stdbool.h>
#include <stddef.h>

struct connection;
struct packet_view;
struct sa_pair;

/*
 * The engine has found that packet v goes on pair p.  If it would find so of
 * any other between the same two hosts, whatever flow it is of, and need look
 * at none that comes on it, the pair's data plane may do both alone from here
 * on, but for packets larger than mtu bytes (esp_pair_lead()), until
 * spd_led_end().
 */
void	lead_begin(struct connection *conn, struct sa_pair *p,
	    const struct packet_view *v, size_t mtu);
/* Will packets be led on that pair, if nothing comes between? */
bool	lead_likely(const struct connection *conn, const struct sa_pair *p);

#endif
