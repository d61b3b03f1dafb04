# tests/unit/local.mk - what is built from tests/unit/

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_addr
TESTS += tests/unit/test_addr
tests_unit_test_addr_SOURCES = tests/unit/test_addr.c
tests_unit_test_addr_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_addr_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_gso
TESTS += tests/unit/test_gso
tests_unit_test_gso_SOURCES = tests/unit/test_gso.c
tests_unit_test_gso_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_gso_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_rtnl
TESTS += tests/unit/test_rtnl
tests_unit_test_rtnl_SOURCES = tests/unit/test_rtnl.c
tests_unit_test_rtnl_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_rtnl_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif

if HAVE_CMOCKA
IKE_TEST_LIBS = $(IKE_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
IKE_TEST_NET = tests/unit/ike_net.c tests/unit/ike_net.h
IKE_TEST_PAIR = $(IKE_TEST_NET) tests/unit/ike_pair.c tests/unit/ike_pair.h
check_PROGRAMS += tests/unit/test_ike_crypto tests/unit/test_ike \
	tests/unit/test_ike_flood tests/unit/test_ike_hostile \
	tests/unit/test_ike_life tests/unit/test_ike_message
TESTS += tests/unit/test_ike_crypto tests/unit/test_ike \
	tests/unit/test_ike_flood tests/unit/test_ike_hostile \
	tests/unit/test_ike_life tests/unit/test_ike_message
check_PROGRAMS += tests/unit/test_ike_probe tests/unit/test_ike_sign
TESTS += tests/unit/test_ike_probe tests/unit/test_ike_sign
tests_unit_test_ike_sign_SOURCES = tests/unit/test_ike_sign.c
tests_unit_test_ike_sign_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike_sign_LDADD = $(IKE_TEST_LIBS)
tests_unit_test_ike_probe_SOURCES = tests/unit/test_ike_probe.c \
	$(IKE_TEST_NET)
tests_unit_test_ike_probe_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike_probe_LDADD = $(IKE_TEST_LIBS)
tests_unit_test_ike_message_SOURCES = tests/unit/test_ike_message.c
tests_unit_test_ike_message_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike_message_LDADD = $(IKE_TEST_LIBS)
tests_unit_test_ike_crypto_SOURCES = tests/unit/test_ike_crypto.c
tests_unit_test_ike_crypto_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike_crypto_LDADD = $(IKE_TEST_LIBS)
tests_unit_test_ike_SOURCES = tests/unit/test_ike.c $(IKE_TEST_PAIR)
tests_unit_test_ike_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike_LDADD = $(IKE_TEST_LIBS)
tests_unit_test_ike_life_SOURCES = tests/unit/test_ike_life.c $(IKE_TEST_PAIR)
tests_unit_test_ike_life_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike_life_LDADD = $(IKE_TEST_LIBS)
tests_unit_test_ike_flood_SOURCES = tests/unit/test_ike_flood.c $(IKE_TEST_PAIR)
tests_unit_test_ike_flood_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike_flood_LDADD = $(IKE_TEST_LIBS)
tests_unit_test_ike_hostile_SOURCES = tests/unit/test_ike_hostile.c \
	$(IKE_TEST_PAIR)
tests_unit_test_ike_hostile_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike_hostile_LDADD = $(IKE_TEST_LIBS)
tests_unit_test_ike_hostile_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ike_dh_new \
	-Wl,--wrap=ike_dh_free -Wl,--wrap=ike_dh_derive
endif

if HAVE_CMOCKA
OE_TEST_LIBS = oe/liboe.a $(IKE_LIBS) $(BASE_LIBS) \
	$(CARES_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_record tests/unit/test_classes \
	tests/unit/test_scenarios
TESTS += tests/unit/test_record tests/unit/test_classes \
	tests/unit/test_scenarios
EXTRA_DIST += tests/unit/scenarios tests/unit/oe_table.py
dist_check_SCRIPTS += tests/unit/oe_table.sh
TESTS += tests/unit/oe_table.sh
tests_unit_test_scenarios_SOURCES = tests/unit/test_scenarios.c \
	tests/unit/scenario.c tests/unit/scenario.h \
	tests/unit/scenario_act.c \
	tests/unit/dns_message.c tests/unit/dns_message.h
tests_unit_test_scenarios_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_scenarios_LDADD = $(OE_TEST_LIBS)
tests_unit_test_record_SOURCES = tests/unit/test_record.c \
	tests/unit/dns_message.c tests/unit/dns_message.h
tests_unit_test_record_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_record_LDADD = $(OE_TEST_LIBS)
tests_unit_test_classes_SOURCES = tests/unit/test_classes.c
tests_unit_test_classes_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_classes_LDADD = $(OE_TEST_LIBS)
endif

# Each test that doc/threats.md names.
EXTRA_DIST += tests/unit/threats_table.py
dist_check_SCRIPTS += tests/unit/rooms.sh tests/unit/threats_table.sh \
	tests/unit/tour.sh
TESTS += tests/unit/rooms.sh tests/unit/threats_table.sh tests/unit/tour.sh

# Each option of each daemon, and what is written about it.
EXTRA_DIST += tests/unit/options.py
dist_check_SCRIPTS += tests/unit/options.sh
TESTS += tests/unit/options.sh

if HAVE_CMOCKA
IKE2_TEST_LIBS = oe/ike2/libike2.a oe/ike/libike.a $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_ike2_message tests/unit/test_ike2_payload \
	tests/unit/test_ike2_sealed
TESTS += tests/unit/test_ike2_message tests/unit/test_ike2_payload \
	tests/unit/test_ike2_sealed
tests_unit_test_ike2_message_SOURCES = tests/unit/test_ike2_message.c \
	tests/unit/ike2_captures.h tests/unit/ike2_hex.h
tests_unit_test_ike2_message_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_message_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_payload_SOURCES = tests/unit/test_ike2_payload.c \
	tests/unit/ike2_captures.h tests/unit/ike2_hex.h
tests_unit_test_ike2_payload_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_payload_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_sealed_SOURCES = tests/unit/test_ike2_sealed.c \
	tests/unit/ike2_captures.h tests/unit/ike2_hex.h
tests_unit_test_ike2_sealed_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_sealed_LDADD = $(IKE2_TEST_LIBS)
endif
