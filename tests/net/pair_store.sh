#!/bin/sh
# pair_store.sh - the store that gateways share: by name and by IPv6, TLS and a user who may do little, away, emptied, replaced by a Sentinel
. "$(dirname "$0")/lib.sh"
. "$NET_HERE/pairlib.sh"
pair_needs openssl nsd
net_enter "$@"
cd "$NET_RUN" || exit 1
PYTHONPATH=$NET_HERE/../peer
export PYTHONPATH

pair_picture
net_namespaces r
net_cable r eth0 10.9.0.6 back || net_fail "r"
net_addresses x1 10.0.0.100/24 10
for ns in N:2 M:3 s:5; do
	net_on "${ns%:*}" sysctl -qw net.ipv6.conf.all.disable_ipv6=0
	ip -n "${ns%:*}" addr add "fd09::${ns#*:}/64" dev "$([ "$ns" = s:5 ] &&
	    echo eth0 || echo eth2)" nodad || net_fail "IPv6 of ${ns%:*}"
done
cat >lab.zone <<EOF
@ 60 SOA s hostmaster 1 1h 15m 1w 60
@ 60 NS s
s 60 A 10.9.0.5
store 60 A 10.9.0.5
EOF
cat >nsd.conf <<EOF
$(net_nsd_head 10.9.0.5)
zone:
  name: lab
  zonefile: lab.zone
EOF

# What doc/threats.md says that the gateways' user needs, and no more.
commands="+evalsha +script|load +xread +ping +role +auth +wait +get +setnx +incr
    +hget +hset +hmget +hgetall +del +pexpire +xadd +xrevrange +scan"

# --- certificates ----------------------------------------------------------------
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj "/CN=store CA" -keyout ca.key -out ca.pem 2>openssl.log &&
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -subj "/CN=store" -keyout store.key -out store.csr 2>>openssl.log &&
    printf 'subjectAltName = IP:10.9.0.5, IP:fd09::5, DNS:store.lab\n' >san &&
    openssl x509 -req -in store.csr -CA ca.pem -CAkey ca.key -days 2 \
    -extfile san -out store.pem 2>>openssl.log || net_fail "$(cat openssl.log)"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj "/CN=another CA" -keyout other.key -out other.pem 2>>openssl.log
# shellcheck disable=SC2086
set -- $commands
printf 'user default off\nuser rsipd on >secret-of-the-store ~rsip:* %s\n' \
    "$*" >users.acl
printf 'secret-of-the-store\n' >password
chmod 600 password

cat >redis.conf <<EOF
bind 10.9.0.5 fd09::5
port 0
tls-port 6380
tls-cert-file $NET_RUN/store.pem
tls-key-file $NET_RUN/store.key
tls-ca-cert-file $NET_RUN/ca.pem
tls-auth-clients no
aclfile $NET_RUN/users.acl
dir $NET_RUN
save ""
EOF
tls_store()
{
	net_start store s "$NET_STORE_SERVER" "$NET_RUN/redis.conf"
}

# GATEWAY SERVERS LINES-OF-SHARED [LINES]
gateway()
{
	sed "s/servers = .*/servers = {$2}/" >"rsipd_$1.conf" <<-EOF
	$(PAIR_SHARED=$3 pair_rsipd_config "$1" "${4-}")
	EOF
	net_start "rsipd_$1" "$1" "$NET_TOP/rsipd/rsipd" -f \
	    -c "$NET_RUN/rsipd_$1.conf"
	net_ready "rsipd_$1" 10 net_ctl "rsipd_$1" status
}

hold()
{
	ip -n "$1" addr add 10.0.0.1/24 dev eth1
	ip -n "$1" addr add "$NET_NB/24" dev eth0
	net_on x1 ip neigh flush all
}

drop()
{
	ip -n "$1" addr del 10.0.0.1/24 dev eth1
	ip -n "$1" addr del "$NET_NB/24" dev eth0
	net_on x1 ip neigh flush all
}

ask()
{
	net_on x1 python3 "$NET_HERE/pair_store.py" "$@" 2>&1
}

bindings()
{
	net_json "rsipd_$1" status 'at("bindings")'
}

has()
{
	[ "$(bindings "$1")" = "$2" ]
}

tls_store
secure="user = \"rsipd\"
	password = \"$NET_RUN/password\"
	patience = 500
	ca = \"$NET_RUN/ca.pem\""
