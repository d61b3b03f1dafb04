/* gateway_bench.c - the gateway core alone: nanoseconds a request and bytes a binding, from few to a million bindings */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/util.h"
#include "rsipd/gateway.h"

#define OF_HOST		250		/* bindings */
#define NOW		1000000u
#define FIRST_HOST	0x0a000100u	/* 10.0.1.0 */
#define FIRST_LOCAL	0xc6336401u	/* 198.51.100.1 */
#define FIRST_PORT	1024
#define LAST_PORT	60000
#define BIND_OFFSET	14		/* header, client ID, head of the bind
					 * ID parameter */

static struct demux	  *demux;
static struct gateway	  *gateway;
static struct rsip_message message;
static uint8_t		   in[GATEWAY_MESSAGE_MAX], out[GATEWAY_MESSAGE_MAX];

static void
fail(const char *what)
{
	fprintf(stderr, "gateway_bench: %s\n", what);
	exit(1);
}

static struct demux_entry *
op_add(void *arg, const struct demux_binding *b)
{
	(void)arg;
	return demux_add(demux, b);
}

static void
op_remove(void *arg, struct demux_entry *e)
{
	(void)arg;
	demux_remove(demux, e);
}

static void
op_send(void *arg, const struct gateway_peer *to, bool answer,
    const uint8_t *msg, size_t len)
{
	(void)arg;
	(void)to;
	(void)answer;
	(void)msg;
	(void)len;
}

static int
op_resolve(void *arg, const char *name, uint64_t ticket)
{
	(void)arg;
	(void)name;
	(void)ticket;
	return -1;
}

static void
op_event(void *arg, enum gateway_event e, const struct lease_client *c,
    struct lease_binding *b)
{
	(void)arg;
	(void)e;
	(void)c;
	(void)b;
}

static void
op_alarm(void *arg, uint64_t at)
{
	(void)arg;
	(void)at;
}

static const struct gateway_ops ops = { .demux_add = op_add,
	.demux_remove = op_remove, .send = op_send, .resolve = op_resolve,
	.event = op_event, .alarm = op_alarm };

/* The answer is in out. */
static void
ask(uint32_t host, size_t len)
{
	uint32_t	    v4 = htonl(FIRST_HOST + host);
	struct gateway_peer peer = { .host = addr_from_v4(v4),
		.transport = GATEWAY_TCP, .id = host + 1 };

	if (gateway_input(gateway, NOW, &peer, in, len, out) <= 0 ||
	    out[1] == RSIP_ERROR_RESPONSE)
		fail(rsip_error_name(load_u16(out + 7)));
}

static size_t
make_assign(uint32_t client_id, bool ipsec)
{
	struct rsip_message *m = &message;

	rsip_message_init(m, ipsec ? RSIP_ASSIGN_REQUEST_RSIPSEC :
	    RSIP_ASSIGN_REQUEST_RSAP_IP);
	m->has = RSIP_HAS_CLIENT_ID | RSIP_HAS_LOCAL | RSIP_HAS_LOCAL_PORTS |
	    RSIP_HAS_REMOTE | RSIP_HAS_REMOTE_PORTS |
	    (ipsec ? RSIP_HAS_SPIS : 0);
	m->client_id = client_id;
	m->local.type = m->remote.type = RSIP_ADDR_IPV4;
	m->local.any = m->remote.any = true;
	m->local_ports.none = m->remote_ports.none = ipsec;
	m->local_ports.number = m->remote_ports.number = 1;
	m->spis.number = 1;
	return (size_t)rsip_encode(m, in, sizeof(in));
}

static size_t
make_free(uint32_t client_id, uint32_t bind_id)
{
	rsip_message_init(&message, RSIP_FREE_REQUEST);
	message.has = RSIP_HAS_CLIENT_ID | RSIP_HAS_BIND_ID;
	message.client_id = client_id;
	message.bind_id = bind_id;
	return (size_t)rsip_encode(&message, in, sizeof(in));
}

