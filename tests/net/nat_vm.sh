#!/bin/sh
# nat_vm.sh - the same packets with nftables and with iptables under a distribution's kernel, in a VM
#
# The VM runner is $RSIP_VM (a program that takes: run 'COMMANDS'), by default ../shared/vm beside the tree.
srcdir=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
vm=${RSIP_VM:-$srcdir/../shared/vm}
gateway=${NAT_GATEWAY:-$PWD/tests/net/nat_gateway}

skip() { echo "skipped: $*"; exit 77; }

[ -x "$vm" ] || skip "no VM runner at $vm"
[ "$(id -u)" = 0 ] || skip "the VM runner wants root"
command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64"
ls /boot/vmlinuz-* >/dev/null 2>&1 || skip "no kernel in /boot"
VM_TIMEOUT=${VM_TIMEOUT:-900} "$vm" run "
export NAT_GATEWAY='$gateway' srcdir='$srcdir'
uname -r; modprobe -a tun sch_ingress cls_bpf
sh '$srcdir/tests/net/nat_path.sh' nftables; a=\$?
sh '$srcdir/tests/net/nat_icmp.sh' nftables; b=\$?
sh '$srcdir/tests/net/nat_near.sh' nftables; d=\$?
sh '$srcdir/tests/net/attack_router.sh' nftables; e=\$?
sh '$srcdir/tests/net/nat_path.sh' nftables nat_offload.py; f=\$?
[ \$f = 77 ] && f=0
sh '$srcdir/tests/net/nat_path.sh' nftables nat_cards.py; g=\$?
[ \$g = 77 ] && g=0
NET_SLOW=8 top_builddir=. sh '$srcdir/tests/net/laptop_offload.sh'; h=\$?
[ \$h = 77 ] && h=0
# Devices of these modules must not take tunnel packets away from us.
modprobe ipip; modprobe ip_gre
sh '$srcdir/tests/net/nat_path.sh' iptables; c=\$?
echo status: \$a \$b \$c \$d \$e \$f \$g \$h
[ \$a\$b\$c\$d\$e\$f\$g\$h = 00000000 ]"
