/* xfrm.c - the data plane in the kernel: Linux XFRM through netlink, and what it lets in in the clear */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "net/netlink.h"
#include "oe/esp/dataplane_private.h"
#include "oe/esp/esp.h"
#include "oe/esp/xfrm.h"
#include "oe/esp/xfrm_sa.h"

/* Every guard's priority: behind all others, longer prefixes first, and before
 * these what is always taken. */
#define GUARD_PRIORITY	0x4f450000u
#define GUARD_MASK	0xffff0000u
#define GUARD_LONGEST	1
#define TRIAL		0x4f45	/* SPI, and policy, that are tried */
/* So many numbers of an SA are passed over when its peer has another address:
 * none is used twice, by the old SA and by the new one, unless so many packets
 * leave between two messages to the kernel. */
#define MOVE_AHEAD	(1u << 24)

struct xfrm {
	struct esp_plane plane;
	int		 fd;
	uint32_t	 mark;
	uint16_t	 id;		/* the last policy's */
	bool		 ipv4_only;
	bool		 told;		/* of peers that are elsewhere */
	struct xfrm_shell shell;
};

struct xfrm_pair {
	/* The outbound SA is there.  Another's may have its name, which peers
	 * at one address choose. */
	bool	 out;
	uint64_t packets, bytes;	/* counted on SAs that are no more */
};

/* --- policies ------------------------------------------------------------- */

static struct xfrm_rule
policy_rule(uint8_t dir, const struct esp_policy *policy)
{
	struct xfrm_rule r = { .dir = dir, .priority = XFRM_PRIORITY };
	bool		 out = dir == XFRM_POLICY_OUT;

	xfrm_select(&r.sel, out ? &policy->ours : &policy->theirs,
	    out ? &policy->theirs : &policy->ours);
	/* Each SA has its peer where that was when it came up; whose it is the
	 * reqid says. */
	xfrm_template(&r.tmpl, out ? &policy->local : policy->roams ? NULL :
	    &policy->peer, out ? &policy->peer : &policy->local,
	    XFRM_REQID_BASE | policy->id, policy->transport);
	return r;
}

static int
policy_put(struct xfrm *x, uint8_t dir, const struct esp_policy *policy)
{
	struct xfrm_rule r = policy_rule(dir, policy);

	return xfrm_rule_put(x->fd, &r);
}

static void
policy_delete(struct xfrm *x, uint8_t dir, const struct esp_policy *policy)
{
	struct xfrm_rule r = policy_rule(dir, policy);

	xfrm_rule_delete(x->fd, &r);
}

/* --- the data plane ------------------------------------------------------- */

static void
xfrm_policy_down(struct esp_plane *plane, const struct esp_policy *policy)
{
	struct xfrm *x = (struct xfrm *)plane;

	policy_delete(x, XFRM_POLICY_OUT, policy);
	policy_delete(x, XFRM_POLICY_IN, policy);
	policy_delete(x, XFRM_POLICY_FWD, policy);
}

/* What comes must be encrypted before what goes is. */
static int
xfrm_policy_up(struct esp_plane *plane, const struct esp_policy *policy)
{
	struct xfrm *x = (struct xfrm *)plane;

	if (policy_put(x, XFRM_POLICY_IN, policy) == 0 &&
	    policy_put(x, XFRM_POLICY_FWD, policy) == 0 &&
	    policy_put(x, XFRM_POLICY_OUT, policy) == 0)
		return 0;
	log_warn("%s: the kernel takes no policy: %s",
	    PREFIX_TEXT(&policy->theirs), strerror(errno));
	xfrm_policy_down(plane, policy);
	return -1;
}

static int
sa_add(struct xfrm *x, const struct esp_params *p,
    const struct esp_policy *policy, uint32_t mark)
{
	const struct xfrm_tag tag = { XFRM_REQID_BASE | policy->id,
		policy->ours.addr.family, mark, 0,
		mark == 0 && p->encap_sport != 0 };

	return xfrm_sa_add(x->fd, p, &tag);
}

static int
take(struct xfrm *x, const struct esp_pair *p, bool on)
{
	return x->shell.take(x->shell.arg, &p->in, &p->out, on);
}

