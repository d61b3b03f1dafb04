#!/bin/sh
# esp_kernel.sh - oe/esp against the kernel's ESP, here if this kernel has it, else in a VM
#
# The VM runner is $RSIP_VM (a program that takes: run 'COMMANDS'), by default ../shared/vm beside the tree.
srcdir=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
vm=${RSIP_VM:-$srcdir/../shared/vm}
pipe=$PWD/tests/interop/esp_pipe

skip() { echo "skipped: $*"; exit 77; }

[ -x "$pipe" ] || skip "$pipe is not built"
[ "$(id -u)" = 0 ] || skip "needs root"
command -v python3 >/dev/null || skip "no python3"
python3 "$srcdir/tests/interop/esp_kernel.py" "$pipe" "$@"
status=$?
[ $status -eq 77 ] || exit $status
[ -x "$vm" ] || skip "no VM runner at $vm"
command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64"
ls /boot/vmlinuz-* >/dev/null 2>&1 || skip "no kernel in /boot"
VM_TIMEOUT=${VM_TIMEOUT:-600} "$vm" run "
modprobe esp4
exec python3 '$srcdir/tests/interop/esp_kernel.py' '$pipe' $*"
