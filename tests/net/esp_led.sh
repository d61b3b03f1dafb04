#!/bin/sh
# esp_led.sh - what eBPF leads to the kernel's ESP and back, and its ESP through the tunnel: packet by packet, under any kernel; skipped where it was not built
. "$(dirname "$0")/lib.sh"
net_needs_built tests/net/esp_led
net_enter "$@"
cd "$NET_RUN" || exit 1
python3 -B "$NET_HERE/esp_led.py" "$NET_TOP/tests/net/esp_led"
