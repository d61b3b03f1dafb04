# tests/bench/local.mk - what is built from tests/bench/
noinst_PROGRAMS += tests/bench/ike_bench
tests_bench_ike_bench_SOURCES = tests/bench/ike_bench.c \
	tests/unit/ike_net.c tests/unit/ike_net.h
tests_bench_ike_bench_LDADD = oe/ike/libike.a oe/esp/libesp.a $(BASE_LIBS)
