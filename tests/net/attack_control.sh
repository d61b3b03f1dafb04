#!/bin/sh
# attack_control.sh - local users cannot end a daemon by its control socket, nor grow it, nor shut root out
. "$(dirname "$0")/lib.sh"
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"
net_picture
cd "$NET_RUN" || exit 1

# A group of ours, whatever the machine has.
{
	grep -v '^rsip:' /etc/group
	printf 'rsip:x:54321:\n'
} >group
mount -n --bind group /etc/group || net_skip "cannot mount here"

# USER[:GROUP[:GROUPS]] WHAT DAEMON [ARGUMENT]
as()
{
	python3 "$NET_HERE/attack_control.py" "$1" "$2" "$NET_RUN/$3.sock" \
	    ${4:+"$4"}
}

# DAEMON: kilobytes
rss()
{
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(net_pid "$1")/status"
}

# DAEMON: hundredths of a second of processor time
ticks()
{
	awk '{ print $14 + $15 }' "/proc/$(net_pid "$1")/stat"
}

net_rsipd
printf 'state = ""\ncontrol = "%s/rsipc.sock"\n' "$NET_RUN" >rsipc.conf
net_start rsipc x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc.conf
printf 'control = "%s/oed.sock"\noe { resolvers = {"%s"} }\n' "$NET_RUN" \
    "$NET_DNS" >oed.conf
net_start oed y1 "$NET_TOP/oe/oed" -f -c oed.conf
net_ready rsipc 15 net_leased rsipc
net_ready oed 15 net_ctl oed status

USER_A=12345 USER_B=12346 MEMBER=12347:12347:54321
if ! setpriv --reuid 12345 --regid 12345 --clear-groups true 2>/dev/null; then
	# A user namespace of one user: there is nobody else to be.
	USER_A=- USER_B=- MEMBER=-
	net_say "skipped: what one user does to another, and to root when" \
	    "descriptors are out: nobody else to be in this namespace"
fi

for daemon in rsipd rsipc oed; do
	said=$(as "$USER_A" types "$daemon") ||
	    net_fail "$daemon, every type: $said"
	as - types "$daemon" >/dev/null || net_fail "$daemon, root's types"
	net_alive "$daemon" || net_fail "$daemon, every type: it died"
	net_ok "$daemon: every command with every type in every field: $said"
	as - pipelined "$daemon" 200 ||
	    net_fail "$daemon: a reader of pipelined answers lost some"
done
net_ok "control: who reads gets 200 of 200 pipelined answers, in order"

if [ "$USER_A" != - ]; then
	for daemon in rsipd rsipc oed; do
		case $daemon in
		rsipc) theirs="obeyed: leases" ;;	# its own host's
		*) theirs="obeyed: none" ;;
		esac
		for who in "$USER_A" 65534:65534; do
			said=$(as "$who" privileged "$daemon")
			[ "$said" = "$theirs" ] ||
			    net_fail "$daemon and user $who: $said"
		done
	done
	net_ok "privileged commands that a stranger and nobody got: 0"
	as "$MEMBER" privileged rsipd | grep -q "leases flows.*reload" ||
	    net_fail "control: a member of the group is refused"
	net_ok "control: a member of the group may"
fi

# All at once, in all three.
for daemon in rsipd rsipc oed; do
	eval "before_$daemon=$(rss $daemon)"
	as "$USER_A" idle "$daemon" 14 >"idle.$daemon" &
	eval "idle_$daemon=$!"
done
sleep 0.5
for daemon in rsipd rsipc oed; do
	as "$USER_A" pipeline "$daemon" 4 >"pipeline.$daemon" 2>&1 &
done
sleep 2
if [ "$USER_A" != - ]; then
	for daemon in rsipd rsipc oed; do
		for who in - "$USER_B"; do
			said=$(as "$who" honest "$daemon" 2) ||
			    net_fail "$daemon serves $who not: $said"
			net_ok "$daemon: 300 idle askers and a flood of another:" \
			    "$who is served in $said"
		done
	done
fi
sleep 2.5
for daemon in rsipd rsipc oed; do
	eval "before=\$before_$daemon idle=\$idle_$daemon"
	grown=$(($(rss "$daemon") - ${before:-0}))
	[ "$grown" -lt 4096 ] || net_fail "$daemon grew by $grown KiB"
	net_ok "$daemon: $(cat "pipeline.$daemon"), grown by $grown KiB"
done
for daemon in rsipd rsipc oed; do
	eval "wait \$idle_$daemon" || net_fail "$daemon: $(cat "idle.$daemon")"
	net_ok "$daemon: $(cat "idle.$daemon")"
	as "$USER_B" patient "$daemon" 12 ||
	    net_fail "control: $daemon does not serve a user afterwards"
done

floods=
for flood in 1 2; do
	as "$USER_A" connects oed 2 >"connects.$flood" &
	floods="$floods $!"
done
sleep 0.5
said=$(as - honest oed 2) || net_fail "oed under a flood of connections: $said"
net_ok "oed: connections without end: root is served in $said"
# shellcheck disable=SC2086
wait $floods

# Out of descriptors: a few more than they begin with.
# DAEMON NAMESPACE COMMAND...
scarce()
{
	daemon=$1
	limit=$(($(find "/proc/$(net_pid "$daemon")/fd" -type l | wc -l) + 4))
	net_stop "$daemon"
	shift
	ns=$1
	shift
	net_start "$daemon" "$ns" sh -c "ulimit -n $limit; exec \"\$@\"" sh "$@"
	net_ready "$daemon" 10 net_ctl "$daemon" status
	logged=$(wc -l <"$daemon.log")
	as "$USER_A" idle "$daemon" 4 >scarce.out &
	idler=$!
	if [ "$daemon" = rsipd ]; then
		# RSIP's port wants some, too.
		net_on x2 timeout 3 python3 -c '
import socket, time
held = [socket.create_connection(("10.0.0.1", 4555), 2) for _ in range(4)]
time.sleep(2.5)' &
	fi
	sleep 1
	used=$(ticks "$daemon")
	said=$(as - honest "$daemon" 3) ||
	    net_fail "$daemon without descriptors: $said"
	sleep 2
	used=$(($(ticks "$daemon") - used))
	logged=$(($(wc -l <"$daemon.log") - logged))
	[ "$logged" -ge 1 ] || net_fail "$daemon had descriptors enough"
	[ "$logged" -le 3 ] ||
	    net_fail "$daemon without descriptors wrote $logged lines"
	[ "$used" -lt 100 ] ||
	    net_fail "$daemon without descriptors spins: $used ticks in 2 s"
	net_ok "$daemon without descriptors: root is served in $said;" \
	    "$logged lines logged, $used of 200 ticks used"
	wait "$idler"
	as "$USER_B" patient "$daemon" 12 ||
	    net_fail "control: $daemon does not come back"
}
[ "$USER_A" = - ] || scarce oed y1 "$NET_TOP/oe/oed" -f -c oed.conf
[ "$USER_A" = - ] || scarce rsipd N "$NET_TOP/rsipd/rsipd" -f -c rsipd.conf -p "$NET_RUN/rsipd.pid"

for daemon in rsipd rsipc oed; do
	net_alive "$daemon" || net_fail "$daemon died"
done
net_ok "all three live"
