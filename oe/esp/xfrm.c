/* xfrm.c - the data plane in the kernel: Linux XFRM through netlink, and what it lets in in the clear */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ipsec.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "net/netlink.h"
#include "oe/esp/dataplane_private.h"
#include "oe/esp/esp.h"
#include "oe/esp/xfrm.h"

#define PRIORITY	2000	/* behind what an operator's IPsec puts there */
#define REPLAY_WINDOW	1024
/* Upper half of every reqid of ours: "OE". */
#define REQID_BASE	0x4f450000u
#define REQID_MASK	0xffff0000u
/* Every guard's priority: behind all others, longer prefixes first, and before
 * these what is always taken. */
#define GUARD_PRIORITY	0x4f450000u
#define GUARD_MASK	0xffff0000u
#define GUARD_LONGEST	1
#define TRIAL		0x4f45	/* SPI, and policy, that are tried */

struct xfrm {
	struct esp_plane plane;
	int		 fd;
	uint32_t	 mark;
	uint16_t	 id;		/* the last policy's */
	bool		 ipv4_only;
	struct xfrm_shell shell;
};

static xfrm_address_t
address_of(const struct addr *a)
{
	xfrm_address_t x;

	memcpy(&x, a->bytes, sizeof(x));
	return x;
}

/* --- netlink -------------------------------------------------------------- */

/* A request, whose body, all zero, is returned. */
static void *
begin(char *buf, unsigned type, unsigned flags, size_t body,
    struct nlmsghdr **nlh)
{
	*nlh = netlink_begin(buf, type, flags, NULL, body);
	return mnl_nlmsg_get_payload(*nlh);
}

/* --- security associations ------------------------------------------------ */

static int
put_cipher(struct nlmsghdr *nlh, const struct esp_params *p)
{
	union {
		struct xfrm_algo      a;
		struct xfrm_algo_aead aead;
		char		      room[sizeof(struct xfrm_algo_aead) +
		    ESP_KEY_MAX];
	} u;

	memset(&u, 0, sizeof(u));
	switch (p->cipher) {
	case ESP_AES_GCM_16:
	case ESP_CHACHA20_POLY1305:
		snprintf(u.aead.alg_name, sizeof(u.aead.alg_name), "%s",
		    p->cipher == ESP_AES_GCM_16 ? "rfc4106(gcm(aes))" :
		    "rfc7539esp(chacha20,poly1305)");
		u.aead.alg_key_len = (unsigned)p->cipher_len * 8;
		u.aead.alg_icv_len = 128;
		memcpy(u.aead.alg_key, p->cipher_key, p->cipher_len);
		mnl_attr_put(nlh, XFRMA_ALG_AEAD, sizeof(u.aead) +
		    p->cipher_len, &u);
		break;
	case ESP_AES_CBC:
	case ESP_3DES_CBC:
		snprintf(u.a.alg_name, sizeof(u.a.alg_name), "%s",
		    p->cipher == ESP_AES_CBC ? "cbc(aes)" : "cbc(des3_ede)");
		u.a.alg_key_len = (unsigned)p->cipher_len * 8;
		memcpy(u.a.alg_key, p->cipher_key, p->cipher_len);
		mnl_attr_put(nlh, XFRMA_ALG_CRYPT, sizeof(u.a) +
		    p->cipher_len, &u);
		break;
	default:
		return -1;
	}
	wipe(&u, sizeof(u));
	return 0;
}

