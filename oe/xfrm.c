/* xfrm.c - Linux XFRM through netlink: the kernel's ESP for the engine, and what may come in the clear */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ipsec.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "net/netlink.h"
#include "oe/xfrm.h"

#define PRIORITY	2000	/* behind what an operator's IPsec puts there */
#define REPLAY_WINDOW	1024
/* Upper half of every reqid of ours: "OE". */
#define REQID_BASE	0x4f450000u
#define REQID_MASK	0xffff0000u
/* Every guard's priority: behind all others, longer prefixes first. */
#define GUARD_PRIORITY	0x4f450000u
#define GUARD_MASK	0xffff0000u

struct xfrm {
	int	 fd;
	uint32_t mark;
};

/* --- netlink ----------------------------------------------------------------------- */

static struct nlmsghdr *
begin(char *buf, unsigned type, unsigned flags, size_t body, void **out)
{
	struct nlmsghdr *nlh = netlink_begin(buf, type, flags, NULL, body);

	*out = mnl_nlmsg_get_payload(nlh);
	return nlh;
}

/* --- security associations ------------------------------------------------------------ */

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
		snprintf(u.aead.alg_name, sizeof(u.aead.alg_name),
		    "rfc4106(gcm(aes))");
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
		{ ESP_AUTH_HMAC_SHA2_512, "hmac(sha512)", 256 },
	};
	union {
		struct xfrm_algo_auth a;
		char room[sizeof(struct xfrm_algo_auth) + ESP_KEY_MAX];
	} u;
	size_t i;

	if (p->auth == ESP_AUTH_NONE)
		return p->cipher == ESP_AES_GCM_16 ? 0 : -1;
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

static void
no_limits(struct xfrm_lifetime_cfg *l)
{
	l->soft_byte_limit = l->hard_byte_limit = XFRM_INF;
	l->soft_packet_limit = l->hard_packet_limit = XFRM_INF;
}

static int
xfrm_sa_add(void *arg, const struct esp_params *p, uint16_t id, bool outbound)
{
	struct xfrm	       *x = arg;
	struct xfrm_usersa_info *sa;
	struct nlmsghdr	       *nlh;
	void		       *body;
	_Alignas(8) char			buf[NETLINK_REQUEST_MAX];
	int			rc = -1;

	nlh = begin(buf, XFRM_MSG_NEWSA, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_EXCL, sizeof(*sa), &body);
	sa = body;
	sa->family = AF_INET;
	sa->saddr.a4 = addr_v4(&p->src);
	sa->id.daddr.a4 = addr_v4(&p->dst);
	sa->id.spi = htonl(p->spi);
	sa->id.proto = IPPROTO_ESP;
	sa->mode = XFRM_MODE_TUNNEL;
	sa->reqid = REQID_BASE | id;
	sa->sel.family = AF_INET;
	no_limits(&sa->lft);
	if (p->esn)
		sa->flags |= XFRM_STATE_ESN;
	if (put_cipher(nlh, p) == -1 || put_auth(nlh, p) == -1) {
		errno = EOPNOTSUPP;
		goto out;
	}
	put_replay(nlh);
	if (outbound)
		mnl_attr_put_u32(nlh, XFRMA_SET_MARK, x->mark);
	rc = netlink_ask(x->fd, nlh, NULL, NULL);
out:
	wipe(buf, sizeof(buf));
	return rc;
}

static void
xfrm_sa_remove(void *arg, uint32_t dst, uint32_t spi)
{
	struct xfrm	      *x = arg;
	struct xfrm_usersa_id *id;
	struct nlmsghdr	      *nlh;
	void		      *body;
	char		       buf[NETLINK_REQUEST_MAX];

	nlh = begin(buf, XFRM_MSG_DELSA, NLM_F_ACK, sizeof(*id), &body);
	id = body;
	id->daddr.a4 = dst;
	id->spi = htonl(spi);
	id->family = AF_INET;
	id->proto = IPPROTO_ESP;
	(void)netlink_ask(x->fd, nlh, NULL, NULL);
}

static int
got_usage(const struct nlmsghdr *nlh, void *arg)
{
	struct xfrm_usersa_info sa;
	uint64_t	       *out = arg;

	if (nlh->nlmsg_type != XFRM_MSG_NEWSA ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(sa))
		return MNL_CB_OK;
	/* Messages are aligned to four bytes, and this wants eight. */
	memcpy(&sa, mnl_nlmsg_get_payload(nlh), sizeof(sa));
	out[0] = sa.curlft.packets;
	out[1] = sa.curlft.bytes;
	out[2] = 1;
	return MNL_CB_STOP;
}

