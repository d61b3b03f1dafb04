# rsipc/local.mk - the RSIP host
sbin_PROGRAMS += rsipc/rsipc
noinst_LIBRARIES += rsipc/libhost.a

# Pure: what unit tests drive with a clock of their own.
rsipc_libhost_a_SOURCES = \
	rsipc/bindings.c rsipc/bindings.h \
	rsipc/demand.c rsipc/demand.h \
	rsipc/dnssd.c rsipc/dnssd.h \
	rsipc/host.c rsipc/host.h rsipc/host_private.h \
	rsipc/host_reply.c rsipc/host_request.c \
	rsipc/remember.c rsipc/remember.h \
	rsipc/signer.c rsipc/signer.h \
	rsipc/worth.c rsipc/worth.h

rsipc_rsipc_SOURCES = \
	rsipc/capture.c rsipc/capture.h \
	rsipc/choose.c rsipc/choose.h \
	rsipc/client.c rsipc/client.h rsipc/client_private.h \
	rsipc/client_gateway.c rsipc/client_kernel.c \
	rsipc/client_lease.c rsipc/client_pass.c \
	rsipc/client_way.c \
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
EXTRA_DIST += rsipc/pass.bpf.c rsipc/pass_map.h
if BPF
rsipc_rsipc_SOURCES += rsipc/pass.c rsipc/pass.h
nodist_rsipc_rsipc_SOURCES = rsipc/pass_object.h
rsipc/pass.$(OBJEXT): rsipc/pass_object.h
else
rsipc_rsipc_SOURCES += rsipc/pass.h
endif
rsipc_rsipc_LDADD = rsipc/libhost.a oe/liboe.a $(IKE_LIBS) \
	proto/libproto.a $(BASE_LIBS) $(DNS_LIBS) $(CRYPTO_LIBS)

EXTRA_DIST += contrib/rsipc.conf
dist_man_MANS += doc/rsipc.8 doc/rsipc.conf.5
