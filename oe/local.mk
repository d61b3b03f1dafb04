# oe/local.mk - the opportunistic encryption engine and oed

noinst_LIBRARIES += oe/liboe.a
oe_liboe_a_SOURCES = \
	oe/ask.c oe/ask.h oe/connection.c oe/connection.h \
	oe/core.c oe/core.h oe/dns.c oe/dns.h oe/engine.c oe/engine.h \
	oe/flow.c oe/flow.h oe/peer_gateway.c oe/peer_gateway.h \
	oe/guard.c oe/guard.h oe/planes.c oe/planes.h \
	oe/identity.c oe/identity.h oe/child.c \
	oe/child.h oe/keying.h oe/life.c oe/life.h oe/limits.c oe/limits.h \
	oe/liveness.c oe/liveness.h oe/lookup.c oe/lookup.h oe/remember.c \
	oe/remember.h oe/pair.c oe/pair.h oe/pathmtu.c oe/pathmtu.h \
	oe/classes.c oe/classes.h oe/record.c oe/record.h oe/report.c \
	oe/report.h oe/responder.c oe/responder.h oe/rr.c oe/rr.h \
	oe/initiator.c oe/initiator.h oe/session.c oe/session.h oe/settings.c \
	oe/settings.h oe/shell.h oe/spd.c oe/spd.h oe/summary.c oe/summary.h \
	oe/wire.c oe/wire.h

sbin_PROGRAMS += oe/oed
oe_oed_SOURCES = oe/oed.c oe/oed_net.c oe/oed_net.h
oe_oed_LDADD = oe/liboe.a $(IKE_LIBS) $(BASE_LIBS) \
	$(CARES_LIBS)
dist_man_MANS += doc/oed.8 doc/oed.conf.5
EXTRA_DIST += contrib/oed.conf
