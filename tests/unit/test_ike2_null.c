/* test_ike2_null.c - who signs, and shows beside that what it would if it proved nothing (libreswan's authby=rsasig,null) */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "oe/ike2/auth.h"
#include "oe/ike2/fragment.h"
#include "oe/ike2/notify.h"
#include "oe/ike2/sa.h"
#include "tests/unit/ike2_net.h"

static bool spoiled;			/* the value that is beside */

/* Puts the notify into x's IKE_AUTH, as libreswan has it: the bare value of
 * method 13, over the same identity. */
static bool
add_null(struct net *n, struct net_datagram *d, void *arg)
{
	struct ike2_sa	       *sa =
	    TAILQ_FIRST(&((struct ike2 *)x->ike)->sas);
	const struct ike2_part *sk, *id;
	struct ike2_fragment_no none = { 0 };
	struct ike2_credential	nothing = { 0 };
	struct ike2_builder	b;
	struct ike2_header	h;
	struct ike2_chain	c;
	uint8_t			inner[NET_DATAGRAM], more[NET_DATAGRAM];
	uint8_t			auth[IKE2_AUTH_MAX];
	unsigned		i;
	int			len;

	(void)n;
	(void)arg;
	if (!addr_equal(&d->path.local, &x->addr) ||
	    ike2_header_read(&h, d->buf, d->len) != IKE2_OK ||
	    h.exchange != IKE2_AUTH)
		return true;
	assert_int_equal(ike2_chain_split(&c, h.first, d->buf +
	    IKE2_HEADER_LEN, d->len - IKE2_HEADER_LEN, true), IKE2_OK);
	sk = ike2_chain_only(&c, IKE2_P_ENCRYPTED);
	len = ike2_unseal(&sa->keys.i, d->buf, d->len, sk, inner);
	assert_true(len > 0);
	assert_int_equal(ike2_chain_split(&c, sk->next, inner, (size_t)len,
	    false), IKE2_OK);
	id = ike2_chain_only(&c, IKE2_P_IDI);
	len = ike2_auth_make(&(struct ike2_signed){ .keys = &sa->keys,
	    .initiator = true, .message = sa->init->mine,
	    .message_len = sa->init->mine_len, .nonce = &sa->nr,
	    .id = id->body, .id_len = id->len }, &nothing, auth);
	assert_true(len > 4 && auth[0] == IKE2_METHOD_NULL);
	auth[4] ^= spoiled;
	ike2_chain_begin(&b, more, sizeof(more));
	for (i = 0; i < c.nparts; i++)
		ike2_put(&b, c.part[i].type, c.part[i].body, c.part[i].len);
	ike2_notify_put(&b, IKE2_N_NULL_AUTH, auth + 4, (size_t)len - 4);
	assert_false(b.w.bad);
	d->len = ike2_seal(&sa->keys.i, &h, b.first, none, more, b.w.len,
	    d->buf, sizeof(d->buf));
	assert_true(d->len != 0);
	return true;
}

/* A key that is known decides; of none that is, policy on strangers does. */
static void
null_beside_a_signature(void **state)
{
	static const struct {
		bool	 add, anonymous, unknown, wrong, spoil;
		unsigned pairs;
		enum keying_how how;
	} t[] = {
		{ true, true, false, false, false, 1, KEYING_BY_KEY },
		{ true, true, true, false, false, 1, KEYING_BY_NOTHING },
		{ true, false, true, false, false, 0, 0 },
		{ true, true, true, false, true, 0, 0 },
		/* A signature that is false is no stranger's. */
		{ true, true, false, true, false, 0, 0 },
		{ false, true, true, false, false, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		picture2(31, NULL);
		y->anonymous = t[i].anonymous;
		y->unknown = t[i].unknown;
		y->wrong_key = t[i].wrong;
		spoiled = t[i].spoil;
		if (t[i].add)
			net.filter = add_null;
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 1000);
		assert_int_equal(net_alive(y), t[i].pairs);
		if (t[i].pairs == 1) {
			assert_true(net_agree(x, y));
			assert_int_equal(y->children[0].child.proof.how,
			    t[i].how);
			assert_int_equal(y->children[0].child.peer_id.type ==
			    KEYING_ID_NULL, t[i].how == KEYING_BY_NOTHING);
		}
		net_pass(&net, 60000);
		end_clean2();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_beside_a_signature),
	};

	log_init("test_ike2_null", true, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
