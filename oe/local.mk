# oe/local.mk - the opportunistic encryption engine and oed

noinst_LIBRARIES += oe/liboe.a
oe_liboe_a_SOURCES = \
	oe/connection.c oe/core.c oe/core.h \
	oe/dns.c oe/dns.h \
	oe/engine.c oe/engine.h oe/flow.c oe/gateway.c oe/keying.h \
	oe/policy.c oe/policy.h \
	oe/record.c oe/record.h oe/report.c oe/responder.c \
	oe/settings.c oe/settings.h oe/spd.c
