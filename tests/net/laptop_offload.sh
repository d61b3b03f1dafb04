#!/bin/sh
# laptop_offload.sh - what policy passes, carried by the laptop's kernel: the same packets as by user space, and no other; skipped where it was not built
. "$(dirname "$0")/lib.sh"
net_needs curl ethtool iptables nginx
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
net_picture
# Segments are to be seen as a wire has them.
net_on x1 ethtool -K eth0 tx off tso off tx-ipxip4-segmentation off \
    >/dev/null 2>&1
# -A or -D: nobody answers what is sent here, but by packets of the test's; nor is
# a resolver told that its answer comes too late, which eBPF would carry and count.
silence()
{
	net_on y2 iptables "$1" INPUT -j DROP &&
	    net_on x1 iptables "$1" OUTPUT -o oe0 ! -d "$NET_DNS" -j DROP &&
	    net_on x1 iptables "$1" OUTPUT -o oe0 -p icmp -j DROP ||
	    net_fail "iptables"
}
silence -A
# Nor does the resolver's kernel say that nobody answers there: each time that would be
# one packet more, and a search that is to last all the while would end with some.
net_on dns iptables -A INPUT -j DROP || net_fail "iptables"
# A program at its port would take packets before they are seen there.
net_rsipd "offload = false"

# [OFFLOAD [CLEAR PARANOID]]: x1, with the same lease each time, and which class has
# whom all is passed to, and whom nothing is.
laptop_config()
{
	cat >rsipc_x1.conf <<-END
	control = "$NET_RUN/rsipc_x1.sock"
	state = "$NET_RUN/x1.lease"
	direct = false
	offload = ${1:-true}
	oe {
		state = ""
		resolvers = {"$NET_DNS"}
		dns-timeout = 60000
		hold = 600
		${2:-clear} = {"198.51.100.16/28", "203.0.113.32/27"}
		deny = {"203.0.113.8/29"}
		${3:-paranoid} = {"203.0.113.16/29"}
		permissive = {"203.0.113.24/29"}
	}
	END
}

laptop()
{
	laptop_config "$@"
	net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x1.conf
	net_ready rsipc_x1 15 net_leased rsipc_x1
	# Also what is too long for the tunnel is to come to it.
	ip -n x1 link set oe0 mtu 2000
	range=$(net_json rsipc_x1 status 'it["lease"]["port_range"]')
	ike=$(net_json rsipc_x1 status 'it["lease"]["ike_port"]')
}

# WHAT [FILE]
packets()
{
	python3 -B "$NET_HERE/laptop_offload.py" "$1" "$NET_NB" "$range" "$ike" \
	    ${2:+"$2"}
}

offloaded()
{
	net_json rsipc_x1 status 'it["tunnel"]["offloaded_out"]'
}

both_ways()
{
	net_json rsipc_x1 status '"%d %d" % (it["tunnel"]["offloaded_out"], it["tunnel"]["offloaded_in"])'
}

# COUNT: more than that.
offloads()
{
	[ "$(offloaded)" -gt "$1" ]
}

# [COUNT]: a packet goes by eBPF, beside these.
first_and_offloaded()
{
	packets first && offloads "${1:-0}"
}

# Its counters stand still for a while, and are looked at no more.
first_is_slow()
{
	sleep 7
	quiet=$(offloaded)
	packets first
	[ "$(offloaded)" = "$quiet" ]
}

laptop false
slow_range=$range
packets first
packets play user >user.log || net_fail "$(tail -n 1 user.log)"
net_json rsipc_x1 status 'it["tunnel"]["path"] == "user space"' >/dev/null ||
    net_fail "user space is said to be something else"
net_ok "by user space: $(grep -c '^ok' user.log) kinds of packets"
kill -TERM "$(net_pid rsipc_x1)"
wait "$(net_pid rsipc_x1)"

laptop true
# The verifier's word for what it refuses, which is no lack of the kernel's.
! grep 'eBPF offload: cannot load: Permission denied' rsipc_x1.log ||
    net_fail "this kernel refuses the programs"
net_holds rsipc_x1 status '"ebpf" in it["tunnel"]["path"]' ||
    net_skip "$(grep -m 1 eBPF rsipc_x1.log || echo 'built without eBPF')"
