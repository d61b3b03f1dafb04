# tests/interop/local.mk - what is built from tests/interop/
check_PROGRAMS += tests/interop/ike_probe
tests_interop_ike_probe_SOURCES = tests/interop/ike_probe.c \
	tests/plain_tun.h
tests_interop_ike_probe_LDADD = oe/ike2/libike2.a $(IKE_LIBS) $(BASE_LIBS)
# charon.sh, laptops.sh and libreswan_flows.sh (a VM, many minutes) are run by name, as ikev2.sh (a table of what others show) is; charon_ike.sh and charon_ike2.sh are the part that is quick.
dist_check_SCRIPTS += tests/interop/charon.sh tests/interop/charon_ike.sh \
	tests/interop/charon_ike2.sh tests/interop/ikev2.sh \
	tests/interop/charon_flows.sh tests/interop/charon_six.sh tests/interop/laptops.sh \
	tests/interop/libreswan_flows.sh tests/interop/libreswan_null.sh \
	tests/interop/libreswan_pool.sh tests/interop/libreswan_six.sh \
	tests/interop/charon_rsip.sh \
	tests/interop/charon_trap.sh tests/interop/libreswan_client.sh \
	tests/interop/peers.sh
TESTS += tests/interop/charon_flows.sh tests/interop/charon_six.sh tests/interop/charon_ike.sh \
	tests/interop/charon_ike2.sh tests/interop/peers.sh
EXTRA_DIST += tests/interop/lib.sh tests/interop/peerslib.sh tests/interop/libreswanlib.sh tests/interop/vmlib.sh tests/interop/charon_inside.sh tests/interop/charonlib.sh tests/interop/vm.sh tests/interop/unpack.sh

check_PROGRAMS += tests/interop/esp_pipe
tests_interop_esp_pipe_SOURCES = tests/interop/esp_pipe.c
tests_interop_esp_pipe_LDADD = oe/esp/libesp.a $(BASE_LIBS)
dist_check_SCRIPTS += tests/interop/esp_scapy.py tests/interop/esp_kernel.sh
TESTS += tests/interop/esp_scapy.py tests/interop/esp_kernel.sh
EXTRA_DIST += tests/interop/esp_kernel.py tests/interop/esp_kernel_inside.sh \
	tests/interop/esp_pipe.py
