# base/local.mk - what every program of the project stands on
noinst_LIBRARIES += base/libbase.a
base_libbase_a_SOURCES = \
	base/comment.c base/comment.h \
	base/conf.c base/conf.h \
	base/clock.c base/clock.h \
	base/control.c base/control.h \
	base/cursor.c base/cursor.h \
	base/daemon.c base/daemon.h \
	base/filewatch.c base/filewatch.h \
	base/helper.c base/helper.h \
	base/hash.c base/hash.h \
	base/histogram.c base/histogram.h \
	base/listener.c base/listener.h \
	base/lock.c \
	base/log.c base/log.h \
	base/metrics.c base/metrics.h \
	base/opener.c base/opener.h \
	base/option.c base/option.h base/option_print.c \
	base/priv.c base/priv.h \
	base/ratelimit.c base/ratelimit.h \
	base/report.c base/report.h \
	base/resolvconf.c base/resolvconf.h \
	base/service.c base/service.h \
	base/statefile.c base/statefile.h \
	base/util.c base/util.h