/*
 * Not for hosts that may share their address (the kernel cannot choose an SA by
 * the flow that it was heard on) or where others at that address have keys, nor
 * beside flows' own SAs; nor for a peer behind a NAT where the kernel cannot
 * say that it is at another address or port.
 */
static int
xfrm_pair_up(struct esp_plane *plane, struct esp_pair *p)
{
	struct xfrm	  *x = (struct xfrm *)plane;
	struct esp_policy *policy = p->policy;

	if (policy == NULL || !policy->sole ||
	    (policy->roams && (!x->told || p->in.encap_sport == 0)) ||
	    (x->ipv4_only && (p->in.dst.family == AF_INET6 ||
	    policy->ours.addr.family == AF_INET6)) || take(x, p, true) == -1)
		return -1;
	if (policy->id == 0 && (policy->id = ++x->id) == 0)
		policy->id = ++x->id;
	if (sa_add(x, &p->in, policy, 0) == 0) {
		if (!policy->roams || xfrm_sa_tells_seldom(x->fd, &p->in)) {
			p->own = xcalloc(1, sizeof(struct xfrm_pair));
			return 0;
		}
		xfrm_sa_remove(x->fd, &p->in.dst, p->in.spi);
		errno = EOPNOTSUPP;
	}
	log_info("%s: the kernel does not take this SA: %s",
	    PREFIX_TEXT(&policy->theirs), strerror(errno));
	(void)take(x, p, false);
	return -1;
}

/* The outbound half waits until the peer has its inbound one. */
static int
xfrm_pair_confirm(struct esp_plane *plane, struct esp_pair *p)
{
	struct xfrm	 *x = (struct xfrm *)plane;
	struct xfrm_pair *own = p->own;

	own->out = sa_add(x, &p->out, p->policy, x->mark) == 0;
	if (own->out)
		return 0;
	log_warn("%s: the kernel does not take this SA: %s",
	    PREFIX_TEXT(&p->policy->theirs), strerror(errno));
	return -1;
}

static void
xfrm_pair_down(struct esp_plane *plane, struct esp_pair *p)
{
	struct xfrm		*x = (struct xfrm *)plane;
	const struct xfrm_pair	*own = p->own;

	if (own == NULL)
		return;
	xfrm_sa_remove(x->fd, &p->in.dst, p->in.spi);
	if (own->out)
		xfrm_sa_remove(x->fd, &p->out.dst, p->out.spi);
	(void)take(x, p, false);
	free(p->own);
	p->own = NULL;
}

static void
usage_out(struct xfrm *x, const struct esp_pair *p, struct esp_counters *c)
{
	const struct xfrm_pair *own = p->own;

	c->packets -= own->packets;
	c->bytes -= own->bytes;
	xfrm_sa_usage(x->fd, &p->out, c);
	c->packets += own->packets;
	c->bytes += own->bytes;
}

/* What it has sent is not known any more once the SA is gone. */
static void
keep_counters(struct xfrm *x, struct esp_pair *p)
{
	struct xfrm_pair   *own = p->own;
	struct esp_counters c = p->seen.out;

	usage_out(x, p, &c);
	own->packets = c.packets;
	own->bytes = c.bytes;
}

/*
 * To another address: an SA beside the old one, then the policies, which from
 * one packet to the next have the new one used, then the old one goes.  Nothing
 * is without an SA meanwhile, and no number is sent twice.
 */
static int
move_out(struct xfrm *x, struct esp_pair *p, const struct addr *dst,
    uint16_t port)
{
	const struct xfrm_move m = { dst, p->out.encap_sport, port,
		MOVE_AHEAD };
	struct esp_policy     *policy = p->policy, moved = *policy;

	if (xfrm_sa_move(x->fd, &p->out, &m) == -1)
		return -1;
	if (policy->plane == &x->plane &&
	    addr_equal(&policy->peer, &p->out.dst)) {
		moved.peer = *dst;
		moved.roams = true;
		if (policy_put(x, XFRM_POLICY_IN, &moved) == -1 ||
		    policy_put(x, XFRM_POLICY_FWD, &moved) == -1 ||
		    policy_put(x, XFRM_POLICY_OUT, &moved) == -1) {
			xfrm_sa_remove(x->fd, dst, p->out.spi);
			return -1;
		}
		policy->peer = *dst;
	}
	keep_counters(x, p);
	xfrm_sa_remove(x->fd, &p->out.dst, p->out.spi);
	return 0;
}

