#!/bin/sh
# errors.sh - what cannot work ends with one line that says what to mend, and a status other than 0
# Shows: RFC 3102 §4.2.
. "$(dirname "$0")/lib.sh"
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"
net_picture
cd "$NET_RUN" || exit 1
failed=0
# So that it is the daemons that refuse below.
setpriv --bounding-set=-all --inh-caps=-all true ||
    net_skip "setpriv cannot drop capabilities here"

# TITLE PATTERN NAMESPACE COMMAND...: it must end by itself, not with 0, after
# one line on stderr with PATTERN in it.
one_line()
{
	title=$1 pattern=$2 where=$3
	shift 3
	net_on "$where" timeout 10 "$@" >out 2>err </dev/null
	status=$?
	lines=$(wc -l <err)
	if [ "$status" = 0 ] || [ "$status" -ge 124 ]; then
		why="status $status"
	elif [ "$lines" != 1 ]; then
		why="$lines lines"
	elif ! grep -Eqi "$pattern" err; then
		why="nothing about /$pattern/"
	else
		net_ok "$title: $(cat err)"
		return
	fi
	net_say "FAIL: $title: $why"
	sed 's/^/    /' err
	failed=1
}

rsipd=$NET_TOP/rsipd/rsipd
rsipc=$NET_TOP/rsipc/rsipc
oed=$NET_TOP/oe/oed
ctl=$NET_TOP/ctl/rsipctl

# DAEMON NAMESPACE: what is the same for each of the three.
common()
{
	name=${1##*/}
	printf '# a comment\ncontrol = \n' >broken.conf
	one_line "$name: a file that does not parse" 'broken\.conf:[0-9]+' \
	    "$2" "$1" -f -c broken.conf
	printf 'no-such-option = 1\n' >unknown.conf
	one_line "$name: an unknown option" 'unknown\.conf:1.*no-such-option' \
	    "$2" "$1" -f -c unknown.conf
	# By which an init system knows that starting it again does not help.
	[ "$status" = 78 ] || {
		net_say "FAIL: $name: status $status for a wrong configuration"
		failed=1
	}
	one_line "$name: -n finds the same" 'unknown\.conf:1.*no-such-option' \
	    "$2" "$1" -n -c unknown.conf
	one_line "$name: no such file" 'absent\.conf' \
	    "$2" "$1" -f -c absent.conf
	one_line "$name: an unknown flag" 'see .*--help|option' \
	    "$2" "$1" --no-such-flag
	one_line "$name: an argument too many" 'see .*--help' \
	    "$2" "$1" -f extra
	printf 'control = "%s/c.sock"\n' "$NET_RUN" >good.conf
	one_line "$name: not root" 'root|CAP_NET_ADMIN' \
	    "$2" setpriv --bounding-set=-all --inh-caps=-all \
	    "$1" -f -c good.conf
}

common "$rsipd" N
common "$rsipc" x1
common "$oed" y1

net_rsipd_config 'pool "203.0.113.9" { ports = {"50-40"} }' >pool.conf
one_line "rsipd: a pool upside down" 'pool\.conf:[0-9]+' \
    N "$rsipd" -f -c pool.conf
for addr in 127.0.0.1 224.0.0.1 255.255.255.255 0.0.0.0; do
	net_rsipd_config "pool \"$addr\" { }" >pool.conf
	one_line "rsipd -n: pool $addr" "pool\.conf:[0-9]+.*no host's" \
	    N "$rsipd" -n -c pool.conf
done
net_rsipd_config 'pool "10.7.7.7" { }' >pool.conf
one_line "rsipd -n: a private pool" 'pool\.conf:[0-9]+.*private-pools' \
    N "$rsipd" -n -c pool.conf
net_rsipd_config 'private-pools = true
pool "10.7.7.7" { }' >pool.conf
"$rsipd" -n -c pool.conf || {
	net_say "FAIL: rsipd -n: a private pool that is meant"
	failed=1
}
for addr in 10.0.0.1 10.0.0.11; do
	net_rsipd_config "private-pools = true
	pool \"$addr\" { }" >pool.conf
	one_line "rsipd: the private side's $addr as a pool" \
	    '(gateway.s own|private interface)' N "$rsipd" -f -c pool.conf
done
net_rsipd_config | sed 's/eth0/nosuch0/' >interface.conf
one_line "rsipd: no such interface" 'nosuch0' \
    N "$rsipd" -f -c interface.conf

net_start taken N python3 -c '
import signal, socket
s = socket.socket(); s.bind(("10.0.0.1", 4555)); s.listen()
signal.pause()'
listening()
{
	net_on N ss -Hltn "sport = :4555" | grep -q .
}
net_until 5 listening
net_rsipd_config >port.conf
one_line "rsipd: a taken port" '4555' N "$rsipd" -f -c port.conf
net_stop taken

for daemon in "$rsipc x1" "$oed y1"; do
	# shellcheck disable=SC2086
	set -- $daemon
	name=${1##*/}
	printf 'oe {\n\tkey = "/nowhere/private.pem"\n}\n' >key.conf
	one_line "$name: a missing key file" '/nowhere/private\.pem' \
	    "$2" "$1" -f -c key.conf
	printf 'this is no key\n' >bad.pem
	chmod 600 bad.pem
	printf 'oe {\n\tkey = "%s/bad.pem"\n}\n' "$NET_RUN" >key.conf
	one_line "$name: a file that is no key" 'bad\.pem' \
	    "$2" "$1" -f -c key.conf
	printf 'oe {\n\tpermissive = {"10.1.2.3/99"}\n}\n' >prefix.conf
	one_line "$name: a prefix that is none" 'prefix\.conf:[0-9]+' \
	    "$2" "$1" -f -c prefix.conf
done

one_line "rsipctl: no command" 'command' x1 "$ctl"
one_line "rsipctl: an unknown command" 'see .*--help|unknown|no such' x1 "$ctl" frobnicate
one_line "rsipctl: nobody answers" 'absent\.sock' \
    x1 "$ctl" -s "$NET_RUN/absent.sock" status
one_line "rsipctl: why without an address" 'see .*--help|address' x1 "$ctl" why
one_line "rsipctl: a key where one is" 'bad\.pem' x1 "$ctl" keygen -o bad.pem
grep -q 'this is no key' bad.pem || net_fail "rsipctl keygen overwrote a file"

# Nothing of it may have been left by a program that refused to run.
net_on N iptables-save 2>/dev/null | grep -q NFQUEUE &&
    net_fail "a refused rsipd left rules"
[ -z "$(net_on x1 ip -o link show type tun 2>/dev/null)" ] ||
    net_fail "a refused rsipc left a device"
exit "$failed"
