# rsipc/local.mk - the RSIP host
sbin_PROGRAMS += rsipc/rsipc
noinst_LIBRARIES += rsipc/libhost.a

# Pure: what unit tests drive with a clock of their own.
rsipc_libhost_a_SOURCES = \
	rsipc/demand.c rsipc/demand.h \
	rsipc/dnssd.c rsipc/dnssd.h \
	rsipc/host.c rsipc/host.h rsipc/host_private.h \
	rsipc/host_reply.c rsipc/host_request.c \
	rsipc/lease.c rsipc/lease.h \
	rsipc/remember.c rsipc/remember.h \
	rsipc/signer.c rsipc/signer.h \
	rsipc/worth.c rsipc/worth.h

rsipc_rsipc_SOURCES = \
	rsipc/capture.c rsipc/capture.h \
	rsipc/choose.c rsipc/choose.h \
	rsipc/client.c rsipc/client.h \
	rsipc/device.c rsipc/device.h \
	rsipc/direct.c rsipc/direct.h \
	rsipc/discover.c rsipc/discover.h \
	rsipc/keeper.c rsipc/keeper.h \
	rsipc/main.c \
	rsipc/path.c rsipc/path.h \
	rsipc/settings.c rsipc/settings.h \
	rsipc/status.c \
	rsipc/transport.c rsipc/transport.h \
	rsipc/tunnel.c rsipc/tunnel.h
rsipc_rsipc_LDADD = rsipc/libhost.a oe/liboe.a $(IKE_LIBS) \
	proto/libproto.a $(BASE_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS)

RSIPC_TESTS = tests/net/rsipc_any_gateway.sh tests/net/rsipc_discover.sh \
	tests/net/rsipc_foreign.sh \
	tests/net/rsipc_life.sh tests/net/rsipc_peer.sh \
	tests/net/rsipc_programs.sh
dist_check_SCRIPTS += $(RSIPC_TESTS)
TESTS += $(RSIPC_TESTS)
EXTRA_DIST += tests/peer/any_gateway.py tests/peer/gateway.py contrib/rsipc.conf
dist_man_MANS += doc/rsipc.8 doc/rsipc.conf.5

if HAVE_CMOCKA
RSIPC_UNIT = tests/unit/test_host tests/unit/test_host_hostile \
	tests/unit/test_dnssd tests/unit/test_signer tests/unit/test_worth
check_PROGRAMS += $(RSIPC_UNIT)
TESTS += $(RSIPC_UNIT)
tests_unit_test_signer_SOURCES = tests/unit/test_signer.c $(GATEWAY_WORLD)
tests_unit_test_signer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_signer_LDADD = rsipc/libhost.a rsipd/librsipd.a \
	proto/libproto.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_dnssd_SOURCES = tests/unit/test_dnssd.c \
	tests/unit/dns_message.c tests/unit/dns_message.h
tests_unit_test_dnssd_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_dnssd_LDADD = rsipc/libhost.a $(OE_TEST_LIBS)
tests_unit_test_worth_SOURCES = tests/unit/test_worth.c
tests_unit_test_worth_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_worth_LDADD = rsipc/libhost.a $(CMOCKA_LIBS)
tests_unit_test_host_hostile_SOURCES = tests/unit/test_host_hostile.c
tests_unit_test_host_hostile_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_host_hostile_LDADD = rsipc/libhost.a proto/libproto.a \
	$(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_host_SOURCES = tests/unit/test_host.c
tests_unit_test_host_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_host_LDADD = rsipc/libhost.a proto/libproto.a $(BASE_LIBS) \
	$(CMOCKA_LIBS)
endif