static int
put_auth(struct nlmsghdr *nlh, const struct esp_params *p)
{
	static const struct {
		enum esp_auth auth;
		const char   *name;
		unsigned      icv;
	} known[] = {
		{ ESP_AUTH_HMAC_MD5, "hmac(md5)", 96 },
		{ ESP_AUTH_HMAC_SHA1, "hmac(sha1)", 96 },
		{ ESP_AUTH_HMAC_SHA2_256, "hmac(sha256)", 128 },
		{ ESP_AUTH_HMAC_SHA2_384, "hmac(sha384)", 192 },
		{ ESP_AUTH_HMAC_SHA2_512, "hmac(sha512)", 256 },
	};
	union {
		struct xfrm_algo_auth a;
		char room[sizeof(struct xfrm_algo_auth) + ESP_KEY_MAX];
	} u;
	size_t i;

	if (p->auth == ESP_AUTH_NONE)
		return p->cipher == ESP_AES_GCM_16 ||
		    p->cipher == ESP_CHACHA20_POLY1305 ? 0 : -1;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].auth != p->auth)
			continue;
		memset(&u, 0, sizeof(u));
		snprintf(u.a.alg_name, sizeof(u.a.alg_name), "%s",
		    known[i].name);
		u.a.alg_key_len = (unsigned)p->auth_len * 8;
		u.a.alg_trunc_len = known[i].icv;
		memcpy(u.a.alg_key, p->auth_key, p->auth_len);
		mnl_attr_put(nlh, XFRMA_ALG_AUTH_TRUNC, sizeof(u.a) +
		    p->auth_len, &u);
		wipe(&u, sizeof(u));
		return 0;
	}
	return -1;
}

static void
put_replay(struct nlmsghdr *nlh)
{
	union {
		struct xfrm_replay_state_esn r;
		char room[sizeof(struct xfrm_replay_state_esn) +
		    REPLAY_WINDOW / 8];
	} u;

	memset(&u, 0, sizeof(u));
	u.r.bmp_len = REPLAY_WINDOW / 32;
	u.r.replay_window = REPLAY_WINDOW;
	mnl_attr_put(nlh, XFRMA_REPLAY_ESN_VAL, sizeof(u), &u);
}

/* RFC 3948. */
static void
put_encapsulation(struct nlmsghdr *nlh, const struct esp_params *p)
{
	struct xfrm_encap_tmpl t = { .encap_type = UDP_ENCAP_ESPINUDP,
		.encap_sport = htons(p->encap_sport),
		.encap_dport = htons(p->encap_dport) };

	if (p->encap_sport != 0)
		mnl_attr_put(nlh, XFRMA_ENCAP, sizeof(t), &t);
}

static void
no_limits(struct xfrm_lifetime_cfg *l)
{
	l->soft_byte_limit = l->hard_byte_limit = XFRM_INF;
	l->soft_packet_limit = l->hard_packet_limit = XFRM_INF;
}

static int
sa_add(struct xfrm *x, const struct esp_params *p, uint16_t id, int inner,
    bool outbound)
{
	struct xfrm_usersa_info *sa;
	struct nlmsghdr		*nlh;
	_Alignas(8) char	 buf[NETLINK_REQUEST_MAX];
	int			 rc = -1;

	sa = begin(buf, XFRM_MSG_NEWSA, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_EXCL, sizeof(*sa), &nlh);
	sa->family = p->dst.family;
	sa->saddr = address_of(&p->src);
	sa->id.daddr = address_of(&p->dst);
	sa->id.spi = htonl(p->spi);
	sa->id.proto = IPPROTO_ESP;
	sa->mode = p->transport ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
	sa->reqid = REQID_BASE | id;
	sa->sel.family = (uint16_t)inner;
	no_limits(&sa->lft);
	if (p->esn)
		sa->flags |= XFRM_STATE_ESN;
	if (put_cipher(nlh, p) == -1 || put_auth(nlh, p) == -1) {
		errno = EOPNOTSUPP;
		goto out;
	}
	put_replay(nlh);
	put_encapsulation(nlh, p);
	if (outbound)
		mnl_attr_put_u32(nlh, XFRMA_SET_MARK, x->mark);
	rc = netlink_ask(x->fd, nlh, NULL, NULL);
out:
	wipe(buf, sizeof(buf));
	return rc;
}

static struct nlmsghdr *
sa_name(char *buf, unsigned type, unsigned flags, const struct addr *dst,
    uint32_t spi)
{
	struct xfrm_usersa_id *id;
	struct nlmsghdr	      *nlh;

	id = begin(buf, type, flags, sizeof(*id), &nlh);
	id->daddr = address_of(dst);
	id->spi = htonl(spi);
	id->family = dst->family;
	id->proto = IPPROTO_ESP;
	return nlh;
}

