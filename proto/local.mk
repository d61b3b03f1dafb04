# proto/local.mk - the RSIP wire format
noinst_LIBRARIES += proto/libproto.a
proto_libproto_a_SOURCES = \
	proto/decode.c proto/encode.c \
	proto/rsip.c proto/rsip.h \
	proto/table.c proto/table.h
