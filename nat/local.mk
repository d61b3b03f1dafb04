# nat/local.mk - the gateway's data plane
noinst_LIBRARIES += nat/libnat.a
nat_libnat_a_SOURCES = \
	nat/dataplane.c nat/dataplane.h \
	nat/demux.c nat/demux.h \
	nat/demux_hash.c nat/demux_learn.c nat/demux_packet.c nat/demux_table.h \
	nat/forward.c \
	nat/packet.c nat/packet.h \
	nat/plan.c nat/plan.h \
	nat/queue.c nat/queue.h \
	nat/rules.c nat/rules.h \
	nat/rules_iptables.c nat/rules_nftables.c nat/rules_run.c
# What a program that has a data plane links, before BASE_LIBS.
NAT_LIBS = nat/libnat.a -lpthread
