#!/bin/sh
# laptop_helpers.sh - each process beside a daemon is killed: settings, rules and files are kept all the same
. "$(dirname "$0")/lib.sh"
net_needs pgrep nsd unbound ldns-keygen ldns-signzone drill curl nginx
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
range=/proc/sys/net/ipv4/ip_local_port_range

net_picture
net_keys
net_zones
net_dns
net_web y2
range_before=$(net_on x1 cat $range)
net_rsipd
net_rsipc x1

# DAEMON NAME: ids of its processes of that name, the one who waits first
helpers()
{
	for one in $(pgrep -x -P "$(net_pid "$1")" "$2"); do
		printf '%s ' "$one"
		pgrep -x -P "$one" "$2" | tr '\n' ' '
	done
}

# DAEMON NAME: kills the one that works; true when there is another.
kill_worker()
{
	# shellcheck disable=SC2046
	set -- "$1" "$2" $(helpers "$1" "$2")
	[ $# = 4 ] || net_fail "processes $2 of $1: $*"
	old=$4
	kill -KILL "$old"
	another()
	{
		pgrep -x -P "$waiter" "$helper" | grep -qvx "$old"
	}
	waiter=$3 helper=$2
	killed=$(date +%s%N)
	net_until 5 another || net_fail "$helper is not started again"
	after=$(($(date +%s%N) - killed))
	net_ok "$helper killed: another after $((after / 1000000)) ms"
}

kill_both()
{
	# shellcheck disable=SC2046
	kill -KILL $(helpers "$1" "$2")
}

# --- kernel settings

shrunk()
{
	[ "$(net_on x1 cat $range)" != "$range_before" ]
}
whole()
{
	[ "$(net_on x1 cat $range)" = "$range_before" ]
}
net_until 5 shrunk || net_fail "the port range is not the lease's"
kill_worker rsipc_x1 rsipc-keeper
grep -q 'keeps kernel settings was killed by signal 9' rsipc_x1.log ||
    net_fail "nobody says that it was killed"
net_alive rsipc_x1 || net_fail "rsipc ended"
net_stop rsipc_x1
whole || net_fail "the port range is not put back: $(net_on x1 cat $range)"
[ ! -e rsipc_x1.settings ] || net_fail "the note stays"
net_ok "and an orderly end still puts the port range back"

net_rsipc x1
net_until 5 shrunk || net_fail "no lease's port range"
kill_both rsipc_x1 rsipc-keeper
ended()
{
	! net_alive rsipc_x1
}
killed=$(date +%s%N)
net_until 5 ended || net_fail "rsipc goes on without who keeps settings"
after=$(($(date +%s%N) - killed))
grep -q 'keeps kernel settings was killed, and' rsipc_x1.log ||
    net_fail "it does not say why it ends"
wait "$(net_pid rsipc_x1)" && net_fail "its exit status says all is well"
net_ok "both killed: rsipc ends for its supervisor after $((after / 1000000)) ms, and says why"
shrunk || net_fail "who put the port range back?"
net_rsipc x1
grep -q 'putting back the settings' rsipc_x1.log ||
    net_fail "the next one does not take the note"
net_stop rsipc_x1
whole || net_fail "63 ports stay: $(net_on x1 cat $range)"
net_ok "and what its successor puts back is the range of before"
net_rsipc x1
net_until 5 shrunk || net_fail "no lease's port range"
# shellcheck disable=SC2046
kill -KILL $(helpers rsipc_x1 rsipc-keeper) "$(net_pid rsipc_x1)"
net_until 5 ended || net_fail "rsipc lives"
net_rsipc x1
net_stop rsipc_x1
whole || net_fail "63 ports stay after all were killed"
net_ok "all killed at once, as pkill -9 does: the same"

# --- files

net_rsipc x1
kill_worker rsipc_x1 rsip-opener
sed -i "s/^oe {/oe {\ndeny = {\"$NET_Y2\"}/" rsipc_x1.conf
kill -HUP "$(net_pid rsipc_x1)"
net_until 5 grep -q 'configuration read again' rsipc_x1.log ||
    net_fail "SIGHUP reads nothing after the opener was killed"
net_ctl rsipc_x1 why "$NET_Y2" | grep -q deny || net_fail "no new policy"
net_ok "SIGHUP reads the configuration as before"
kill_both rsipc_x1 rsip-opener
kill -HUP "$(net_pid rsipc_x1)"
net_until 5 grep -q 'opens files was killed, and' rsipc_x1.log ||
    net_fail "SIGHUP does not say what is the matter"
net_alive rsipc_x1 || net_fail "rsipc ended"
net_ok "both killed: SIGHUP says what is the matter"
net_stop rsipc_x1

# --- firewall rules

ruleset()
{
	net_on N iptables-save 2>/dev/null
	net_on N nft list ruleset 2>/dev/null
}
ours()
{
	ruleset | grep -qi 'rsip'
}
ours || net_fail "no rules"
kill_worker rsipd rsip-rules
ours || net_fail "rules went with the process"
taken_over()
{
	grep -q 'taking over' rsipd.log && sleep 0.5
}
net_until 5 taken_over || net_fail "the new one does not take the rules over"
# A flush is mended by the new one.
net_on N iptables -t mangle -F 2>/dev/null
net_on N iptables -t nat -F 2>/dev/null
net_on N nft flush ruleset 2>/dev/null
net_until 10 grep -q 'putting them back' rsipd.log ||
    net_fail "a flush is not mended"
net_until 5 ours || net_fail "rules do not come back"
net_rsipc x1
net_until 10 net_on x1 curl -sf -m 5 -o /dev/null -r 0-99 \
    "http://$NET_Y2/file" || net_fail "y2 is not reached by the new rules"
net_stop rsipc_x1
net_ok "rules flushed afterwards are put back, and packets pass them"

# Flushed between their making and the look at what was made.
calls()
{
	net_on N iptables-save | grep -q -- '-j RSIP-'
}
if calls; then
	real=$(command -v iptables-save)
	mount -n -t tmpfs tmpfs /usr/local/sbin
	cat >/usr/local/sbin/iptables-save <<-EOF
	#!/bin/sh
	if [ -e $NET_RUN/flush ] && $real | grep -q -- '-j RSIP-'; then
		rm $NET_RUN/flush
		for t in raw mangle filter nat; do iptables -t \$t -F; done
	fi
	exec $real "\$@"
	EOF
	chmod +x /usr/local/sbin/iptables-save
	for table in raw mangle filter nat; do
		net_on N iptables -t "$table" -F
	done
	: >"$NET_RUN/flush"
	flushed_again()
	{
		[ ! -e "$NET_RUN/flush" ]
	}
	net_until 10 flushed_again || net_fail "a flush is not mended, once more"
	umount -l /usr/local/sbin
	net_until 10 calls || net_fail "what was flushed as soon as made stays away"
	net_ok "a flush as soon as they are made is mended too"
fi
kill_both rsipd rsip-rules
gone()
{
	! net_alive rsipd
}
killed=$(date +%s%N)
net_until 5 gone || net_fail "rsipd goes on without who keeps rules"
after=$(($(date +%s%N) - killed))
grep -q 'ending, so that who supervises us' rsipd.log ||
    net_fail "it does not say why it ends"
wait "$(net_pid rsipd)" && net_fail "its exit status says all is well"
ours || net_fail "rules went"
net_ok "both killed: rsipd ends for its supervisor after $((after / 1000000)) ms, and rules stay shut"
net_rsipd
net_stop rsipd INT
ours && net_fail "rules stay after an orderly end"
net_ok "its successor takes them over, and away at its end"
