#!/bin/sh
# oe_status.sh - any program learns whether its own connection is encrypted (RFC 5406 §3.4); rsipctl against oed
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill ping
net_needs_built oe/oed ctl/rsipctl ctl/example
net_enter "$@"

oe_wire
oe_host left 198.51.100.31
oe_host right 198.51.100.32
oe_host plain 198.51.100.33
oe_key left
oe_key right
oe_dns_up
right=$(oe_addr right)
plain=$(oe_addr plain)
nobody=$(oe_net 198.51.100.77)
[ "$FAMILY" = 4 ] && clear=192.0.2.1 || clear=2001:db8:c1::1
oe_daemon left "permissive = {\"$OE_ALL\"}" "paranoid = {\"$nobody\"}" \
    "clear = {\"$clear\"}" 'require-dnssec = true'
oe_daemon right "permissive = {\"$OE_ALL\"}"
oe_ready left right
socket=$NET_RUN/oed_left.sock

# COMMAND...: as a user without privileges, if there can be one here.
as_anybody()
{
	if oe_alone; then
		net_on left "$@"
	else
		net_on left setpriv --reuid 12345 --regid 12345 --clear-groups "$@"
	fi
}

# ADDRESS TEXT: what such a user's program is told about its socket.
told()
{
	as_anybody "$NET_TOP/ctl/example" "$1" 7 "$socket" >"$NET_RUN/told" 2>&1
	grep -q "^$2" "$NET_RUN/told" || {
		cat "$NET_RUN/told"
		net_fail "a program that talks to $1 is not told: $2"
	}
	net_ok "$1: $2"
}

# ADDRESS TEXT: the same for people.
why()
{
	"$NET_TOP/ctl/rsipctl" -s "$socket" why "$1" >"$NET_RUN/why" 2>&1 &&
	    grep -q "$2" "$NET_RUN/why" || {
		cat "$NET_RUN/why"
		net_fail "rsipctl why $1 does not say: $2"
	}
}

net_start watch left "$NET_TOP/ctl/rsipctl" -s "$socket" watch
told "$right" "none peer= auth=none cipher= required=0"
why "$right" "no traffic now; class OE-permissive"
told "$clear" "clear peer= auth=none cipher= required=0"
told "$NET_DNS" "clear peer= auth=none cipher= required=0"
why "$NET_DNS" "because it is a resolver"

oe_ping left "$right" 10 || net_fail "no answer from right"
told "$right" \
    "encrypted peer=$right auth=dnssec cipher=AES-[^ ]* required=0 right=dnssec"
why "$right" "encrypted with AES-.*vouched for by DNSSEC"
"$NET_TOP/ctl/rsipctl" -s "$socket" sa >"$NET_RUN/sa" ||
    net_fail "rsipctl sa"
[ "$(grep -c "$right" "$NET_RUN/sa")" -eq 2 ] || {
	cat "$NET_RUN/sa"
	net_fail "rsipctl sa has not both phases"
}

oe_ping left "$plain" 10 || net_fail "no answer from plain"
told "$plain" "clear peer= auth=none cipher= required=0"
why "$plain" "in the clear (OE-permissive), because: no OE record"

! oe_ping left "$nobody" 1 || net_fail "an answer from nobody"
told "$nobody" "dropped peer= auth=none cipher= required=1"
why "$nobody" "denied (OE-paranoid)"

if ! oe_alone; then
	as_anybody "$NET_TOP/ctl/rsipctl" -s "$socket" reload \
	    2>"$NET_RUN/refused" && net_fail "anybody may reload"
	grep -q "only root" "$NET_RUN/refused" ||
	    net_fail "no reason for refusing reload"
fi
"$NET_TOP/ctl/rsipctl" -s "$socket" reload | grep -q "read again" ||
    net_fail "root may not reload"
net_until 5 grep -q " oed keyed .*dst=$right " "$NET_RUN/watch.log" || {
	cat "$NET_RUN/watch.log"
	net_fail "rsipctl watch has not seen the connection keyed"
}
net_ok "watched: keyed"
