# tests/fuzz/local.mk - fuzz targets; make check replays their corpora
FUZZ_TARGETS = tests/fuzz/fuzz_dns tests/fuzz/fuzz_txt
EXTRA_DIST += tests/fuzz/corpus
FUZZ_OE_LIBS = oe/liboe.a oe/ike/libike.a oe/esp/libesp.a $(BASE_LIBS) \
	$(CARES_LIBS)

# With --enable-fuzz libFuzzer brings main(), else replay.c does.
if FUZZ
FUZZ_MAIN = tests/fuzz/fuzz.h
FUZZ_COMPILE = $(AM_CFLAGS) -fsanitize=fuzzer
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += $(FUZZ_TARGETS)
else
FUZZ_MAIN = tests/fuzz/fuzz.h tests/fuzz/replay.c
FUZZ_COMPILE = $(AM_CFLAGS)
FUZZ_LINK = $(AM_LDFLAGS)
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_TARGETS)
endif

tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz_dns.c $(FUZZ_MAIN)
tests_fuzz_fuzz_dns_CFLAGS = $(FUZZ_COMPILE)
tests_fuzz_fuzz_dns_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_dns_LDADD = $(FUZZ_OE_LIBS)
tests_fuzz_fuzz_txt_SOURCES = tests/fuzz/fuzz_txt.c $(FUZZ_MAIN)
tests_fuzz_fuzz_txt_CFLAGS = $(FUZZ_COMPILE)
tests_fuzz_fuzz_txt_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_txt_LDADD = $(FUZZ_OE_LIBS)
