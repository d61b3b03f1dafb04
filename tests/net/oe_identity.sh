#!/bin/sh
# oe_identity.sh - a host whose key DNS has not: nothing waits for it, it says why, and encrypts once it is published
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

# "server" does OE; "mute" has a record, and nobody who answers IKE; "new" has a key
# of which DNS knows nothing; "known" is in DNS, unsigned for "strict".
oe_wire
oe_host server 198.51.100.32
oe_key server
oe_host mute 198.51.100.33
oe_key mute
oe_host known 198.51.100.41
oe_key known
oe_host strict 198.51.100.34
oe_key strict
oe_dns_up
oe_host new 198.51.100.42
cp "$NET_RUN/reverse.records" "$NET_RUN/reverse.before"
oe_key new
oe_daemon server
oe_daemon known "paranoid = {\"198.51.100.99/32\"}" \
    "permissive = {\"0.0.0.0/0\"}"
# By IKEv2 it would be shown to nobody instead (oe_anonymous.sh).
oe_daemon new 'ike = "1"'
oe_ready server known new
oe_sniff new "$NET_RUN/new.pcap"

# HOST ADDRESS [SECONDS]: milliseconds until an echo request is answered.
answered_in()
{
	answered_from=$(date +%s%N)
	oe_ping "$1" "$2" "${3:-20}" || {
		echo never
		return
	}
	echo $((($(date +%s%N) - answered_from) / 1000000))
}

ms=$(answered_in known 198.51.100.32)
net_ctl oed_known why 198.51.100.32 | grep -q encrypted ||
    net_fail "the control: $(net_ctl oed_known why 198.51.100.32)"
net_ctl oed_known status | grep -q "our key is at 41.100.51.198" ||
    net_fail "status: $(net_ctl oed_known status)"
net_ok "control: in DNS, encrypted after $ms ms"

absent()
{
	net_ctl oed_new status | grep -q "no key of ours at 42.100.51.198"
}
net_until 10 absent || net_fail "status: $(net_ctl oed_new status)"
verdict=$(net_ctl oed_new status | head -n 1)
[ "$verdict" = "oed: in the clear: DNS has no key of ours at \
42.100.51.198.in-addr.arpa (\"rsipctl dns-records\" prints the record)" ] ||
    net_fail "the verdict: $verdict"
net_ok "status: $verdict"
ms=$(answered_in new 198.51.100.32)
[ "$ms" != never ] && [ "$ms" -lt 3000 ] || net_fail "held for $ms ms"
net_ctl oed_new why 198.51.100.32 >"$NET_RUN/why"
grep -q "clear.*no key of ours at 42.100.51.198.in-addr.arpa" "$NET_RUN/why" ||
    net_fail "why: $(cat "$NET_RUN/why")"
[ "$(oe_count "$NET_RUN/new.pcap" "udp port 500")" = 0 ] ||
    net_fail "IKE was begun"
[ "$(grep -c 'is of no use' "$NET_RUN/oed_new.log")" = 1 ] ||
    net_fail "the log does not say it once"
net_ok "not in DNS: clear after $ms ms, no IKE, said once"

# It is published: seen at the latest when the negative answer is too old, or
# at a reload.
oe_serve_again
kill -HUP "$(net_pid oed_new)"
encrypted()
{
	oe_ping new 198.51.100.32 1
	net_ctl oed_new why 198.51.100.32 | grep -q encrypted
}
from=$(date +%s%N)
net_until 60 encrypted || net_fail "why: $(net_ctl oed_new why 198.51.100.32)"
net_ctl oed_new status | grep -qx "oed: encrypting; 1 peer" ||
    net_fail "the verdict: $(net_ctl oed_new status | head -n 1)"
net_ok "published: encrypted after $((($(date +%s%N) - from) / 1000000)) ms"

# Nobody answers IKE: held for 3 s in all; paranoid never let go.
ms=$(answered_in known 198.51.100.33)
[ "$ms" != never ] && [ "$ms" -lt 4000 ] || net_fail "held for $ms ms"
[ "$ms" -gt 2500 ] || net_fail "held for $ms ms only"
net_ctl oed_known why 198.51.100.33 | grep -q "in the clear while IKE" ||
    net_fail "why: $(net_ctl oed_known why 198.51.100.33)"
net_ok "a peer that does not answer: clear after $ms ms"
# The search goes on: it comes, and what was in the clear is encrypted.
oe_daemon mute
oe_ready mute
late()
{
	oe_ping known 198.51.100.33 1
	net_ctl oed_known why 198.51.100.33 | grep -q ": encrypted"
}
from=$(date +%s%N)
net_until 30 late || net_fail "why: $(net_ctl oed_known why 198.51.100.33)"
net_ok "it answers late: encrypted after $((($(date +%s%N) - from) / 1000000)) ms"

# The peer does not find our key: both logs say what is missing.  Its own
# resolver has other zones than ours.
mv "$NET_RUN/reverse.records" "$NET_RUN/reverse.all"
grep -v '^41\.' "$NET_RUN/reverse.all" >"$NET_RUN/reverse.records"
oe_serve_again
oe_daemon strict
oe_ready strict
oe_ping known 198.51.100.34 6
said()
{
	grep -q "no KEY, IPSECKEY or TXT record with one at 41.100.51.198" \
	    "$NET_RUN/oed_strict.log" &&
	    grep -q "does not accept our proof of who we are, AUTHENTICATION.FAILED" "$NET_RUN/oed_known.log"
}
net_until 40 said || {
	tail -3 "$NET_RUN/oed_strict.log" "$NET_RUN/oed_known.log"
	net_fail "the refusal is not explained in both logs"
}
net_ok "a refusal for want of a KEY record is explained in both logs"
