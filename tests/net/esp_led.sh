#!/bin/sh
# esp_led.sh - what eBPF leads to the kernel's ESP and back, and its ESP through the tunnel: packet by packet, under any kernel; skipped where it was not built
. "$(dirname "$0")/lib.sh"
net_needs_built tests/net/esp_led
net_enter "$@"
cd "$NET_RUN" || exit 1
# The daemon has what its unit leaves it, and no more.
caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$NET_HERE/../../contrib/systemd/oed.service.in" |
    tr ' ' '\n' | sed 's/^CAP_/,+/' | tr 'A-Z' 'a-z' | tr -d '\n')
if setpriv --bounding-set "-all$caps" true 2>/dev/null; then
	set -- setpriv --bounding-set "-all$caps" --inh-caps "-all$caps"
else
	net_say "with all rights: no setpriv here, or it knows not all of them"
	set --
fi
python3 -B "$NET_HERE/esp_led.py" "$@" "$NET_TOP/tests/net/esp_led"
