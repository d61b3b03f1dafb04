# oe/ike/local.mk - the IKEv1 engine
noinst_LIBRARIES += oe/ike/libike.a
oe_ike_libike_a_SOURCES = \
	oe/ike/admit.c \
	oe/ike/crypto.c oe/ike/crypto.h \
	oe/ike/dh.c \
	oe/ike/id.c oe/ike/id.h \
	oe/ike/ike.c oe/ike/ike.h oe/ike/sa.h \
	oe/ike/info.c \
	oe/ike/isakmp.c oe/ike/isakmp.h \
	oe/ike/msgid.c \
	oe/ike/natt.c \
	oe/ike/offer.c \
	oe/ike/phase1.c oe/ike/phase2.c \
	oe/ike/proposal.c oe/ike/proposal.h \
	oe/ike/show.c oe/ike/table.c oe/ike/work.c
