#!/bin/sh
# esp_kernel.sh - oe/esp against the kernel's ESP: here if this kernel has it, else in a VM (a minute under emulation)
#
# usage: esp_kernel.sh [all]    all: each transform with and without ESN and UDP encapsulation
here=$(cd "${srcdir:-.}/tests/interop" 2>/dev/null && pwd) ||
	here=$(cd "$(dirname "$0")" && pwd)
pipe=$(cd "${top_builddir:-.}" && pwd)/tests/interop/esp_pipe

skip() { echo "skipped: $*"; exit 77; }

[ -x "$pipe" ] || skip "$pipe is not built"
[ "$(id -u)" = 0 ] || skip "needs root"
for p in python3 ip unshare; do
	command -v $p >/dev/null || skip "no $p"
done
python3 "$here/esp_kernel.py" "$pipe" "$@"
status=$?
[ $status -eq 77 ] || exit $status
exec "$here/vm.sh" "${TIMEOUT:-900}" sh -c \
    'modprobe esp4; exec python3 "$0" "$@"' "$here/esp_kernel.py" "$pipe" "$@"
