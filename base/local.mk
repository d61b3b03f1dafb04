# base/local.mk - what every program of the project stands on
noinst_LIBRARIES += base/libbase.a
base_libbase_a_SOURCES = \
	base/conf.c base/conf.h \
	base/clock.c base/clock.h \
	base/control.c base/control.h \
	base/cursor.c base/cursor.h \
	base/daemon.c base/daemon.h \
	base/filewatch.c base/filewatch.h \
	base/helper.c base/helper.h \
	base/hash.c base/hash.h \
	base/listener.c base/listener.h \
	base/lock.c \
	base/log.c base/log.h \
	base/opener.c base/opener.h \
	base/option.c base/option.h base/option_print.c \
	base/priv.c base/priv.h \
	base/ratelimit.c base/ratelimit.h \
	base/service.c base/service.h \
	base/statefile.c base/statefile.h \
	base/util.c base/util.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_base
TESTS += tests/unit/test_base
tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_base_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_lock
TESTS += tests/unit/test_lock
tests_unit_test_lock_SOURCES = tests/unit/test_lock.c
tests_unit_test_lock_CFLAGS = $(UNIT_CFLAGS) -pthread
tests_unit_test_lock_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS) -lpthread
check_PROGRAMS += tests/unit/test_option
TESTS += tests/unit/test_option
tests_unit_test_option_SOURCES = tests/unit/test_option.c
tests_unit_test_option_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_option_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif
