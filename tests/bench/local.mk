# tests/bench/local.mk - what is built from tests/bench/
noinst_PROGRAMS += tests/bench/ike_bench
tests_bench_ike_bench_SOURCES = tests/bench/ike_bench.c \
	tests/unit/ike_net.c tests/unit/ike_net.h \
	tests/unit/ike1_net.c tests/unit/ike1_net.h \
	tests/unit/ike2_host.c tests/unit/ike2_host.h
tests_bench_ike_bench_LDADD = $(IKE_LIBS) $(BASE_LIBS)

noinst_PROGRAMS += tests/bench/rsip_bench
tests_bench_rsip_bench_SOURCES = tests/bench/rsip_bench.c
tests_bench_rsip_bench_LDADD = proto/libproto.a $(BASE_LIBS)
EXTRA_DIST += tests/bench/benchlib.sh tests/bench/ike.sh tests/bench/rsip.sh tests/bench/store.sh
EXTRA_DIST += tests/bench/bulk.sh tests/bench/idle.sh tests/bench/size.sh tests/bench/oe_path.sh
EXTRA_DIST += tests/bench/lease_kernel.sh tests/bench/oe_peers.sh tests/bench/pathlib.sh

# Not a test: tests/bench/dataplane.py runs it and prints a table.
noinst_PROGRAMS += tests/bench/dataplane_load
tests_bench_dataplane_load_SOURCES = tests/bench/dataplane_load.c
tests_bench_dataplane_load_LDADD = $(BASE_LIBS)
EXTRA_DIST += tests/bench/dataplane.py

noinst_PROGRAMS += tests/bench/esp_bench
tests_bench_esp_bench_SOURCES = tests/bench/esp_bench.c \
	tests/plain_tun.h
tests_bench_esp_bench_LDADD = oe/esp/libesp.a $(BASE_LIBS)

# By hand, or a build of before and one of after: ns a packet.
noinst_PROGRAMS += tests/bench/demux_bench
tests_bench_demux_bench_SOURCES = tests/bench/demux_bench.c
tests_bench_demux_bench_LDADD = nat/libnat.a $(BASE_LIBS) $(NFQ_LIBS)

noinst_PROGRAMS += tests/bench/storm_bench
tests_bench_storm_bench_SOURCES = tests/bench/storm_bench.c
tests_bench_storm_bench_LDADD = proto/libproto.a $(BASE_LIBS)
EXTRA_DIST += tests/bench/million.sh tests/bench/storm.sh

# By hand: what a binding costs in memory, and a request in time, without sockets.
noinst_PROGRAMS += tests/bench/gateway_bench
tests_bench_gateway_bench_SOURCES = tests/bench/gateway_bench.c
tests_bench_gateway_bench_LDADD = rsipd/librsipd.a nat/libnat.a proto/libproto.a \
	$(BASE_LIBS) $(NFQ_LIBS) $(LMDB_LIBS)
