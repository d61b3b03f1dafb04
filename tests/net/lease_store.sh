#!/bin/sh
# lease_store.sh - leases outlive rsipd: killed, stopped, killed under load, on a full disk, on one that fails, with a torn file
. "$(dirname "$0")/lib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl tests/net/disk_fails.so
grep -q '^#define HAVE_LMDB' "$NET_TOP/config.h" ||
    net_skip "built without LMDB"
net_enter "$@"
cd "$NET_RUN" || exit 1
tool=$NET_HERE/laptop_gap.py
PYTHONPATH=$NET_HERE/../peer
export PYTHONPATH

# So many kills under load: KILLS=200 sh tests/net/lease_store.sh
kills=${KILLS:-20}

net_picture
net_keys
net_zones
net_dns
net_oed y1
mkdir store full
config="leases = \"$NET_RUN/store/leases.mdb\""
net_rsipd "$config"
net_rsipc x1
net_rsipc x2
net_start echo_y2 y2 python3 "$tool" echo 7007
net_ready echo_y2 10 grep -q echo echo_y2.log
net_start tcp_y2 x1 python3 "$tool" tcp "$NET_Y2" 7007
net_ready tcp_y2 15 grep -q connected tcp_y2.log
net_start echo_y1 y1 python3 "$tool" echo 7007
net_ready echo_y1 10 grep -q echo echo_y1.log
net_start tcp_y1 x1 python3 "$tool" tcp "$NET_Y1" 7007
net_ready tcp_y1 15 grep -q connected tcp_y1.log

# Who holds what, without the time that is left.
held()
{
	net_json rsipd leases 'sorted(str(sorted((k, v) for k, v in row.items()
	    if "expires" not in k)) for row in rows)'
}

# WHAT
goes_on()
{
	now=$(held)
	[ "$now" = "$before" ] || net_fail "$1: held before
$before
and now
$now"
	grep -q 'going on: ' rsipd.log || net_fail "$1: nothing was restored"
	net_gap tcp_y1 >/dev/null
	sleep 0.5
	awk -v g="$(net_gap tcp_y1)" 'BEGIN { exit !(g < 0.45) }' ||
	    net_fail "$1: the connection stands still"
	# In the clear: without rules the router's own kernel would reset it.
	awk -v g="$(net_gap tcp_y2)" 'BEGIN { exit !(g < 2) }' ||
	    net_fail "$1: the clear connection: $(tail -n 3 tcp_y2.log)"
	net_alive tcp_y2 || net_fail "$1: the clear connection ended"
	if grep -q 'REGISTER_FIRST\|registered as' rsipc_x1.log.new; then
		net_fail "$1: the host had to register: $(cat rsipc_x1.log.new)"
	fi
	net_ok "$1: the same client and bind IDs, ports and SPIs; the connection in ESP lives"
}

log_mark()
{
	wc -l <rsipc_x1.log >mark
}

log_new()
{
	tail -n "+$(($(cat mark) + 1))" rsipc_x1.log >rsipc_x1.log.new
}

sleep 1
before=$(held)
[ "${#before}" -gt 200 ] || net_fail "nothing is leased: $before"
[ "$(stat -c %a store/leases.mdb)" = 600 ] ||
    net_fail "mode $(stat -c %a store/leases.mdb)"

log_mark
net_stop rsipd KILL
net_rsipd "$config"
sleep 1
log_new
goes_on "killed"

log_mark
net_stop rsipd
net_rsipd "$config"
sleep 1
log_new
goes_on "stopped and started, as an upgrade does"

# --- the address comes after the gateway, as at a boot -------------------------------
net_stop rsipd
ip -n N addr show dev eth0 | awk '$1 == "inet" { print $2 }' >addresses
ip -n N route show default >route
ip -n N addr flush dev eth0
net_rsipd_config "$config" | grep -v '^pool' >rsipd.conf
if net_on N "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd.conf" >late.log 2>&1
then
	net_fail "it runs without an address: $(cat late.log)"
fi
while read -r address; do
	ip -n N addr add "$address" dev eth0
done <addresses
# shellcheck disable=SC2046
ip -n N route replace $(cat route)
net_start rsipd N "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd.conf"
net_ready rsipd 10 net_ctl rsipd status
now=$(held)
[ "$now" = "$before" ] || net_fail "late: held before
$before
and now
$now"
net_ok "an address that comes after the gateway brings its leases back"
net_stop rsipd
net_rsipd "$config"

# --- under load: what was answered is there, what is there was asked ------------------
rm -f answered
python3 "$NET_HERE/lease_store.py" hosts >hosts
while read -r host; do
	ip -n x1 addr add "$host/24" dev eth0
done <hosts
net_start load x1 python3 "$NET_HERE/lease_store.py" load answered
net_ready load 10 test -s answered
i=0
while [ $i -lt "$kills" ]; do
	# Not at the same moment of a request each time.
	sleep "0.$((i % 7 * 3 + 1))"
	net_stop rsipd KILL
	net_rsipd "$config"
	i=$((i + 1))
done
sleep 0.5
net_alive load || net_fail "the load ended: $(cat load.log)"
touch answered.stop
net_until 20 grep -q "done" load.log || net_fail "the load does not end"
net_ctl rsipd leases --json >leases.json
said=$(python3 "$NET_HERE/lease_store.py" check answered <leases.json) ||
    net_fail "after $kills kills"
net_ok "$kills kills under load: $said"

# --- what was freed rests after a crash too ------------------------------------------
net_on x1 python3 "$NET_HERE/lease_store.py" free >free.log 2>&1 ||
    net_fail "free: $(cat free.log)"
