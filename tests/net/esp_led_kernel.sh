#!/bin/sh
# esp_led_kernel.sh - two hosts whose packets eBPF leads to the kernel's ESP and back, and what that must not join, in a VM
. "$(dirname "$0")/lib.sh"
net_needs tc
net_needs_built tests/net/esp_led
net_vm 300
[ -n "$NET_INSIDE" ] || modprobe -qa tun veth xfrm_user xfrm_interface esp4 \
    sch_ingress sch_netem cls_bpf
net_enter "$@"
cd "$NET_RUN" || exit 1
ip link add esp0 type xfrm dev lo if_id 7 2>/dev/null ||
    net_skip "no xfrm interfaces under this kernel"
ip link del esp0
python3 -B "$NET_HERE/esp_led_kernel.py" "$NET_TOP/tests/net/esp_led"
