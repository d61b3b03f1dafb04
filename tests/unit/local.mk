# tests/unit/local.mk - what is built from tests/unit/

HEADER_READS = tests/unit/header_reads.c tests/unit/header_reads.h
HEADER_READS_WRAP = -Wl,--wrap=packet_parse -Wl,--wrap=packet_parse_ipv4 \
	-Wl,--wrap=packet_parse_quoted

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_addr
TESTS += tests/unit/test_addr
tests_unit_test_addr_SOURCES = tests/unit/test_addr.c
tests_unit_test_addr_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_addr_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_packet
TESTS += tests/unit/test_packet
tests_unit_test_packet_SOURCES = tests/unit/test_packet.c tests/unit/packet_equal.h
tests_unit_test_packet_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_packet_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_gso
TESTS += tests/unit/test_gso
tests_unit_test_gso_SOURCES = tests/unit/test_gso.c tests/unit/packet_equal.h
tests_unit_test_gso_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_gso_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_inbox
TESTS += tests/unit/test_inbox
tests_unit_test_inbox_SOURCES = tests/unit/test_inbox.c
tests_unit_test_inbox_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_inbox_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_slab
TESTS += tests/unit/test_slab
tests_unit_test_slab_SOURCES = tests/unit/test_slab.c
tests_unit_test_slab_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_slab_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_udp_beside
TESTS += tests/unit/test_udp_beside
tests_unit_test_udp_beside_SOURCES = tests/unit/test_udp_beside.c
tests_unit_test_udp_beside_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_udp_beside_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_esp_filter
TESTS += tests/unit/test_esp_filter
tests_unit_test_esp_filter_SOURCES = tests/unit/test_esp_filter.c
tests_unit_test_esp_filter_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_esp_filter_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_rtnl
TESTS += tests/unit/test_rtnl
tests_unit_test_rtnl_SOURCES = tests/unit/test_rtnl.c
tests_unit_test_rtnl_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_rtnl_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_port
TESTS += tests/unit/test_port
tests_unit_test_port_SOURCES = tests/unit/test_port.c
tests_unit_test_port_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_port_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_xfrmi
TESTS += tests/unit/test_xfrmi
tests_unit_test_xfrmi_SOURCES = tests/unit/test_xfrmi.c
tests_unit_test_xfrmi_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_xfrmi_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_xfrmi_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=netlink_open,--wrap=netlink_ask,--wrap=netlink_ask_once \
	-Wl,--wrap=if_nametoindex,--wrap=rtnl_link_del \
	-Wl,--wrap=rtnl_has_ipv6,--wrap=sysctl_if_set
if BPF
check_PROGRAMS += tests/unit/test_card
TESTS += tests/unit/test_card
tests_unit_test_card_SOURCES = tests/unit/test_card.c
tests_unit_test_card_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_card_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif
endif