net_stop rsipd KILL
net_rsipd "$config"
net_on x1 python3 "$NET_HERE/lease_store.py" rests "$(cat free.log)" >rests.log 2>&1 ||
    net_fail "rest: $(cat rests.log)"
net_ok "what was freed rests after a kill, but for its last holder"

# --- files that are none -----------------------------------------------------------------
net_stop rsipd
size=$(stat -c %s store/leases.mdb)
truncate -s $((size / 2 / 4096 * 4096)) store/leases.mdb
net_rsipd "$config"
grep -q 'leases.mdb.broken now' rsipd.log || net_fail "torn: $(cat rsipd.log)"
[ -f store/leases.mdb.broken ] || net_fail "the torn file is gone"
net_until 15 net_leased rsipc_x1 || net_fail "x1 has no lease after that"
net_stop rsipd
head -c 100000 /dev/urandom >store/leases.mdb
net_rsipd "$config"
grep -q 'leases.mdb.broken now' rsipd.log || net_fail "foreign: $(cat rsipd.log)"
net_ok "a torn file and a foreign one are set aside, hosts register anew"

# --- nobody takes over -----------------------------------------------------------------
rules()
{
	net_on N sh -c 'nft list table ip rsip; iptables-save -t raw' 2>/dev/null |
	    grep -ci 'rsip'
}
no_rules()
{
	[ "$(rules)" = 0 ]
}
net_stop rsipd
config="$config linger = 5"
net_rsipd "$config"
net_stop rsipd KILL
sleep 1
[ "$(rules)" -gt 0 ] || net_fail "killed: the rules went at once"
net_until 10 no_rules || net_fail "the rules stay for ever"
net_rsipd "$config"
net_stop rsipd KILL
echo 'nonsense' >bad.conf
net_on N "$NET_TOP/rsipd/rsipd" -f -c bad.conf 2>/dev/null &&
    net_fail "nonsense is no error"
net_until 10 no_rules || net_fail "the rules stay after a start that failed"
net_ok "rules stay some seconds for who takes over, and no longer"

# --- a disk that is full --------------------------------------------------------------------
net_stop rsipd
mount -n -t tmpfs -o mode=755,size=256k tmpfs full
config="leases = \"$NET_RUN/full/leases.mdb\""
net_rsipd "$config"
net_on x1 python3 "$NET_HERE/lease_store.py" full granted full/rest >full.log 2>&1 ||
    net_fail "full: $(cat full.log)"
net_ok "$(cat full.log)"
grep -q 'nothing new is granted' rsipd.log || net_fail "nothing was said"
kept()
{
	net_ctl rsipd leases --json |
	    python3 "$NET_HERE/lease_store.py" kept granted
}
kept >/dev/null || net_fail "full, and some are gone"
net_stop rsipd KILL
net_rsipd "$config"
said=$(kept) || net_fail "killed with a full disk, and some are gone"
net_ok "killed with a full disk, and started on it: $said"
rm full/rest
net_on x1 python3 "$NET_HERE/lease_store.py" room ||
    net_fail "the disk has room again, and nothing is granted"
net_ok "with room on the disk again, leases are granted"

# --- a disk that takes what is written, and says that it did not keep it ----------------------
# A preloaded library comes before a sanitizer's own.
if net_sanitizer asan || net_sanitizer tsan; then
	exit 0
fi
net_stop rsipd
config="leases = \"$NET_RUN/store/fails.mdb\""
printf 0 >fails
net_rsipd_config "$config" >rsipd.conf
net_start rsipd N env LD_PRELOAD="$NET_TOP/tests/net/disk_fails.so" \
    DISK_FAILS="$NET_RUN/fails" "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd.conf"
net_ready rsipd 10 net_ctl rsipd status

# VERB...: one host's words
host()
{
	net_on x1 python3 "$NET_HERE/pair_store.py" "$@" 2>&1
}

# Of that host alone: the laptops come and go meanwhile.
hosts_own()
{
	net_json rsipd leases 'sorted(str((r["client_id"], r["bind_id"], r["ports"]))
	    for r in rows if r["host"] == "10.0.0.100" and r["bind_id"])'
}

# 0 or 1
disk_fails()
{
	printf '%s' "$1" | dd of=fails conv=notrunc 2>/dev/null
}

# What is held is what was before, and nothing else.
unchanged()
{
	now=$(hosts_own)
	[ "$now" = "$before" ] || net_fail "$1: before $before; now $now"
}

host grant 3 >/dev/null || net_fail "before it fails, nothing is granted"
before=$(hosts_own)
disk_fails 1
said=$(host refused) || net_fail "granted, and it may not be on the disk: $said"
unchanged "refused ($said), and held"
grep -q 'nothing new is granted' rsipd.log || net_fail "nothing was said"
disk_fails 0
granted=$(host grant 1) || net_fail "the disk is well again: $granted"
before=$(hosts_own)
# Perhaps this one is on the disk after all: then it is still its host's.
disk_fails 1
said=$(host refused) || net_fail "granted, and it may not be on the disk: $said"
unchanged "refused again ($said), and held"
net_stop rsipd KILL
net_rsipd "$config"
echo "$before" >before
hosts_own >now
lost=$(grep -cvxFf now before)
more=$(grep -cvxFf before now)
[ "$lost" = 0 ] || net_fail "answered, and gone: $(cat before now)"
[ "$more" -le 1 ] || net_fail "refused, and there: $(cat before now)"
granted=$(host grant 1) || net_fail "after a kill: $granted"
net_ok "what may not be on the disk is refused ($said); what was answered is there after a kill"
