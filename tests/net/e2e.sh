#!/bin/sh
# e2e.sh - two laptops behind one address speak ESP with one host at the same time, and the wire proves it
# Shows: RFC 3104 §3.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proof.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"

net_all
net_answers "$NET_DNS" 53 10.100.51.198.in-addr.arpa TXT |
    grep -q '^;; flags:.* ad ' || net_fail "y1's TXT record is not validated"
net_answers "$NET_DNS" 53 x1.lab KEY |
    grep -q '^;; flags:.* ad ' || net_fail "x1's KEY record is not validated"
net_ok "the zones are signed and the resolver validates them"

proof_transfers || net_fail "a transfer: $(cat "$NET_RUN"/x?.y?.log)"
for file in x1.y1 x2.y1 x1.y2 x2.y2; do
	net_same "$NET_RUN/$file" || net_fail "$file is corrupted"
done
net_ok "four transfers of 10 MB, each as it is on the server"

proof_check >"$NET_RUN/wire.json" || {
	cat "$NET_RUN/wire.json"
	net_fail "the witness"
}
net_ok "only ESP and IKE between Nb and y1, each SPI to its own laptop," \
    "y2 in the clear"

# The same witness must see it when something is wrong.
proof_denies()
{
	what=$1 reason=$2
	shift 2
	proof_check "$@" >"$NET_RUN/denied.json" &&
	    net_fail "the witness does not notice $what"
	grep -q "$reason" "$NET_RUN/denied.json" || {
		cat "$NET_RUN/denied.json"
		net_fail "the witness notices $what for another reason"
	}
}
proof_denies "a transfer in the clear" "hold the file in the clear" \
    --y1 "$NET_Y2" --y2 "$NET_Y1"
proof_denies "packets for the other laptop" "'s but reached" \
    --x1 "$NET_X2" --x2 "$NET_X1"
cp "$NET_RUN/x1.y1" "$NET_RUN/damaged"
printf 'X' | dd of="$NET_RUN/damaged" bs=1 seek=5000000 conv=notrunc 2>/dev/null
printf 'Y' | dd of="$NET_RUN/damaged" bs=1 seek=5000001 conv=notrunc 2>/dev/null
net_same "$NET_RUN/damaged" && net_fail "damage to a file goes unnoticed"
net_ok "the witness denies clear, misrouted and damaged transfers"

# An interface of its own for what comes out of OE tunnels, and no clear text
# from y1's address believed because a policy says encrypt.
net_ctl rsipc_x1 why "$NET_Y1"
net_ctl rsipc_x1 why "$NET_Y2"

# Clean exits: leases go back, the gateway removes exactly its own rules.
net_stop rsipc_x1
net_stop rsipc_x2
net_until 5 net_holds rsipd leases 'not rows' || net_fail "leases stay after rsipc left"
net_on x1 ip route get "$NET_Y2" | grep -q 'via 10\.0\.0\.1' ||
    net_fail "x1's routes are not as before"
net_stop rsipd INT
net_on N iptables-save 2>/dev/null | grep -q NFQUEUE &&
    net_fail "rsipd leaves rules behind"
net_ok "all leave cleanly"
