# tests/fuzz/local.mk - one program a parser: with libFuzzer under --enable-fuzz, else it replays
# its corpus (tests/fuzz/corpus/NAME), every truncation and every changed byte, in make check
EXTRA_DIST += tests/fuzz/corpus
if FUZZ
fuzz_main =
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
fuzz_main = tests/fuzz/replay.c
fuzz_ldflags = $(AM_LDFLAGS)
TESTS += $(fuzz_targets)
endif
check_PROGRAMS += $(fuzz_targets)
fuzz_targets = tests/fuzz/fuzz_rsip

tests_fuzz_fuzz_rsip_SOURCES = tests/fuzz/fuzz_rsip.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_rsip_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_rsip_LDADD = proto/libproto.a $(BASE_LIBS)
