/* kernel.c - connections whose ESP the kernel does: which, and what it must be told */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "oe/child.h"
#include "oe/connection.h"
#include "oe/esp/esp.h"
#include "oe/kernel.h"
#include "oe/liveness.h"
#include "oe/pair.h"

static bool
has_narrow(const struct connection *conn)
{
	const struct sa_pair *p;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (!pair_is_whole(p))
			return true;
	}
	return false;
}

/*
 * Not for hosts that may share their address (the kernel cannot choose an SA by
 * the flow that it was heard on) or have no right to it (the kernel would send
 * them all that goes there), nor where others at that address have keys; nor
 * for networks behind us, whose other packets to the same destination must
 * still come to the engine, nor for ESP in UDP, nor beside flows' own SAs.
 */
static bool
kernel_can(const struct connection *conn, const struct keying_child *k)
{
	const struct core *c = conn->core;

	return c->shell->kernel != NULL && c->config->nnetworks == 0 &&
	    k->peer_id.type != KEYING_ID_FQDN && conn->right > RIGHT_FLOWS &&
	    (conn->spd == NULL || conn->spd->nshared == 0) &&
	    k->in.encap_sport == 0 && k->src.protocol == 0 &&
	    k->dst.protocol == 0 && !has_narrow(conn) &&
	    conn->key.src == c->local && conn->key.src_plen == 32 &&
	    conn->key.dst_plen == 32;
}

static struct keying_selector
host_selector(uint32_t addr)
{
	struct keying_selector s;

	memset(&s, 0, sizeof(s));
	s.net = addr;
	s.mask = 0xffffffffu;
	return s;
}

void
kernel_pair_up(struct sa_pair *p, const struct keying_child *k)
{
	struct connection *conn = p->connection;
	struct core	  *c = conn->core;

	if (!kernel_can(conn, k))
		return;
	if (conn->kernel_id == 0 && (conn->kernel_id = ++c->kernel_id) == 0)
		conn->kernel_id = ++c->kernel_id;
	if (c->shell->kernel->sa_add(c->shell->kernel_arg, &k->in,
	    conn->kernel_id, false) == -1) {
		log_info("%s: the kernel does not take this SA (%s): ESP in "
		    "user space", ipv4_text(conn->key.dst), strerror(errno));
		return;
	}
	p->kernel = true;
	/* The outbound half waits until the peer has its inbound one. */
	p->kernel_out = xcalloc(1, sizeof(*p->kernel_out));
	*p->kernel_out = k->out;
}

/* The policy before the way past the TUN: nothing finds that without it. */
static int
kernel_connection_up(struct connection *conn)
{
	const struct core     *c = conn->core;
	struct keying_selector ours = host_selector(conn->key.src);
	struct keying_selector theirs = host_selector(conn->key.dst);

	if (!conn->kernel_policy && c->shell->kernel->policy_add(
	    c->shell->kernel_arg, conn->kernel_id, &ours, &theirs,
	    conn->path.local, conn->path.peer) == -1)
		return -1;
	conn->kernel_policy = true;
	connection_route(conn, true);
	return 0;
}

void
kernel_pair_confirm(struct sa_pair *p)
{
	struct connection *conn = p->connection;
	struct core	  *c = conn->core;
	int		   rc;

	if (!pair_is_whole(p))
		return;
	if (!p->kernel) {
		kernel_connection_down(conn);
		return;
	}
	rc = c->shell->kernel->sa_add(c->shell->kernel_arg, p->kernel_out,
	    conn->kernel_id, true);
	wipe_free(p->kernel_out, sizeof(*p->kernel_out));
	p->kernel_out = NULL;
	if (rc == 0 && kernel_connection_up(conn) == 0)
		return;
	log_warn("%s: kernel ESP: %s; in user space from here on",
	    ipv4_text(conn->key.dst), strerror(errno));
	kernel_connection_down(conn);
	kernel_pair_down(p);
}

bool
kernel_follow(struct connection *conn)
{
	const struct sa_pair *p = connection_pair(conn);

	if (p == NULL)
		return true;	/* a policy without an SA lets nothing out */
	if (p->kernel)
		return kernel_connection_up(conn) == 0;
	kernel_connection_down(conn);
	return true;
}

void
kernel_pair_down(struct sa_pair *p)
{
	const struct core	*c = p->connection->core;
	const struct esp_params *in = esp_sa_params(p->in);
	const struct esp_params *out = esp_sa_params(p->out);

	if (!p->kernel)
		return;
	p->kernel = false;
	if (p->kernel_out != NULL)
		wipe_free(p->kernel_out, sizeof(*p->kernel_out));
	p->kernel_out = NULL;
	c->shell->kernel->sa_remove(c->shell->kernel_arg, addr_v4(&in->dst),
	    in->spi);
	c->shell->kernel->sa_remove(c->shell->kernel_arg, addr_v4(&out->dst),
	    out->spi);
}

void
kernel_connection_down(struct connection *conn)
{
	const struct core     *c = conn->core;
	struct keying_selector ours = host_selector(conn->key.src);
	struct keying_selector theirs = host_selector(conn->key.dst);

	if (!conn->kernel_policy)
		return;
	/* The way past the TUN first: nothing may find it without a policy. */
	connection_route(conn, false);
	conn->kernel_policy = false;
	c->shell->kernel->policy_remove(c->shell->kernel_arg, &ours, &theirs);
}

void
kernel_tick(struct connection *conn)
{
	struct core	       *c = conn->core;
	const struct oe_kernel *kernel = c->shell->kernel;
	const struct esp_params *e;
	struct sa_pair	       *p;
	uint64_t		packets, bytes, in, n, b;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (!p->kernel)
			continue;
		packets = bytes = in = 0;
		e = esp_sa_params(p->in);
		if (kernel->sa_usage(c->shell->kernel_arg, addr_v4(&e->dst),
		    e->spi, &n, &b) == 0) {
			packets += in = n;
			bytes += b;
			/* Only a peer that has its half can have sent this. */
			if (n != 0 && !p->confirmed) {
				child_confirmed(conn, p->spi_in);
				return;
			}
		}
		e = esp_sa_params(p->out);
		if (p->confirmed && kernel->sa_usage(c->shell->kernel_arg,
		    addr_v4(&e->dst), e->spi, &n, &b) == 0) {
			packets += n;
			bytes += b;
		}
		if (packets > p->kernel_packets) {
			if (packets - in > p->kernel_packets - p->kernel_in)
				liveness_sent(conn);
			if (in > p->kernel_in)
				liveness_heard(conn);
			p->kernel_in = in;
			conn->used = c->now;
			conn->packets += packets - p->kernel_packets;
			conn->bytes += bytes - p->kernel_bytes;
			p->kernel_packets = packets;
			p->kernel_bytes = bytes;
		}
	}
}
