# nat/local.mk - the gateway's data plane
noinst_LIBRARIES += nat/libnat.a
nat_libnat_a_SOURCES = \
	nat/address.c nat/address.h \
	nat/dataplane.c nat/dataplane.h \
	nat/demux.c nat/demux.h \
	nat/demux_hash.c nat/demux_learn.c nat/demux_packet.c nat/demux_table.h \
	nat/forward.c \
	nat/packet.c nat/packet.h \
	nat/plan.c nat/plan.h \
	nat/queue.c nat/queue.h \
	nat/rules.c nat/rules.h \
	nat/rules_iptables.c nat/rules_nftables.c nat/rules_run.c \
	nat/rules_settings.c

# The data plane without rsipd, for tests/net and tests/bench.
check_PROGRAMS += tests/net/nat_gateway
tests_net_nat_gateway_SOURCES = tests/net/nat_gateway.c
tests_net_nat_gateway_LDADD = nat/libnat.a $(BASE_LIBS)
NAT_TESTS = tests/net/nat_path.sh tests/net/nat_icmp.sh tests/net/nat_vm.sh
TESTS += $(NAT_TESTS)
dist_check_SCRIPTS += $(NAT_TESTS)
EXTRA_DIST += tests/net/nat_path.py tests/net/nat_icmp.py tests/net/nat_net.py

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_demux
TESTS += tests/unit/test_demux
tests_unit_test_demux_SOURCES = tests/unit/test_demux.c
tests_unit_test_demux_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_demux_LDADD = nat/libnat.a $(BASE_LIBS) $(CMOCKA_LIBS)
endif

# Not a test: tests/bench/dataplane.py runs it and prints a table.
noinst_PROGRAMS += tests/bench/dataplane_load
tests_bench_dataplane_load_SOURCES = tests/bench/dataplane_load.c
tests_bench_dataplane_load_LDADD = $(BASE_LIBS)
EXTRA_DIST += tests/bench/dataplane.py
