# rsipc/local.mk - the RSIP host
noinst_LIBRARIES += rsipc/libhost.a
rsipc_libhost_a_SOURCES = \
	rsipc/host.c rsipc/host.h rsipc/host_private.h \
	rsipc/host_reply.c rsipc/host_request.c \
	rsipc/lease.c rsipc/lease.h
