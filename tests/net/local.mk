# tests/net/local.mk - the whole path on real packets, in network namespaces
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = top_builddir='$(abs_top_builddir)'; export top_builddir;

# Two minutes, most of them asleep: early, so that others run beside it.  Longer:
# SOAK_SECONDS=1800 make check TESTS=tests/net/soak.sh
dist_check_SCRIPTS += tests/net/soak.sh
TESTS += tests/net/soak.sh

dist_check_SCRIPTS += \
	tests/net/cleanup.sh \
	tests/net/daemon.sh \
	tests/net/e2e.sh \
	tests/net/errors.sh \
	tests/net/gro.sh \
	tests/net/idle.sh \
	tests/net/recover.sh \
	tests/net/rsipd_ends.sh \
	tests/net/wire.sh
TESTS += \
	tests/net/cleanup.sh \
	tests/net/daemon.sh \
	tests/net/e2e.sh \
	tests/net/errors.sh \
	tests/net/gro.sh \
	tests/net/idle.sh \
	tests/net/recover.sh \
	tests/net/rsipd_ends.sh \
	tests/net/wire.sh
EXTRA_DIST += \
	tests/net/answer.py \
	tests/net/idle.py \
	tests/net/demo.sh \
	tests/net/demo_ha.sh \
	tests/net/lib.sh tests/net/pairlib.sh \
	tests/net/notify.py \
	tests/net/proof.sh \
	tests/net/report.py \
	tests/net/wire.py \
	tests/net/wire_test.py

# Over IPv6 what tests/README.md says: one script each, with FAMILY=6.
SIX_NET_TESTS = tests/net/attack_six.sh tests/net/attack_table_six.sh \
	tests/net/oe_alive_six.sh tests/net/oe_anonymous_six.sh \
	tests/net/oe_blackhole_six.sh tests/net/oe_grid_six.sh \
	tests/net/oe_guard_six.sh tests/net/oe_life_six.sh \
	tests/net/oe_loss_six.sh tests/net/oe_many_six.sh \
	tests/net/oe_status_six.sh tests/net/oe_time_six.sh \
	tests/net/oe_transport_six.sh tests/net/oe_workers_six.sh
dist_check_SCRIPTS += $(SIX_NET_TESTS)
TESTS += $(SIX_NET_TESTS)
EXTRA_DIST += tests/net/attack_six.py

# The OE engine between hosts of its own, with real name servers.
OE_NET_TESTS = tests/net/oe_blackhole.sh tests/net/oe_dns.sh tests/net/oe_dnssec.sh tests/net/beside.sh tests/net/check.sh tests/net/publish.sh tests/net/oe_gateway.sh \
	tests/net/oe_grid.sh tests/net/oe_guard.sh tests/net/oe_life.sh tests/net/oe_many.sh tests/net/oe_six.sh \
	tests/net/oe_six_path.sh tests/net/oe_six_shut.sh tests/net/oe_six_tunnel.sh \
	tests/net/oe_napt.sh \
	tests/net/oe_alive.sh tests/net/oe_anonymous.sh tests/net/oe_encapsulate.sh tests/net/oe_planes.sh tests/net/oe_pool.sh tests/net/oe_ports.sh \
	tests/net/oe_transport.sh tests/net/oe_version.sh tests/net/oe_workers.sh \
	tests/net/oe_time.sh tests/net/oe_tunnel.sh tests/net/verdict.sh
dist_check_SCRIPTS += $(OE_NET_TESTS)
TESTS += $(OE_NET_TESTS)
# Some minutes in an emulated machine: run by hand, as tests/interop is.
dist_check_SCRIPTS += tests/net/oe_kernel.sh tests/net/oe_kernel_gateway.sh tests/net/oe_kernel_nat.sh tests/net/oe_kernel_roams.sh \
	tests/net/oe_kernel_six.sh tests/net/rsipc_kernel.sh
# In one too, and short.
dist_check_SCRIPTS += tests/net/attack_kernel.sh
TESTS += tests/net/attack_kernel.sh
EXTRA_DIST += tests/net/oe_delay.py tests/net/oe_echo.py tests/net/oe_workers.py tests/net/oe_many.py tests/net/oe_six_tcp.py tests/net/oe_liar.py tests/net/oe_slow.py \
	tests/net/oelib.sh

# RSIP with somebody who has read nothing but the RFCs (tests/peer/rsip.py).
RSIP_NET_TESTS = tests/net/attack_register.sh tests/net/attack_replay.sh tests/net/rsip_both.sh tests/net/rsip_crowd.sh \
	tests/net/rsip_gateway.sh tests/net/rsip_vanish.sh
