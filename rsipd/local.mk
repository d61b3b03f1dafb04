# rsipd/local.mk - the gateway daemon: a pure core in a library, a shell around it
noinst_LIBRARIES += rsipd/librsipd.a
rsipd_librsipd_a_SOURCES = \
	rsipd/endpoint.c rsipd/endpoint.h \
	rsipd/gateway.c rsipd/gateway.h rsipd/gateway_internal.h \
	rsipd/gateway_assign.c rsipd/gateway_auth.c \
	rsipd/gateway_name.c rsipd/gateway_query.c \
	rsipd/gateway_held.c rsipd/gateway_register.c rsipd/gateway_restore.c \
	rsipd/grant.c rsipd/grant.h \
	rsipd/lease.c rsipd/lease.h \
	rsipd/policy.c rsipd/policy.h \
	rsipd/pool.c rsipd/pool.h \
	rsipd/portset.c rsipd/portset.h \
	rsipd/spiset.c rsipd/spiset.h \
	rsipd/store.c rsipd/store.h rsipd/store_record.c

sbin_PROGRAMS += rsipd/rsipd
rsipd_rsipd_SOURCES = \
	rsipd/parent.c rsipd/parent.h \
	rsipd/resolver.c rsipd/resolver.h \
	rsipd/rsipd.c \
	rsipd/server.c rsipd/server.h rsipd/server_internal.h \
	rsipd/settings.c rsipd/settings.h rsipd/settings_machine.c \
	rsipd/settings_policy.c rsipd/settings_policy.h \
	rsipd/status.c rsipd/status.h \
	rsipd/tcp.c rsipd/udp.c
rsipd_rsipd_LDADD = rsipd/librsipd.a nat/libnat.a proto/libproto.a \
	$(BASE_LIBS) $(NFQ_LIBS) $(CARES_LIBS) $(LMDB_LIBS) -lpthread

if HAVE_CMOCKA
RSIPD_UNIT = tests/unit/test_endpoint tests/unit/test_gateway \
	tests/unit/test_gateway_held \
	tests/unit/test_grant tests/unit/test_store \
	tests/unit/test_pool tests/unit/test_register tests/unit/test_scale
check_PROGRAMS += $(RSIPD_UNIT)
TESTS += $(RSIPD_UNIT)
tests_unit_test_endpoint_SOURCES = tests/unit/test_endpoint.c
tests_unit_test_endpoint_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_endpoint_LDADD = rsipd/librsipd.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_grant_SOURCES = tests/unit/test_grant.c
tests_unit_test_grant_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_grant_LDADD = rsipd/librsipd.a nat/libnat.a proto/libproto.a \
	$(BASE_LIBS) $(NFQ_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_store_SOURCES = tests/unit/test_store.c
tests_unit_test_store_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_store_LDADD = rsipd/librsipd.a nat/libnat.a proto/libproto.a \
	$(BASE_LIBS) $(NFQ_LIBS) $(LMDB_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c
tests_unit_test_pool_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_pool_LDADD = rsipd/librsipd.a $(BASE_LIBS) $(CMOCKA_LIBS)
GATEWAY_WORLD = tests/unit/gateway_world.c tests/unit/gateway_world.h
tests_unit_test_gateway_SOURCES = tests/unit/test_gateway.c $(GATEWAY_WORLD)
tests_unit_test_gateway_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_gateway_LDADD = rsipd/librsipd.a proto/libproto.a \
	$(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_gateway_held_SOURCES = tests/unit/test_gateway_held.c $(GATEWAY_WORLD)
tests_unit_test_gateway_held_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_gateway_held_LDADD = rsipd/librsipd.a proto/libproto.a \
	$(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_register_SOURCES = tests/unit/test_register.c $(GATEWAY_WORLD)
tests_unit_test_register_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_register_LDADD = rsipd/librsipd.a proto/libproto.a \
	$(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_scale_SOURCES = tests/unit/test_scale.c
tests_unit_test_scale_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_scale_LDADD = rsipd/librsipd.a nat/libnat.a proto/libproto.a \
	$(BASE_LIBS) $(NFQ_LIBS) $(CMOCKA_LIBS) -lpthread
endif

dist_man_MANS += doc/rsipd.8 doc/rsipd.conf.5
EXTRA_DIST += contrib/rsipd.conf

RSIPD_NET = tests/net/lease_store.sh tests/net/rsip_cascade.sh \
	tests/net/rsip_reload.sh
dist_check_SCRIPTS += $(RSIPD_NET)
TESTS += $(RSIPD_NET)
EXTRA_DIST += tests/net/lease_store.py tests/net/rsip_cascade.py \
	tests/net/rsip_reload.py
