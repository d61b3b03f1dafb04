#!/bin/sh
# oe_life.sh - keyed connections through their life: rekeying, key roll-over, a peer that dies, clean ends (draft -17 §3.4, §5.4, §9.3)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

oe_lab left 198.51.100.61 right 198.51.100.62
right=$(oe_addr right)
left=$(oe_addr left)

# The kernel has one table of neighbours for all namespaces of the machine; when
# others fill it, packets are lost that are not ours to lose.
neighbour()
{
	ip -n "$1" neigh replace "$(oe_addr "$2")" dev eth0 nud permanent \
	    lladdr "$(ip -n "$2" -o link show dev eth0 |
	    sed 's/.*link.ether \([0-9a-f:]*\) .*/\1/')"
}

# HOST [PHASE2-LIFETIME [LIFESPAN-FIRST IDLE]]
# OE-paranoid, so that a lost key is a lost packet and never clear text.
run()
{
	oe_daemon "$1" "paranoid = {\"$OE_ALL\"}" "give-up = 3" \
	    "phase2-lifetime = ${2:-600}" "lifespan-first = ${3:-60}" \
	    "idle = ${4:-30}" "lifespan-short = 2" "${state:-}"
	oe_ready "$1"
}
neighbour left right && neighbour right left || net_fail "neighbours"
run left 600 2 1
run right 600 2 1
oe_sniff left "$NET_RUN/left.pcap"

# SA of HOST toward ADDRESS: its outbound SPI.
spi_of()
{
	net_json "oed_$1" spd '[r["spi_out"] for r in rows
	    if r["dst"] == words[0] and r["spi_out"]]' "$2"
}

# DAEMON: it encrypts for nobody.
idle()
{
	net_holds "$1" spd 'all(r["policy"] != "encrypt" for r in rows)'
}

# The first datagram waits for its keys and is not lost.
oe_ping left "$right" 5 || net_fail "the first datagram is lost"
[ -n "$(spi_of left "$right")" ] || net_fail "not encrypted"
net_ok "the first datagram goes out, encrypted"

# Unused it ends, and both ends know.
net_until 10 idle oed_left || net_fail "left keeps an unused connection"
net_until 5 idle oed_right || net_fail "right was not told of its end"
net_ok "unused, it is deleted at both ends"

# COUNT: so many pings, five a second; prints how many were lost.
stream()
{
	net_on left ping -n -O -D -i 0.2 -c "$1" -W 3 "$right" \
	    >"$NET_RUN/stream.out" 2>&1
	lost
}
# What was never answered; the last one may be on its way.
lost()
{
	awk '/packets transmitted/ { print $1 - $4 }' "$NET_RUN/stream.out"
}

# Short-lived keys: several rekeyings under way lose nothing.
net_stop oed_left
net_stop oed_right
run left 30
run right 30
oe_ping left "$right" 5 || net_fail "no first datagram after the restart"
first=$(spi_of left "$right")
rekeyed()
{
	[ "$(spi_of left "$right")" != "$first" ]
}
net_start stream left ping -n -O -D -i 0.2 -c 400 -W 3 "$right"
net_until 70 rekeyed || net_fail "it was not rekeyed"
sleep 3
net_stop stream INT
mv "$NET_RUN/stream.log" "$NET_RUN/stream.out"
lost=$(lost)
[ "$lost" -le 1 ] || {
	tail -n 400 "$NET_RUN/stream.out" | grep -v 'bytes from'
	oe_read "$NET_RUN/left.pcap" -tt | tail -n 60
	net_fail "$lost packets lost while rekeying"
}
net_ok "rekeying loses nothing ($lost of $(awk \
    '/packets transmitted/ { print $1 }' "$NET_RUN/stream.out"))"
net_stop oed_left
net_stop oed_right
run left
run right