static int
xfrm_sa_usage(void *arg, uint32_t dst, uint32_t spi, uint64_t *packets,
    uint64_t *bytes)
{
	struct xfrm	      *x = arg;
	struct xfrm_usersa_id *id;
	struct nlmsghdr	      *nlh;
	void		      *body;
	uint64_t	       out[3] = { 0 };
	char		       buf[NETLINK_REQUEST_MAX];

	nlh = begin(buf, XFRM_MSG_GETSA, 0, sizeof(*id), &body);
	id = body;
	id->daddr.a4 = dst;
	id->spi = htonl(spi);
	id->family = AF_INET;
	id->proto = IPPROTO_ESP;
	if (netlink_ask(x->fd, nlh, got_usage, out) == -1 || out[2] == 0)
		return -1;
	*packets = out[0];
	*bytes = out[1];
	return 0;
}

/* --- policies ---------------------------------------------------------------------------- */

static unsigned
plen_of(uint32_t mask)
{
	return (unsigned)__builtin_popcount(mask);
}

static void
fill_selector(struct xfrm_selector *s, const struct keying_selector *src,
    const struct keying_selector *dst)
{
	s->family = AF_INET;
	s->saddr.a4 = src->net;
	s->daddr.a4 = dst->net;
	s->prefixlen_s = (uint8_t)plen_of(src->mask);
	s->prefixlen_d = (uint8_t)plen_of(dst->mask);
}

static int
policy_put(struct xfrm *x, uint8_t dir, uint16_t id,
    const struct keying_selector *src, const struct keying_selector *dst,
    uint32_t from, uint32_t to)
{
	struct xfrm_userpolicy_info *p;
	struct xfrm_user_tmpl	     t;
	struct nlmsghdr		    *nlh;
	void			    *body;
	char			     buf[NETLINK_REQUEST_MAX];

	nlh = begin(buf, XFRM_MSG_UPDPOLICY, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_REPLACE, sizeof(*p), &body);
	p = body;
	fill_selector(&p->sel, src, dst);
	no_limits(&p->lft);
	p->priority = PRIORITY;
	p->dir = dir;
	p->action = XFRM_POLICY_ALLOW;
	memset(&t, 0, sizeof(t));
	t.family = AF_INET;
	t.id.daddr.a4 = to;
	t.id.proto = IPPROTO_ESP;
	t.saddr.a4 = from;
	t.reqid = REQID_BASE | id;
	t.mode = XFRM_MODE_TUNNEL;
	t.aalgos = t.ealgos = t.calgos = ~0u;
	mnl_attr_put(nlh, XFRMA_TMPL, sizeof(t), &t);
	return netlink_ask(x->fd, nlh, NULL, NULL);
}

static void
policy_delete(struct xfrm *x, uint8_t dir, const struct xfrm_selector *sel)
{
	struct xfrm_userpolicy_id *p;
	struct nlmsghdr		  *nlh;
	void			  *body;
	char			   buf[NETLINK_REQUEST_MAX];

	nlh = begin(buf, XFRM_MSG_DELPOLICY, NLM_F_ACK, sizeof(*p), &body);
	p = body;
	p->sel = *sel;
	p->dir = dir;
	(void)netlink_ask(x->fd, nlh, NULL, NULL);
}

static void
xfrm_policy_remove(void *arg, const struct keying_selector *ours,
    const struct keying_selector *theirs)
{
	struct xfrm_selector out, in;

	memset(&out, 0, sizeof(out));
	memset(&in, 0, sizeof(in));
	fill_selector(&out, ours, theirs);
	fill_selector(&in, theirs, ours);
	policy_delete(arg, XFRM_POLICY_OUT, &out);
	policy_delete(arg, XFRM_POLICY_IN, &in);
	policy_delete(arg, XFRM_POLICY_FWD, &in);
}

static int
xfrm_policy_add(void *arg, uint16_t id, const struct keying_selector *ours,
    const struct keying_selector *theirs, uint32_t local, uint32_t peer)
{
	struct xfrm *x = arg;

	if (policy_put(x, XFRM_POLICY_IN, id, theirs, ours, peer, local) == 0 &&
	    policy_put(x, XFRM_POLICY_FWD, id, theirs, ours, peer,
	    local) == 0 &&
	    policy_put(x, XFRM_POLICY_OUT, id, ours, theirs, local, peer) == 0)
		return 0;
	xfrm_policy_remove(x, ours, theirs);
	return -1;
}

const struct oe_kernel xfrm_kernel = {
	.sa_add = xfrm_sa_add,
	.sa_remove = xfrm_sa_remove,
	.sa_usage = xfrm_sa_usage,
	.policy_add = xfrm_policy_add,
	.policy_remove = xfrm_policy_remove,
};

/* --- what may come in the clear -------------------------------------------------------------- */

