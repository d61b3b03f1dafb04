#!/bin/sh
# publish.sh - "rsipctl publish" against BIND with TSIG and signed zones, looked up by a validating resolver; and each way in which that fails, with what to mend
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs named tsig-keygen unbound drill
net_needs_built oe/oed ctl/rsipctl
net_enter "$@"
grep -q 'HAVE_LDNS 1' "$NET_TOP/config.h" &&
    grep -q 'HAVE_UNBOUND 1' "$NET_TOP/config.h" ||
    net_skip "built without libldns or libunbound"

oe_wire
oe_host y1 "$NET_Y1"
oe_host x1 198.51.100.11
ip -n dns address add 198.51.100.54/24 dev eth0
cd "$NET_RUN" || exit 1
rsipctl=$NET_TOP/ctl/rsipctl

oe_primary "$NET_DNS" 198.51.100.54

# HOST ARGUMENT...
publish()
{
	at=$1
	shift
	net_on "$at" "$rsipctl" publish -k "$NET_RUN/$at.pem" \
	    --tsig "$NET_RUN/publisher.key" --resolver 198.51.100.54 \
	    --trust-anchor "$NET_RUN/anchors" --ttl 1 "$@" >out 2>&1
}
# NAME TYPE: how many such records the primary has.
records()
{
	net_on dns drill -D "@$NET_DNS" "$1" "$2" |
	    grep -c "^$1.*IN[[:space:]]$2[[:space:]]"
}
reverse=10.100.51.198.in-addr.arpa.

for host in y1 x1; do
	"$rsipctl" keygen -o "$host.pem" 2>/dev/null || net_fail "keygen"
done
publish y1 || net_fail "y1: $(cat out)"
[ "$(grep -c "$reverse .*: found, signed" out)" = 3 ] ||
    net_fail "y1: $(cat out)"
net_ok "a server: $(tr '\n' ';' <out)"
publish x1 --id @x1.lab --type KEY && grep -q "x1.lab. KEY: found, signed" out ||
    net_fail "x1: $(cat out)"
net_ok "a laptop: $(cat out)"

# A daemon finds it, and checks it itself.
OE_KEYLESS=yes oe_daemon x1 'resolvers = {"198.51.100.54"}' 'validate = "local"' \
    "trust-anchor = \"$NET_RUN/anchors\""
oe_daemon y1 'resolvers = {"198.51.100.54"}' 'validate = "local"' \
    "trust-anchor = \"$NET_RUN/anchors\""
oe_ready x1 y1
oe_ping x1 "$NET_Y1" 8 && net_ctl oed_x1 why "$NET_Y1" |
    grep -q "encrypted.*key vouched for by DNSSEC" ||
    net_fail "not encrypted: $(net_ctl oed_x1 why "$NET_Y1")"
net_ok "what was published is encrypted to"

# Once more is the same; another key stands beside it, or in its place.
publish y1 && [ "$(records $reverse KEY)" = 1 ] || net_fail "again: $(cat out)"
cp y1.pem old.pem
"$rsipctl" keygen -f -o y1.pem 2>/dev/null
publish y1 && [ "$(records $reverse KEY)" = 2 ] || net_fail "beside: $(cat out)"
publish y1 --replace || net_fail "replace: $(cat out)"
[ "$(records $reverse KEY) $(records $reverse IPSECKEY) $(records $reverse TXT)" = \
    "1 1 2" ] || net_fail "replaced: $(net_on dns drill "@$NET_DNS" $reverse TXT)"
net_on dns drill -D "@$NET_DNS" $reverse TXT | grep -q spf1 ||
    net_fail "somebody else's TXT record is gone"
publish y1 --remove || net_fail "remove: $(cat out)"
[ "$(records $reverse KEY) $(records $reverse IPSECKEY) $(records $reverse TXT)" = \
    "0 0 1" ] || net_fail "removed: $(cat out)"
net_ok "again, beside, in the place of, removed; other TXT records stay"

# WORDS ARGUMENT...: refused, in one line.
refused()
{
	words=$1
	shift
	publish y1 "$@" && net_fail "not refused: $*"
	[ "$(wc -l <out)" = 1 ] && grep -q "$words" out ||
	    net_fail "not \"$words\" but: $(cat out)"
	net_ok "$(cat out)"
}
sed 's/secret ".*"/secret "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="/' publisher.key \
    >wrong.key
sed 's/"publisher"/"nobody"/' publisher.key >nobody.key
echo "nothing" >empty.key
cp publisher.key open.key
chmod 600 wrong.key nobody.key empty.key
refused "has another secret for the key" --tsig wrong.key
refused "does not know the key" --tsig nobody.key
refused "refuses to let the key" --tsig stranger.key
refused "does not answer at TCP port 53" --server "$NET_Y1"
refused "does not serve the zone" --zone example.org --server "$NET_DNS"
refused "has no address in DNS" --server none.lab
refused "does not say in which zone" --resolver 198.51.100.10
refused "make one with" --tsig none.key
refused "is no key as tsig-keygen" --tsig empty.key
chmod 644 open.key
refused "open.key" --tsig open.key
[ "$(records $reverse KEY)" = 0 ] || net_fail "something was published"
net_ok "nothing of that was published"
