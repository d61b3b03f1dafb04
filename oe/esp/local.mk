# oe/esp/local.mk - ESP in user space, and keys as DNS has them
noinst_LIBRARIES += oe/esp/libesp.a
oe_esp_libesp_a_SOURCES = \
	oe/esp/algorithm.c oe/esp/algorithm.h \
	oe/esp/esp.c oe/esp/esp.h oe/esp/params.h \
	oe/esp/replay.c oe/esp/replay.h \
	oe/pubkey.c oe/pubkey.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_esp
TESTS += tests/unit/test_esp
tests_unit_test_esp_SOURCES = tests/unit/test_esp.c tests/unit/esp_vectors.h
tests_unit_test_esp_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_esp_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_pubkey
TESTS += tests/unit/test_pubkey
tests_unit_test_pubkey_SOURCES = tests/unit/test_pubkey.c
tests_unit_test_pubkey_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_pubkey_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS)
endif
EXTRA_DIST += tests/peer/esp_vectors.py
check_PROGRAMS += tests/interop/esp_pipe
tests_interop_esp_pipe_SOURCES = tests/interop/esp_pipe.c
tests_interop_esp_pipe_LDADD = oe/esp/libesp.a $(BASE_LIBS)
dist_check_SCRIPTS += tests/interop/esp_scapy.py
TESTS += tests/interop/esp_scapy.py
noinst_PROGRAMS += tests/bench/esp_bench
tests_bench_esp_bench_SOURCES = tests/bench/esp_bench.c
tests_bench_esp_bench_LDADD = oe/esp/libesp.a $(BASE_LIBS)
dist_check_SCRIPTS += tests/interop/esp_kernel.sh
TESTS += tests/interop/esp_kernel.sh
EXTRA_DIST += tests/interop/esp_kernel.py