gateway N '"store.lab:6380"' "$secure" 'resolvers = {"10.9.0.5"}'
gateway M '"[fd09::5]:6380"' "$secure"
hold N
for bad in 10.9.0 10.9.0.5: 10.9.0.5:65536 '[fd09::5' '[fd09::5]6380' :6380 'a b' ''; do
	sed "s/servers = .*/servers = {\"$bad\"}/" rsipd_M.conf >bad.conf
	net_on N "$NET_TOP/rsipd/rsipd" -n -c "$NET_RUN/bad.conf" >bad.log 2>&1 &&
	    net_fail "the server \"$bad\" is taken: $(cat bad.log)"
	grep -q 'is not ADDRESS, NAME' bad.log || net_fail "$bad: $(cat bad.log)"
done
# The name is asked for again and again.
net_until 10 grep -q 'store.lab port 6380: ' rsipd_N.log ||
    net_fail "without DNS: $(cat rsipd_N.log)"
net_start nsd s nsd -d -c "$NET_RUN/nsd.conf"
net_until 10 pair_is N active || net_fail "N: $(net_ctl rsipd_N status)"
granted=$(ask grant 20) || net_fail "$granted"
net_until 5 has M 20 || net_fail "M follows with $(bindings M)"
net_ok "one finds the store by name, as soon as there is DNS, one by IPv6"
net_ok "by TLS, as a user of $(echo "$commands" | wc -w) commands: 20 granted, and the other has them"

# --- a store that somebody else plays ------------------------------------------------
net_stop rsipd_M
gateway M '"10.9.0.5:6380"' "$(printf '%s' "$secure" | sed 's/ca.pem/other.pem/')"
net_until 10 grep -q 'verify failed' rsipd_M.log ||
    net_fail "a certificate of nobody: $(cat rsipd_M.log)"
pair_is M away || net_fail "it is taken all the same"
net_ok "a store whose certificate nobody vouches for is none"
net_stop rsipd_M
gateway M '"10.9.0.5:6380"' "$secure"
net_until 10 has M 20 || net_fail "M has $(bindings M)"

# --- away --------------------------------------------------------------------------------
bind=$(echo "$granted" | awk 'NR == 1 { print $1 }')
port=$(echo "$granted" | awk 'NR == 2 { print $2 }')
kill -STOP "$(net_pid store)"
said=$(ask refused) || net_fail "$said"
# Under way when it is found out, or after that.
case $said in
104 | 308) ;;
*) net_fail "a grant while the store is silent: $said" ;;
esac
silent=$said
net_until 5 pair_is N alone || net_fail "N says $(net_ctl rsipd_N status)"
said=$(ask refused) || net_fail "$said"
[ "$said" = 308 ] || net_fail "a grant without a store: $said"
said=$(ask extend "$bind") || net_fail "$said"
[ "$said" = 600 ] || net_fail "extended for $said s"
ask free "$(echo "$granted" | awk 'NR == 2 { print $1 }')" || net_fail "free"
net_ctl rsipd_N status | grep -q 'nothing new is granted' ||
    net_fail "$(net_ctl rsipd_N status)"
kill -CONT "$(net_pid store)"
net_until 10 pair_is N active || net_fail "N: $(net_ctl rsipd_N status)"
net_until 10 has M 19 || net_fail "M has $(bindings M) of 19"
net_ok "the store is silent: $silent, then 308; what is leased is extended and freed, and the store told later"

# --- the address is another's just as something of it is freed -------------------------------
store_as_user()
{
	net_on s "$NET_STORE_CLI" -h 10.9.0.5 -p 6380 --tls --cacert ca.pem --user \
	    rsipd --pass secret-of-the-store --no-auth-warning "$@"
}
more=$(ask grant 1) || net_fail "$more"
net_until 10 has M 20 || net_fail "M has $(bindings M) of 20"
store_as_user hset rsip:epoch "$NET_NB" 999:another.1 >/dev/null || net_fail "hset"
ask free "${more% *}" || net_fail "free"
net_until 10 grep -q 'another gateway has taken it' rsipd_N.log ||
    net_fail "N is not told: $(cat rsipd_N.log)"
net_until 10 has M 19 || net_fail "M has $(bindings M): what its host freed is kept"
net_until 10 pair_is N active || net_fail "N: $(net_ctl rsipd_N status)"
net_until 10 has N 19 || net_fail "N has $(bindings N)"
net_ok "freed at one that had just lost the address: it is free"

