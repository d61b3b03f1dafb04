#!/bin/sh
# charon_inside.sh - our IKE and ESP against strongSwan's charon and the kernel's IPsec, as root on a kernel that has ESP
#
# usage: top_builddir=BUILDDIR charon_inside.sh [CASE...]
# charon.sh runs it inside a VM; case bench: tests/bench/ike.sh.
# With LIBIPSEC=1 charon does ESP itself, in UDP always, on any kernel: quick,
# for what is about IKE (kernel-libipsec of libcharon-extra-plugins).
# shellcheck disable=SC3043	# every sh that runs this has "local"
modprobe -qa esp4 xfrm_user tun veth bridge nft_masq nft_chain_nat 2>/dev/null
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/charonlib.sh"
net_needs swanctl nft tcpdump python3 openssl
net_needs_built tests/interop/ike_probe tests/net/flood
net_enter "$@"
[ $# -gt 0 ] || set -- keys roles psk rekey deletes dead kilobytes natt refusals algorithms bulk
probe=$NET_TOP/tests/interop/ike_probe
T=$NET_RUN
passed=0 failed=0
US=198.51.100.1 THEM=198.51.100.10	# the ends of the wire
UIN=10.8.0.1 TIN=10.9.0.1		# what the tunnel joins
# An emulated machine is slow.
[ -n "${LIBIPSEC-}" ] || NET_SLOW=4
slow=${NET_SLOW:-1}

ok() { passed=$((passed + 1)); echo "ok - $*"; }
not_ok() {
	failed=$((failed + 1))
	echo "not ok - $*"
	[ -z "${LOGS-}" ] || cp "$T/probe.log" "$LOGS/probe.$failed"
	[ -z "${LOGS-}" ] || cp "$T/charon.log" "$LOGS/charon.$failed"
	echo "  ours:"; tail -n 12 "$T/probe.log" | sed 's/^/    /'
	echo "  charon's:"; tail -n 25 "$T/charon.log" | sed 's/^/    /'
	net_on them ip -s xfrm state | sed 's/^/    /' | head -n 40
}
# check DESCRIPTION COMMAND...
check() { local d=$1; shift; if "$@"; then ok "$d"; else not_ok "$d"; fi; }

# count PATTERN: lines of our log so far
count() { grep -c -- "$1" "$T/probe.log"; }
more_than() { [ "$(count "$1")" -gt "$2" ]; }
# says SECONDS PATTERN: our log says it (again) since mark
mark() { seen=$(wc -l < "$T/probe.log"); }
since() { tail -n +$((seen + 1)) "$T/probe.log" | grep -q -- "$1"; }
says() { net_until "$1" since "$2"; }

namespaces() {
	net_links wire private public
	net_namespaces us them nat
	net_cable us wu $US wire && net_cable them wt $THEM wire &&
	    ip -n them addr add $TIN/32 dev lo &&
	    ip -n them route add $UIN/32 via $US || net_fail "the wire"
	# A private network behind a NAT that knows nothing of IPsec.
	net_cable us wi 10.0.0.11 private && net_cable nat ni 10.0.0.1 private &&
	    net_cable nat wo 203.0.113.7 public &&
	    net_cable them wn 203.0.113.10 public &&
	    ip -n us route add 203.0.113.0/24 via 10.0.0.1 &&
	    net_on nat sysctl -qw net.ipv4.ip_forward=1 &&
	    net_on nat nft -f - <<-END || net_fail "the NAT"
	table ip n {
		chain p {
			type nat hook postrouting priority 100
			oifname wo masquerade random
		}
	}
	END
}

# settings LINES: charon's, with these.
settings() {
	charon_settings "des md5 gcm ${LIBIPSEC:+kernel-libipsec}" "retransmit_tries = 3
		replay_window = 1024
		${1-}"
}
keys() {
	local n
	mkdir -p "$T/swanctl/private" "$T/swanctl/pubkey"
	for n in us them other; do
		openssl genrsa -out "$T/$n.pem" 2048 2>/dev/null
		openssl rsa -in "$T/$n.pem" -pubout -out "$T/$n.pub" 2>/dev/null
	done
	cp "$T/them.pem" "$T/swanctl/private/"
	cp "$T/us.pub" "$T/them.pub" "$T/other.pub" "$T/swanctl/pubkey/"
	settings
	: > "$T/charon.log"; : > "$T/probe.log"
}

charon_kill() { net_stop charon KILL
	net_on them ip xfrm state flush; net_on them ip xfrm policy flush; }
charon_anew() { charon_kill; settings "${1-}"; charon_run them; }
swan() { SWANCTL_DIR=$T/swanctl STRONGSWAN_CONF=$T/strongswan.conf \
	timeout $((60 * slow)) swanctl "$@" --uri "unix://$T/vici"; }

# Defaults that a case may change before connection_load.
defaults() {
	IKE=aes256-sha256-modp2048 ESP=aes256-sha256-modp2048 AUTH=pubkey VERSION=1
	LADDR=$THEM RADDR=$US TPUB=us.pub LPUB=them.pub MORE='' CHILD=''
}
connection_load() {
	local keys=
	[ $AUTH = psk ] || keys="pubkeys = $TPUB"
	cat > "$T/swanctl/swanctl.conf" <<-END
	connections { us {
		version = $VERSION
		local_addrs = $LADDR
		remote_addrs = $RADDR
		proposals = $IKE
		$MORE
		local { auth = $AUTH
			id = $LADDR
			$([ $AUTH = psk ] || echo pubkeys = $LPUB) }
		remote { auth = $AUTH
			id = us.lab
			$keys }
		children { net { local_ts = $TIN/32
			remote_ts = $UIN/32
			esp_proposals = $ESP
			$CHILD } }
	} }
	secrets { ike-us { id-1 = us.lab
		id-2 = $LADDR
		id-3 = $RADDR
		secret = "${PSK-correct horse battery staple}" } }
	END
	swan --load-all --clear >"$T/load.out" 2>&1 || { cat "$T/load.out"; not_ok "charon loads its configuration"; }
}

# probe_start ARGS...: our end, told by file descriptor 9
probe_start() {
	rm -f "$T/in"; mkfifo "$T/in"; : > "$T/probe.log"; seen=0
	exec 9<>"$T/in"
	(exec nsenter --net=/run/netns/us "$probe" -T tun0 -i @us.lab \
	    -s $UIN -d $TIN "$@" <"$T/in" >>"$T/probe.log" 2>&1 9>&-) &
	probe_pid=$!
	net_until 10 since '^ready' || not_ok "our end starts"
	ip -n us addr add $UIN/32 dev tun0; ip -n us link set tun0 mtu 1360 up
	ip -n us route add $TIN/32 dev tun0
}
probe_stop() { kill -CONT $probe_pid 2>/dev/null; kill $probe_pid 2>/dev/null; wait $probe_pid 2>/dev/null; exec 9>&-; }
rsa="-k $T/us.pem -K $T/them.pub"
wire="-l $US -B wu"
tell() { mark; echo "$1" >&9; }

charon_asks() { swan --initiate --child net --timeout $((20 * slow)) >"$T/out" 2>&1; }
charon_is_refused() { ! charon_asks; }

# ping_from NAMESPACE FROM TO: the first may come before charon has its half
ping_from() {
	net_until 30 net_on "$1" ping -q -c 1 -W 2 -I "$2" "$3" &&
	    net_on "$1" ping -q -c 3 -i 0.2 -W 5 -I "$2" "$3" | grep -q ' 0% packet loss'
}
pings() { ping_from us $UIN $TIN && ping_from them $TIN $UIN; }
# The kernel's own counters: it decrypted something.
kernel_decrypted() { [ -n "${LIBIPSEC-}" ] || net_on them ip -s xfrm state | awk '/dst '"$LADDR"'/ {in_=1} /dst/ && !/dst '"$LADDR"'/ {in_=0}
	in_ && /\(bytes\)/ && $1+0 > 0 {n++} END {exit !n}'; }
no_child() { ! swan --list-sas --raw 2>/dev/null | grep -q 'state=INSTALLED'; }
no_ike() { ! swan --list-sas --raw 2>/dev/null | grep -q 'ESTABLISHED'; }
clean() { probe_stop; swan --terminate --ike us --force >/dev/null 2>&1; net_until 5 no_ike; }

# --- cases -------------------------------------------------------------------

case_keys() {	# raw RSA keys, raw ESP, we ask
	defaults; connection_load; probe_start $wire -r $THEM $rsa
	tell request
	check "RSA: we initiate" says 15 '^confirmed'
	check "RSA: pings both ways" pings
	check "RSA: the kernel decrypted them" kernel_decrypted
	clean
}

case_roles() {	# charon asks
	defaults; connection_load; probe_start $wire $rsa
	check "RSA: charon initiates" charon_asks
	check "RSA: we respond" says 10 '^confirmed'
	check "RSA: pings both ways over what charon asked for" pings
	clean
}

case_psk() {
	defaults; AUTH=psk; connection_load
	probe_start $wire -r $THEM -P 'correct horse battery staple'
	tell request
	check "PSK: we initiate" says 15 '^confirmed'
	check "PSK: pings both ways" pings
	clean
	probe_start $wire -P 'correct horse battery staple'
	check "PSK: charon initiates" charon_asks
	check "PSK: pings both ways over what charon asked for" pings
	clean
}

ups() { count '^up '; }
case_rekey() {
	local n life=$((30 * slow))
	defaults; connection_load; probe_start $wire -r $THEM $rsa -L $life
	tell request; says 15 '^confirmed'
	tell rekey
	check "rekey: Phase 2 from us" says 10 '^confirmed'
	check "rekey: pings after it" pings
	mark
	swan --rekey --child net >/dev/null 2>&1
	check "rekey: Phase 2 from charon" says 10 '^confirmed'
	check "rekey: pings after it" pings
	mark
	swan --rekey --ike us --reauth >/dev/null 2>&1
	check "rekey: Phase 1 from charon" says 10 'Phase 1 SA with'
	sleep 1
	check "rekey: pings after it" pings
	tell rekey
	check "rekey: Phase 2 from us over charon's Phase 1" says 10 '^confirmed'
	# At 80 to 85 % of its lifetime; as responder at 95 %.
	mark
	check "rekey: Phase 1 from us" says 35 'Phase 1 SA with'
	sleep 8
	check "rekey: the old Phase 1 SA's end leaves Phase 2 alone" pings
	tell rekey
	check "rekey: Phase 2 over our new Phase 1" says 10 '^confirmed'
	check "rekey: pings after it" pings
	clean
	# Crossing: both at the same time.
	probe_start $wire -r $THEM $rsa
	tell request; says 15 '^confirmed'
	mark; n=$(ups)
	swan --rekey --child net >/dev/null 2>&1 & tell rekey; wait $!
	check "rekey: crossing, one or two new pairs" net_until 10 more_than '^up ' "$n"
	sleep 2
	check "rekey: pings after crossing" pings
	clean
}

case_deletes() {
	defaults; connection_load; probe_start $wire -r $THEM $rsa
	tell request; says 15 '^confirmed'
	tell delete
	check "delete: from us, charon's pair goes" net_until 10 no_child
	tell request; says 15 '^confirmed'
	check "delete: a new pair after it" pings
	mark
	swan --terminate --child net >/dev/null 2>&1
	check "delete: from charon, ours goes" says 10 '^down .* by peer'
	tell request; says 15 '^confirmed'; mark
	swan --terminate --ike us >/dev/null 2>&1
	check "delete: charon ends Phase 1, ours goes" says 10 '^down .* by peer'
	tell request
	check "delete: all anew after it" says 15 '^confirmed'
	check "delete: pings after it" pings
	tell shutdown
	check "delete: our shutdown, charon has no Phase 1 left" net_until 10 no_ike
	clean
}

case_dead() {
	defaults; MORE='dpd_delay = 2s
		dpd_timeout = 8s'; CHILD='dpd_action = clear'; connection_load
	probe_start $wire -r $THEM $rsa -D 2
	tell request; says 15 '^confirmed'
	sleep 7
	check "DPD: nobody is dead" pings
	kill -STOP $probe_pid
	check "DPD: charon notices that we are gone" net_until 40 no_ike
	kill -CONT $probe_pid; sleep 1
	tell shutdown; sleep 1
	clean
	defaults; connection_load; probe_start $wire -r $THEM $rsa -D 2
	tell request; says 15 '^confirmed'; mark
	charon_kill
	check "DPD: we notice that charon is gone" says 40 '^down'
	charon_run them; connection_load
	tell request
	check "restart: anew with a restarted charon" says 20 '^confirmed'
	check "restart: pings" pings
	charon_kill; charon_run them; connection_load; mark
	check "restart: charon asks after a restart" charon_asks
	check "restart: its INITIAL-CONTACT ends the old pair" says 10 '^down .* by peer'
	check "restart: pings" pings
	clean
}

case_kilobytes() {
	defaults; CHILD='life_bytes = 50000000
		rekey_bytes = 40000000
		rand_bytes = 0'; connection_load
	probe_start $wire -r $THEM $rsa -b 20000
	tell request
	check "kilobytes: ours are taken over" says 15 'bytes 20480000'
	clean
	probe_start $wire $rsa
	charon_asks
	check "kilobytes: charon's are taken over" says 15 'bytes 51200000'	# whole kilobytes
	clean
}

case_natt() {
	local there="-l 10.0.0.11 -B wi -r 203.0.113.10"
	defaults; LADDR=203.0.113.10 RADDR=%any; connection_load
	probe_start $there $rsa
	tell request
	check "NAT-T: we initiate from behind a NAT" says 15 '^confirmed'
	check "NAT-T: ESP goes in UDP" since 'udp 4500-4500'
	check "NAT-T: pings both ways" pings
	check "NAT-T: the kernel decrypted them" kernel_decrypted
	mark; swan --rekey --child net >/dev/null 2>&1
	check "NAT-T: Phase 2 rekeyed from charon" says 10 '^confirmed'
	tell rekey
	check "NAT-T: Phase 2 rekeyed from us" says 10 '^confirmed'
	check "NAT-T: pings after it" pings
	net_on nat timeout 20 tcpdump -q -n -i wo -c 1 'udp and dst port 4500 and udp[4:2] = 9 and udp[8] = 0xff' \
	    >"$T/dump" 2>/dev/null
	check "NAT-T: keepalives of one byte 0xff leave" grep -q 4500 "$T/dump"
	tell delete
	check "NAT-T: delete from us" net_until 10 no_child
	clean
	AUTH=psk; connection_load
	probe_start $there -P 'correct horse battery staple'
	tell request
	check "NAT-T: PSK from behind a NAT" says 15 '^confirmed'
	check "NAT-T: pings both ways" pings
	clean
	# charon pretends to be behind a NAT: we respond, and see one there.
	defaults; MORE='encap = yes'; connection_load; probe_start $wire $rsa
	check "NAT-T: charon initiates as if behind a NAT" charon_asks
	check "NAT-T: we respond with ESP in UDP" says 10 'udp 4500-4500'
	check "NAT-T: pings both ways" pings
	clean
}

case_refusals() {
	defaults; AUTH=psk; connection_load
	probe_start $wire -r $THEM -P 'something else entirely'
	tell request
	check "refusal: another pre-shared key" says 40 '^failed'
	clean
	defaults; connection_load; probe_start $wire -r $THEM -k "$T/us.pem" -K "$T/other.pub"
	tell request
	check "refusal: charon's key is not the one we know" says 40 '^failed signature'
	clean
	defaults; TPUB=other.pub; connection_load; probe_start $wire -r $THEM $rsa
	tell request
	check "refusal: charon knows another key of ours" says 40 '^failed'
	clean
	defaults; IKE=aes256-sha384-ecp521; connection_load; probe_start $wire -r $THEM $rsa
	tell request
	check "refusal: no proposal in common" says 40 '^failed'
	check "refusal: nor when charon asks" charon_is_refused
	clean
	defaults; ESP=null-sha256-modp2048; connection_load; probe_start $wire $rsa
	check "refusal: no NULL encryption" charon_is_refused
	clean
}

# algorithm IKE ESP
algorithm() {
	defaults; IKE=$1 ESP=$2; connection_load
	probe_start $wire -r $THEM $rsa ${3-}
	tell request
	if says 20 '^confirmed' && pings && kernel_decrypted; then
		ok "$1, $2: we ask"
	else
		not_ok "$1, $2: we ask"
	fi
	clean
	probe_start $wire $rsa
	if charon_asks &&
	    says 10 '^confirmed' && pings && kernel_decrypted; then
		ok "$1, $2: charon asks"
	else
		not_ok "$1, $2: charon asks"
	fi
	clean
}
case_algorithms() {
	algorithm aes256-sha256-modp2048 aes256-sha256-modp2048
	algorithm aes128-sha256-modp2048 aes128-sha256-modp2048
	algorithm aes256-sha256-ecp256 aes256gcm16-ecp256
	algorithm aes256-sha512-ecp384 aes128gcm16-ecp384
	algorithm aes256-sha512-modp3072 aes256-sha512-modp3072
	algorithm aes128-sha1-modp2048 aes128-sha1-modp2048
	algorithm aes128-sha1-modp1536 3des-sha1-modp1536
	algorithm 3des-sha1-modp1536 3des-md5-modp1536
	algorithm 3des-md5-modp1536 aes256-sha256-modp1536
	algorithm 3des-sha1-modp1024 aes256-sha256-modp1024
	algorithm 3des-md5-modp1024 aes128-sha256-modp1024
	[ -z "${LIBIPSEC-}" ] || return	# it has no ESN
	algorithm aes256-sha256-modp2048 aes256-sha256-modp2048-esn -e
	algorithm aes256-sha256-modp2048 aes256gcm16-modp2048-esn -e
}

# transfer FROM TO ADDRESS: 100 MB, the sum compared
transfer() {
	local sum
	net_on "$2" python3 - "$3" "$T/sum" <<-'END' &
	import hashlib, socket, sys
	s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	s.bind((sys.argv[1], 9000)); s.listen(1); s.settimeout(300)
	c, _ = s.accept(); c.settimeout(300); h = hashlib.sha256(); n = 0
	while b := c.recv(1 << 16): h.update(b); n += len(b)
	open(sys.argv[2], 'w').write(f'{n} {h.hexdigest()}')
	END
	sleep 1
	sum=$(net_on "$1" python3 - "$3" "${4:-100}" <<-'END'
	import hashlib, os, socket, sys
	s = socket.create_connection((sys.argv[1], 9000), 300); h = hashlib.sha256()
	b = os.urandom(1 << 20); n = int(sys.argv[2])
	for i in range(n): s.sendall(b); h.update(b)
	s.close(); print(n << 20, h.hexdigest())
	END
	)
	wait $!
	[ -n "$sum" ] && [ "$sum" = "$(cat "$T/sum")" ]
}
nothing_refused() { ! net_on them cat /proc/net/xfrm_stat |
	awk '$2 > 0 && /In(StateProto|StateSeq|StateMode|TmplMismatch)/' | grep .; }
case_bulk() {
	defaults; connection_load; probe_start $wire -r $THEM $rsa
	tell request
	says 15 '^confirmed' && pings
	check "bulk: 100 MB from us" transfer us them $TIN
	rm -f "$T/sum"
	check "bulk: 100 MB to us" transfer them us $UIN
	check "bulk: no packet refused by the kernel" nothing_refused
	clean
}

# Whole handshakes, Main Mode and Quick Mode with PFS, one after the other: what
# each end's process spends on the same ones.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
bench() {
	local i n=${HANDSHAKES:-100} done=0 begin ours theirs
	connection_load; probe_start $wire -r $THEM $rsa
	tell request; says 15 '^confirmed'; tell fresh
	sleep 1
	begin=$(date +%s%N) ours=$(ticks $probe_pid) theirs=$(ticks "$(net_pid charon)")
	for i in $(seq "$n"); do
		tell request
		says 15 '^confirmed' && done=$((done + 1))
		tell fresh
	done
	ours=$(($(ticks $probe_pid) - ours)) theirs=$(($(ticks "$(net_pid charon)") - theirs))
	check "bench, IKEv${VERSION:-1}: $n handshakes" [ "$done" = "$n" ]
	awk -v n="$n" -v o="$ours" -v t="$theirs" -v hz="$(getconf CLK_TCK)" 'BEGIN {
		printf "%-18s %22s\n", "initiator, ours", sprintf("%.2f ms CPU a handshake", o / hz / n * 1000)
		printf "%-18s %22s\n", "responder, charon", sprintf("%.2f ms CPU a handshake", t / hz / n * 1000)
		printf "%-18s %22.2f\n", "ours / charon", o / t }'
	clean
}
case_bench() { defaults; bench; }

# --- IKEv2 (charon_ike2.sh) ---------------------------------------------------

# As defaults; v2 IKE ESP: and what is offered and taken.
v2() { VERSION=2 IKE=$1 ESP=$2; rsa="-2 -k $T/us.pem -K $T/them.pub"; }
v2_default() { defaults; v2 aes256gcm16-prfsha512-x25519 aes256gcm16; }

case_v2_bench() { v2_default; bench; }

case_v2_keys() {	# raw RSA keys, RFC 7427
	v2_default; connection_load; probe_start $wire -r $THEM $rsa
	tell request
	check "IKEv2, RSA: we initiate" says 15 '^up initiator'
	check "IKEv2, RSA: pings both ways" pings
	check "IKEv2, RSA: the kernel decrypted them" kernel_decrypted
	clean
	probe_start $wire $rsa
	check "IKEv2, RSA: charon initiates" charon_asks
	check "IKEv2, RSA: we respond" says 10 '^confirmed'
	check "IKEv2, RSA: pings both ways over what charon asked for" pings
	clean
}

# type_keys TYPE OPTIONS...: a key of each end's
type_keys() {
	local type=$1 n; shift
	for n in us them; do
		openssl genpkey "$@" -out "$T/$n.$type.pem" 2>/dev/null
		openssl pkey -in "$T/$n.$type.pem" -pubout -out "$T/$n.$type.pub"
		cp "$T/$n.$type.pub" "$T/swanctl/pubkey/"
	done
	cp "$T/them.$type.pem" "$T/swanctl/private/"
}
# type2 WHAT US THEM: both ask, with a key of those types at each end
type2() {
	v2_default; TPUB=us$2.pub LPUB=them$3.pub; connection_load
	probe_start $wire -2 -r $THEM -k "$T/us$2.pem" -K "$T/them$3.pub"
	tell request
	check "IKEv2, $1: we initiate" says 15 '^up initiator'
	check "IKEv2, $1: pings both ways" pings
	clean
	probe_start $wire -2 -k "$T/us$2.pem" -K "$T/them$3.pub"
	check "IKEv2, $1: charon initiates" charon_asks
	check "IKEv2, $1: pings both ways over what charon asked for" pings
	clean
}
charon_says() { net_until 5 grep -q -- "$1" "$T/charon.log"; }
case_v2_types() {	# RFC 7427 and 8420 with each type; RFC 4754 where charon knows no RFC 7427
	type_keys p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	type_keys p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
	type_keys ed25519 -algorithm ED25519
	type2 "ECDSA P-256" .p256 .p256
	type2 "ECDSA P-384" .p384 .p384
	type2 "Ed25519" .ed25519 .ed25519
	type2 "Ed25519 here, RSA there" .ed25519 ""
	check "IKEv2, types: charon believed ED25519" charon_says "with ED25519 successful"
	check "IKEv2, types: and ECDSA with its curve's hash" charon_says "with ECDSA_WITH_SHA384_DER successful"
	sed -i 's/^charon {/&\n\tsignature_authentication = no/' "$T/strongswan.conf"
	swan --reload-settings >/dev/null 2>&1
	type2 "ECDSA P-256, RFC 4754" .p256 .p256
	type2 "ECDSA P-384, RFC 4754" .p384 .p384
	check "IKEv2, types: charon believed method 9" charon_says "with ECDSA-256 signature successful"
	check "IKEv2, types: and method 10" charon_says "with ECDSA-384 signature successful"
	sed -i '/signature_authentication/d' "$T/strongswan.conf"
	swan --reload-settings >/dev/null 2>&1
}

case_v2_psk() {
	v2_default; AUTH=psk; connection_load
	probe_start $wire -2 -r $THEM -P 'correct horse battery staple'
	tell request
	check "IKEv2, PSK: we initiate" says 15 '^up initiator'
	check "IKEv2, PSK: pings both ways" pings
	clean
	probe_start $wire -2 -P 'correct horse battery staple'
	check "IKEv2, PSK: charon initiates" charon_asks
	check "IKEv2, PSK: pings both ways over what charon asked for" pings
	clean
}

# algorithm2 IKE ESP
algorithm2() {
	v2_default; v2 "$1" "$2"; connection_load; probe_start $wire -r $THEM $rsa
	tell request
	if says 20 '^up initiator' && pings; then
		ok "IKEv2, $1, $2: we ask"
	else
		not_ok "IKEv2, $1, $2: we ask"
	fi
	clean; probe_start $wire $rsa
	if charon_asks && says 10 '^confirmed' && pings; then
		ok "IKEv2, $1, $2: charon asks"
	else
		not_ok "IKEv2, $1, $2: charon asks"
	fi
	clean
}
case_v2_algorithms() {	# every group (INVALID_KE_PAYLOAD for all but one), PRF, cipher and MAC
	algorithm2 aes256gcm16-prfsha512-x25519 aes256gcm16
	algorithm2 aes128gcm16-prfsha384-ecp256 aes128gcm16
	algorithm2 aes256-sha256-ecp384 aes256-sha256
	algorithm2 aes128-sha384-modp2048 aes128-sha512
	algorithm2 aes256-sha512-modp3072 aes256gcm16-modp3072
	algorithm2 chacha20poly1305-prfsha256-modp4096 aes256-sha256-noesn
}

case_v2_rekey() {
	local n
	v2_default; connection_load; probe_start $wire -r $THEM $rsa
	tell request; says 15 '^up initiator'
	tell rekey
	check "IKEv2, rekey: a child from us" says 10 '^up initiator'
	check "IKEv2, rekey: the old one goes" says 10 '^down'
	check "IKEv2, rekey: pings after it" pings
	mark; swan --rekey --child net >/dev/null 2>&1
	check "IKEv2, rekey: a child from charon" says 10 '^up responder'
	check "IKEv2, rekey: confirmed when the old one is deleted" says 10 '^confirmed'
	check "IKEv2, rekey: pings after it" pings
	swan --rekey --ike us >/dev/null 2>&1; sleep 1
	check "IKEv2, rekey: pings after charon's of the IKE SA" pings
	tell rekey
	check "IKEv2, rekey: a child from us over charon's IKE SA" says 10 '^up initiator'
	check "IKEv2, rekey: pings after it" pings
	mark; n=$(count '^up ')
	swan --rekey --child net >/dev/null 2>&1 & tell rekey; wait $!
	check "IKEv2, rekey: crossing, one or two new pairs" net_until 10 more_than '^up ' "$n"
	sleep 2
	check "IKEv2, rekey: pings after crossing" pings
	clean
	# Our IKE SA is renewed by us at 80 to 85 % of its life.
	probe_start $wire -r $THEM $rsa -L $((6 * slow))
	tell request; says 15 '^up initiator'
	sleep $((12 * slow))
	check "IKEv2, rekey: pings after two of our IKE SA" pings
	tell rekey
	check "IKEv2, rekey: a child over the third IKE SA" says 10 '^up initiator'
	clean
}

case_v2_deletes() {
	v2_default; connection_load; probe_start $wire -r $THEM $rsa
	tell request; says 15 '^up initiator'
	tell delete
	check "IKEv2, delete: from us, charon's pair goes" net_until 10 no_child
	tell request; says 15 '^up initiator'
	check "IKEv2, delete: a new pair over the same IKE SA" pings
	mark; swan --terminate --child net >/dev/null 2>&1
	check "IKEv2, delete: from charon, ours goes" says 10 '^down .* by peer'
	tell request; says 15 '^up initiator'; mark
	swan --terminate --ike us >/dev/null 2>&1
	check "IKEv2, delete: charon ends the IKE SA, ours goes" says 10 '^down .* by peer'
	tell request; says 15 '^up initiator'
	tell shutdown
	check "IKEv2, delete: we end the IKE SA, charon's goes" net_until 10 no_ike
	clean
}

case_v2_dead() {	# liveness, INITIAL_CONTACT after a restart
	charon_anew 'retransmit_timeout = 1'
	v2_default; MORE='dpd_delay = 2s'; CHILD='dpd_action = clear'; connection_load
	probe_start $wire -r $THEM $rsa -D 2
	tell request; says 15 '^up initiator'
	sleep $((5 * slow))
	check "IKEv2, liveness: nobody is dead" pings
	kill -STOP $probe_pid
	check "IKEv2, liveness: charon notices that we are gone" net_until 40 no_ike
	probe_stop
	v2_default; connection_load; probe_start $wire -r $THEM $rsa -D 2
	tell request; says 15 '^up initiator'; mark
	charon_kill
	check "IKEv2, liveness: we notice that charon is gone" says 40 '^down'
	charon_run them; connection_load
	tell request
	check "IKEv2, restart: anew with a restarted charon" says 20 '^up initiator'
	check "IKEv2, restart: pings" pings
	charon_kill; charon_run them; connection_load; mark
	check "IKEv2, restart: charon asks after a restart" charon_asks
	check "IKEv2, restart: its INITIAL_CONTACT ends the old pair" says 10 '^down .* by peer'
	check "IKEv2, restart: pings" pings
	clean
	charon_anew
}

# A request with a cookie (16390) has it first, a Notify (41); so has what asks for one.
cookies() {
	tcpdump -n -r "$T/cookies.pcap" "udp port 500 and src $1 and udp[24] = 41
	    and udp[26] = 34 and udp[42:2] = 16390" 2>/dev/null | grep -c isakmp
}
cookie_shown() { [ "$(cookies $THEM)" -gt 0 ] && [ "$(cookies $US)" -gt 0 ]; }
case_v2_cookies() {	# COOKIE, and then INVALID_KE_PAYLOAD too
	local group
	charon_anew 'cookie_threshold = 1
		half_open_timeout = 300'
	v2_default; RADDR=%any; connection_load
	# Somebody has begun, and is not there.
	net_on us "$NET_TOP/tests/net/flood" ike2 198.51.100.99 $THEM 40 1 >/dev/null
	for group in x25519 ecp256; do
		v2 aes256gcm16-prfsha512-$group aes256gcm16; connection_load
		net_start cookies us tcpdump -i wu -U -w "$T/cookies.pcap" udp port 500
		net_until 10 test -s "$T/cookies.pcap"
		probe_start $wire -r $THEM $rsa
		tell request
		check "IKEv2, cookie, $group: we initiate" says 15 '^up initiator'
		check "IKEv2, cookie, $group: charon asked for one, and has seen it" net_until 5 cookie_shown
		check "IKEv2, cookie, $group: pings" pings
		net_stop cookies
		rm -f "$T/cookies.pcap"
		clean
	done
	charon_anew
}

case_v2_fragments() {	# RFC 7383 both ways
	v2_default; MORE='fragmentation = yes'; connection_load
	probe_start $wire -r $THEM $rsa -F 400
	tell request
	check "IKEv2, fragments: charon puts ours together" says 15 '^up initiator'
	check "IKEv2, fragments: pings" pings
	clean
	v2_default; MORE='fragmentation = force'; connection_load
	probe_start $wire $rsa -F 300
	check "IKEv2, fragments: we answer in them" charon_asks
	check "IKEv2, fragments: pings" pings
	clean
}

case_v2_natt() {
	v2_default; LADDR=203.0.113.10 RADDR=%any; connection_load
	probe_start -l 10.0.0.11 -B wi -r 203.0.113.10 $rsa
	tell request
	check "IKEv2, NAT: we initiate from behind one" says 15 '^up initiator'
	check "IKEv2, NAT: ESP goes in UDP" since 'udp 4500-4500'
	check "IKEv2, NAT: pings both ways" pings
	mark; swan --rekey --child net >/dev/null 2>&1
	check "IKEv2, NAT: rekeyed from charon" says 10 '^up responder'
	check "IKEv2, NAT: pings after it" pings
	clean
	v2_default; MORE='encap = yes'; connection_load; probe_start $wire $rsa
	check "IKEv2, NAT: charon initiates as if behind one" charon_asks
	check "IKEv2, NAT: pings both ways" pings
	clean
}

case_v2_refusals() {
	v2_default; AUTH=psk; connection_load
	probe_start $wire -2 -r $THEM -P 'something else entirely'
	tell request
	check "IKEv2, refusal: another pre-shared key" says 40 '^failed the peer does not accept our proof'
	clean
	v2_default; connection_load
	probe_start $wire -2 -r $THEM -k "$T/us.pem" -K "$T/other.pub"
	tell request
	check "IKEv2, refusal: charon's key is not the one we know" says 40 '^failed signature'
	check "IKEv2, refusal: and charon is told" net_until 10 no_ike
	clean
	v2_default; TPUB=other.pub; connection_load; probe_start $wire -r $THEM $rsa
	tell request
	check "IKEv2, refusal: charon knows another key of ours" says 40 '^failed the peer does not accept our proof'
	clean
	v2_default; v2 aes256-sha1-modp1024 aes256gcm16; connection_load
	probe_start $wire -r $THEM $rsa
	tell request
	check "IKEv2, refusal: nothing old, whoever asks" says 40 '^failed'
	check "IKEv2, refusal: nor when charon asks" charon_is_refused
	clean
	v2_default; v2 aes256gcm16-prfsha512-x25519 null-sha256; connection_load
	probe_start $wire $rsa
	check "IKEv2, refusal: no NULL encryption" charon_is_refused
	clean
}

namespaces; keys; charon_run them
for c in "$@"; do "case_$c"; done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
