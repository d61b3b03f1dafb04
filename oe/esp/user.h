/* user.h - the data plane in user space: packets come by the caller, libcrypto does the rest */
#ifndef OE_ESP_USER_H
#define OE_ESP_USER_H

#include "net/ip.h"

struct esp_plane;
struct lanes;

/* send takes packets, raw ESP or ESP in UDP, to the network; what does not go
 * out is lost.  Ends with esp_plane_free(). */
struct esp_plane *esp_user_new(packet_fn send, void *arg);
/*
 * Packets may be led (esp_pair_lead()) into these lanes, both ways, which
 * outlive the plane's pairs.  flush lets go of all that send has kept, with its
 * arg.
 */
void	esp_user_lanes(struct esp_plane *plane, struct lanes *seal,
	    struct lanes *open, void (*flush)(void *arg));

#endif
