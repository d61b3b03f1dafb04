#!/bin/sh
# beside_nm.sh - NetworkManager on the same host: with our drop-in it leaves interfaces, rules and routes alone, also when it starts again
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
nm=${NETWORKMANAGER:-$(command -v NetworkManager)}
[ -x "$nm" ] || net_skip "NetworkManager is not installed"
nmcli=${NMCLI:-nmcli}
net_needs dbus-daemon "$nmcli"
oe_enter "$@"
cd "$NET_RUN" || exit 1
oe_lab one 198.51.100.41 two 198.51.100.42
oe_daemon one
oe_daemon two
oe_ready one two

mkdir -p /run/dbus nm.conf.d nm.state nm.system /run/NetworkManager
cat >bus.conf <<-EOF2
	<busconfig><type>system</type>
	<listen>unix:path=/run/dbus/system_bus_socket</listen>
	<auth>EXTERNAL</auth>
	<policy context="default"><allow user="*"/><allow own="*"/>
	<allow send_destination="*"/><allow receive_sender="*"/></policy>
	</busconfig>
EOF2
net_start bus one dbus-daemon --config-file="$NET_RUN/bus.conf" --nofork --nopidfile
net_ready bus 10 test -S /run/dbus/system_bus_socket
DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket
export DBUS_SYSTEM_BUS_ADDRESS
# What the wire is, the test itself has made.
cat >nm.conf <<-EOF2
	[main]
	plugins=keyfile
	dns=none
	rc-manager=unmanaged
	auth-polkit=false
	no-auto-default=
	[device-wire]
	match-device=interface-name:eth0,interface-name:lo
	managed=0
EOF2
# What is there of ours.
state()
{
	ip -n one address show dev oe0 | grep -o 'inet .*'
	ip -n one -d link show dev oe0 | grep -o 'mtu [0-9]*'
	ip -n one rule show
	ip -n one route show table all dev oe0
}
managed()
{
	net_on one "$nmcli" -t -f DEVICE,STATE device >devices 2>&1 &&
	    grep -q "^oe0:$1" devices
}
run_nm()
{
	net_start nm one unshare --mount sh -c "mount -n -t sysfs -o ro sysfs /sys &&
	    exec $nm --no-daemon --config=$NET_RUN/nm.conf \
	    --config-dir=$NET_RUN/nm.conf.d --system-config-dir=$NET_RUN/nm.system \
	    --state-file=$NET_RUN/nm.state/state --intern-config=$NET_RUN/nm.state/intern \
	    --pid-file=$NET_RUN/nm.pid"
}
cp "$NET_HERE/../../contrib/network/90-rsip.conf" nm.conf.d/
state >before
[ -s before ] || net_fail "oed has nothing"
for time in first second; do
	run_nm
	net_until 20 managed unmanaged ||
	    net_fail "NetworkManager does not call oe0 unmanaged: $(cat devices)"
	sleep 0.5
	state >after
	cmp -s before after || net_fail "$time start: $(diff before after)"
	oe_ping one 198.51.100.42 6 || net_fail "$time start: nothing passes"
	net_stop nm
	state >after
	cmp -s before after || net_fail "$time end: $(diff before after)"
done
net_ctl oed_one why 198.51.100.42 | grep -q encrypted || net_fail "not encrypted"
net_ok "$("$nm" --version), started twice, leaves oe0 as it was: $(wc -l <before) lines"

# The same without it: what that version does by itself is only told.
rm nm.conf.d/90-rsip.conf
run_nm
net_until 20 managed . || net_fail "NetworkManager does not know oe0: $(cat devices)"
net_say "without the drop-in it says $(grep ^oe0 devices)"
