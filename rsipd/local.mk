# rsipd/local.mk - the gateway daemon: a pure core in a library, a shell around it
noinst_LIBRARIES += rsipd/librsipd.a
rsipd_librsipd_a_SOURCES = \
	rsipd/gateway.c rsipd/gateway.h rsipd/gateway_internal.h \
	rsipd/gateway_assign.c rsipd/gateway_auth.c \
	rsipd/gateway_name.c rsipd/gateway_query.c \
	rsipd/lease.c rsipd/lease.h \
	rsipd/policy.c rsipd/policy.h \
	rsipd/pool.c rsipd/pool.h \
	rsipd/portset.c rsipd/portset.h \
	rsipd/spiset.c rsipd/spiset.h
