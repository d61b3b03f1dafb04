#!/bin/sh
# esp_kernel.sh - oe/esp against the kernel's ESP: here if this kernel has it, else in a VM (a minute under emulation)
#
# usage: esp_kernel.sh [all]    all: each transform with and without ESN and UDP encapsulation
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "${top_builddir:-.}" && pwd)
sh "$here/esp_kernel_inside.sh" "$@"
status=$?
[ $status -eq 77 ] || exit $status
exec "$here/vm.sh" "${TIMEOUT:-900}" env top_builddir="$top" \
    sh "$here/esp_kernel_inside.sh" "$@"
