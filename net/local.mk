# net/local.mk - addresses, packets and the kernel's network, for every room above base
noinst_LIBRARIES += net/libnet.a
net_libnet_a_SOURCES = \
	net/addr.c net/addr.h \
	net/addr_option.c net/addr_option.h \
	net/arrival.c net/arrival.h \
	net/card.c net/card.h \
	net/esp_filter.c net/esp_filter.h \
	net/gso.c net/gso.h \
	net/icmp.c net/icmp.h \
	net/inbox.c net/inbox.h \
	net/ip.c net/ip.h \
	net/netlink.c net/netlink.h \
	net/outbox.c net/outbox.h \
	net/port.c net/port.h \
	net/prefixes.c net/prefixes.h \
	net/resolvconf.c net/resolvconf.h \
	net/resolver.c net/resolver.h \
	net/rtnl.c net/rtnl.h net/rtnl_table.c net/rtnl_table.h \
	net/sysctl.c net/sysctl.h \
	net/tc.c net/tc.h \
	net/tunnel.c net/tunnel.h \
	net/tun.c net/tun.h \
	net/udp.c net/udp.h \
	net/validate.c net/validate.h net/validator.c net/validator.h \
	net/decap.c net/decap.h net/xfrmi.c net/xfrmi.h

# What whoever asks DNS links beside BASE_LIBS.
DNS_LIBS = $(CARES_LIBS) $(UNBOUND_LIBS)
