# ctl/local.mk - rsipctl, and the library that tells a program about its connections
bin_PROGRAMS += ctl/rsipctl
ctl_rsipctl_SOURCES = \
	ctl/ask.c ctl/ask.h \
	ctl/keygen.c ctl/keygen.h \
	ctl/rsipctl.c \
	ctl/table.c ctl/table.h
ctl_rsipctl_CFLAGS = $(AM_CFLAGS) -pthread
ctl_rsipctl_LDADD = oe/esp/libesp.a $(BASE_LIBS) -lpthread