/*
 * The inbound SA stays, with its window: where its peer was when it came up is
 * a name that cannot be changed.  As long as the peer is at another address, no
 * port is the one that the kernel expects, and it tells of each place.
 */
static int
xfrm_pair_move(struct esp_plane *plane, struct esp_pair *p,
    const struct addr *dst, uint16_t port)
{
	struct xfrm	*x = (struct xfrm *)plane;
	struct xfrm_move m = { NULL, p->out.encap_sport, port, 0 };

	if (p->confirmed && (addr_equal(dst, &p->out.dst) ?
	    xfrm_sa_move(x->fd, &p->out, &m) :
	    move_out(x, p, dst, port)) == -1) {
		log_warn("%s: the kernel does not follow to %s, port %u: %s",
		    PREFIX_TEXT(&p->policy->theirs), ADDR_TEXT(dst), port,
		    strerror(errno));
		return -1;
	}
	m.sport = addr_equal(dst, &p->in.src) ? port : 0;
	m.dport = p->in.encap_dport;
	if (xfrm_sa_move(x->fd, &p->in, &m) == -1)
		log_debug("%s: the kernel goes on to tell where it is: %s",
		    PREFIX_TEXT(&p->policy->theirs), strerror(errno));
	return 0;
}

static void
xfrm_pair_usage(struct esp_plane *plane, const struct esp_pair *p,
    struct esp_usage *u)
{
	struct xfrm *x = (struct xfrm *)plane;

	xfrm_sa_usage(x->fd, &p->in, &u->in);
	if (p->confirmed)
		usage_out(x, p, &u->out);
}

/* The policy catches the packet on its way out; without one it would go in the
 * clear. */
static int
xfrm_send(struct esp_plane *plane, struct esp_pair *p,
    const struct packet_view *v)
{
	struct xfrm *x = (struct xfrm *)plane;

	if (p->policy->plane != plane)
		return ESP_E_PLANE;
	x->shell.send(x->shell.arg, v);
	return ESP_PAST;
}

static void
xfrm_free(struct esp_plane *plane)
{
	xfrm_close((struct xfrm *)plane);
}

static const struct esp_plane_ops xfrm_ops = {
	.name = "kernel",
	.past = true,
	.pair_up = xfrm_pair_up,
	.pair_confirm = xfrm_pair_confirm,
	.pair_down = xfrm_pair_down,
	.pair_usage = xfrm_pair_usage,
	.pair_move = xfrm_pair_move,
	.send = xfrm_send,
	.policy_up = xfrm_policy_up,
	.policy_down = xfrm_policy_down,
	.free = xfrm_free,
};

static int
heard_mapping(const struct nlmsghdr *nlh, void *arg)
{
	const struct xfrm  *x = arg;
	struct xfrm_mapping m;

	if (xfrm_mapping_read(&m, nlh) &&
	    (m.reqid & XFRM_REQID_MASK) == XFRM_REQID_BASE)
		x->shell.elsewhere(x->shell.arg, m.spi, &m.dst, &m.peer,
		    m.port);
	return MNL_CB_OK;
}

static void
on_mappings(int fd, void *arg)
{
	netlink_heard(fd, heard_mapping, arg);
}

struct esp_plane *
xfrm_plane(struct xfrm *x, const struct xfrm_shell *shell)
{
	const unsigned groups[] = { XFRMNLGRP_MAPPING };
	int	       fd;

	x->shell = *shell;
	x->told = false;
	if (shell->watch == NULL)
		return &x->plane;
	if ((fd = netlink_monitor(NETLINK_XFRM, groups, 1)) == -1) {
		log_debug("the kernel does not say where peers are: %s",
		    strerror(errno));
		return &x->plane;
	}
	shell->watch(shell->arg, fd, on_mappings, x);
	x->told = true;
	return &x->plane;
}

/* --- what may come in the clear ------------------------------------------- */

static struct xfrm_rule
guard_rule(int family, uint32_t order, bool block)
{
	return (struct xfrm_rule){ .sel.family = (uint16_t)family,
		.priority = GUARD_PRIORITY | order, .block = block };
}

static int
guard_put(struct xfrm *x, uint8_t dir, struct xfrm_rule *r)
{
	r->dir = dir;
	return xfrm_rule_put(x->fd, r);
}

