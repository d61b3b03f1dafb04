#!/bin/bash
# systemd_inside.sh - the inside of systemd.sh: boots systemd, and goes through a package's life below it
#
# usage: systemd_inside.sh DIR        boots, runs the next line below it, prints what it said
#        systemd_inside.sh DIR life
set -u
# Nothing waits for ever; emulated, beside other work, a start takes a minute.
systemctl() { timeout "${patience-200}" /bin/systemctl "$@"; }
self=$(cd "$(dirname "$0")" && pwd)/systemd_inside.sh
dir=$1
out=/run/rsip-test
failed=0

boot()
{
	mkdir -p $out /etc/systemd/system
	# What this machine has of its own: no service of it is started, nor kept from starting.
	rm -f /usr/sbin/policy-rc.d
	rm -rf /etc/rsip /var/lib/rsip
	# What costs an emulated machine minutes: modules for all its devices,
	# what timers have missed, the emptying of /tmp (where the packages are),
	# and caches of the system and of manual pages.
	for unit in systemd-networkd-wait-online.service timers.target \
	    systemd-tmpfiles-setup.service systemd-udev-trigger.service \
	    systemd-udev-settle.service; do
		ln -sf /dev/null /etc/systemd/system/$unit
	done
	touch /etc/.updated /var/.updated
	rm -f /var/lib/man-db/auto-update
	cat >/etc/systemd/system/life.target <<-EOF
	[Unit]
	Wants=systemd-journald.service life.service
	EOF
	cat >/etc/systemd/system/life.service <<-EOF
	[Unit]
	After=systemd-journald.service
	DefaultDependencies=no
	[Service]
	Type=oneshot
	TimeoutStartSec=infinity
	Environment=PATH=$PATH HOME=/root
	ExecStart=/bin/bash $self $dir life
	ExecStopPost=/bin/systemctl --force --force poweroff
	StandardOutput=file:/dev/hvc0
	StandardError=file:/dev/hvc0
	EOF
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	echo "the machine runs after $(cut -d' ' -f1 /proc/uptime) s"
	env -i PATH="$PATH" container=vm unshare --pid --fork --mount --mount-proc \
	    /lib/systemd/systemd --unit=life.target --log-target=null >$out/init 2>&1
	[ -f $out/rc ] || { tail -n 20 $out/init; echo "systemd did not get there"; exit 1; }
	exit "$(cat $out/rc)"
}

# STEP EXPECTED GOT
step()
{
	printf '%4s %-44s %-26s %s%s\n' "$(cut -d. -f1 /proc/uptime)" "$1" "$2" "$3" "$([ "$2" = "$3" ] || echo '   <== FAIL')"
	[ "$2" = "$3" ] && return
	failed=1
	journalctl --no-pager -q -n 12 -u rsipd -u hostc -u oed 2>/dev/null | sed 's/^/    /'
	return 1
}

prop() { systemctl show -P "$2" "$1"; }
state() { echo "$(systemctl is-active "$1") $(systemctl is-enabled "$1" 2>/dev/null)"; }
rules() { nft list ruleset 2>/dev/null | grep -c rsip; }
some() { [ "$1" -gt 0 ] && echo some || echo none; }
says() { grep -q "$2" "$1" && echo yes || echo "no: $(tail -n 1 "$1")"; }
journal() { journalctl --no-pager -q -u "$1" | grep -c "$2"; }

# SECONDS COMMAND...: until it is true
until_true()
{
	n=$(($1 * 5))
	shift
	while [ $n -gt 0 ]; do
		"$@" && return
		sleep 0.2
		n=$((n - 1))
	done
	return 1
}
# Character and block devices that a unit sees, but for the harmless ones and terminals.
DEVICES=net/tun
devices()
{
	# What is mounted over a file is a file to find: each is looked at.
	# shellcheck disable=SC2016
	nsenter -t "$(prop "$1" MainPID)" -m sh -c '
	    find /dev -path /dev/pts -prune -o ! -type d ! -type l -print |
	    while read -r f; do
		if [ -c "$f" ] || [ -b "$f" ]; then echo "${f#/dev/}"; fi
	    done' | grep -v -x -E 'null|zero|full|u?random|tty|ptmx' | sort | tr '\n' ' ' | sed 's/ $//'
}
is() { [ "$(prop "$1" "$2")" = "$3" ]; }
isnt() { [ "$(prop "$1" "$2")" != "$3" ]; }

