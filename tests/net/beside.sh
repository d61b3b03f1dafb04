#!/bin/sh
# beside.sh - systemd-networkd on the same host: with our drop-ins it leaves interfaces, rules and routes alone, also when it starts again
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
networkd=/lib/systemd/systemd-networkd
[ -x $networkd ] || net_skip "no systemd-networkd"
getent passwd systemd-network >/dev/null || net_skip "no user systemd-network"
oe_enter "$@"
oe_lab one 198.51.100.41 two 198.51.100.42
oe_daemon one
oe_daemon two
oe_ready one two

# It manages whatever it is not told to leave.
mkdir -p /run/systemd/network /run/systemd/networkd.conf.d /run/systemd/netif
chown systemd-network /run/systemd/netif 2>/dev/null ||
    net_skip "nobody can become another here"
printf '[Match]\nName=*\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' \
    >/run/systemd/network/99-all.network
drop_in()
{
	cp "$NET_HERE/../../contrib/network/10-rsip.network" /run/systemd/network/
	cp "$NET_HERE/../../contrib/network/10-rsip.conf" \
	    /run/systemd/networkd.conf.d/
	# What the wire is, the test itself has made.
	printf '[Match]\nName=eth0 lo\n[Link]\nUnmanaged=yes\n' \
	    >/run/systemd/network/20-wire.network
}
# What is there of ours.
state()
{
	ip -n one address show dev oe0 | grep -o 'inet .*'
	ip -n one rule show
	ip -n one route show table all dev oe0
}
managed()
{
	grep -qs "^ADMIN_STATE=$1" /run/systemd/netif/links/"$(ip -n one -o link show oe0 |
	    sed 's/:.*//')"
}
# With a /sys of that namespace which cannot be written, as in a container: there it
# waits for no udev.
run_networkd()
{
	rm -rf /run/systemd/netif/links
	net_start networkd one unshare --mount sh -c \
	    "mount -n -t sysfs -o ro sysfs /sys && exec $networkd"
}
drop_in
state >"$NET_RUN/before"
[ -s "$NET_RUN/before" ] || net_fail "oed has nothing"
for time in first second; do
	run_networkd
	net_until 10 managed unmanaged || {
		cat /run/systemd/netif/links/* 2>/dev/null
		net_fail "networkd does not call oe0 unmanaged"
	}
	sleep 0.5
	state >"$NET_RUN/after"
	cmp -s "$NET_RUN/before" "$NET_RUN/after" ||
	    net_fail "$time start: $(diff "$NET_RUN/before" "$NET_RUN/after")"
	oe_ping one 198.51.100.42 6 || net_fail "$time start: nothing passes"
	net_stop networkd
done
net_ctl oed_one why 198.51.100.42 | grep -q encrypted || net_fail "not encrypted"
net_ok "networkd, started twice, leaves oe0 as it was: $(wc -l <"$NET_RUN/before") lines"

# The same without them, to see that it would not.
rm -f /run/systemd/network/10-rsip.network \
    /run/systemd/networkd.conf.d/10-rsip.conf
run_networkd
net_until 10 managed configured || net_until 1 managed configuring ||
    net_fail "networkd does not manage oe0 without the drop-in"
net_ok "without the drop-in networkd manages oe0"
gone()
{
	state >"$NET_RUN/after"
	! cmp -s "$NET_RUN/before" "$NET_RUN/after"
}
if net_until 3 gone; then
	net_ok "and changes: $(diff "$NET_RUN/before" "$NET_RUN/after" | tr '\n' ';')"
fi
