#!/bin/sh
# esp_kernel_inside.sh - oe/esp against the kernel's ESP, on a kernel that has it; 77 where it has not
#
# usage: top_builddir=BUILDDIR esp_kernel_inside.sh [all]    (esp_kernel.sh runs it)
modprobe -qa esp4 tun veth bridge 2>/dev/null
. "$(dirname "$0")/../net/lib.sh"
net_needs_built tests/interop/esp_pipe
net_enter "$@"
net_links wire
net_namespaces us them
# What the tunnel joins is 10.8.0.1 here and 10.9.0.1 there.
net_cable us eth0 198.51.100.1 wire &&
    net_cable them eth0 198.51.100.10 wire &&
    ip -n them address add 10.9.0.1/32 dev lo &&
    ip -n them route add 10.8.0.1/32 via 198.51.100.1 || net_fail "the wire"
net_on us python3 "$NET_HERE/esp_kernel.py" "$NET_TOP/tests/interop/esp_pipe" "$@"
