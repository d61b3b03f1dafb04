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
	nat/reassemble.c nat/reassemble.h \
	nat/rules.c nat/rules.h \
	nat/rules_iptables.c nat/rules_nftables.c nat/rules_run.c \
	nat/rules_settings.c

# The kernel's part is compiled for its own machine and carried in the program.
EXTRA_DIST += nat/offload.bpf.c nat/offload_map.h
if BPF
nat_libnat_a_SOURCES += nat/offload.c nat/offload.h
nodist_nat_libnat_a_SOURCES = nat/offload_object.h
BUILT_SOURCES += nat/offload_object.h
CLEANFILES += nat/offload_object.h nat/offload.bpf.o
BASE_LIBS += $(BPF_LIBS)
nat/offload.$(OBJEXT): nat/offload_object.h
nat/offload.bpf.o: $(srcdir)/nat/offload.bpf.c $(srcdir)/nat/offload_map.h
	$(AM_V_CC)$(MKDIR_P) nat && $(BPF_CLANG) -O2 -g -target $(BPF_TARGET) -Wall \
	    -I`$(CC) -print-sysroot 2>/dev/null`/usr/include/`$(CC) \
	        -print-multiarch 2>/dev/null` \
	    -I$(srcdir)/nat -c $(srcdir)/nat/offload.bpf.c -o $@
	$(AM_V_at)$(BPF_OBJCOPY) --strip-debug --remove-section=.BTF.ext \
	    --remove-section=.rel.BTF.ext $@
nat/offload_object.h: nat/offload.bpf.o
	$(AM_V_GEN)(echo 'static const unsigned char offload_object[] = {' && \
	    od -An -v -tu1 nat/offload.bpf.o | \
	    sed 's/\([0-9][0-9]*\)/\1,/g' && echo '};') >$@.new && mv $@.new $@
else
nat_libnat_a_SOURCES += nat/offload.h
endif

# The data plane without rsipd, for tests/net and tests/bench.
check_PROGRAMS += tests/net/nat_gateway
tests_net_nat_gateway_SOURCES = tests/net/nat_gateway.c
tests_net_nat_gateway_LDADD = nat/libnat.a $(BASE_LIBS) $(NFQ_LIBS)
NAT_TESTS = tests/net/nat_path.sh tests/net/nat_icmp.sh tests/net/nat_vm.sh \
	tests/net/nat_offload.sh tests/net/nat_near.sh tests/net/attack_router.sh
TESTS += $(NAT_TESTS)
dist_check_SCRIPTS += $(NAT_TESTS)
EXTRA_DIST += tests/net/nat_path.py tests/net/nat_icmp.py tests/net/nat_net.py \
	tests/net/nat_offload.py tests/net/nat_near.py tests/net/attack_router.py
EXTRA_DIST += doc/dataplane.md

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_demux
TESTS += tests/unit/test_demux
tests_unit_test_demux_SOURCES = tests/unit/test_demux.c
tests_unit_test_demux_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_demux_LDADD = nat/libnat.a $(BASE_LIBS) $(NFQ_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_forward
TESTS += tests/unit/test_forward
tests_unit_test_forward_SOURCES = tests/unit/test_forward.c
tests_unit_test_forward_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_forward_LDADD = nat/libnat.a $(BASE_LIBS) $(NFQ_LIBS) $(CMOCKA_LIBS)
endif

# The table once more, where a test can stop a thread at the worst moment.
check_PROGRAMS += tests/unit/test_demux_threads
TESTS += tests/unit/test_demux_threads
tests_unit_test_demux_threads_SOURCES = tests/unit/test_demux_threads.c \
	nat/demux.c nat/demux_hash.c nat/demux_learn.c nat/demux_packet.c \
	nat/packet.c
tests_unit_test_demux_threads_CPPFLAGS = $(AM_CPPFLAGS) -DDEMUX_TEST
tests_unit_test_demux_threads_CFLAGS = $(AM_CFLAGS) $(TSAN_CFLAGS)
tests_unit_test_demux_threads_LDADD = $(BASE_LIBS) $(TSAN_LIBS)

# Not a test: tests/bench/dataplane.py runs it and prints a table.
noinst_PROGRAMS += tests/bench/dataplane_load
tests_bench_dataplane_load_SOURCES = tests/bench/dataplane_load.c
tests_bench_dataplane_load_LDADD = $(BASE_LIBS)
EXTRA_DIST += tests/bench/dataplane.py
