# proto/local.mk - the RSIP wire format
noinst_LIBRARIES += proto/libproto.a
proto_libproto_a_SOURCES = \
	proto/decode.c proto/encode.c \
	proto/rsip.c proto/rsip.h \
	proto/table.c proto/table.h

if HAVE_CMOCKA
RSIP_TEST_LIBS = proto/libproto.a $(BASE_LIBS) $(CMOCKA_LIBS)
RSIP_EXAMPLES = tests/unit/rsip_examples.c tests/unit/rsip_examples.h
check_PROGRAMS += tests/unit/test_rsip_codec tests/unit/test_rsip_table
TESTS += tests/unit/test_rsip_codec tests/unit/test_rsip_table
tests_unit_test_rsip_codec_SOURCES = tests/unit/test_rsip_codec.c \
	$(RSIP_EXAMPLES)
tests_unit_test_rsip_codec_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_rsip_codec_LDADD = $(RSIP_TEST_LIBS)
tests_unit_test_rsip_table_SOURCES = tests/unit/test_rsip_table.c \
	$(RSIP_EXAMPLES)
tests_unit_test_rsip_table_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_rsip_table_LDADD = $(RSIP_TEST_LIBS)
endif