if HAVE_CMOCKA
IKE_TEST_LIBS = $(IKE_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
IKE_TEST_NET = tests/unit/ike_net.c tests/unit/ike_net.h \
	tests/unit/ike1_net.c tests/unit/ike1_net.h
IKE_TEST_PAIR = $(IKE_TEST_NET) tests/unit/ike_pair.c tests/unit/ike_pair.h
check_PROGRAMS += tests/unit/test_ike_crypto tests/unit/test_ike \
	tests/unit/test_ike_flood tests/unit/test_ike_hostile \
	tests/unit/test_ike_life tests/unit/test_ike_message
TESTS += tests/unit/test_ike_crypto tests/unit/test_ike \
	tests/unit/test_ike_flood tests/unit/test_ike_hostile \
	tests/unit/test_ike_life tests/unit/test_ike_message
check_PROGRAMS += tests/unit/test_ike_door tests/unit/test_ike_probe \
	tests/unit/test_ike_sign
TESTS += tests/unit/test_ike_door tests/unit/test_ike_probe \
	tests/unit/test_ike_sign
tests_unit_test_ike_door_SOURCES = tests/unit/test_ike_door.c \
	$(IKE_TEST_PAIR)
tests_unit_test_ike_door_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike_door_LDADD = oe/ike2/libike2.a $(IKE_TEST_LIBS)
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
tests_unit_test_ike_crypto_SOURCES = tests/unit/test_ike_crypto.c \
	tests/unit/dh_private.h
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
	$(DNS_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_wire
TESTS += tests/unit/test_wire
tests_unit_test_wire_SOURCES = tests/unit/test_wire.c tests/plain_tun.h
tests_unit_test_wire_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_wire_LDADD = $(OE_TEST_LIBS)
check_PROGRAMS += tests/unit/test_translate
TESTS += tests/unit/test_translate
tests_unit_test_translate_SOURCES = tests/unit/test_translate.c
tests_unit_test_translate_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_translate_LDADD = $(OE_TEST_LIBS)
check_PROGRAMS += tests/unit/test_record tests/unit/test_record_message tests/unit/test_reason tests/unit/test_classes \
	tests/unit/test_scenarios
TESTS += tests/unit/test_record tests/unit/test_record_message tests/unit/test_reason tests/unit/test_classes \
	tests/unit/test_scenarios
EXTRA_DIST += tests/unit/scenarios tests/unit/oe_table.py
dist_check_SCRIPTS += tests/unit/oe_table.sh
TESTS += tests/unit/oe_table.sh
EXTRA_DIST += tests/unit/ike2_table.py tests/unit/ike2_sentences.txt
dist_check_SCRIPTS += tests/unit/ike2_table.sh
TESTS += tests/unit/ike2_table.sh
tests_unit_test_scenarios_SOURCES = tests/unit/test_scenarios.c \
	tests/unit/play.c tests/unit/play.h \
	tests/unit/scenario.c tests/unit/scenario.h \
	tests/unit/scenario_act.c tests/unit/scenario_keying.c \
	tests/unit/scenario_led.c \
	tests/unit/dns_message.c tests/unit/dns_message.h $(HEADER_READS)
tests_unit_test_scenarios_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_scenarios_LDFLAGS = $(HEADER_READS_WRAP)
tests_unit_test_scenarios_LDADD = $(OE_TEST_LIBS)
RECORD_KEYS = tests/unit/record_keys.c tests/unit/record_keys.h \
	tests/unit/dns_message.c tests/unit/dns_message.h
tests_unit_test_record_message_SOURCES = tests/unit/test_record_message.c $(RECORD_KEYS)
tests_unit_test_record_message_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_record_message_LDADD = $(OE_TEST_LIBS)
tests_unit_test_record_SOURCES = tests/unit/test_record.c $(RECORD_KEYS)
tests_unit_test_record_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_record_LDADD = $(OE_TEST_LIBS)
tests_unit_test_reason_SOURCES = tests/unit/test_reason.c
tests_unit_test_reason_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_reason_LDADD = $(OE_TEST_LIBS)
tests_unit_test_classes_SOURCES = tests/unit/test_classes.c
tests_unit_test_classes_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_classes_LDADD = $(OE_TEST_LIBS)
endif

# Each test that doc/threats.md names.
EXTRA_DIST += tests/unit/threats_table.py
dist_check_SCRIPTS += tests/unit/rooms.sh tests/unit/style.sh \
	tests/unit/threats_table.sh \
	tests/unit/tour.sh
TESTS += tests/unit/rooms.sh tests/unit/style.sh \
	tests/unit/threats_table.sh tests/unit/tour.sh

# Each option of each daemon, and what is written about it.
EXTRA_DIST += tests/unit/options.py
dist_check_SCRIPTS += tests/unit/options.sh
TESTS += tests/unit/options.sh

if HAVE_CMOCKA
IKE2_TEST_LIBS = oe/ike2/libike2.a oe/ike/libike.a oe/esp/libesp.a \
	$(BASE_LIBS) $(CMOCKA_LIBS)
IKE2_TESTS = tests/unit/test_ike2_auth tests/unit/test_ike2_keys \
	tests/unit/test_ike2_message tests/unit/test_ike2_offer \
	tests/unit/test_ike2_payload tests/unit/test_ike2_sealed \
	tests/unit/test_ike2 tests/unit/test_ike2_life tests/unit/test_ike2_nat \
	tests/unit/test_ike2_exponent \
	tests/unit/test_ike2_inner tests/unit/test_ike2_null \
	tests/unit/test_ike2_rekey tests/unit/test_ike2_hostile
check_PROGRAMS += $(IKE2_TESTS)
TESTS += $(IKE2_TESTS)
EXTRA_DIST += tests/unit/ike2_cavs.fax
IKE2_TEST_NET = tests/unit/ike2_net.c tests/unit/ike2_net.h \
	tests/unit/ike2_host.c tests/unit/ike2_host.h \
	tests/unit/ike_net.c tests/unit/ike_net.h
tests_unit_test_ike2_SOURCES = tests/unit/test_ike2.c $(IKE2_TEST_NET)
tests_unit_test_ike2_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_exponent_SOURCES = tests/unit/test_ike2_exponent.c $(IKE2_TEST_NET)
tests_unit_test_ike2_exponent_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_exponent_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_null_SOURCES = tests/unit/test_ike2_null.c $(IKE2_TEST_NET)
tests_unit_test_ike2_null_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_null_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_inner_SOURCES = tests/unit/test_ike2_inner.c $(IKE2_TEST_NET)
tests_unit_test_ike2_inner_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_inner_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_nat_SOURCES = tests/unit/test_ike2_nat.c $(IKE2_TEST_NET)
tests_unit_test_ike2_nat_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_nat_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_life_SOURCES = tests/unit/test_ike2_life.c $(IKE2_TEST_NET)
tests_unit_test_ike2_life_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_life_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_rekey_SOURCES = tests/unit/test_ike2_rekey.c $(IKE2_TEST_NET)
tests_unit_test_ike2_rekey_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_rekey_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_hostile_SOURCES = tests/unit/test_ike2_hostile.c \
	$(IKE2_TEST_NET)
tests_unit_test_ike2_hostile_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_hostile_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_auth_SOURCES = tests/unit/test_ike2_auth.c \
	tests/unit/ike2_hex.h
tests_unit_test_ike2_auth_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_auth_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_keys_SOURCES = tests/unit/test_ike2_keys.c \
	tests/unit/dh_private.h \
	tests/unit/ike2_hex.h
tests_unit_test_ike2_keys_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_keys_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_message_SOURCES = tests/unit/test_ike2_message.c \
	tests/unit/ike2_captures.h tests/unit/ike2_hex.h
tests_unit_test_ike2_message_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_message_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_offer_SOURCES = tests/unit/test_ike2_offer.c \
	tests/unit/ike2_captures.h tests/unit/ike2_hex.h
tests_unit_test_ike2_offer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_offer_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_payload_SOURCES = tests/unit/test_ike2_payload.c \
	tests/unit/ike2_hex.h
tests_unit_test_ike2_payload_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_payload_LDADD = $(IKE2_TEST_LIBS)
tests_unit_test_ike2_sealed_SOURCES = tests/unit/test_ike2_sealed.c \
	tests/unit/ike2_captures.h tests/unit/ike2_hex.h
tests_unit_test_ike2_sealed_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ike2_sealed_LDADD = $(IKE2_TEST_LIBS)
endif

# base/
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_base
TESTS += tests/unit/test_base
tests_unit_test_base_SOURCES = tests/unit/test_base.c tests/unit/packet_equal.h
tests_unit_test_base_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_base_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_lock
TESTS += tests/unit/test_lock
tests_unit_test_lock_SOURCES = tests/unit/test_lock.c
tests_unit_test_lock_CFLAGS = $(UNIT_CFLAGS) -pthread
tests_unit_test_lock_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS) -lpthread
check_PROGRAMS += tests/unit/test_report
TESTS += tests/unit/test_report
tests_unit_test_report_SOURCES = tests/unit/test_report.c
tests_unit_test_report_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_report_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_web
TESTS += tests/unit/test_web
tests_unit_test_web_SOURCES = tests/unit/test_web.c
tests_unit_test_web_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_web_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_option
TESTS += tests/unit/test_option
tests_unit_test_option_SOURCES = tests/unit/test_option.c
tests_unit_test_option_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_option_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif

# proto/
if HAVE_CMOCKA
RSIP_TEST_LIBS = proto/libproto.a $(BASE_LIBS) $(CMOCKA_LIBS)
RSIP_EXAMPLES = tests/unit/rsip_examples.c tests/unit/rsip_examples.h
check_PROGRAMS += tests/unit/test_rsip_codec tests/unit/test_rsip_table \
	tests/unit/test_rsip_values
TESTS += tests/unit/test_rsip_codec tests/unit/test_rsip_table \
	tests/unit/test_rsip_values
tests_unit_test_rsip_codec_SOURCES = tests/unit/test_rsip_codec.c \
	$(RSIP_EXAMPLES)
tests_unit_test_rsip_codec_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_rsip_codec_LDADD = $(RSIP_TEST_LIBS)
tests_unit_test_rsip_table_SOURCES = tests/unit/test_rsip_table.c \
	$(RSIP_EXAMPLES)
tests_unit_test_rsip_table_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_rsip_table_LDADD = $(RSIP_TEST_LIBS)
tests_unit_test_rsip_values_SOURCES = tests/unit/test_rsip_values.c \
	$(RSIP_EXAMPLES)
tests_unit_test_rsip_values_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_rsip_values_LDADD = $(RSIP_TEST_LIBS)
endif

# nat/
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_demux tests/unit/test_demux_bindings
TESTS += tests/unit/test_demux tests/unit/test_demux_bindings
DEMUX_WORLD = tests/unit/demux_world.c tests/unit/demux_world.h \
	tests/unit/demux_ids.h
tests_unit_test_demux_bindings_SOURCES = tests/unit/test_demux_bindings.c $(DEMUX_WORLD)
tests_unit_test_demux_bindings_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_demux_bindings_LDADD = nat/libnat.a $(BASE_LIBS) $(NFQ_LIBS) $(CMOCKA_LIBS)
tests_unit_test_demux_SOURCES = tests/unit/test_demux.c $(DEMUX_WORLD)
tests_unit_test_demux_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_demux_LDADD = nat/libnat.a $(BASE_LIBS) $(NFQ_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_rules_judge
TESTS += tests/unit/test_rules_judge
tests_unit_test_rules_judge_SOURCES = tests/unit/test_rules_judge.c
tests_unit_test_rules_judge_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_rules_judge_LDADD = nat/libnat.a $(BASE_LIBS) $(NFQ_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_forward
TESTS += tests/unit/test_forward
tests_unit_test_forward_SOURCES = tests/unit/test_forward.c $(HEADER_READS)
tests_unit_test_forward_LDFLAGS = $(HEADER_READS_WRAP)
tests_unit_test_forward_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_forward_LDADD = nat/libnat.a $(BASE_LIBS) $(NFQ_LIBS) $(CMOCKA_LIBS)
endif

# The table once more, where a test can stop a thread at the worst moment.
check_PROGRAMS += tests/unit/test_demux_threads
TESTS += tests/unit/test_demux_threads
tests_unit_test_demux_threads_SOURCES = tests/unit/test_demux_threads.c \
	nat/demux.c nat/demux_hash.c nat/demux_inbound.c nat/demux_key.c \
	nat/demux_learn.c nat/demux_outbound.c nat/demux_owner.c \
	nat/demux_reader.c
tests_unit_test_demux_threads_CPPFLAGS = $(AM_CPPFLAGS) -DDEMUX_TEST
tests_unit_test_demux_threads_CFLAGS = $(AM_CFLAGS) $(TSAN_CFLAGS)
tests_unit_test_demux_threads_LDADD = $(BASE_LIBS) $(TSAN_LIBS)

# rsipd/
if HAVE_CMOCKA
RSIPD_UNIT = tests/unit/test_endpoint tests/unit/test_gateway \
	tests/unit/test_gateway_scenarios \
	tests/unit/test_gateway_held \
	tests/unit/test_fence tests/unit/test_grant tests/unit/test_journal tests/unit/test_store \
	tests/unit/test_pool tests/unit/test_register tests/unit/test_scale \
	tests/unit/test_udp
check_PROGRAMS += $(RSIPD_UNIT)
TESTS += $(RSIPD_UNIT)
tests_unit_test_endpoint_SOURCES = tests/unit/test_endpoint.c
tests_unit_test_endpoint_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_endpoint_LDADD = rsipd/librsipd.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_fence_SOURCES = tests/unit/test_fence.c
tests_unit_test_fence_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fence_LDADD = rsipd/librsipd.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_grant_SOURCES = tests/unit/test_grant.c
tests_unit_test_grant_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_grant_LDADD = rsipd/librsipd.a nat/libnat.a proto/libproto.a \
	$(BASE_LIBS) $(NFQ_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_journal_SOURCES = tests/unit/test_journal.c
tests_unit_test_journal_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_journal_LDADD = rsipd/librsipd.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_store_SOURCES = tests/unit/test_store.c
tests_unit_test_store_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_store_LDADD = rsipd/librsipd.a nat/libnat.a proto/libproto.a \
	$(BASE_LIBS) $(NFQ_LIBS) $(LMDB_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_test_udp_SOURCES = tests/unit/test_udp.c rsipd/udp.c
tests_unit_test_udp_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_udp_LDADD = rsipd/librsipd.a proto/libproto.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_udp_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=sendmmsg
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c
tests_unit_test_pool_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_pool_LDADD = rsipd/librsipd.a $(BASE_LIBS) $(CMOCKA_LIBS)
GATEWAY_WORLD = tests/unit/gateway_world.c tests/unit/gateway_world.h
EXTRA_DIST += tests/unit/gateway_scenarios
PLAY = tests/unit/play.c tests/unit/play.h \
	tests/unit/play_rsip.c tests/unit/play_rsip.h
tests_unit_test_gateway_scenarios_SOURCES = \
	tests/unit/test_gateway_scenarios.c $(PLAY) $(GATEWAY_WORLD)
tests_unit_test_gateway_scenarios_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_gateway_scenarios_LDADD = rsipd/librsipd.a \
	proto/libproto.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_gateway_SOURCES = tests/unit/test_gateway.c $(GATEWAY_WORLD)
tests_unit_test_gateway_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_gateway_LDADD = rsipd/librsipd.a proto/libproto.a \
	$(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_gateway_held_SOURCES = tests/unit/test_gateway_held.c $(GATEWAY_WORLD)
tests_unit_test_gateway_held_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_gateway_held_LDADD = rsipd/librsipd.a proto/libproto.a \
	$(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_register_SOURCES = tests/unit/test_register.c $(GATEWAY_WORLD)
tests_unit_test_register_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_register_LDADD = rsipd/librsipd.a proto/libproto.a \
	$(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_scale_SOURCES = tests/unit/test_scale.c
tests_unit_test_scale_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_scale_LDADD = rsipd/librsipd.a nat/libnat.a proto/libproto.a \
	$(BASE_LIBS) $(NFQ_LIBS) $(CMOCKA_LIBS) -lpthread
endif

# rsipc/
if HAVE_CMOCKA
RSIPC_UNIT = tests/unit/test_host tests/unit/test_host_hostile \
	tests/unit/test_host_scenarios \
	tests/unit/test_dnssd tests/unit/test_signer tests/unit/test_worth
check_PROGRAMS += $(RSIPC_UNIT)
TESTS += $(RSIPC_UNIT)
tests_unit_test_signer_SOURCES = tests/unit/test_signer.c $(GATEWAY_WORLD)
tests_unit_test_signer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_signer_LDADD = rsipc/libhost.a rsipd/librsipd.a \
	proto/libproto.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_dnssd_SOURCES = tests/unit/test_dnssd.c \
	tests/unit/dns_message.c tests/unit/dns_message.h
tests_unit_test_dnssd_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_dnssd_LDADD = rsipc/libhost.a $(OE_TEST_LIBS)
tests_unit_test_worth_SOURCES = tests/unit/test_worth.c
tests_unit_test_worth_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_worth_LDADD = rsipc/libhost.a $(CMOCKA_LIBS)
tests_unit_test_host_hostile_SOURCES = tests/unit/test_host_hostile.c
tests_unit_test_host_hostile_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_host_hostile_LDADD = rsipc/libhost.a proto/libproto.a \
	$(BASE_LIBS) $(CMOCKA_LIBS)
EXTRA_DIST += tests/unit/host_scenarios
tests_unit_test_host_scenarios_SOURCES = tests/unit/test_host_scenarios.c \
	$(PLAY)
tests_unit_test_host_scenarios_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_host_scenarios_LDADD = rsipc/libhost.a proto/libproto.a \
	$(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_host_SOURCES = tests/unit/test_host.c
tests_unit_test_host_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_host_LDADD = rsipc/libhost.a proto/libproto.a $(BASE_LIBS) \
	$(CMOCKA_LIBS)
endif

# ctl/
dist_check_SCRIPTS += tests/unit/test_rsipctl.sh tests/unit/test_advice.sh
EXTRA_DIST += tests/unit/fake_daemon.py tests/unit/top.py
TESTS += tests/unit/test_rsipctl.sh tests/unit/test_advice.sh

# oe/esp/
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_esp tests/unit/test_esp_numbers \
	tests/unit/test_esp_six tests/unit/test_esp_transform \
	tests/unit/test_esp_transport tests/unit/test_lanes
TESTS += tests/unit/test_esp tests/unit/test_esp_numbers \
	tests/unit/test_esp_six tests/unit/test_esp_transform \
	tests/unit/test_esp_transport tests/unit/test_lanes
ESP_PACKETS = tests/unit/esp_packets.c tests/unit/esp_packets.h \
	tests/unit/esp_vectors.h tests/unit/packet_equal.h
tests_unit_test_esp_numbers_SOURCES = tests/unit/test_esp_numbers.c $(ESP_PACKETS)
tests_unit_test_esp_numbers_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_esp_numbers_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_esp_six_SOURCES = tests/unit/test_esp_six.c $(ESP_PACKETS)
tests_unit_test_esp_six_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_esp_six_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_esp_transform_SOURCES = tests/unit/test_esp_transform.c \
	$(ESP_PACKETS)
tests_unit_test_esp_transform_CFLAGS = $(UNIT_CFLAGS) -pthread
tests_unit_test_esp_transform_LDADD = oe/esp/libesp.a $(BASE_LIBS) \
	$(CMOCKA_LIBS) -lpthread
tests_unit_test_lanes_SOURCES = tests/unit/test_lanes.c $(ESP_PACKETS)
tests_unit_test_lanes_CFLAGS = $(UNIT_CFLAGS) -pthread
tests_unit_test_lanes_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS) \
	-lpthread
tests_unit_test_esp_transport_SOURCES = tests/unit/test_esp_transport.c \
	$(ESP_PACKETS)
tests_unit_test_esp_transport_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_esp_transport_LDADD = oe/esp/libesp.a $(BASE_LIBS) \
	$(CMOCKA_LIBS)
tests_unit_test_esp_SOURCES = tests/unit/test_esp.c $(ESP_PACKETS)
tests_unit_test_esp_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_esp_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_dataplane tests/unit/test_xfrm \
	tests/unit/test_xfrm_guard tests/unit/test_xfrm_moves
TESTS += tests/unit/test_dataplane tests/unit/test_xfrm \
	tests/unit/test_xfrm_guard tests/unit/test_xfrm_moves
tests_unit_test_dataplane_SOURCES = tests/unit/test_dataplane.c
tests_unit_test_dataplane_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_dataplane_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_xfrm_SOURCES = tests/unit/test_xfrm.c \
	tests/unit/xfrm_kernel.c tests/unit/xfrm_kernel.h
tests_unit_test_xfrm_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_xfrm_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_xfrm_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=netlink_open \
	-Wl,--wrap=netlink_ask
tests_unit_test_xfrm_guard_SOURCES = tests/unit/test_xfrm_guard.c \
	tests/unit/xfrm_kernel.c tests/unit/xfrm_kernel.h
tests_unit_test_xfrm_guard_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_xfrm_guard_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_xfrm_guard_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=netlink_open -Wl,--wrap=netlink_ask
tests_unit_test_xfrm_moves_SOURCES = tests/unit/test_xfrm_moves.c \
	tests/unit/xfrm_kernel.c tests/unit/xfrm_kernel.h
tests_unit_test_xfrm_moves_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_xfrm_moves_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_xfrm_moves_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=netlink_open -Wl,--wrap=netlink_ask \
	-Wl,--wrap=netlink_monitor -Wl,--wrap=netlink_heard
if BPF
check_PROGRAMS += tests/unit/test_xfrm_led
TESTS += tests/unit/test_xfrm_led
tests_unit_test_xfrm_led_SOURCES = tests/unit/test_xfrm_led.c \
	tests/unit/xfrm_kernel.c tests/unit/xfrm_kernel.h
tests_unit_test_xfrm_led_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_xfrm_led_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_xfrm_led_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=netlink_open,--wrap=netlink_ask,--wrap=if_nametoindex \
	-Wl,--wrap=xfrmi_add,--wrap=rtnl_link_up,--wrap=rtnl_link_del \
	-Wl,--wrap=card_keep_apart \
	-Wl,--wrap=port_open,--wrap=port_close,--wrap=port_fd \
	-Wl,--wrap=port_receive,--wrap=port_send \
	-Wl,--wrap=beside_open,--wrap=beside_close \
	-Wl,--wrap=beside_pair_add,--wrap=beside_pair_del \
	-Wl,--wrap=beside_lead,--wrap=beside_lead_end \
	-Wl,--wrap=beside_led,--wrap=beside_ports
endif
check_PROGRAMS += tests/unit/test_pubkey
TESTS += tests/unit/test_pubkey
tests_unit_test_pubkey_SOURCES = tests/unit/test_pubkey.c
tests_unit_test_pubkey_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_pubkey_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CMOCKA_LIBS)
endif
