# oe/esp/local.mk - ESP, in user space and in the kernel, and keys as DNS has them
noinst_LIBRARIES += oe/esp/libesp.a
oe_esp_libesp_a_SOURCES = \
	oe/esp/algorithm.c oe/esp/algorithm.h \
	oe/esp/dataplane.c oe/esp/dataplane.h oe/esp/dataplane_private.h \
	oe/esp/esp.c oe/esp/esp.h oe/esp/params.h \
	oe/esp/crew.c oe/esp/crew.h oe/esp/lane.c oe/esp/lane.h \
	oe/esp/lanes.c oe/esp/lanes.h \
	oe/esp/replay.c oe/esp/replay.h \
	oe/esp/transform.c oe/esp/transform.h \
	oe/esp/user.c oe/esp/user.h \
	oe/esp/xfrm.c oe/esp/xfrm.h oe/esp/xfrm_sa.c oe/esp/xfrm_sa.h \
	oe/esp/xfrm_led.c oe/esp/xfrm_led.h \
	oe/pubkey.c oe/pubkey.h
EXTRA_DIST += oe/esp/beside.bpf.c oe/esp/beside_map.h
if BPF
oe_esp_libesp_a_SOURCES += oe/esp/beside.c oe/esp/beside.h
nodist_oe_esp_libesp_a_SOURCES = oe/esp/beside_object.h
oe/esp/beside.$(OBJEXT): oe/esp/beside_object.h
else
oe_esp_libesp_a_SOURCES += oe/esp/beside.h
endif