dist_check_SCRIPTS += $(RSIP_NET_TESTS)
TESTS += $(RSIP_NET_TESTS)

# What must not happen, and what honest hosts lose by it.
dist_check_SCRIPTS += tests/net/attack_paranoid.sh
TESTS += tests/net/attack_paranoid.sh
dist_check_SCRIPTS += tests/net/laptop_inward.sh
TESTS += tests/net/laptop_inward.sh
EXTRA_DIST += tests/net/attack_paranoid.py

# A laptop's day: silence in seconds, also in doc/robustness.md.
LAPTOP_TESTS = tests/net/laptop_helpers.sh tests/net/laptop_keeps.sh \
	tests/net/beside_nm.sh tests/net/portal.sh tests/net/resolved.sh tests/net/laptop_dnssec.sh tests/net/laptop_six.sh \
	tests/net/device_gone.sh tests/net/laptop_moves.sh \
	tests/net/laptop_nat.sh \
	tests/net/laptop_peer.sh tests/net/laptop_restart.sh \
	tests/net/router_moves.sh tests/net/router_renumbers.sh
dist_check_SCRIPTS += $(LAPTOP_TESTS)
TESTS += $(LAPTOP_TESTS)
EXTRA_DIST += tests/net/laptop_gap.py tests/net/laptoplib.sh
# What policy passes, by the kernel.
dist_check_SCRIPTS += tests/net/laptop_offload.sh
TESTS += tests/net/laptop_offload.sh
EXTRA_DIST += tests/net/laptop_offload.py
# The whole of it, with clocks that go as a sleep makes them go.
dist_check_SCRIPTS += tests/net/day.sh
TESTS += tests/net/day.sh
check_SCRIPTS += tests/net/day_clock.so tests/net/disk_fails.so
CLEANFILES += tests/net/day_clock.so tests/net/disk_fails.so
EXTRA_DIST += tests/net/day.py tests/net/day_clock.c tests/net/disk_fails.c
tests/net/day_clock.so: tests/net/day_clock.c
	$(AM_V_CC)$(MKDIR_P) tests/net && $(CC) $(CPPFLAGS) -O1 -Wall -Wextra \
	    -fPIC -shared -o $@ $(srcdir)/tests/net/day_clock.c -ldl
tests/net/disk_fails.so: tests/net/disk_fails.c
	$(AM_V_CC)$(MKDIR_P) tests/net && $(CC) $(CPPFLAGS) -O1 -Wall -Wextra \
	    -fPIC -shared -o $@ $(srcdir)/tests/net/disk_fails.c -ldl

# The control sockets of all three daemons, from strangers.
dist_check_SCRIPTS += tests/net/attack_address.sh \
	tests/net/attack_control.sh tests/net/control.sh
TESTS += tests/net/attack_address.sh \
	tests/net/attack_control.sh tests/net/control.sh
EXTRA_DIST += tests/net/attack_address.py tests/net/attack_control.py tests/net/attack_register.py tests/net/attack_replay.py tests/net/rsip_lab.py tests/net/rsip_gateway.py \
	tests/net/rsip_gateway_data.py tests/net/rsip_gateway_plain.py \
	tests/net/rsip_gateway_wire.py

# What attackers try, beside what honest peers lose by it (doc/threats.md).
NAMES_NET_TESTS = tests/net/attack_dns.sh tests/net/attack_records.sh \
	tests/net/oe_identity.sh tests/net/oe_loss.sh \
	tests/net/oe_loss_workers.sh tests/net/oe_resolver.sh
dist_check_SCRIPTS += $(NAMES_NET_TESTS)
TESTS += $(NAMES_NET_TESTS)
EXTRA_DIST += tests/net/attack_dns.py

# Attacks from the network on the OE engine, each beside the honest case.
check_PROGRAMS += tests/net/flood
tests_net_flood_SOURCES = tests/net/flood.c
tests_net_flood_LDADD = $(IKE_LIBS) $(BASE_LIBS)
ATTACK_FLOODS = tests/net/attack_ike_flood.sh tests/net/attack_ike_work.sh \
	tests/net/attack_table.sh
dist_check_SCRIPTS += $(ATTACK_FLOODS)
TESTS += $(ATTACK_FLOODS)

