/* xfrm_sa.c - SAs and policies of the kernel, by messages to it (Linux XFRM through netlink) */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ipsec.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "net/netlink.h"
#include "oe/esp/esp.h"
#include "oe/esp/xfrm_sa.h"

#define REPLAY_WINDOW	1024
/* XFRMA_MTIMER_THRESH, which not every libc's headers have: seconds for which a
 * mapping that was told is not told again. */
#define MTIMER_THRESH	32
#define MTIMER_SECONDS	1

xfrm_address_t
xfrm_address(const struct addr *a)
{
	xfrm_address_t x;

	memcpy(&x, a->bytes, sizeof(x));
	return x;
}

void
xfrm_select(struct xfrm_selector *s, const struct prefix *src,
    const struct prefix *dst)
{
	s->family = src->addr.family;
	s->saddr = xfrm_address(&src->addr);
	s->daddr = xfrm_address(&dst->addr);
	s->prefixlen_s = src->plen;
	s->prefixlen_d = dst->plen;
}

void
xfrm_template(struct xfrm_user_tmpl *t, const struct addr *src,
    const struct addr *dst, uint32_t reqid, bool transport)
{
	t->family = dst->family;
	if (src != NULL)
		t->saddr = xfrm_address(src);
	t->id.daddr = xfrm_address(dst);
	t->id.proto = IPPROTO_ESP;
	t->reqid = reqid;
	t->mode = transport ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
	t->aalgos = t->ealgos = t->calgos = ~0u;
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

int
xfrm_sa_add(int fd, const struct esp_params *p, const struct xfrm_tag *tag)
{
	struct xfrm_usersa_info *sa;
	struct nlmsghdr		*nlh;
	_Alignas(8) char	 buf[NETLINK_REQUEST_MAX];
	int			 rc = -1;

	sa = begin(buf, XFRM_MSG_NEWSA, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_EXCL, sizeof(*sa), &nlh);
	sa->family = p->dst.family;
	sa->saddr = xfrm_address(&p->src);
	sa->id.daddr = xfrm_address(&p->dst);
	sa->id.spi = htonl(p->spi);
	sa->id.proto = IPPROTO_ESP;
	sa->mode = p->transport ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
	sa->reqid = tag->reqid;
	sa->sel.family = (uint16_t)tag->inner;
	no_limits(&sa->lft);
	if (p->esn)
		sa->flags |= XFRM_STATE_ESN;
	if (put_cipher(nlh, p) == -1 || put_auth(nlh, p) == -1) {
		errno = EOPNOTSUPP;
		goto out;
	}
	put_replay(nlh);
	put_encapsulation(nlh, p);
	if (tag->follows)
		mnl_attr_put_u32(nlh, MTIMER_THRESH, MTIMER_SECONDS);
	if (tag->mark != 0)
		mnl_attr_put_u32(nlh, XFRMA_SET_MARK, tag->mark);
	if (tag->if_id != 0)
		mnl_attr_put_u32(nlh, XFRMA_IF_ID, tag->if_id);
	rc = netlink_ask(fd, nlh, NULL, NULL);
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
	id->daddr = xfrm_address(dst);
	id->spi = htonl(spi);
	id->family = dst->family;
	id->proto = IPPROTO_ESP;
	return nlh;
}

void
xfrm_sa_remove(int fd, const struct addr *dst, uint32_t spi)
{
	_Alignas(8) char buf[NETLINK_REQUEST_MAX];

	(void)netlink_ask(fd, sa_name(buf, XFRM_MSG_DELSA, NLM_F_ACK, dst,
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

void
xfrm_sa_usage(int fd, const struct esp_params *p, struct esp_counters *c)
{
	_Alignas(8) char buf[NETLINK_REQUEST_MAX];

	(void)netlink_ask(fd, sa_name(buf, XFRM_MSG_GETSA, 0, &p->dst,
	    p->spi), got_usage, c);
}

static int
found_timer(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == MTIMER_THRESH)
		*(bool *)arg = true;
	return MNL_CB_OK;
}

static int
got_timer(const struct nlmsghdr *nlh, void *arg)
{
	mnl_attr_parse(nlh, sizeof(struct xfrm_usersa_info), found_timer, arg);
	return MNL_CB_STOP;
}

bool
xfrm_sa_tells_seldom(int fd, const struct esp_params *p)
{
	_Alignas(8) char buf[NETLINK_REQUEST_MAX];
	bool		 seldom = false;

	(void)netlink_ask(fd, sa_name(buf, XFRM_MSG_GETSA, 0, &p->dst,
	    p->spi), got_timer, &seldom);
	return seldom;
}

/* --- an SA whose other end is elsewhere ----------------------------------- */

/* The request that is made of the SA as the kernel has it. */
struct copy {
	struct nlmsghdr		*nlh;
	const struct xfrm_move	*move;
	struct xfrm_usersa_info  sa;
	bool			 encap, replay;
};

static bool
copy_encapsulation(struct copy *c, const struct nlattr *a)
{
	struct xfrm_encap_tmpl t;

	if (mnl_attr_get_payload_len(a) < sizeof(t))
		return false;
	memcpy(&t, mnl_attr_get_payload(a), sizeof(t));
	t.encap_sport = htons(c->move->sport);
	t.encap_dport = htons(c->move->dport);
	mnl_attr_put(c->nlh, XFRMA_ENCAP, sizeof(t), &t);
	return true;
}

static bool
copy_replay(struct copy *c, const struct nlattr *a)
{
	struct xfrm_replay_state_esn r;
	uint16_t		     len = mnl_attr_get_payload_len(a);
	uint64_t		     next;
	const struct nlattr	    *to;

	if (len < sizeof(r))
		return false;
	memcpy(&r, mnl_attr_get_payload(a), sizeof(r));
	next = (((uint64_t)r.oseq_hi << 32) | r.oseq) + c->move->ahead;
	if (next > UINT32_MAX && !(c->sa.flags & XFRM_STATE_ESN))
		return false;
	r.oseq_hi = (uint32_t)(next >> 32);
	r.oseq = (uint32_t)next;
	to = mnl_nlmsg_get_payload_tail(c->nlh);
	mnl_attr_put(c->nlh, XFRMA_REPLAY_ESN_VAL, len,
	    mnl_attr_get_payload(a));
	memcpy(mnl_attr_get_payload(to), &r, sizeof(r));
	return true;
}

static int
copy_attribute(const struct nlattr *a, void *arg)
{
	struct copy *c = arg;

	switch (mnl_attr_get_type(a)) {
	case XFRMA_ENCAP:
		c->encap = copy_encapsulation(c, a);
		break;
	case XFRMA_REPLAY_ESN_VAL:
		c->replay = copy_replay(c, a);
		break;
	case XFRMA_ALG_AEAD:
	case XFRMA_ALG_CRYPT:
	case XFRMA_ALG_AUTH_TRUNC:
	case XFRMA_SET_MARK:
	case XFRMA_SET_MARK_MASK:
	case XFRMA_IF_ID:
	case MTIMER_THRESH:
		mnl_attr_put(c->nlh, mnl_attr_get_type(a),
		    mnl_attr_get_payload_len(a), mnl_attr_get_payload(a));
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int
got_copy(const struct nlmsghdr *nlh, void *arg)
{
	struct copy *c = arg;

	/* All of it comes to less than the request has room for. */
	if (nlh->nlmsg_type != XFRM_MSG_NEWSA ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(c->sa) ||
	    nlh->nlmsg_len > NETLINK_REQUEST_MAX)
		return MNL_CB_OK;
	memcpy(&c->sa, mnl_nlmsg_get_payload(nlh), sizeof(c->sa));
	memset(&c->sa.curlft, 0, sizeof(c->sa.curlft));
	memset(&c->sa.stats, 0, sizeof(c->sa.stats));
	c->sa.seq = 0;
	if (c->move->dst != NULL)
		c->sa.id.daddr = xfrm_address(c->move->dst);
	memcpy(mnl_nlmsg_get_payload(c->nlh), &c->sa, sizeof(c->sa));
	mnl_attr_parse(nlh, sizeof(c->sa), copy_attribute, c);
	return MNL_CB_STOP;
}

int
xfrm_sa_move(int fd, const struct esp_params *p, const struct xfrm_move *m)
{
	_Alignas(8) char ask[NETLINK_REQUEST_MAX], buf[NETLINK_REQUEST_MAX];
	struct copy	 c = { .move = m };
	int		 rc;

	(void)begin(buf, m->dst == NULL ? XFRM_MSG_UPDSA : XFRM_MSG_NEWSA,
	    NLM_F_ACK | (m->dst == NULL ? NLM_F_REPLACE : NLM_F_CREATE |
	    NLM_F_EXCL), sizeof(c.sa), &c.nlh);
	rc = netlink_ask(fd, sa_name(ask, XFRM_MSG_GETSA, 0, &p->dst, p->spi),
	    got_copy, &c);
	if (rc == 0 && !(c.encap && c.replay)) {
		errno = ERANGE;
		rc = -1;
	}
	if (rc == 0)
		rc = netlink_ask(fd, c.nlh, NULL, NULL);
	wipe(buf, sizeof(buf));
	return rc;
}

bool
xfrm_mapping_read(struct xfrm_mapping *out, const struct nlmsghdr *nlh)
{
	struct xfrm_user_mapping m;

	if (nlh->nlmsg_type != XFRM_MSG_MAPPING ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(m))
		return false;
	memcpy(&m, mnl_nlmsg_get_payload(nlh), sizeof(m));
	if (m.id.family != AF_INET && m.id.family != AF_INET6)
		return false;
	out->dst = addr_from_bytes(m.id.family, &m.id.daddr);
	out->peer = addr_from_bytes(m.id.family, &m.new_saddr);
	out->spi = ntohl(m.id.spi);
	out->reqid = m.reqid;
	out->port = ntohs(m.new_sport);
	return true;
}

/* --- policies ------------------------------------------------------------- */

static void
put_names(struct nlmsghdr *nlh, const struct xfrm_rule *r)
{
	if (r->mark.m != 0)
		mnl_attr_put(nlh, XFRMA_MARK, sizeof(r->mark), &r->mark);
	if (r->if_id != 0)
		mnl_attr_put_u32(nlh, XFRMA_IF_ID, r->if_id);
}

int
xfrm_rule_put(int fd, const struct xfrm_rule *r)
{
	struct xfrm_userpolicy_info *p;
	struct nlmsghdr		    *nlh;
	_Alignas(8) char	     buf[NETLINK_REQUEST_MAX];

	p = begin(buf, XFRM_MSG_UPDPOLICY, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_REPLACE, sizeof(*p), &nlh);
	p->sel = r->sel;
	no_limits(&p->lft);
	p->priority = r->priority;
	p->dir = r->dir;
	p->action = r->block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
	if (r->tmpl.reqid != 0)
		mnl_attr_put(nlh, XFRMA_TMPL, sizeof(r->tmpl), &r->tmpl);
	put_names(nlh, r);
	return netlink_ask(fd, nlh, NULL, NULL);
}

void
xfrm_rule_delete(int fd, const struct xfrm_rule *r)
{
	struct xfrm_userpolicy_id *p;
	struct nlmsghdr		  *nlh;
	_Alignas(8) char	   buf[NETLINK_REQUEST_MAX];

	p = begin(buf, XFRM_MSG_DELPOLICY, NLM_F_ACK, sizeof(*p), &nlh);
	p->sel = r->sel;
	p->dir = r->dir;
	put_names(nlh, r);
	(void)netlink_ask(fd, nlh, NULL, NULL);
}

/* --- all that there is ---------------------------------------------------- */

void
xfrm_dump(int fd, unsigned type, mnl_cb_t fn, void *arg)
{
	struct nlmsghdr *nlh;
	_Alignas(8) char buf[NETLINK_REQUEST_MAX];

	/* A dump of SAs has attributes at most. */
	(void)begin(buf, type, NLM_F_DUMP, type == XFRM_MSG_GETPOLICY ?
	    sizeof(struct xfrm_userpolicy_id) : 0, &nlh);
	(void)netlink_ask(fd, nlh, fn, arg);
}
