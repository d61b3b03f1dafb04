#!/bin/sh
# verdict.sh - status and why when things fail: what is wrong stands in the first line, and is true of the traffic
. "$(dirname "$0")/lib.sh"
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill
net_enter "$@"
net_picture
cd "$NET_RUN" || exit 1

# DAEMON TEXT: the first line of its status.
verdict()
{
	case $(net_ctl "$1" status | head -n 1) in
	"$2" | "$2",\ [0-9]*\ lease*) ;;
	*)	return 1 ;;
	esac
}

# DAEMON TEXT SECONDS
says()
{
	net_until "$3" verdict "$1" "$2" ||
	    net_fail "not \"$2\" but: $(net_ctl "$1" status | head -n 1)"
	net_ok "status: $2"
}

why_is()
{
	net_ctl "$1" why "$NET_Y1" >why.out && grep -q "$2" why.out
}

# DAEMON PATTERN: of the answer to "why", soon.
why()
{
	net_until 10 why_is "$1" "$2" || net_fail "why is not \"$2\" but: $(cat why.out)"
	net_ok "why: $(cat why.out)"
}

# --- no file: -n says so; a file: that it is good -----------------------------------
for daemon in rsipd/rsipd rsipc/rsipc oe/oed; do
	"$NET_TOP/$daemon" -n >out 2>err
	cat err >>out
	grep -q 'is absent: the defaults' out ||
	    net_fail "${daemon#*/} -n without a file: $(cat out)"
done
net_ok "-n says that there is no file"

# --- no gateway ---------------------------------------------------------------------
net_rsipc_config x1 'dns-timeout = 500
	dns-tries = 1
	lifespan-short = 2' 'state = ""'
net_keys
net_on x1 "$NET_TOP/rsipc/rsipc" -n -c rsipc_x1.conf | grep -q 'no errors' ||
    net_fail "rsipc -n does not say that the file is good"
net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x1.conf
net_ready rsipc_x1 10 net_ctl rsipc_x1 status
says rsipc_x1 \
    "rsipc: in the clear: no RSIP gateway at 10.0.0.1 (connection refused); no resolver answers ($NET_DNS)" 10
why rsipc_x1 "OE-permissive .*: it would go in the clear, because no resolver answers ($NET_DNS); through NAT, because: no RSIP gateway at 10.0.0.1 (connection refused)"

# --- nor a default route ------------------------------------------------------------
ip -n x1 route del default
says rsipc_x1 "rsipc: nothing goes out: no default route" 10
why rsipc_x1 "nothing goes out: no default route"
ip -n x1 route add default via 10.0.0.1
says rsipc_x1 \
    "rsipc: in the clear: no RSIP gateway at 10.0.0.1 (connection refused); no resolver answers ($NET_DNS)" 10

# --- a second one, beside it ----------------------------------------------------------
net_on x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x1.conf >second.log 2>&1 &&
    net_fail "a second rsipc runs"
grep -q "one is running already" second.log ||
    net_fail "the second rsipc says: $(cat second.log)"
net_ok "a second rsipc: $(cat second.log)"
net_ctl rsipc_x1 status >/dev/null || net_fail "... and took the first along"

# --- a gateway, and no resolver -------------------------------------------------------
# A look-up may lease a port of its own: leases are not counted.
net_rsipd
net_until 20 net_leased rsipc_x1 || net_fail "no lease: $(cat rsipc_x1.log)"
says rsipd "rsipd: serving at 10.0.0.1, port 4555: 1 host" 5
# The look-up of its own key finds out, before any packet does.
says rsipc_x1 "rsipc: in the clear: no resolver answers ($NET_DNS)" 15
net_on x1 ping -c 1 -W 1 "$NET_Y1" >/dev/null 2>&1
why rsipc_x1 "in the clear (OE-permissive), because: .*DNS"

