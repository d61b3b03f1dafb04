#!/bin/sh
# daemon.sh - each daemon as an init system runs it: background, pid file, reload, second instance, end
. "$(dirname "$0")/lib.sh"
net_needs nsd unbound nginx curl ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"

# NAME
pid_of()
{
	cat "$NET_RUN/$1.pid" 2>/dev/null
}

runs()
{
	kill -0 "$(pid_of "$1")" 2>/dev/null
}

ended()
{
	! kill -0 "$1" 2>/dev/null
}

# What was built in, and nothing else.
said=$("$NET_TOP/rsipd/rsipd" -V) || net_fail "rsipd -V"
for what in BPF:eBPF LMDB:LMDB HIREDIS:hiredis; do
	grep -q "^#define HAVE_${what%:*} 1" "$NET_TOP/config.h"
	built=$?
	printf '%s\n' "$said" | grep -q "^built with .*${what#*:}"
	[ $? = $built ] || net_fail "rsipd -V says of ${what#*:}: $said"
done
net_ok "$said"

# NAME NAMESPACE PROGRAM: starts it with NAME.conf and goes through its life.
life()
{
	name=$1 where=$2 program=$3
	set -- "$program" -c "$NET_RUN/$name.conf" -p "$NET_RUN/$name.pid"
	# ARGUMENT WORDS: refused with them, as a matter of the command line.
	for wrong in "-x:bad option -x" "stray:unexpected argument stray" \
	    "--long:bad option --long" "-c:no file after -c"; do
		net_on "$where" timeout 20 "$program" "${wrong%%:*}" \
		    >"$NET_RUN/wrong" 2>&1
		[ $? = 2 ] && grep -q -e "${wrong#*:}" "$NET_RUN/wrong" ||
		    net_fail "$name ${wrong%%:*}: $(cat "$NET_RUN/wrong")"
	done
	# A pipe ends with the command, whatever goes on in the background.
	{
		net_on "$where" timeout 20 "$@" 2>&1
		echo $? >"$NET_RUN/rc"
	} | timeout 30 cat >"$NET_RUN/$name.log" ||
	    net_fail "$name holds what its starter reads from"
	[ "$(cat "$NET_RUN/rc")" = 0 ] ||
	    net_fail "$name does not start in the background"
	# When the command returns, the service works: no waiting here.
	runs "$name" || net_fail "$name: no process with the id in its pid file"
	net_ctl "$name" status >"$NET_RUN/status" ||
	    net_fail "$name does not answer when its start has returned"
	# In a user namespace of one id there is nobody else to change to.
	if grep -q '^ *0 *0 *4294967295$' /proc/self/uid_map &&
	    [ "$(ps -o user= -p "$(pid_of "$name")")" = root ]; then
		net_fail "$name goes on as root"
	fi
	grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$(pid_of "$name")/status" ||
	    net_fail "$name may gain privileges"
	net_ok "$name: the start returns when it works; it is not root then"

	if net_on "$where" timeout 20 "$@" -p "$NET_RUN/second.pid" \
	    >"$NET_RUN/second.log" 2>&1; then
		net_fail "a second $name starts beside the first"
	fi
	runs "$name" || net_fail "a second $name ends the first"
	net_ctl "$name" status >/dev/null ||
	    net_fail "a second $name takes the first one's socket"
	net_ok "$name: no second one: $(tail -n 1 "$NET_RUN/second.log")"

	cp "$NET_RUN/$name.conf" "$NET_RUN/good"
	echo 'no-such-option = 1' >>"$NET_RUN/$name.conf"
	kill -HUP "$(pid_of "$name")"
	sleep 0.5
	runs "$name" && net_ctl "$name" status >/dev/null ||
	    net_fail "$name does not survive the reload of a bad file"
	cp "$NET_RUN/good" "$NET_RUN/$name.conf"
	kill -HUP "$(pid_of "$name")"
	sleep 0.5
	runs "$name" && net_ctl "$name" status >/dev/null ||
	    net_fail "$name does not survive a reload"
	net_ctl "$name" reload >"$NET_RUN/reload" ||
	    net_fail "rsipctl reload: $(cat "$NET_RUN/reload")"
	net_ok "$name: reloads, and keeps running on a bad file"
}

# NAME NAMESPACE PROGRAM: in the foreground it tells who asked by NOTIFY_SOCKET,
# by a path and by an abstract name, and has an answer for rsipctl then.
notifies()
{
	for socket in "$NET_RUN/notify" "@$NET_RUN/notify"; do
		net_on "$2" timeout 20 python3 "$NET_HERE/notify.py" "$socket" \
		    "$NET_TOP/ctl/rsipctl -s $NET_RUN/$1.sock status" \
		    "$3" -f -c "$NET_RUN/$1.conf" >"$NET_RUN/notify.log" 2>&1 ||
		    net_fail "$1: $(tail -n 3 "$NET_RUN/notify.log")"
		rm -f "$NET_RUN/notify"
	done
	net_ok "$1: tells the service manager when it works"
}

# NAME
death()
{
	pid=$(pid_of "$1")
	kill -TERM "$pid"
	net_until 10 ended "$pid" || net_fail "$1 does not end on SIGTERM"
	[ ! -e "$NET_RUN/$1.pid" ] || [ ! -s "$NET_RUN/$1.pid" ] ||
	    ended "$(pid_of "$1")" || net_fail "$1 leaves a live pid file"
	net_ctl "$1" status >/dev/null 2>&1 && net_fail "$1 still answers"
	net_ok "$1: ends on SIGTERM"
}

net_picture
net_keys
net_zones
net_dns
net_rsipd_config >"$NET_RUN/rsipd.conf"
printf 'state = ""\ncontrol = "%s"\noe {\n\tid = "@x1.lab"\n\tkey = "%s"\n\t%s\n\tstate = "%s"\n}\n' \
    "$NET_RUN/rsipc.sock" "$NET_RUN/x1.pem" "$NET_RESOLVER" "$NET_RUN/x1.peers" \
    >"$NET_RUN/rsipc.conf"
printf 'control = "%s"\noe {\n\tkey = "%s"\n\t%s\n\tstate = "%s"\n}\n' \
    "$NET_RUN/oed.sock" "$NET_RUN/y1.pem" "$NET_RESOLVER" "$NET_RUN/y1.peers" \
    >"$NET_RUN/oed.conf"
notifies rsipd N "$NET_TOP/rsipd/rsipd"
notifies oed y1 "$NET_TOP/oe/oed"
notifies rsipc x1 "$NET_TOP/rsipc/rsipc"
life rsipd N "$NET_TOP/rsipd/rsipd"
life oed y1 "$NET_TOP/oe/oed"
life rsipc x1 "$NET_TOP/rsipc/rsipc"
net_until 10 net_leased rsipc || net_fail "rsipc does not lease"
net_web y1
net_fetch x1 "$NET_Y1" "$NET_RUN/x1.y1" && net_same "$NET_RUN/x1.y1" ||
    net_fail "no transfer between daemons in the background"
net_ctl rsipc why "$NET_Y1" | grep -q 'encrypted' ||
    net_fail "the transfer was not encrypted"
net_ok "a transfer between them is encrypted"
death rsipc
death oed
death rsipd
