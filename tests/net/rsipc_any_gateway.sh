#!/bin/sh
# rsipc_any_gateway.sh - laptops meet gateways that answer anything at all: none ends, grows or asks more than ten times a second
# Shows: RFC 3103 §9.1.3.
#
# 200 gateways by default; ANY_SEEDS, ANY_FIRST, ANY_HOSTS and ANY_SECONDS (of one
# gateway) in the environment say otherwise.  As many as are promised:
#	ANY_SEEDS=10000 ANY_HOSTS=40 make check TESTS=tests/net/rsipc_any_gateway.sh
. "$(dirname "$0")/lib.sh"
net_needs_built rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
seeds=${ANY_SEEDS:-200} first=${ANY_FIRST:-0} hosts=${ANY_HOSTS:-16}
PYTHONPATH=$NET_HERE/../peer
export PYTHONPATH

net_links lan
net_namespaces N
net_cable N eth1 10.0.0.1 lan || net_fail "the gateway's cable"

# A program that speaks to anybody, so that there is something to lease for.
cat >talk.py <<-EOF
import random, socket, time
while True:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.sendto(b"hello", ("203.0.113.%d" % random.randint(1, 9), 7))
    except OSError:
        pass
    s.close()
    time.sleep(0.1)
EOF

set --
for i in $(seq "$hosts"); do
	host=h$i addr=10.0.0.$((99 + i))
	net_namespace "$host" && net_cable "$host" eth0 "$addr" lan &&
	    ip -n "$host" route add default via 10.0.0.1 ||
	    net_fail "no namespace $host"
	cat >"$host.conf" <<-END
	port = 4555
	transport = "tcp"
	state = ""
	control = "$NET_RUN/$host.sock"
	listen = {"8080"}
	oe { id = "@$host.lab" state = "" resolvers = {"10.0.0.1"} dns-timeout = 500
	    clear = {"0.0.0.0/0"} }
	END
	# At the highest level of the log a flood would fill the disk.
	net_start "$host" "$host" "$NET_TOP/rsipc/rsipc" -f -c "$host.conf"
	net_start "talk_$host" "$host" python3 talk.py
	set -- "$@" --host "$addr" "$(net_pid "$host")" "$NET_RUN/$host.conf"
done
for i in $(seq "$hosts"); do
	net_ready "h$i" 20 net_ctl "h$i" status
done
net_on N python3 "$NET_HERE/../peer/any_gateway.py" "$@" \
    --seeds "$first" $((first + seeds)) \
    --seconds "${ANY_SECONDS:-2}" >any.log 2>&1 || {
	grep -v -e '^unreadable' any.log | tail -n 20
	tail -n 20 h1.log
	net_fail "$(grep -c . any.log) lines of the gateway"
}
cat any.log
grep -q unreadable any.log && net_fail "rsipc sent what cannot be read"
for i in $(seq "$hosts"); do
	net_ctl "h$i" status >/dev/null || net_fail "h$i does not answer"
	if grep -q -e 'ERROR: AddressSanitizer' -e 'runtime error' "h$i.log"; then
		net_fail "h$i: $(tail -n 30 "h$i.log")"
	fi
	net_stop "h$i"
done
net_ok "$(tail -n 1 any.log)"