# --- all of it: encrypting --------------------------------------------------------------
net_zones
net_dns
net_oed y1
says oed_y1 "oed: ready to encrypt; no peer so far" 5
net_web y1
# What was decided without DNS holds for lifespan-short.
is_sealed()
{
	net_on x1 curl -sf -m 2 -o /dev/null -r 0-9 "http://$NET_Y1/file" &&
	    why_is rsipc_x1 "encrypted with"
}
net_until 20 is_sealed || net_fail "not encrypted: $(cat why.out)"
net_fetch x1 "$NET_Y1" x1.file || net_fail "no fetch: $(cat x1.file.log)"
says rsipc_x1 "rsipc: encrypting; 1 peer" 10
says oed_y1 "oed: encrypting; 1 peer" 5
why rsipc_x1 "encrypted with"

# --- a black hole is not called encrypted --------------------------------------------------
kill -STOP "$(net_pid oed_y1)"
net_on x1 ping -q -i 0.5 -c 9 -W 1 "$NET_Y1" >/dev/null 2>&1
why rsipc_x1 "but nothing heard for [0-9]* s: its peer "
says rsipc_x1 "rsipc: encrypting; 1 peer, of which 1 is silent" 5
net_ctl rsipc_x1 sa | head -n 1 | grep -q SILENT || net_fail "sa is silent on it"
kill -CONT "$(net_pid oed_y1)"
net_until 10 net_on x1 ping -q -c 1 -W 1 "$NET_Y1" >/dev/null 2>&1 ||
    net_fail "nothing after it went on"
says rsipc_x1 "rsipc: encrypting; 1 peer" 10

# --- the gateway's rules are gone, and cannot be put back ------------------------------------
backend=$(net_ctl rsipd -v status | sed -n 's/.*firewall *= *//p; s/.*firewall[: ]*//p' |
    head -n 1)
case $backend in
*nftables*) tool=nft ;;
*) tool=iptables-restore ;;
esac
real=$(readlink -f "$(command -v $tool)")
cp "$real" tool.real
cat >tool.fails <<EOF
#!/bin/sh
# Looks are answered, changes fail.
case "\${0##*/} \$*" in
nft*list*) exec "$NET_RUN/tool.real" "\$@" ;;
*restore*|nft*) exit 1 ;;
*) exec "$NET_RUN/tool.real" "\${0##*/}" "\$@" ;;
esac
EOF
chmod +x tool.fails
mount --bind tool.fails "$real" || net_fail "cannot stand in for $tool"
if [ $tool = nft ]; then
	net_on N "$NET_RUN/tool.real" flush ruleset
else
	net_on N "$NET_RUN/tool.real" iptables -t mangle -F
	net_on N "$NET_RUN/tool.real" iptables -t raw -F
fi
says rsipd "rsipd: forwarding nothing: the firewall rules are gone and cannot be put back (the log says why)" 20
umount "$real"
says rsipd "rsipd: serving at 10.0.0.1, port 4555: 1 host" 20

# --- the gateway dies: who watches it goes on when it is back, and "why" names it ---------------
net_start watch N "$NET_TOP/ctl/rsipctl" -s "$NET_RUN/rsipd.sock" watch
sleep 1
net_stop rsipd KILL
why rsipc_x1 "; the lease is kept, but no RSIP gateway at 10.0.0.1 (connection refused)"
net_rsipd
net_until 20 grep -q " is back" watch.log || net_fail "watch: $(cat watch.log)"
net_until 20 net_on x1 ping -q -c 1 -W 1 "$NET_Y1" >/dev/null 2>&1 ||
    net_fail "nothing after the gateway is back"
says rsipc_x1 "rsipc: encrypting; 1 peer" 10
net_stop rsipc_x1
net_until 10 grep -q " rsipd " watch.log || net_fail "watch: $(cat watch.log)"
net_ok "watch: $(tr '\n' ';' <watch.log | cut -c 1-200)"
net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x1.conf
net_until 20 net_leased rsipc_x1 || net_fail "no lease: $(cat rsipc_x1.log)"

# --- the counters are there when they are asked for -----------------------------------------
net_ctl rsipc_x1 status | grep -q 'session.sent' &&
    net_fail "counters without -v"
net_ctl rsipc_x1 -v status | grep -q 'session.sent' ||
    net_fail "no counters with -v"

# --- the cable is pulled ----------------------------------------------------------------------
net_stop rsipc_x1
ip -n x1 route del default
net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x1.conf
net_ready rsipc_x1 10 net_ctl rsipc_x1 status
says rsipc_x1 "rsipc: in the clear: no default route, so no gateway" 10
