# oe/local.mk - the opportunistic encryption engine and oed

noinst_LIBRARIES += oe/liboe.a
oe_liboe_a_SOURCES = \
	oe/dns.c oe/dns.h \
	oe/engine.h oe/keying.h \
	oe/policy.c oe/policy.h \
	oe/record.c oe/record.h \
	oe/settings.c oe/settings.h