int
xfrm_guard(struct xfrm *x, const struct prefix *from, bool block, bool forward)
{
	struct xfrm_rule r = guard_rule(from->addr.family, GUARD_LONGEST +
	    addr_bits(from->addr.family) - from->plen, block);

	r.sel.saddr = xfrm_address(&from->addr);
	r.sel.prefixlen_s = from->plen;
	if (guard_put(x, XFRM_POLICY_IN, &r) == -1)
		return -1;
	return !forward ? 0 : guard_put(x, XFRM_POLICY_FWD, &r);
}

int
xfrm_guard_leave(struct xfrm *x, uint32_t mark, uint32_t mask, bool forward)
{
	/* Solicitations and advertisements come from any address, or none yet
	 * (RFC 4861 §4.3, §4.4); all the rest from none, as reports
	 * do (RFC 3810 §5.2.13), or from a link-local one. */
	static const uint8_t neighbours[] = { 135, 136 };
	const struct xfrm_rule all = guard_rule(AF_INET6, 0, false);
	struct xfrm_rule       r = all;
	size_t		       i;

	r.mark = (struct xfrm_mark){ mark, mask };
	if (guard_put(x, XFRM_POLICY_IN, &r) == -1 ||
	    (forward && guard_put(x, XFRM_POLICY_FWD, &r) == -1))
		return -1;
	r = all;
	r.sel.proto = IPPROTO_ICMPV6;
	r.sel.prefixlen_s = 128;
	if (guard_put(x, XFRM_POLICY_IN, &r) == -1)
		return -1;
	r.sel.prefixlen_s = 0;
	r.sel.sport_mask = 0xffff;	/* the type's place */
	for (i = 0; i < sizeof(neighbours); i++) {
		r.sel.sport = htons(neighbours[i]);
		if (guard_put(x, XFRM_POLICY_IN, &r) == -1)
			return -1;
	}
	r = all;
	r.sel.saddr.a6[0] = htonl(0xfe800000);
	r.sel.prefixlen_s = 10;
	return guard_put(x, XFRM_POLICY_IN, &r);
}

/* --- what a killed daemon left -------------------------------------------- */

struct leftovers {
	struct { struct addr dst; uint32_t spi; } sa[256];
	struct xfrm_rule rule[256];
	unsigned nsa, nrules;
	bool	 guards_only;
};

static int
found_sa(const struct nlmsghdr *nlh, void *arg)
{
	struct xfrm_usersa_info sa;
	struct leftovers       *l = arg;

	if (nlh->nlmsg_type != XFRM_MSG_NEWSA ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(sa))
		return MNL_CB_OK;
	memcpy(&sa, mnl_nlmsg_get_payload(nlh), sizeof(sa));
	if ((sa.reqid & XFRM_REQID_MASK) == XFRM_REQID_BASE &&
	    l->nsa < sizeof(l->sa) / sizeof(l->sa[0])) {
		l->sa[l->nsa].dst = addr_from_bytes(sa.family, &sa.id.daddr);
		l->sa[l->nsa++].spi = ntohl(sa.id.spi);
	}
	return MNL_CB_OK;
}

static int
found_about(const struct nlattr *a, void *arg)
{
	struct xfrm_rule *r = arg;
	size_t		  len = mnl_attr_get_payload_len(a);

	if (mnl_attr_get_type(a) == XFRMA_TMPL && len >= sizeof(r->tmpl))
		memcpy(&r->tmpl, mnl_attr_get_payload(a), sizeof(r->tmpl));
	if (mnl_attr_get_type(a) == XFRMA_MARK && len >= sizeof(r->mark))
		memcpy(&r->mark, mnl_attr_get_payload(a), sizeof(r->mark));
	if (mnl_attr_get_type(a) == XFRMA_IF_ID && len >= sizeof(r->if_id))
		r->if_id = mnl_attr_get_u32(a);
	return MNL_CB_OK;
}