static void
sa_remove(struct xfrm *x, const struct addr *dst, uint32_t spi)
{
	_Alignas(8) char buf[NETLINK_REQUEST_MAX];

	(void)netlink_ask(x->fd, sa_name(buf, XFRM_MSG_DELSA, NLM_F_ACK, dst,
	    spi), NULL, NULL);
}

/* The highest number that was sent or taken: one of the two is 0. */
static int
found_replay(const struct nlattr *a, void *arg)
{
	struct xfrm_replay_state_esn r;
	struct esp_counters	    *c = arg;

	if (mnl_attr_get_type(a) != XFRMA_REPLAY_ESN_VAL ||
	    mnl_attr_get_payload_len(a) < sizeof(r))
		return MNL_CB_OK;
	memcpy(&r, mnl_attr_get_payload(a), sizeof(r));
	c->seq = ((uint64_t)(r.seq_hi | r.oseq_hi) << 32) | r.seq | r.oseq;
	return MNL_CB_OK;
}

static int
got_usage(const struct nlmsghdr *nlh, void *arg)
{
	struct xfrm_usersa_info sa;
	struct esp_counters    *c = arg;

	if (nlh->nlmsg_type != XFRM_MSG_NEWSA ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(sa))
		return MNL_CB_OK;
	/* Messages are aligned to four bytes, and this wants eight. */
	memcpy(&sa, mnl_nlmsg_get_payload(nlh), sizeof(sa));
	c->packets = sa.curlft.packets;
	c->bytes = sa.curlft.bytes;
	c->replays = sa.stats.replay;
	c->auth_failures = sa.stats.integrity_failed;
	mnl_attr_parse(nlh, sizeof(sa), found_replay, c);
	return MNL_CB_STOP;
}

static void
sa_usage(struct xfrm *x, const struct esp_params *p, struct esp_counters *c)
{
	_Alignas(8) char buf[NETLINK_REQUEST_MAX];

	(void)netlink_ask(x->fd, sa_name(buf, XFRM_MSG_GETSA, 0, &p->dst,
	    p->spi), got_usage, c);
}

/* --- policies ------------------------------------------------------------- */

static void
fill_selector(struct xfrm_selector *s, const struct prefix *src,
    const struct prefix *dst)
{
	s->family = src->addr.family;
	s->saddr = address_of(&src->addr);
	s->daddr = address_of(&dst->addr);
	s->prefixlen_s = src->plen;
	s->prefixlen_d = dst->plen;
}

static int
policy_put(struct xfrm *x, uint8_t dir, const struct esp_policy *policy)
{
	struct xfrm_userpolicy_info *p;
	struct xfrm_user_tmpl	     t;
	struct nlmsghdr		    *nlh;
	bool			     out = dir == XFRM_POLICY_OUT;
	_Alignas(8) char	     buf[NETLINK_REQUEST_MAX];

	p = begin(buf, XFRM_MSG_UPDPOLICY, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_REPLACE, sizeof(*p), &nlh);
	fill_selector(&p->sel, out ? &policy->ours : &policy->theirs,
	    out ? &policy->theirs : &policy->ours);
	no_limits(&p->lft);
	p->priority = PRIORITY;
	p->dir = dir;
	p->action = XFRM_POLICY_ALLOW;
	memset(&t, 0, sizeof(t));
	t.family = policy->peer.family;
	t.saddr = address_of(out ? &policy->local : &policy->peer);
	t.id.daddr = address_of(out ? &policy->peer : &policy->local);
	t.id.proto = IPPROTO_ESP;
	t.reqid = REQID_BASE | policy->id;
	t.mode = policy->transport ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
	t.aalgos = t.ealgos = t.calgos = ~0u;
	mnl_attr_put(nlh, XFRMA_TMPL, sizeof(t), &t);
	return netlink_ask(x->fd, nlh, NULL, NULL);
}

static void
put_mark(struct nlmsghdr *nlh, const struct xfrm_mark *mark)
{
	if (mark->m != 0)
		mnl_attr_put(nlh, XFRMA_MARK, sizeof(*mark), mark);
}

