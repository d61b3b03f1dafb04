# net/local.mk - addresses, packets and the kernel's network, for every room above base
noinst_LIBRARIES += net/libnet.a
net_libnet_a_SOURCES = \
	net/addr.c net/addr.h
