# oe/local.mk - the opportunistic encryption engine and oed

noinst_LIBRARIES += oe/liboe.a
oe_liboe_a_SOURCES = \
	oe/aging.c oe/aging.h oe/ask.c oe/ask.h oe/authorization.c \
	oe/authorization.h oe/child.c oe/child.h oe/claim.c oe/claim.h \
	oe/classes.c oe/classes.h \
	oe/collision.c oe/collision.h oe/connection.c oe/connection.h \
	oe/core.c oe/core.h oe/crossing.c oe/crossing.h oe/dns.c oe/dns.h oe/ending.c oe/ending.h \
	oe/engine.c oe/engine.h oe/engine_ike.c oe/engine_ike.h oe/flow.c oe/flow.h oe/guard.c oe/guard.h \
	oe/identity.c oe/identity.h oe/initiator.c oe/initiator.h oe/inward.c oe/inward.h \
	oe/keying.h oe/known.c oe/known.h oe/lead.c oe/lead.h \
	oe/life.c oe/life.h oe/liveness.c \
	oe/liveness.h oe/lookup.c oe/lookup.h oe/packet_cause.c \
	oe/packet_cause.h oe/pair.c oe/pair.h oe/pathmtu.c oe/pathmtu.h \
	oe/peer.c oe/peer.h oe/peer_gateway.c oe/peer_gateway.h oe/plane.c \
	oe/plane.h oe/planes.c oe/planes.h oe/pool.c oe/pool.h oe/portal.c oe/portal.h oe/ports.c oe/ports.h \
	oe/reason.c oe/reason.h oe/record.c oe/record.h \
	oe/remember.c oe/remember.h oe/report.c oe/report.h oe/request.c \
	oe/request.h oe/responder.c oe/responder.h oe/room.c oe/room.h \
	oe/rr.c oe/rr.h oe/session.c oe/session.h oe/session_keying.c \
	oe/session_keying.h oe/settings.c oe/settings.h oe/settings_table.c \
	oe/shell.h oe/spd.c oe/spd.h oe/summary.c oe/summary.h oe/translate.c oe/translate.h \
	oe/version.c oe/version.h \
	oe/wire.c oe/wire.h oe/wire_beside.c oe/wire_beside.h \
	oe/wire_private.h

sbin_PROGRAMS += oe/oed
oe_oed_SOURCES = oe/oed.c oe/oed_led.c oe/oed_led.h oe/oed_net.c oe/oed_net.h
oe_oed_LDADD = oe/liboe.a $(IKE_LIBS) $(BASE_LIBS) \
	$(DNS_LIBS) -lpthread
dist_man_MANS += doc/oed.8 doc/oed.conf.5
EXTRA_DIST += contrib/oed.conf
