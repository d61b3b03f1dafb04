# rsipd/local.mk - the gateway daemon: a pure core in a library, a shell around it
noinst_LIBRARIES += rsipd/librsipd.a
rsipd_librsipd_a_SOURCES = \
	rsipd/endpoint.c rsipd/endpoint.h \
	rsipd/gateway.c rsipd/gateway.h rsipd/gateway_internal.h \
	rsipd/gateway_assign.c rsipd/gateway_auth.c \
	rsipd/gateway_name.c rsipd/gateway_query.c \
	rsipd/lease.c rsipd/lease.h \
	rsipd/policy.c rsipd/policy.h \
	rsipd/pool.c rsipd/pool.h \
	rsipd/portset.c rsipd/portset.h \
	rsipd/spiset.c rsipd/spiset.h

sbin_PROGRAMS += rsipd/rsipd
rsipd_rsipd_SOURCES = \
	rsipd/resolver.c rsipd/resolver.h \
	rsipd/rsipd.c \
	rsipd/server.c rsipd/server.h rsipd/server_internal.h \
	rsipd/settings.c rsipd/settings.h rsipd/settings_machine.c \
	rsipd/status.c rsipd/status.h \
	rsipd/tcp.c rsipd/udp.c
rsipd_rsipd_LDADD = rsipd/librsipd.a nat/libnat.a proto/libproto.a \
	$(BASE_LIBS) $(NFQ_LIBS) $(CARES_LIBS) -lpthread
