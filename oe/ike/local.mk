# oe/ike/local.mk - what the versions of IKE share
noinst_LIBRARIES += oe/ike/libike.a
oe_ike_libike_a_SOURCES = \
	oe/ike/budget.c oe/ike/budget.h \
	oe/ike/dh.c oe/ike/dh.h \
	oe/ike/door.c oe/ike/door.h \
	oe/ike/exchange.c oe/ike/exchange.h \
	oe/ike/natd.c oe/ike/natd.h \
	oe/ike/prf.c oe/ike/prf.h \
	oe/ike/sa_row.c oe/ike/sa_row.h \
	oe/ike/sign.c oe/ike/sign.h \
	oe/keying.c

# All versions, for who links an engine: those above before what they stand on.
IKE_LIBS = oe/ike1/libike1.a oe/ike2/libike2.a oe/ike/libike.a oe/esp/libesp.a
