# tests/fuzz/local.mk - one program a parser: with libFuzzer under --enable-fuzz, else it replays
# its corpus (tests/fuzz/corpus/NAME), every truncation and every changed byte, in make check
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/seeds.py
if FUZZ
fuzz_main = tests/fuzz/fuzz.h
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
fuzz_main = tests/fuzz/fuzz.h tests/fuzz/replay.c
fuzz_ldflags = $(AM_LDFLAGS)
TESTS += $(fuzz_targets)
endif
check_PROGRAMS += $(fuzz_targets)
fuzz_targets = tests/fuzz/fuzz_control tests/fuzz/fuzz_demux tests/fuzz/fuzz_dns tests/fuzz/fuzz_esp tests/fuzz/fuzz_esp_text \
	tests/fuzz/fuzz_gateway tests/fuzz/fuzz_gso tests/fuzz/fuzz_host tests/fuzz/fuzz_ike \
	tests/fuzz/fuzz_ike2 tests/fuzz/fuzz_ike2_message tests/fuzz/fuzz_isakmp tests/fuzz/fuzz_packet tests/fuzz/fuzz_rsip \
	tests/fuzz/fuzz_translate tests/fuzz/fuzz_txt

tests_fuzz_fuzz_rsip_SOURCES = tests/fuzz/fuzz_rsip.c $(fuzz_main)
tests_fuzz_fuzz_rsip_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_rsip_LDADD = proto/libproto.a $(BASE_LIBS)

tests_fuzz_fuzz_isakmp_SOURCES = tests/fuzz/fuzz_isakmp.c $(fuzz_main)
tests_fuzz_fuzz_isakmp_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_isakmp_LDADD = $(IKE_LIBS) $(BASE_LIBS)

tests_fuzz_fuzz_ike_SOURCES = tests/fuzz/fuzz_ike.c $(fuzz_main)
tests_fuzz_fuzz_ike_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_ike_LDADD = $(IKE_LIBS) $(BASE_LIBS)

tests_fuzz_fuzz_ike2_message_SOURCES = tests/fuzz/fuzz_ike2_message.c $(fuzz_main)
tests_fuzz_fuzz_ike2_message_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_ike2_message_LDADD = oe/ike2/libike2.a oe/ike/libike.a oe/esp/libesp.a $(BASE_LIBS)

tests_fuzz_fuzz_ike2_SOURCES = tests/fuzz/fuzz_ike2.c $(fuzz_main)
tests_fuzz_fuzz_ike2_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_ike2_LDADD = oe/ike2/libike2.a oe/ike/libike.a oe/esp/libesp.a $(BASE_LIBS)

tests_fuzz_fuzz_esp_SOURCES = tests/fuzz/fuzz_esp.c $(fuzz_main)
tests_fuzz_fuzz_esp_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_esp_LDADD = oe/esp/libesp.a $(BASE_LIBS)

fuzz_oe_libs = oe/liboe.a $(IKE_LIBS) $(BASE_LIBS) \
	$(DNS_LIBS)
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c $(fuzz_main)
tests_fuzz_fuzz_control_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_control_LDADD = $(fuzz_oe_libs)
tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz_dns.c $(fuzz_main)
tests_fuzz_fuzz_dns_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_dns_LDADD = $(fuzz_oe_libs)
tests_fuzz_fuzz_translate_SOURCES = tests/fuzz/fuzz_translate.c $(fuzz_main)
tests_fuzz_fuzz_translate_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_translate_LDADD = $(fuzz_oe_libs)
tests_fuzz_fuzz_txt_SOURCES = tests/fuzz/fuzz_txt.c $(fuzz_main)
tests_fuzz_fuzz_txt_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_txt_LDADD = $(fuzz_oe_libs)

tests_fuzz_fuzz_packet_SOURCES = tests/fuzz/fuzz_packet.c $(fuzz_main) \
	tests/unit/packet_equal.h
tests_fuzz_fuzz_packet_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_packet_LDADD = nat/libnat.a $(BASE_LIBS)

tests_fuzz_fuzz_gateway_SOURCES = tests/fuzz/fuzz_gateway.c $(fuzz_main)
tests_fuzz_fuzz_gateway_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_gateway_LDADD = rsipd/librsipd.a nat/libnat.a proto/libproto.a $(BASE_LIBS)

tests_fuzz_fuzz_esp_text_SOURCES = tests/fuzz/fuzz_esp_text.c $(fuzz_main)
tests_fuzz_fuzz_esp_text_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_esp_text_LDADD = oe/esp/libesp.a $(BASE_LIBS)

tests_fuzz_fuzz_host_SOURCES = tests/fuzz/fuzz_host.c $(fuzz_main)
tests_fuzz_fuzz_host_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_host_LDADD = rsipc/libhost.a proto/libproto.a $(BASE_LIBS)

tests_fuzz_fuzz_demux_SOURCES = tests/fuzz/fuzz_demux.c $(fuzz_main)
tests_fuzz_fuzz_demux_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_demux_LDADD = nat/libnat.a $(BASE_LIBS)

tests_fuzz_fuzz_gso_SOURCES = tests/fuzz/fuzz_gso.c $(fuzz_main)
tests_fuzz_fuzz_gso_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_gso_LDADD = $(BASE_LIBS)
