/* gateway_world.h - the gateway core with everything around it faked, for its tests */
#ifndef TESTS_GATEWAY_WORLD_H
#define TESTS_GATEWAY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rsipd/gateway.h"

#define REST	120000
#define SHARED	"198.51.100.1"
#define WHOLE	"198.51.100.2"
#define REMOTE	"203.0.113.5"
#define WORLD_INDEX	0x1f2e3d4cu	/* of the gateway's life */

/* One gateway with everything around it faked. */
struct world {
	struct gateway *g;
	struct policies *policies;
	struct gateway_config config;
	uint64_t now;
	struct gateway_peer peer;
	struct rsip_message in, out;		/* request made, last answer */
	struct rsip_message async[16];
	struct gateway_peer async_to[16];
	bool	 async_answer[16];
	unsigned nasync;
	unsigned bound;				/* in the demux table */
	struct demux_binding last;		/* values only */
	uint64_t last_cookie;
	int	 demux_errno;			/* the next additions fail */
	unsigned demux_failures;
	uint64_t ticket[16];
	char	 asked[16][64];
	unsigned nasked;
	const char *secret;			/* signs requests */
	uint32_t key_id;
	uint64_t auth_index, auth_echo, auth_counter;
	uint8_t	 mac[8];			/* of every neighbour;
						 * all 0: not known */
	bool	 routed;			/* hosts are not on the link */
	uint64_t probed;			/* the last connection
						 * that was asked about */
	uint64_t alarm;				/* when gateway_tick() is due */
	unsigned alarms;			/* how often that was said */
	uint8_t	 bytes[GATEWAY_MESSAGE_MAX], answer[GATEWAY_MESSAGE_MAX];
	size_t	 len;
};

extern struct world w;
extern const struct gateway_ops world_ops;

struct policy	default_policy(void);
void	forget_async(void);
void	world_end(void);
/* Ports 20000-20009 of a shared address and, with whole, an exclusive one. */
void	world_begin(const struct policy *base, bool whole);
void	as_host(const char *addr, uint64_t id);
/* Sends bytes; the answer is in w.out.  Returns what gateway_input() did. */
int	put(const uint8_t *msg, size_t len);
int	ask(void);
/* What the host at w.peer signs with. */
struct rsip_key	key_now(void);
void	request(enum rsip_type type, uint32_t client_id);
void	expect(enum rsip_type type);
void	expect_error(enum rsip_error error);
uint32_t	do_register(void);
void	set_address(struct rsip_address *a, const char *text);
/* n ports from lo on; lo 0: don't care; n 0: don't need. */
struct rsip_ports	ports(unsigned n, unsigned lo);
/* An assignment where nothing matters; tests change what they are about. */
void	assign(enum rsip_type type, uint32_t client_id);
void	set_spis(unsigned n, uint32_t lo);
struct pool_counts	pool_now(void);

struct addr	world_addr(const char *text);
/* "10.0.0.0/24", until the next call. */
const struct prefix *world_prefix(const char *text);

#endif
