# oe/ike2/local.mk - the IKEv2 engine
noinst_LIBRARIES += oe/ike2/libike2.a
oe_ike2_libike2_a_SOURCES = \
	oe/ike2/algorithm.c oe/ike2/algorithm.h \
	oe/ike2/auth.c oe/ike2/auth.h \
	oe/ike2/child.c oe/ike2/child.h \
	oe/ike2/configuration.c oe/ike2/configuration.h \
	oe/ike2/establish.c oe/ike2/establish.h \
	oe/ike2/exchange.c oe/ike2/exchange.h \
	oe/ike2/exponent.c oe/ike2/exponent.h \
	oe/ike2/fragment.c oe/ike2/fragment.h \
	oe/ike2/identity.c oe/ike2/identity.h \
	oe/ike2/engine.c oe/ike2/ike2.h \
	oe/ike2/inform.c oe/ike2/inform.h \
	oe/ike2/init.c oe/ike2/init.h \
	oe/ike2/keys.c oe/ike2/keys.h \
	oe/ike2/message.c oe/ike2/message.h \
	oe/ike2/notify.c oe/ike2/notify.h \
	oe/ike2/offer.c oe/ike2/offer.h \
	oe/ike2/rekey.c oe/ike2/rekey.h \
	oe/ike2/report.c oe/ike2/report.h \
	oe/ike2/sealed.c oe/ike2/sealed.h \
	oe/ike2/selector.c oe/ike2/selector.h \
	oe/ike2/sa.h \
	oe/ike2/table.c oe/ike2/table.h \
	oe/ike2/window.c oe/ike2/window.h
