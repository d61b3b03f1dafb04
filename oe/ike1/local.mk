# oe/ike1/local.mk - the IKEv1 engine
noinst_LIBRARIES += oe/ike1/libike1.a
oe_ike1_libike1_a_SOURCES = \
	oe/ike1/admit.c oe/ike1/admit.h \
	oe/ike1/begin.c oe/ike1/begin.h \
	oe/ike1/ending.c oe/ike1/ending.h \
	oe/ike1/id.c oe/ike1/id.h \
	oe/ike1/ike1.c oe/ike1/ike1.h \
	oe/ike1/info.c oe/ike1/info.h \
	oe/ike1/isakmp.c oe/ike1/isakmp.h \
	oe/ike1/keys.c oe/ike1/keys.h \
	oe/ike1/message.c oe/ike1/message.h \
	oe/ike1/msgid.c oe/ike1/msgid.h \
	oe/ike1/natt.c oe/ike1/natt.h \
	oe/ike1/notify.c oe/ike1/notify.h \
	oe/ike1/offer.c oe/ike1/offer.h \
	oe/ike1/options.h \
	oe/ike1/phase1.c oe/ike1/phase1.h \
	oe/ike1/phase2.c oe/ike1/phase2.h \
	oe/ike1/proposal.c oe/ike1/proposal.h \
	oe/ike1/show.c oe/ike1/show.h \
	oe/ike1/table.c oe/ike1/table.h \
	oe/ike1/tick.c oe/ike1/tick.h
