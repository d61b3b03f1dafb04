#!/bin/sh
# laptops.sh - the real case: two rsipc laptops behind one rsipd, at the same time, to one charon with the kernel's ESP
#
# charon knows nothing of RSIP.  Both laptops have one address, so it is told
# to mark what each of its pairs of SAs brings, and Netfilter to answer every
# connection with the mark it came with (session-oriented keying, RFC 3104 §3).
# The one inbound policy of both pairs needs one reqid.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$NET_HERE/proof.sh"
. "$here/charonlib.sh"
charon_wants
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone \
    drill nft openssl
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
vm_enter 1500
net_enter "$@"

net_picture
net_keys
net_zones
net_dns
net_web y1 y2
esp=aes256gcm16-modp2048,aes256-sha256-modp2048
charon_start gcm "$(for mark in 1 2; do
	charon_connection x$mark $esp "reqid = 1
	mark_out = $mark
	set_mark_in = $mark"
done)" "replay_window = 1024"
net_on y1 nft -f - <<-'EOF' || net_fail "marks for charon"
table ip sessions {
	chain in {
		type filter hook input priority mangle
		meta mark != 0 ct mark set meta mark
	}
	chain out {
		type route hook output priority mangle
		ct mark != 0 meta mark set ct mark
	}
}
EOF
net_rsipd
# Paranoid: what begins in the clear, as an emulated machine is slow, stays so.
for net_host in x1 x2; do
	net_rsipc $net_host "paranoid = {\"$NET_Y1\"} ike = \"1\" give-up = 60"
done
net_sniff
net_fetch_both "$NET_Y1" y1 || net_fail "a transfer from charon's host: $(cat "$NET_RUN"/x?.y1.log)"
# At once: an idle pair is soon deleted.
swanctl --list-sas --uri "unix://$NET_RUN/vici"
[ "$(net_on y1 ip -s xfrm state | awk '/^src '"$NET_NB"'/ { in_ = 1 } /^src '"$NET_Y1"'/ { in_ = 0 }
    in_ && /\(bytes\)/ && $1 + 0 > 10000 { n++ } END { print n + 0 }')" -ge 2 ] ||
    net_fail "the kernel did not decrypt for both"
net_ok "the kernel decrypted the requests of both"
net_fetch_both "$NET_Y2" y2 || net_fail "a transfer in the clear beside it"
for net_host in x1 x2; do
	proof_spis "rsipc_$net_host" >"$NET_RUN/$net_host.spis"
	net_same "$NET_RUN/$net_host.y1" ||
	    net_fail "$net_host's file is not what the server has"
	net_ok "$net_host fetched 10 MB whole"
done
net_sniff_end
proof_check --ike 1 >"$NET_RUN/wire.json" || net_fail "the wire: $(cat "$NET_RUN/wire.json")"
net_ok "nothing of it in the clear, each SPI went to its own laptop"
