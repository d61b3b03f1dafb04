/* scenario.h - the fake network around the OE core that scenario files play on */
#ifndef TESTS_UNIT_SCENARIO_H
#define TESTS_UNIT_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "oe/connection.h"
#include "oe/core.h"
#include "tests/unit/play.h"
#include "oe/esp/esp.h"
#include "oe/esp/lanes.h"

#define CONFIG_MAX	4096
#define QUESTIONS_MAX	2048
#define MIRRORS_MAX	64
#define REQUESTS_MAX	256

/* Every scenario is played three times, the second and third with packets
 * passing beside the core where it leads them so (lead.h), in lanes of user
 * space or in a kernel. */
extern bool scenario_led, scenario_kernel;

struct world {
	struct play	 *play;
	char		  config_text[CONFIG_MAX];
	bool		  started, no_key, routes, past, kernel_offered;
	bool		  led;		/* as scenario_led says, or itself */
	bool		  led_offered;	/* a kernel takes what is led */
	uint64_t	  nled;		/* what that took */
	uint64_t	  beside;	/* what passed, when last asked */
	struct core	 *core;
	struct oe_config *config;
	struct oe_shell	  shell;
	struct esp_plane *planes[4], *led_plane;
	struct lanes	 *seal, *open;	/* NULL: none */
	uint64_t	  now;
	struct addr	  local, local6;
	struct addr	  other;	/* address of this host, of IPv6 */

	struct question {
		char	 name[KEYING_NAME_MAX + 1];
		uint16_t type;
		dns_fn	 fn;
		void	*arg;
	} questions[QUESTIONS_MAX];
	unsigned nquestions;

	struct mirror {			/* the peer's ends of a pair */
		uint32_t       spi_in, spi_out;	/* as the core sees them */
		struct esp_sa *seal, *open;
		struct addr    dst;	/* where the peer opens */
		void	      *conn;
		bool	       nat;	/* the peer is behind one: ESP in UDP */
		/* ESP that comes once more. */
		uint8_t	       kept[2048 + ESP_OVERHEAD];
		size_t	       kept_len;
	} mirrors[MIRRORS_MAX];
	unsigned nmirrors;

	struct request {
		struct addr peer, src, dst;
		void	*conn;
	} requests[REQUESTS_MAX];
	unsigned nrequests;
	void	*authorized;		/* conn of the last authorize */
	uint64_t token;

	struct {			/* the kernel that does ESP */
		bool	 no_sa, no_policy, in_udp;
		struct {
			struct addr dst;
			uint32_t    spi;
			bool	    outbound;
		} sa[MIRRORS_MAX];
		unsigned nsa;
		const struct esp_policy *policy[MIRRORS_MAX];
		unsigned npolicies;
	} kernel;

	bool phase1_lost;		/* delete_child() and probe() fail */
	bool probes;			/* questions whether a peer
					 * lives are events */
	bool shares;			/* other hosts may have our address */
	struct port_block ports;	/* of which these are leased */
	bool requests_refused;		/* request() fails */
	bool peers_known;		/* to an engine beside this one */
};

/* Fills in shell and the clock; routes, past: pass_route, pass_pair are wanted;
 * kernel: it offers ESP. */
void	world_init(struct world *w, bool routes, bool past,
	    bool kernel);
void	world_free(struct world *w);
/* The kernel that takes what is led (scenario_led.c): its data plane, and what
 * it does before the core: false, if that is for the core. */
struct esp_plane *scenario_led_plane(struct world *w, packet_fn send);
bool	scenario_led_out(struct world *w, const uint8_t *pkt, size_t len);
bool	scenario_led_in(struct world *w, const struct packet_view *v);
extern const struct core_ops world_ops;
extern const struct keying_engine world_engine;

void	world_event(struct world *w, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* Notes why the scenario fails; the first reason stays. */
void	world_fail(struct world *w, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* The key of the host under test, which scenario files call KEY0. */
extern EVP_PKEY *our_key;

/* Names of hosts in scenario files, or addresses; none: no such host. */
struct addr host_addr(const char *name);
/* The name of an address where it has one, else the address. */
const char *host_name(const struct addr *addr);

/* A packet with a tag as payload. kind: udp, tcp, syn, syn-ack, ack, rst, echo,
 * echo-reply, echo-error.
 * Returns its length. */
size_t	packet_make(uint8_t *out, size_t cap, const struct addr *src,
	    const struct addr *dst, const char *kind, unsigned sport,
	    unsigned dport, const char *tag, size_t size, bool df);

/* What is done to the core (scenario_act.c), and by an engine of IKE
 * (scenario_keying.c). */
extern const struct play_command player_acts[], player_keying_acts[];

#define W(p)	((struct world *)(p)->world)

/* A host's address; a name that there is not makes the scenario fail. */
struct addr player_host(struct play *p, const char *name);
/* Whose packets to an address are ours, by its family. */
struct addr player_local(struct play *p, const struct addr *dst);
/* "@name", or a host. */
struct keying_id player_identity(struct play *p, const char *text);
/* "KEYn" */
struct pubkey player_key(const char *text);
/* Replaces each KEYn by the key in base64 and each $host by its address. */
void	player_expand(char *out, size_t cap, const char *in);

#endif