life()
{
	echo "systemd runs after $(cut -d' ' -f1 /proc/uptime) s: $(systemctl --version | head -n 1)"
	patience=400 systemctl start basic.target network-online.target >$out/err 2>&1
	step "boot" 0 $? || systemctl list-jobs --no-pager
	ip link add wan0 type dummy && ip address add 198.51.100.1/24 dev wan0 &&
	    ip link set wan0 up && ip route add default via 198.51.100.254 ||
	    { echo "no interfaces"; failed=1; return; }
	ip netns add host && ip link add lan0 type veth peer name eth0 netns host
	ip address add 10.0.0.1/24 dev lan0; ip link set lan0 up
	ip -n host address add 10.0.0.2/24 dev eth0; ip -n host link set eth0 up
	ip -n host link set lo up; ip -n host route add default via 10.0.0.1
	forward=$(cat /proc/sys/net/ipv4/ip_forward)

	dpkg -i "$dir"/1/*.deb >$out/dpkg 2>&1
	step "install" 0 $?
	step "  nothing starts, nothing is enabled" "inactive disabled" "$(state rsipd)"
	step "  users" 3 "$(getent passwd rsipd rsipc oed | wc -l)"
	mkdir -p /etc/rsip
	printf 'public-interface = "wan0"\nprivate-interface = "lan0"\n' >/etc/rsip/rsipd.conf
	rsipctl keygen -b 2048 >$out/key 2>&1

	systemctl enable --now rsipd 2>$out/err
	step "rsipd: start" 0 $?
	step "  it runs, and will at the next boot" "active enabled" "$(state rsipd)"
	step "  user" rsipd "$(ps -o user= -p "$(prop rsipd MainPID)")"
	step "  rules of the firewall" some "$(some "$(rules)")"
	step "  /proc/sys/net/ipv4/ip_forward" 1 "$(cat /proc/sys/net/ipv4/ip_forward)"
	rsipctl -s rsipd status >$out/status 2>&1
	step "  rsipctl status" 0 $?
	step "  warnings in the journal" "" "$(journalctl -q --no-pager -u rsipd -p warning -o cat)"

	# A host that leases, under systemd as well but in its own network.
	cp /lib/systemd/system/rsipc.service /etc/systemd/system/hostc.service
	mkdir -p /etc/systemd/system/hostc.service.d
	printf '[Service]\nNetworkNamespacePath=/run/netns/host\n' >/etc/systemd/system/hostc.service.d/net.conf
	systemctl daemon-reload
	systemctl start hostc
	step "rsipc: start" 0 $?
	until_true 15 leased
	step "  user" rsipc "$(ps -o user= -p "$(prop hostc MainPID)")"
	step "  it has a lease" yes "$(leased && echo yes)"
	step "  its devices" "$DEVICES" "$(devices hostc)"
	step "  its TUN" rsip0 "$(ip -n host -o link show rsip0 | cut -d' ' -f2 | tr -d :)"
	step "  warnings of forbidden things" 0 "$(journal hostc 'not permitted\|Permission\|Read-only\|not supported')"
	before=$(lease)

	pid=$(prop rsipd MainPID)
	echo 'max-bindings = 100' >>/etc/rsip/rsipd.conf
	systemctl reload rsipd 2>$out/err
	step "rsipd: reload" 0 $?
	step "  same process" "$pid" "$(prop rsipd MainPID)"
	step "  read again" 1 "$(journal rsipd 'rsipd\[.*configuration read again')"
	kill -HUP "$pid"
	until_true 5 read_twice
	step "  kill -HUP: read again" 2 "$(journal rsipd 'rsipd\[.*configuration read again')"
	cp /etc/rsip/rsipd.conf $out/good
	echo 'no-such-option = 1' >>/etc/rsip/rsipd.conf
	systemctl reload rsipd 2>$out/err && rc=0 || rc=not-0
	step "  of a bad file: refused" not-0 "$rc"
	step "  and it runs on" "active $pid" "$(systemctl is-active rsipd) $(prop rsipd MainPID)"

	kill -9 "$pid"
	until_true 15 isnt rsipd NRestarts 0
	sleep 6
	step "rsipd: killed while the file is bad: ends" "failed 78" "$(systemctl is-active rsipd) $(prop rsipd ExecMainStatus)"
	step "  started again so often" 1 "$(prop rsipd NRestarts)"
	systemctl reset-failed rsipd
	systemctl start rsipd 2>$out/err && rc=0 || rc=not-0
	step "  start with the bad file" not-0 "$rc"
	sleep 5
	step "  is not tried again" "failed 0" "$(systemctl is-active rsipd) $(prop rsipd NRestarts)"
	cp $out/good /etc/rsip/rsipd.conf
	systemctl start rsipd
	step "  start with the good one" 0 $?
	pid=$(prop rsipd MainPID)
	kill -9 "$pid"
	until_true 15 isnt rsipd MainPID "$pid"
	until_true 15 is rsipd ActiveState active
	step "rsipd: kill -9: runs again" active "$(systemctl is-active rsipd)"
	systemctl stop rsipd
	sed -i s/wan0/wan1/ /etc/rsip/rsipd.conf
	systemctl start --no-block rsipd 2>/dev/null
	until_true 30 isnt rsipd NRestarts 0
	sed -i s/wan1/wan0/ /etc/rsip/rsipd.conf
	until_true 20 is rsipd ActiveState active
	step "rsipd: waits for an absent interface" active "$(systemctl is-active rsipd)"

	until_true 30 leased
	pid=$(prop rsipd MainPID)
	dpkg -i "$dir"/2/*.deb >$out/dpkg 2>&1
	step "upgrade" 0 $?
	step "  it was started again" yes "$([ "$(prop rsipd MainPID)" != "$pid" ] && echo yes)"
	step "  state" "active enabled" "$(state rsipd)"
	step "  what did not run does not" "inactive disabled" "$(state rsipc)"
	until_true 30 leased
	step "  the host has the lease it had" yes "$(leases | grep -qxF "$before" && echo yes)"
	step "  rules stayed until the new one had them" 1 "$(journal rsipd 'taking over' | awk '{ print ($1 > 0) }')"
	systemctl stop hostc
	step "rsipc: stop" inactive "$(systemctl is-active hostc)"
	rm -rf /etc/systemd/system/hostc.service*
	systemctl daemon-reload

	systemctl start oed
	step "oed: start (not enabled)" 0 $?
	step "  user" oed "$(ps -o user= -p "$(prop oed MainPID)")"
	step "  its devices" "$DEVICES" "$(devices oed)"
	step "  its TUN" oe0 "$(ip -o link show oe0 | cut -d' ' -f2 | tr -d :)"
	step "  warnings of forbidden things" 0 "$(journal oed 'not permitted\|Permission\|Read-only\|not supported')"
	pid=$(prop oed MainPID)
	dpkg -i "$dir"/2/oed*.deb >$out/dpkg 2>&1
	step "  installed again: runs" active "$(systemctl is-active oed)"
	step "  another process" yes "$([ "$(prop oed MainPID)" != "$pid" ] && echo yes)"

	dpkg -r rsipd oed >$out/dpkg 2>&1
	step "remove rsipd and oed" 0 $?
	step "  processes" "" "$(ps -e -o comm= | grep -x -E 'rsipd|oed|rsip-.*')"
	step "  rules" none "$(some "$(rules)")"
	step "  ip_forward as before" "$forward" "$(cat /proc/sys/net/ipv4/ip_forward)"
	step "  configuration and key stay" yes "$([ -s /etc/rsip/rsipd.conf ] && [ -s /etc/rsip/private.pem ] && echo yes)"
	dpkg -P rsipd rsipc oed rsip-tools >$out/dpkg 2>&1
	step "purge" 0 $?
	step "  names the key that goes" yes "$(says $out/dpkg 'Removing /etc/rsip/private.pem')"
	step "  files left" "" "$(find /etc/rsip /var/lib/rsip /run/rsip /etc/systemd/system /lib/systemd/system -name '*rsip*' 2>/dev/null | grep -v netns)"
}

leased() { [ -n "$(lease)" ]; }
leases() { rsipctl -s rsipd --json leases 2>/dev/null | grep -o '"ports":[^]]*]'; }
lease() { leases | head -n 1; }
read_twice() { [ "$(journal rsipd 'rsipd\[.*configuration read again')" = 2 ]; }

[ "${2-}" = life ] || boot
life
echo "$(cut -d' ' -f1 /proc/uptime) s"
echo $failed >$out/rc
sync