[ "$range" = "$slow_range" ] || net_fail "other ports: $slow_range, $range"
net_until 10 first_and_offloaded || net_fail "nothing goes by eBPF"
# shellcheck disable=SC2046
set -- $(both_ways)
packets play kernel >kernel.log || net_fail "$(tail -n 1 kernel.log)"
cmp user kernel || net_fail "$(diff user kernel | head -n 20)"
net_ok "by the kernel: the same to a byte, and shut is what was"
want=$(cat kernel.fast)
# shellcheck disable=SC2046
set -- "$@" $(both_ways)
got="$(($3 - $1)) $(($4 - $2))"
[ "$got" = "$want" ] || net_fail "$got by eBPF instead of $want"
net_ok "by eBPF: $got packets out and in, each that may"

# Joined segments, by a program of the host's.
silence -D
net_web y2
net_on x1 ethtool -K eth0 gro on >/dev/null 2>&1
# The card is not what it was: it is looked at once more.
net_until 10 first_and_offloaded "$(offloaded)" || net_fail "not by eBPF again"
net_fetch x1 "$NET_Y2" came || net_fail "no file: $(cat came.log)"
net_same came || net_fail "another file came"
# shellcheck disable=SC2046
set -- $2 $(both_ways)
[ $(($3 - $1)) -gt 6000 ] || net_fail "a file came by user space: $1 to $3"
net_ok "a file of 10 MB: $(($3 - $1)) packets by eBPF"

# A flow that goes on, and what of it comes to the gateway's port.
last_seen()
{
	sed -n '$s/ .*//p' seen
}
last_sent()
{
	cat sent
}
# COMMAND NUMBER: it tells of a later one.
passes()
{
	[ "$("$1")" -gt "$2" ]
}
net_start seen N python3 -B "$NET_HERE/laptop_offload.py" seen "$NET_NB" "$range" "$ike" seen
net_ready seen 10 grep -q looking seen
net_start many N python3 -B "$NET_HERE/laptop_offload.py" many "$NET_NB" "$range" "$ike" sent
net_until 10 offloads $(($(offloaded) + 100)) || net_fail "a flow does not go by eBPF"

laptop_config true paranoid clear
net_ctl rsipc_x1 reload >/dev/null || net_fail "reload"
end=$(($(last_sent) + 1))
net_until 20 passes last_sent $((end + 200)) || net_fail "no packets any more"
MARK=203.0.113.18 packets mark
[ "$(last_seen)" -le "$end" ] ||
    net_fail "a flow that is to be encrypted now goes on: $(last_seen), $end"
net_ok "a class that becomes paranoid: of 200 packets of a running flow 0 left"
laptop_config true
net_ctl rsipc_x1 reload >/dev/null || net_fail "reload"
net_until 10 offloads $(($(offloaded) + 100)) || net_fail "clear again: not by eBPF"
net_ok "clear again: by eBPF again"

# Nobody vouches for what it says.
stopped()
{
	stopped_at=$(last_seen)
	stopped_sent=$(last_sent)
	net_until 10 passes last_sent $((stopped_sent + 200)) &&
	    [ "$(last_seen)" = "$stopped_at" ]
}
kill -STOP "$(net_pid rsipc_x1)"
net_until 20 stopped || net_fail "a daemon that is stopped: its map forwards"
kill -CONT "$(net_pid rsipc_x1)"
net_until 10 offloads $(($(offloaded) + 100)) || net_fail "it goes on: not by eBPF"
net_ok "a daemon that stands still: nothing passes on its word; and then by eBPF again"

# What is quiet for a while wakes it.
net_stop many
net_until 40 first_is_slow || net_fail "it vouches though nothing moves"
net_start many N python3 -B "$NET_HERE/laptop_offload.py" many "$NET_NB" "$range" "$ike" sent
net_until 10 offloads $((quiet + 100)) || net_fail "after a pause: not by eBPF"
net_ok "after a pause: the first packet by user space, and then by eBPF again"

net_stop rsipc_x1 KILL
gone()
{
	! ip -n x1 link show oe0 && ! net_alive many
}
net_until 10 gone || net_fail "killed: the device stays"
end=$(last_seen)
for shut in 203.0.113.9 203.0.113.17; do
	ip -n x1 route get "$shut" 2>&1 | grep -q 'Permission denied' ||
	    net_fail "killed: $shut is open"
done
[ "$(last_seen)" = "$end" ] || net_fail "killed: it forwards"
net_ok "killed: no device, no program, nothing in a tunnel; and shut is what was"
laptop true
net_until 10 first_and_offloaded || net_fail "started again: not by eBPF"
net_ok "started again: by eBPF"