static int
guard_put(struct xfrm *x, uint8_t dir, uint32_t net, unsigned plen, bool block)
{
	struct xfrm_userpolicy_info *p;
	struct nlmsghdr		    *nlh;
	void			    *body;
	char			     buf[NETLINK_REQUEST_MAX];

	nlh = begin(buf, XFRM_MSG_UPDPOLICY, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_REPLACE, sizeof(*p), &body);
	p = body;
	p->sel.family = AF_INET;
	p->sel.saddr.a4 = net;
	p->sel.prefixlen_s = (uint8_t)plen;
	no_limits(&p->lft);
	p->priority = GUARD_PRIORITY | (32 - plen);
	p->dir = dir;
	p->action = block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
	return netlink_ask(x->fd, nlh, NULL, NULL);
}

int
xfrm_guard(struct xfrm *x, uint32_t net, unsigned plen, bool block,
    bool forward)
{
	if (guard_put(x, XFRM_POLICY_IN, net, plen, block) == -1)
		return -1;
	return !forward ? 0 : guard_put(x, XFRM_POLICY_FWD, net, plen, block);
}

/* --- what a killed daemon left -------------------------------------------------------------- */

struct leftovers {
	struct { uint32_t dst, spi; } sa[256];
	struct { struct xfrm_selector sel; uint8_t dir; } policy[256];
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
	if ((sa.reqid & REQID_MASK) == REQID_BASE && sa.family == AF_INET &&
	    l->nsa < sizeof(l->sa) / sizeof(l->sa[0])) {
		l->sa[l->nsa].dst = sa.id.daddr.a4;
		l->sa[l->nsa++].spi = ntohl(sa.id.spi);
	}
	return MNL_CB_OK;
}

static int
found_template(const struct nlattr *a, void *arg)
{
	const struct xfrm_user_tmpl *t;

	if (mnl_attr_get_type(a) == XFRMA_TMPL &&
	    mnl_attr_get_payload_len(a) >= sizeof(*t)) {
		t = mnl_attr_get_payload(a);
		*(bool *)arg = (t->reqid & REQID_MASK) == REQID_BASE;
	}
	return MNL_CB_OK;
}

static int
found_policy(const struct nlmsghdr *nlh, void *arg)
{
	struct xfrm_userpolicy_info p;
	struct leftovers	   *l = arg;
	bool			    ours = false;

	if (nlh->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(p))
		return MNL_CB_OK;
	memcpy(&p, mnl_nlmsg_get_payload(nlh), sizeof(p));
	if ((p.priority & GUARD_MASK) == GUARD_PRIORITY)
		ours = true;
	else if (!l->guards_only)
		mnl_attr_parse(nlh, sizeof(p), found_template, &ours);
	if (ours && l->npolicy < sizeof(l->policy) / sizeof(l->policy[0])) {
		l->policy[l->npolicy].sel = p.sel;
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
	void		 *body;
	unsigned	  i, round;
	char		  buf[NETLINK_REQUEST_MAX];

	l->guards_only = guards_only;
	for (round = 0; round < 64; round++) {
		l->nsa = l->npolicy = 0;
		nlh = begin(buf, XFRM_MSG_GETPOLICY, NLM_F_DUMP,
		    sizeof(struct xfrm_userpolicy_id), &body);
		(void)netlink_ask(x->fd, nlh, found_policy, l);
		if (!guards_only) {
			/* A dump of these has attributes at most. */
			nlh = begin(buf, XFRM_MSG_GETSA, NLM_F_DUMP, 0,
			    &body);
			(void)netlink_ask(x->fd, nlh, found_sa, l);
		}
		if (l->nsa == 0 && l->npolicy == 0)
			break;
		for (i = 0; i < l->npolicy; i++)
			policy_delete(x, l->policy[i].dir, &l->policy[i].sel);
		for (i = 0; i < l->nsa; i++)
			xfrm_sa_remove(x, l->sa[i].dst, l->sa[i].spi);
	}
	free(l);
}

/* --- life ------------------------------------------------------------------------------------ */

void
xfrm_guard_clear(struct xfrm *x)
{
	remove_ours(x, true);
}

/* With the algorithms that everybody must have. */
bool
xfrm_has_esp(struct xfrm *x)
{
	struct esp_params p = { .spi = 0x4f45, .cipher = ESP_AES_CBC,
		.cipher_len = 16, .auth = ESP_AUTH_HMAC_SHA2_256,
		.auth_len = 32 };

	p.src = p.dst = addr_from_v4(htonl(INADDR_LOOPBACK));
	if (xfrm_sa_add(x, &p, 0, false) == -1 && errno != EEXIST)
		return false;
	xfrm_sa_remove(x, addr_v4(&p.dst), p.spi);
	return true;
}

struct xfrm *
xfrm_open(uint32_t mark)
{
	struct xfrm *x = xcalloc(1, sizeof(*x));

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