static void
make_gateway(size_t bindings, size_t addresses)
{
	struct policy	       p = { .has = UINT32_MAX, .may_register = true,
		.local = RSIP_LOCAL_MACRO, .remote = RSIP_REMOTE_NONE,
		.ipsec = true, .ipip = true, .lease = 600, .lease_max = 600,
		.registration = 600, .max_bindings = 2 * OF_HOST,
		.max_ports = 2 * OF_HOST, .max_spis = 2 * OF_HOST };
	struct gateway_config  config = { .max_registrations = bindings + 1,
		.gateway = addr_from_v4(htonl(0x0a000001)),
		.max_bindings = bindings + OF_HOST,
		.policies = policies_new(&p),
		.from = { { .addr.family = AF_INET } }, .nfrom = 1 };
	struct pool_address    a = { .nports = 1,
		.ports = { { FIRST_PORT, LAST_PORT } } };
	struct pool	      *pool = pool_new(0, 2 * bindings + OF_HOST);

	demux = demux_new(4 * bindings + 65536 * addresses);
	while (addresses-- > 0) {
		a.addr = addr_from_v4(htonl(FIRST_LOCAL + (uint32_t)addresses));
		pool_add(pool, &a);
	}
	gateway = gateway_new(&config, pool, &ops, NULL);
}

/* KiB that this process has in memory, and the most it had. */
static void
read_memory(unsigned long *is, unsigned long *most)
{
	FILE *f = fopen("/proc/self/status", "r");
	char  line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "VmRSS:", 6) == 0)
			*is = strtoul(line + 6, NULL, 10);
		if (strncmp(line, "VmHWM:", 6) == 0)
			*most = strtoul(line + 6, NULL, 10);
	}
	if (f != NULL)
		fclose(f);
}

static double
processor(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Pairs of an assignment and its end, each of a host by chance;
 * nanoseconds of processor a request. */
static double
run(const uint32_t *client_id, uint32_t hosts, size_t requests)
{
	double	 begin = processor();
	uint64_t x = 1;
	uint32_t host;
	size_t	 i;

	for (i = 0; i < requests; i += 2) {
		/* The same sequence in each run; the high bits are good. */
		x = x * 6364136223846793005u + 1442695040888963407u;
		host = (uint32_t)((x >> 32) % hosts);
		ask(host, make_assign(client_id[host], false));
		ask(host, make_free(client_id[host],
		    load_u32(out + BIND_OFFSET)));
	}
	return requests == 0 ? 0 : (processor() - begin) / (double)requests;
}

static size_t
number(const char *s, size_t min, size_t max)
{
	char	     *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*end != '\0' || v < min || v > max)
		fail("bad number");
	return v;
}

int
main(int argc, char **argv)
{
	size_t	      bindings = 1000, addresses = 1, requests = 200000, i;
	uint32_t      hosts, *client_id;
	unsigned long before = 0, is = 0, most = 0;
	double	      ns;
	int	      ch;

	while ((ch = getopt(argc, argv, "n:a:r:")) != -1) {
		if (ch == 'n')
			bindings = number(optarg, 1, 10000000);
		else if (ch == 'a')
			addresses = number(optarg, 1, POOL_ADDRS_MAX);
		else if (ch == 'r')
			requests = number(optarg, 0, 100000000);
		else
			fail("usage: gateway_bench [-n bindings] "
			    "[-a addresses] [-r requests]");
	}
	hosts = (uint32_t)((bindings + OF_HOST - 1) / OF_HOST);
	client_id = xcalloc(hosts, sizeof(*client_id));
	memory_goes_back();
	read_memory(&before, &most);
	make_gateway(bindings, addresses);
	for (i = 0; i < hosts; i++) {
		rsip_message_init(&message, RSIP_REGISTER_REQUEST);
		ask((uint32_t)i,
		    (size_t)rsip_encode(&message, in, sizeof(in)));
		client_id[i] = load_u32(out + 7);
	}
	/* Hosts in turn, so that no host's lie side by side. */
	for (i = 0; i < bindings; i++) {
		/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): hosts > 0 */
		ask((uint32_t)(i % hosts),
		    make_assign(client_id[i % hosts], true));
		if (i % 65536 == 0)
			demux_tick(demux, NOW);
	}
	demux_tick(demux, NOW);
	demux_tick(demux, NOW);
	read_memory(&is, &most);
	ns = run(client_id, hosts, requests);
	printf("%zu bindings of %u hosts: %lu KiB, %lu at most, %.0f bytes each"
	    "; %.0f ns a request\n", bindings, hosts, is - before,
	    most - before, (double)(is - before) * 1024 / (double)bindings,
	    ns);
	return 0;
}
