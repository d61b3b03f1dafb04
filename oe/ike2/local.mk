# oe/ike2/local.mk - the IKEv2 engine
noinst_LIBRARIES += oe/ike2/libike2.a
oe_ike2_libike2_a_SOURCES = \
	oe/ike2/algorithm.c oe/ike2/algorithm.h \
	oe/ike2/fragment.c oe/ike2/fragment.h \
	oe/ike2/message.c oe/ike2/message.h \
	oe/ike2/sealed.c oe/ike2/sealed.h