static int
found_policy(const struct nlmsghdr *nlh, void *arg)
{
	struct xfrm_userpolicy_info p;
	struct leftovers	   *l = arg;
	struct xfrm_rule	    r = { 0 };
	bool			    ours;

	if (nlh->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(p))
		return MNL_CB_OK;
	memcpy(&p, mnl_nlmsg_get_payload(nlh), sizeof(p));
	mnl_attr_parse(nlh, sizeof(p), found_about, &r);
	r.sel = p.sel;
	r.dir = p.dir;
	ours = (p.priority & GUARD_MASK) == GUARD_PRIORITY ||
	    ((r.tmpl.reqid & XFRM_REQID_MASK) == XFRM_REQID_BASE &&
	    !l->guards_only);
	if (ours && l->nrules < sizeof(l->rule) / sizeof(l->rule[0]))
		l->rule[l->nrules++] = r;
	return MNL_CB_OK;
}

/* Everything with our reqids and priorities; in rounds, as many as it takes. */
static void
remove_ours(struct xfrm *x, bool guards_only)
{
	struct leftovers *l = xcalloc(1, sizeof(*l));
	unsigned	  i, round;

	l->guards_only = guards_only;
	for (round = 0; round < 64; round++) {
		l->nsa = l->nrules = 0;
		xfrm_dump(x->fd, XFRM_MSG_GETPOLICY, found_policy, l);
		if (!guards_only)
			xfrm_dump(x->fd, XFRM_MSG_GETSA, found_sa, l);
		if (l->nsa == 0 && l->nrules == 0)
			break;
		for (i = 0; i < l->nrules; i++)
			xfrm_rule_delete(x->fd, &l->rule[i]);
		for (i = 0; i < l->nsa; i++)
			xfrm_sa_remove(x->fd, &l->sa[i].dst, l->sa[i].spi);
	}
	free(l);
}

/* --- life ----------------------------------------------------------------- */

void
xfrm_guard_clear(struct xfrm *x)
{
	remove_ours(x, true);
}

/* Between addresses that no packet has. */
static const char *
policy_lacks(struct xfrm *x, int family)
{
	struct esp_policy policy = { .id = TRIAL };
	struct addr	  none = { 0 };

	none.family = (uint8_t)family;
	policy.ours = policy.theirs = prefix_host(&none);
	policy.local = policy.peer = none;
	if (policy_put(x, XFRM_POLICY_OUT, &policy) == -1)
		return errno == EPERM ? "we may not ask the kernel" :
		    "the kernel has no IPsec policies";
	policy_delete(x, XFRM_POLICY_OUT, &policy);
	return NULL;
}

/* With the algorithms that everybody must have, and those asked for first. */
const char *
xfrm_lacks(struct xfrm *x, int family)
{
	struct esp_params p[] = {
		{ .spi = TRIAL, .cipher = ESP_AES_CBC, .cipher_len = 16,
		  .auth = ESP_AUTH_HMAC_SHA2_256, .auth_len = 32 },
		{ .spi = TRIAL, .cipher = ESP_AES_GCM_16, .cipher_len = 36 },
	};
	const struct xfrm_tag tag = { .reqid = XFRM_REQID_BASE,
		.inner = family };
	size_t		      i;

	for (i = 0; i < sizeof(p) / sizeof(p[0]); i++) {
		p[i].src = p[i].dst = family == AF_INET6 ?
		    addr_from_bytes(AF_INET6, &in6addr_loopback) :
		    addr_from_v4(htonl(INADDR_LOOPBACK));
		if (xfrm_sa_add(x->fd, &p[i], &tag) == -1 &&
		    errno != EEXIST)
			return errno == EPERM ? "we may not ask the kernel" :
			    i > 0 ? "the kernel has no AES-GCM for ESP" :
			    "the kernel has no ESP";
		xfrm_sa_remove(x->fd, &p[i].dst, p[i].spi);
	}
	return policy_lacks(x, family);
}

void
xfrm_set_ipv4_only(struct xfrm *x)
{
	x->ipv4_only = true;
}

struct xfrm *
xfrm_open(uint32_t mark)
{
	struct xfrm *x = xcalloc(1, sizeof(*x));

	x->plane.ops = &xfrm_ops;
	x->mark = mark;
	if ((x->fd = netlink_open(NETLINK_XFRM)) == -1) {
		free(x);
		return NULL;
	}
	remove_ours(x, false);
	return x;
}

void
xfrm_close(struct xfrm *x)
{
	if (x == NULL)
		return;
	remove_ours(x, false);
	close(x->fd);
	free(x);
}