# Key roll-over (§5.4): the key of tomorrow is published beside that of today,
# then used, then that of today is withdrawn.  Traffic goes on all the time.
# Which family a name is of makes no difference.
roll_over()
{
	oe_ping left "$right" 5 || net_fail "no keys before the roll-over"
	stream 125 >"$NET_RUN/lost" &
	stream_pid=$!
	cp "$NET_RUN/right.pem" "$NET_RUN/right.old.pem"
	"$NET_TOP/ctl/rsipctl" keygen -f -o "$NET_RUN/right.new.pem" --id "$right" \
	    >"$NET_RUN/new.records" 2>"$NET_RUN/keygen.log" || net_fail "keygen"
	oe_publish "$NET_RUN/new.records"
	oe_serve_again
	cp "$NET_RUN/right.new.pem" "$NET_RUN/right.pem"
	net_stop oed_right
	run right
	net_until 15 oe_ping left "$right" 1 || net_fail "the new key is not taken"
	wait "$stream_pid"
	net_ok "the key of tomorrow beside that of today: $(cat "$NET_RUN/lost") lost" \
	    "while the daemon restarted"
	cp "$NET_RUN/reverse.records" "$NET_RUN/both.records"
	grep -v -F "$(awk '$0 ~ /KEY/ { print $NF }' "$NET_RUN/right.records" |
	    head -n 1 | cut -c 20-60)" "$NET_RUN/both.records" \
	    >"$NET_RUN/reverse.records"
	oe_serve_again
	net_stop oed_left
	run left
	oe_ping left "$right" 5 || net_fail "the old key withdrawn: no keys"
	net_ok "the key of today withdrawn"
}
[ "$FAMILY" = 6 ] || roll_over

# A peer that dies without a word, and begins again: the other end has SAs that
# are worth nothing, and finds out by itself.
oe_ping left "$right" 5 || net_fail "no keys before the kill"
net_stop oed_right KILL
oe_ping left "$right" 1 && net_fail "a dead peer answers"
run right
start=$(date +%s%N)
net_until 20 oe_ping left "$right" 1 || net_fail "a peer that began anew is lost"
net_ok "a killed and restarted peer: $((($(date +%s%N) - start) / 1000000)) ms" \
    "until traffic flows"

# After a crash it keys again with those it remembers, before they say a word:
# what they still send with the old keys would be lost (§9.3).
oe_ping left "$right" 3 || net_fail "no keys before the crash"
net_until 3 grep -q -v '^ikev2 ' "$NET_RUN/oe_right.peers" ||
	net_fail "right remembers nobody"
net_stop oed_right KILL
# What they are remembered on will be full one day.
mkdir "$NET_RUN/disk"
mount -n -t tmpfs -o size=64k,nr_inodes=16 tmpfs "$NET_RUN/disk" ||
    net_skip "cannot mount here"
cp -p "$NET_RUN/oe_right.peers" "$NET_RUN/disk/peers"
state="state = \"$NET_RUN/disk/peers\""
run right
state=
keyed()
{
	[ -n "$(spi_of right "$left")" ]
}
net_until 5 keyed || net_fail "right forgot its peers in the crash"
net_ok "after a crash the peers remembered on disk are keyed with again"

# On a full disk what was written last stays whole, and that is said once.  A
# disk has no family.
full_disk()
{
	net_until 5 grep -q -v '^ikev2 ' "$NET_RUN/disk/peers" || net_fail "nothing is written"
	for filler in $(seq 20); do
		touch "$NET_RUN/disk/$filler" 2>/dev/null
	done
	cp "$NET_RUN/disk/peers" "$NET_RUN/peers.before"
	said=$(grep -c 'disk/peers' "$NET_RUN/oed_right.log")
	net_stop oed_left
	forgotten()
	{
		[ -z "$(spi_of right "$left")" ]
	}
	net_until 5 forgotten || net_fail "right was not told of the end"
	sleep 3
	cmp -s "$NET_RUN/peers.before" "$NET_RUN/disk/peers" ||
	    net_fail "a full disk cost what was remembered"
	said=$(($(grep -c 'disk/peers' "$NET_RUN/oed_right.log") - said))
	[ "$said" = 1 ] || net_fail "a full disk is said $said times"
	rm "$NET_RUN"/disk/[0-9]*
	net_until 5 sh -c "! grep -q -v '^ikev2 ' '$NET_RUN/disk/peers'" ||
	    net_fail "a disk with room again is not written to"
	net_ok "a full disk: what was remembered stays whole, said $said time," \
	    "written again when there is room"
	run left
	oe_ping left "$right" 5 || net_fail "no keys after the full disk"
}
[ "$FAMILY" = 6 ] || full_disk

# A peer that leaves says so: nothing of it stays.
net_stop oed_right
net_until 3 idle oed_left || net_fail "left was not told of the end"
net_ok "a clean end is told to the peer"

leaks=$(oe_count "$NET_RUN/left.pcap" "$OE_ECHO and src $left and dst $right")
[ "$leaks" = 0 ] || net_fail "$leaks clear packets"
net_ok "not one clear datagram in all of this"