static void
policy_delete(struct xfrm *x, uint8_t dir, const struct xfrm_selector *sel,
    const struct xfrm_mark *mark)
{
	struct xfrm_userpolicy_id *p;
	struct nlmsghdr		  *nlh;
	_Alignas(8) char	   buf[NETLINK_REQUEST_MAX];

	p = begin(buf, XFRM_MSG_DELPOLICY, NLM_F_ACK, sizeof(*p), &nlh);
	p->sel = *sel;
	p->dir = dir;
	put_mark(nlh, mark);
	(void)netlink_ask(x->fd, nlh, NULL, NULL);
}

/* --- the data plane ------------------------------------------------------- */

static void
xfrm_policy_down(struct esp_plane *plane, const struct esp_policy *policy)
{
	struct xfrm	    *x = (struct xfrm *)plane;
	const struct xfrm_mark none = { 0 };
	struct xfrm_selector out, in;

	memset(&out, 0, sizeof(out));
	memset(&in, 0, sizeof(in));
	fill_selector(&out, &policy->ours, &policy->theirs);
	fill_selector(&in, &policy->theirs, &policy->ours);
	policy_delete(x, XFRM_POLICY_OUT, &out, &none);
	policy_delete(x, XFRM_POLICY_IN, &in, &none);
	policy_delete(x, XFRM_POLICY_FWD, &in, &none);
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
take(struct xfrm *x, const struct esp_pair *p, bool on)
{
	return x->shell.take(x->shell.arg, &p->in, &p->out, on);
}

/*
 * Not for hosts that may share their address (the kernel cannot choose an SA by
 * the flow that it was heard on) or where others at that address have keys, nor
 * beside flows' own SAs; nor for a peer behind a NAT, which the kernel would
 * not follow to another address or port.
 */
static int
xfrm_pair_up(struct esp_plane *plane, struct esp_pair *p)
{
	struct xfrm	  *x = (struct xfrm *)plane;
	struct esp_policy *policy = p->policy;

	if (policy == NULL || !policy->sole || policy->roams ||
	    (x->ipv4_only && (p->in.dst.family == AF_INET6 ||
	    policy->ours.addr.family == AF_INET6)) || take(x, p, true) == -1)
		return -1;
	if (policy->id == 0 && (policy->id = ++x->id) == 0)
		policy->id = ++x->id;
	if (sa_add(x, &p->in, policy->id, policy->ours.addr.family,
	    false) == 0)
		return 0;
	log_info("%s: the kernel does not take this SA: %s",
	    PREFIX_TEXT(&policy->theirs), strerror(errno));
	(void)take(x, p, false);
	return -1;
}

/* The outbound half waits until the peer has its inbound one. */
static int
xfrm_pair_confirm(struct esp_plane *plane, struct esp_pair *p)
{
	struct xfrm *x = (struct xfrm *)plane;

	if (sa_add(x, &p->out, p->policy->id, p->policy->ours.addr.family,
	    true) == 0)
		return 0;
	log_warn("%s: the kernel does not take this SA: %s",
	    PREFIX_TEXT(&p->policy->theirs), strerror(errno));
	return -1;
}

static void
xfrm_pair_down(struct esp_plane *plane, struct esp_pair *p)
{
	struct xfrm *x = (struct xfrm *)plane;

	sa_remove(x, &p->in.dst, p->in.spi);
	sa_remove(x, &p->out.dst, p->out.spi);
	(void)take(x, p, false);
}

static void
xfrm_pair_usage(struct esp_plane *plane, const struct esp_pair *p,
    struct esp_usage *u)
{
	struct xfrm *x = (struct xfrm *)plane;

	sa_usage(x, &p->in, &u->in);
	if (p->confirmed)
		sa_usage(x, &p->out, &u->out);
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
	.send = xfrm_send,
	.policy_up = xfrm_policy_up,
	.policy_down = xfrm_policy_down,
	.free = xfrm_free,
};

struct esp_plane *
xfrm_plane(struct xfrm *x, const struct xfrm_shell *shell)
{
	x->shell = *shell;
	return &x->plane;
}

/* --- what may come in the clear ------------------------------------------- */

static int
guard_put(struct xfrm *x, uint8_t dir, const struct xfrm_selector *sel,
    uint32_t order, const struct xfrm_mark *mark, bool block)
{
	struct xfrm_userpolicy_info *p;
	struct nlmsghdr		    *nlh;
	_Alignas(8) char	     buf[NETLINK_REQUEST_MAX];

	p = begin(buf, XFRM_MSG_UPDPOLICY, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_REPLACE, sizeof(*p), &nlh);
	p->sel = *sel;
	no_limits(&p->lft);
	p->priority = GUARD_PRIORITY | order;
	p->dir = dir;
	p->action = block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
	put_mark(nlh, mark);
	return netlink_ask(x->fd, nlh, NULL, NULL);
}

int
xfrm_guard(struct xfrm *x, const struct prefix *from, bool block, bool forward)
{
	const struct xfrm_mark none = { 0 };
	struct xfrm_selector   sel;
	uint32_t	       order;

	memset(&sel, 0, sizeof(sel));
	sel.family = from->addr.family;
	sel.saddr = address_of(&from->addr);
	sel.prefixlen_s = from->plen;
	order = GUARD_LONGEST + addr_bits(from->addr.family) - from->plen;
	if (guard_put(x, XFRM_POLICY_IN, &sel, order, &none, block) == -1)
		return -1;
	return !forward ? 0 : guard_put(x, XFRM_POLICY_FWD, &sel, order, &none,
	    block);
}

int
xfrm_guard_leave(struct xfrm *x, uint32_t mark, uint32_t mask, bool forward)
{
	/* Solicitations and advertisements come from any address, or none yet
	 * (RFC 4861 §4.3, §4.4); all the rest from none, as reports
	 * do (RFC 3810 §5.2.13), or from a link-local one. */
	static const uint8_t neighbours[] = { 135, 136 };
	const struct xfrm_mark none = { 0 }, ours = { mark, mask };
	struct xfrm_selector   all, sel;
	size_t		       i;

	memset(&all, 0, sizeof(all));
	all.family = AF_INET6;
	if (guard_put(x, XFRM_POLICY_IN, &all, 0, &ours, false) == -1 ||
	    (forward && guard_put(x, XFRM_POLICY_FWD, &all, 0, &ours,
	    false) == -1))
		return -1;
	sel = all;
	sel.proto = IPPROTO_ICMPV6;
	sel.prefixlen_s = 128;
	if (guard_put(x, XFRM_POLICY_IN, &sel, 0, &none, false) == -1)
		return -1;
	sel.prefixlen_s = 0;
	sel.sport_mask = 0xffff;	/* the type's place */
	for (i = 0; i < sizeof(neighbours); i++) {
		sel.sport = htons(neighbours[i]);
		if (guard_put(x, XFRM_POLICY_IN, &sel, 0, &none, false) == -1)
			return -1;
	}
	sel = all;
	sel.saddr.a6[0] = htonl(0xfe800000);
	sel.prefixlen_s = 10;
	return guard_put(x, XFRM_POLICY_IN, &sel, 0, &none, false);
}

/* --- what a killed daemon left -------------------------------------------- */

struct leftovers {
	struct { struct addr dst; uint32_t spi; } sa[256];
	struct {
		struct xfrm_selector sel;
		struct xfrm_mark     mark;
		uint8_t		     dir;
	} policy[256];
	unsigned nsa, npolicy;
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
	if ((sa.reqid & REQID_MASK) == REQID_BASE &&
	    l->nsa < sizeof(l->sa) / sizeof(l->sa[0])) {
		l->sa[l->nsa].dst = addr_from_bytes(sa.family, &sa.id.daddr);
		l->sa[l->nsa++].spi = ntohl(sa.id.spi);
	}
	return MNL_CB_OK;
}

/* What is said of a policy beside its own header. */
struct about {
	struct xfrm_mark mark;
	bool		 ours;		/* by its template */
};

static int
found_about(const struct nlattr *a, void *arg)
{
	const struct xfrm_user_tmpl *t;
	struct about		    *about = arg;
	size_t			     len = mnl_attr_get_payload_len(a);

	if (mnl_attr_get_type(a) == XFRMA_TMPL && len >= sizeof(*t)) {
		t = mnl_attr_get_payload(a);
		about->ours = (t->reqid & REQID_MASK) == REQID_BASE;
	}
	if (mnl_attr_get_type(a) == XFRMA_MARK && len >= sizeof(about->mark))
		memcpy(&about->mark, mnl_attr_get_payload(a),
		    sizeof(about->mark));
	return MNL_CB_OK;
}

static int
found_policy(const struct nlmsghdr *nlh, void *arg)
{
	struct xfrm_userpolicy_info p;
	struct leftovers	   *l = arg;
	struct about		    about = { 0 };
	bool			    ours;

	if (nlh->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(p))
		return MNL_CB_OK;
	memcpy(&p, mnl_nlmsg_get_payload(nlh), sizeof(p));
	mnl_attr_parse(nlh, sizeof(p), found_about, &about);
	ours = (p.priority & GUARD_MASK) == GUARD_PRIORITY ||
	    (about.ours && !l->guards_only);
	if (ours && l->npolicy < sizeof(l->policy) / sizeof(l->policy[0])) {
		l->policy[l->npolicy].sel = p.sel;
		l->policy[l->npolicy].mark = about.mark;
		l->policy[l->npolicy++].dir = p.dir;
	}
	return MNL_CB_OK;
}

/* Everything with our reqids and priorities; in rounds, as many as it takes. */
static void
remove_ours(struct xfrm *x, bool guards_only)
{
	struct leftovers *l = xcalloc(1, sizeof(*l));
	struct nlmsghdr	 *nlh;
	unsigned	  i, round;
	char		  buf[NETLINK_REQUEST_MAX];

	l->guards_only = guards_only;
	for (round = 0; round < 64; round++) {
		l->nsa = l->npolicy = 0;
		(void)begin(buf, XFRM_MSG_GETPOLICY, NLM_F_DUMP,
		    sizeof(struct xfrm_userpolicy_id), &nlh);
		(void)netlink_ask(x->fd, nlh, found_policy, l);
		if (!guards_only) {
			/* A dump of these has attributes at most. */
			(void)begin(buf, XFRM_MSG_GETSA, NLM_F_DUMP, 0,
			    &nlh);
			(void)netlink_ask(x->fd, nlh, found_sa, l);
		}
		if (l->nsa == 0 && l->npolicy == 0)
			break;
		for (i = 0; i < l->npolicy; i++)
			policy_delete(x, l->policy[i].dir, &l->policy[i].sel,
			    &l->policy[i].mark);
		for (i = 0; i < l->nsa; i++)
			sa_remove(x, &l->sa[i].dst, l->sa[i].spi);
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
	struct esp_policy    policy = { .id = TRIAL };
	struct xfrm_selector sel;
	struct xfrm_mark     mark = { 0 };
	struct addr	     none = { 0 };

	none.family = (uint8_t)family;
	policy.ours = policy.theirs = prefix_host(&none);
	policy.local = policy.peer = none;
	if (policy_put(x, XFRM_POLICY_OUT, &policy) == -1)
		return errno == EPERM ? "we may not ask the kernel" :
		    "the kernel has no IPsec policies";
	memset(&sel, 0, sizeof(sel));
	fill_selector(&sel, &policy.ours, &policy.theirs);
	policy_delete(x, XFRM_POLICY_OUT, &sel, &mark);
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
	size_t i;

	for (i = 0; i < sizeof(p) / sizeof(p[0]); i++) {
		p[i].src = p[i].dst = family == AF_INET6 ?
		    addr_from_bytes(AF_INET6, &in6addr_loopback) :
		    addr_from_v4(htonl(INADDR_LOOPBACK));
		if (sa_add(x, &p[i], 0, family, false) == -1 &&
		    errno != EEXIST)
			return errno == EPERM ? "we may not ask the kernel" :
			    i > 0 ? "the kernel has no AES-GCM for ESP" :
			    "the kernel has no ESP";
		sa_remove(x, &p[i].dst, p[i].spi);
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