# Threads with packets: nat/'s own, and the daemons around them (make check-tsan).
TSAN_TESTS = tests/unit/test_demux_threads$(EXEEXT) \
	tests/unit/test_esp_transform$(EXEEXT) tests/unit/test_lanes$(EXEEXT) $(ATTACK_FLOODS) \
	tests/net/nat_path.sh tests/net/nat_icmp.sh tests/net/nat_near.sh \
	tests/net/nat_offload.sh tests/net/nat_offload_xdp.sh tests/net/attack_router.sh \
	tests/net/attack_address.sh tests/net/attack_control.sh \
	tests/net/attack_dns.sh tests/net/attack_paranoid.sh \
	tests/net/oe_workers.sh tests/net/attack_records.sh tests/net/attack_register.sh \
	tests/net/e2e.sh tests/net/errors.sh tests/net/recover.sh \
	tests/net/rsip_cascade.sh tests/net/rsip_crowd.sh \
	tests/net/rsip_gateway.sh tests/net/laptop_restart.sh

# eBPF at the kernel's ESP without rsipc, under a kernel that may have none.
if BPF
check_PROGRAMS += tests/net/esp_led
tests_net_esp_led_SOURCES = tests/net/esp_led.c rsipc/pass.c
tests_net_esp_led_LDADD = oe/esp/libesp.a $(BASE_LIBS) $(CRYPTO_LIBS)
endif
dist_check_SCRIPTS += tests/net/esp_led.sh
TESTS += tests/net/esp_led.sh
# By hand, as oe_kernel.sh is: with ESP.
dist_check_SCRIPTS += tests/net/esp_led_kernel.sh
EXTRA_DIST += tests/net/esp_led.py tests/net/esp_led_kernel.py

# The data plane without rsipd, for tests/net and tests/bench.
check_PROGRAMS += tests/net/nat_gateway
tests_net_nat_gateway_SOURCES = tests/net/nat_gateway.c tests/unit/demux_ids.h
tests_net_nat_gateway_LDADD = nat/libnat.a $(BASE_LIBS) $(NFQ_LIBS)
NAT_TESTS = tests/net/nat_path.sh tests/net/nat_icmp.sh \
	tests/net/nat_offload.sh tests/net/nat_offload_xdp.sh tests/net/nat_near.sh tests/net/attack_router.sh
TESTS += $(NAT_TESTS)
# Run by hand, as oe_kernel.sh is: these packets once more under a distribution's kernel.
dist_check_SCRIPTS += $(NAT_TESTS) tests/net/nat_vm.sh
EXTRA_DIST += tests/net/nat_path.py tests/net/nat_icmp.py tests/net/nat_net.py \
	tests/net/nat_offload.py tests/net/nat_cards.py tests/net/nat_fast.py tests/net/nat_corpus.py tests/net/nat_near.py tests/net/attack_router.py

RSIPD_NET = tests/net/lease_store.sh tests/net/rsip_cascade.sh \
	tests/net/rsip_cards.sh tests/net/rsip_reload.sh tests/net/rsip_two.sh
dist_check_SCRIPTS += $(RSIPD_NET)
TESTS += $(RSIPD_NET)
EXTRA_DIST += tests/net/lease_store.py tests/net/rsip_cascade.py \
	tests/net/rsip_reload.py

RSIPC_TESTS = tests/net/rsipc_any_gateway.sh tests/net/rsipc_discover.sh \
	tests/net/rsipc_foreign.sh \
	tests/net/rsipc_life.sh tests/net/rsipc_peer.sh \
	tests/net/rsipc_programs.sh
dist_check_SCRIPTS += $(RSIPC_TESTS)
TESTS += $(RSIPC_TESTS)

dist_check_SCRIPTS += tests/net/oe_status.sh
TESTS += tests/net/oe_status.sh
dist_check_SCRIPTS += tests/net/web.sh
TESTS += tests/net/web.sh
EXTRA_DIST += tests/net/web_asked.py tests/net/web_page.py \
	tests/net/web_probe.py
dist_check_SCRIPTS += tests/net/metrics.sh
TESTS += tests/net/metrics.sh
EXTRA_DIST += tests/net/grafana.py tests/net/metrics_schema.py tests/net/metrics_text.py

# Two gateways, a store that both share, and keepalived; FAILOVERS=100 for more.
PAIR_NET_TESTS = tests/net/pair_cross.sh tests/net/pair_moves.sh tests/net/pair_proxy.sh \
	tests/net/pair_split.sh tests/net/pair_store.sh
EXTRA_DIST += tests/net/arp_asks.py tests/net/pair_cross.py tests/net/pair_split.py tests/net/pair_store.py
dist_check_SCRIPTS += $(PAIR_NET_TESTS)
TESTS += $(PAIR_NET_TESTS)
