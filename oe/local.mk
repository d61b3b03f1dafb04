# oe/local.mk - the opportunistic encryption engine and oed

noinst_LIBRARIES += oe/liboe.a
oe_liboe_a_SOURCES = \
	oe/advice.c oe/ask.c oe/ask.h oe/connection.c oe/core.c oe/core.h \
	oe/dns.c oe/dns.h \
	oe/engine.c oe/engine.h oe/flow.c oe/gateway.c oe/identity.c \
	oe/guard.c oe/guard.h oe/kernel.c oe/keyed.c oe/keying.h \
	oe/limits.c oe/liveness.c \
	oe/memory.c oe/memory.h oe/pathmtu.c \
	oe/policy.c oe/policy.h \
	oe/record.c oe/record.h oe/report.c oe/responder.c \
	oe/rr.c oe/rr.h \
	oe/search.c oe/session.c oe/settings.c oe/settings.h oe/spd.c \
	oe/wire.c oe/wire.h

sbin_PROGRAMS += oe/oed
oe_oed_SOURCES = oe/oed.c oe/oed_net.c oe/oed_net.h oe/xfrm.c oe/xfrm.h
oe_oed_LDADD = oe/liboe.a $(IKE_LIBS) $(BASE_LIBS) \
	$(CARES_LIBS)
dist_man_MANS += doc/oed.8 doc/oed.conf.5
EXTRA_DIST += contrib/oed.conf