# --- what was freed rests at the other one, too ---------------------------------------------
# It has not heard of it, but finds it there.
net_stop rsipd_M
gateway M '"10.9.0.5:6380"' "$secure"
net_until 10 has M 19 || net_fail "M has $(bindings M) of 19"
drop N
hold M
net_until 10 pair_is M active || net_fail "M: $(net_ctl rsipd_M status)"
ask rests "$port" || net_fail "the freed port does not rest at M"
net_ok "what was freed at one rests at the other"

# --- it comes back with nothing -------------------------------------------------------------
net_stop store KILL
tls_store
net_until 10 pair_is M active || net_fail "M: $(net_ctl rsipd_M status)"
stored()
{
	[ "$(store_as_user --scan --pattern 'rsip:g:*' | wc -l)" = 19 ]
}
net_until 10 stored || net_fail "the store was not told again"
net_until 10 has N 19 || net_fail "N has $(bindings N)"
granted=$(ask grant 1) || net_fail "$granted"
net_until 10 has N 20 || net_fail "N has $(bindings N)"
net_ok "a store that forgot everything is told again, and nobody loses a lease"

# --- a version to come writes there ---------------------------------------------------------
net_stop rsipd_N
store_as_user hset rsip:g:00000001:00000001 k G r "$(printf '\003')" >/dev/null || net_fail "hset"
gateway N '"10.9.0.5:6380"' "$secure"
net_until 10 has N 20 || net_fail "N has $(bindings N)"
drop M
hold N
net_stop rsipd_M
sleep 1
pair_is N active && net_fail "it grants what a newer one has granted"
grep -q 'records of a newer rsipd' rsipd_N.log || net_fail "nothing is said"
net_ok "what a version to come has leased is not taken over by this one, which says so"
drop N
hold M
gateway M '"10.9.0.5:6380"' "$secure"
net_stop rsipd_N
net_stop rsipd_M
net_stop store

# --- Sentinel ---------------------------------------------------------------------------------
cat >sentinel.conf <<EOF
bind 10.9.0.6
port 26379
dir $NET_RUN
protected-mode no
sentinel monitor rsip 10.9.0.5 6379 1
sentinel down-after-milliseconds rsip 500
sentinel failover-timeout rsip 2000
EOF
pair_store
mkdir -p replica
net_start replica r "$NET_STORE_SERVER" --bind 10.9.0.6 --protected-mode no --save "" \
    --dir "$NET_RUN/replica" --replicaof 10.9.0.5 6379 --repl-diskless-sync-delay 0
net_start sentinel r "$NET_STORE_SERVER" "$NET_RUN/sentinel.conf" --sentinel
replicated()
{
	net_on s "$NET_STORE_CLI" -h 10.9.0.5 info replication | grep -q state=online
}
net_until 20 replicated || net_fail "no replica"
known()
{
	net_on r "$NET_STORE_CLI" -h 10.9.0.6 -p 26379 sentinel replicas rsip |
	    grep -q 10.9.0.6
}
net_until 15 known || net_fail "the Sentinel knows no replica"
sentinels='master = "rsip"
	replicas = 1'
drop M
hold N
for g in N M; do
	gateway $g '"10.9.0.6:26379"' "$sentinels"
done
# The list is read after who its servers are.
net_until 10 pair_is N active || net_fail "N: $(net_ctl rsipd_N status)"
granted=$(ask grant 10) || net_fail "$granted"
net_stop store KILL
net_until 20 pair_is N alone || net_fail "N: $(net_ctl rsipd_N status)"
net_until 30 pair_is N active || net_fail "N: $(net_ctl rsipd_N status)"
net_until 10 has M 10 || net_fail "M has $(bindings M)"
n=$(net_on r "$NET_STORE_CLI" -h 10.9.0.6 --scan --pattern 'rsip:g:*' | wc -l)
[ "$n" -ge 10 ] || net_fail "the new master has $n of 10"
# There is no replica any more: what cannot be kept twice is not granted.
said=$(ask refused) || net_fail "$said"
net_ok "a Sentinel replaces the store: 10 of 10 are there, and without a replica error $said"

# --- a standby that knows old things only ----------------------------------------------------
net_stop rsipd_M
gateway M '"10.9.0.6:26379"' "$sentinels" "quarantine = 1"
net_until 15 has M 10 || net_fail "M has $(bindings M) of 10"
kill -STOP "$(net_pid replica)"
net_until 15 has M 0 || net_fail "M still has $(bindings M)"
pair_is M away || net_fail "M says $(net_ctl rsipd_M status | head -n 1)"
[ "$(bindings N)" = 10 ] || net_fail "the active one has $(bindings N)"
net_ok "a standby without the store forgets once freed ports may be another's; who is active does not"
