/* replay.h - the anti-replay window of an inbound SA (RFC 4303 §3.4.3, RFC 6479's layout) */
#ifndef OE_ESP_REPLAY_H
#define OE_ESP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define ESP_REPLAY_DEFAULT	1024u
#define ESP_REPLAY_MAX		65536u	/* packets: 8 KiB an SA */

struct esp_replay {
	uint64_t  top;		/* highest number that authenticated */
	uint64_t *bits;		/* a ring of words, one bit a number */
	uint32_t  words;	/* a power of two */
	uint32_t  window;	/* packets; one word less than the ring holds */
	bool	  esn;
};

/* window 0: ESP_REPLAY_DEFAULT; rounded up to whole words. 0,
 * or -1: no memory. */
int	 esp_replay_init(struct esp_replay *r, uint32_t window, bool esn);
void	 esp_replay_free(struct esp_replay *r);

/*
 * May the packet with this number on the wire be new?  seq gets the whole
 * number: with ESN its high half is guessed (RFC 4303 App. A2.2).
 */
bool	 esp_replay_check(const struct esp_replay *r, uint32_t low,
	    uint64_t *seq);
/* The packet is authentic: its number is not taken again. */
void	 esp_replay_update(struct esp_replay *r, uint64_t seq);
uint64_t esp_replay_top(const struct esp_replay *r);

#endif
