/* test_rules_judge.c - which firewalls have rules of their own about what is forwarded */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nat/rules_judge.h"

/* What nft shows of ours: a table, or calls that iptables made. */
#define OURS \
	"table ip rsip {\n\tchain forward {\n" \
	"\t\ttype filter hook forward priority -1; policy accept;\n" \
	"\t\tmeta mark 0x52000001 oifname != { \"pub\" } reject\n\t}\n}\n"
#define CALLS \
	"table ip filter {\n\tchain RSIP-FORWARD {\n\t\tcounter accept\n\t}\n" \
	"\tchain FORWARD {\n" \
	"\t\ttype filter hook forward priority filter; policy accept;\n" \
	"\t\tcounter packets 0 bytes 0 jump RSIP-FORWARD\n\t}\n}\n"

static void
test_nft(void **state)
{
	static const char *const none[] = { "", OURS, CALLS, OURS CALLS,
		/* IPv6, NAT, and what is for the router itself. */
		"table ip6 filter {\n\tchain FORWARD {\n"
		"\t\ttype filter hook forward priority filter; policy drop;"
		"\n\t}\n}\n",
		"table ip nat {\n\tchain POSTROUTING {\n"
		"\t\ttype nat hook postrouting priority srcnat;\n"
		"\t\tmasquerade\n\t}\n}\n",
		"table inet filter {\n\tchain input {\n"
		"\t\ttype filter hook input priority filter; policy drop;\n"
		"\t\ttcp dport 22 accept\n\t}\n\tchain forward {\n"
		"\t\ttype filter hook forward priority filter; policy accept;"
		"\n\t}\n}\n" };
	static const char *const some[] = {
		"table inet fw4 {\n\tchain forward {\n"
		"\t\ttype filter hook forward priority filter; policy drop;"
		"\n\t}\n}\n",
		"table inet filter {\n\tchain forward {\n"
		"\t\ttype filter hook forward priority filter; policy accept;"
		"\n\t\tip saddr 10.0.0.12 drop\n\t}\n}\n",
		CALLS "table ip x {\n\tchain f {\n"
		"\t\ttype filter hook forward priority mangle; policy accept;"
		"\n\t\tjump other\n\t}\n}\n",
		"table ip filter {\n\tchain FORWARD {\n"
		"\t\ttype filter hook forward priority filter; policy accept;"
		"\n\t\tcounter packets 0 bytes 0 jump RSIP-FORWARD\n"
		"\t\tcounter packets 0 bytes 0 drop\n\t}\n}\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(rules_judge_nft(none[i]));
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		assert_true(rules_judge_nft(some[i]));
}

static void
test_iptables(void **state)
{
	(void)state;
	assert_false(rules_judge_iptables(""));
	assert_false(rules_judge_iptables("*filter\n:FORWARD DROP [0:0]\n"
	    "-A INPUT -j DROP\n-A FORWARD -j RSIP-FORWARD\nCOMMIT\n"));
	assert_true(rules_judge_iptables("*filter\n:FORWARD ACCEPT [0:0]\n"
	    "-A FORWARD -j RSIP-FORWARD\n"
	    "-A FORWARD -s 10.0.0.12/32 -j DROP\nCOMMIT\n"));
	assert_true(rules_judge_iptables("*mangle\n"
	    "-A FORWARD -p tcp -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nft),
		cmocka_unit_test(test_iptables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
