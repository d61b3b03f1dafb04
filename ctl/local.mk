# ctl/local.mk - rsipctl, and the library that tells a program about its connections
bin_PROGRAMS += ctl/rsipctl
ctl_rsipctl_SOURCES = \
	ctl/ask.c ctl/ask.h \
	ctl/check.c ctl/check.h \
	ctl/keygen.c ctl/keygen.h \
	ctl/names.c ctl/names.h \
	ctl/probe.c ctl/probe.h \
	ctl/publish.c ctl/publish.h \
	ctl/rsipctl.c \
	ctl/table.c ctl/table.h \
	ctl/top.c ctl/top.h \
	ctl/tsig.c ctl/tsig.h
ctl_rsipctl_CFLAGS = $(AM_CFLAGS) $(CURSES_CFLAGS) $(LDNS_CFLAGS) -pthread
ctl_rsipctl_LDADD = oe/liboe.a oe/ike/libike.a oe/esp/libesp.a $(BASE_LIBS) \
	$(CURSES_LIBS) $(DNS_LIBS) $(LDNS_LIBS) -lpthread

dist_man_MANS += doc/rsipctl.8 doc/librsipstatus.3

lib_LIBRARIES = ctl/librsipstatus.a
ctl_librsipstatus_a_SOURCES = ctl/status.c
rsipincludedir = $(includedir)/rsip
rsipinclude_HEADERS = include/rsip/status.h

check_PROGRAMS += ctl/example
ctl_example_SOURCES = ctl/example.c
ctl_example_LDADD = ctl/librsipstatus.a $(JSON_LIBS)

pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = ctl/rsip-status.pc
EXTRA_DIST += ctl/rsip-status.pc.in
CLEANFILES += ctl/rsip-status.pc
ctl/rsip-status.pc: $(srcdir)/ctl/rsip-status.pc.in Makefile
	$(AM_V_GEN)$(MKDIR_P) ctl && $(SED) -e 's|@prefix[@]|$(prefix)|' \
	    -e 's|@exec_prefix[@]|$(exec_prefix)|' -e 's|@libdir[@]|$(libdir)|' \
	    -e 's|@includedir[@]|$(includedir)|' \
	    -e 's|@PACKAGE_VERSION[@]|$(PACKAGE_VERSION)|' \
	    $(srcdir)/ctl/rsip-status.pc.in >$@
