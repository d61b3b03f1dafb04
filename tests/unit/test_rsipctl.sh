#!/bin/sh
# test_rsipctl.sh - rsipctl and librsipstatus against fake daemons; keys and their records
set -u

src=${srcdir:-.}
ctl=./ctl/rsipctl
command -v python3 >/dev/null || { echo "no python3"; exit 77; }
dir=$(mktemp -d) || exit 99
pids=
failed=0

cleanup() {
	[ -z "$pids" ] || kill $pids 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# daemon SOCKET NAME JSON: starts one and waits until it listens.
daemon() {
	printf '%s' "$3" >"$dir/$1.json"
	python3 "$src/tests/unit/fake_daemon.py" "$dir/$1" "$2" \
	    "$dir/$1.json" 2>"$dir/$1.err" &
	pids="$pids $!"
	i=0
	while [ ! -S "$dir/$1" ]; do
		i=$((i + 1))
		[ $i -lt 500 ] || { cat "$dir/$1.err"; exit 99; }
		sleep 0.01
	done
}

# asked SOCKET MEMBER=VALUE...: a request with these members has come.
asked() {
	python3 - "$dir/$1.log" "$@" <<-'P'
	import json, sys
	wanted = dict(w.split("=", 1) for w in sys.argv[3:])
	sys.exit(not any(wanted.items() <= json.loads(line).items()
	                 for line in open(sys.argv[1])))
	P
}

# run STATUS ARGUMENTS: output in $dir/out and $dir/err, status as wanted.
run() {
	want=$1
	shift
	"$@" >"$dir/out" 2>"$dir/err"
	got=$?
	[ $got -eq "$want" ] || fault "$*: exit status $got, not $want"
}

fault() {
	echo "FAIL: $1"
	sed 's/^/  out: /' "$dir/out"
	sed 's/^/  err: /' "$dir/err"
	failed=1
}

out_is() {
	printf '%s\n' "$1" | cmp -s - "$dir/out" || fault "output is not: $1"
}

out_has() {
	grep -qF -- "$1" "$dir/out" || fault "no \"$1\" in the output"
}

err_has() {
	grep -qF -- "$1" "$dir/err" || fault "no \"$1\" in the errors"
}

err_lines() {
	[ "$(wc -l <"$dir/err")" -eq "$1" ] || fault "not $1 lines of errors"
}

# --- wrong arguments: one line that says what, and 2 ---------------------------
run 2 $ctl
err_has "which command"
run 2 $ctl frobnicate
err_has 'unknown command "frobnicate"'
err_lines 1
run 2 $ctl status now
run 2 $ctl why
run 2 $ctl why 192.0.2.256
err_has "not an address"
err_lines 1
run 2 $ctl --json why localhost
err_has "an address is wanted"
run 2 $ctl why ..
err_has "nor a name"
run 2 $ctl why 1.2.3.4 1.2.3.5
run 2 $ctl --nonsense
err_has "unknown option --nonsense"
err_lines 1
run 2 $ctl -s
err_has "-s: its argument is missing"
err_lines 1
run 2 $ctl -qj status
err_has "bad option -q"
run 2 $ctl --json=1 status
err_lines 1
run 2 $ctl keygen -b 512
err_has "2048 to 8192"
run 2 $ctl keygen -b 2048x
run 2 $ctl keygen extra
run 2 $ctl -s /x keygen
run 2 $ctl dns-records
err_has "--id"
run 2 $ctl dns-records --id @a.b --precedence 256
run 2 $ctl dns-records --id @a.b --type A
run 2 $ctl dns-records --id @a.b --for here
run 0 $ctl --help
out_has "usage: rsipctl"
run 0 $ctl --version

# --- nobody there -------------------------------------------------------------
run 1 $ctl -s "$dir/none" status
err_has "$dir/none"
err_lines 1

lease_columns='"columns": [{"key": "client_id", "type": "number", "unit": ""}, {"key": "host", "type": "text", "unit": ""}, {"key": "fqdn", "type": "text", "unit": "", "wide": true}, {"key": "ports", "type": "list", "unit": ""}, {"key": "spis", "type": "list", "unit": ""}, {"key": "method", "type": "text", "unit": ""}, {"key": "remote", "type": "text", "unit": ""}, {"key": "expires", "type": "gauge", "unit": "seconds"}]'
spd_columns='"columns": [{"key": "dst", "type": "text", "unit": ""}, {"key": "spi_in", "type": "text", "unit": ""}, {"key": "packets", "type": "counter", "unit": ""}, {"key": "bytes", "type": "counter", "unit": "bytes"}, {"key": "next", "type": "gauge", "unit": "seconds"}, {"key": "reason", "type": "text", "unit": ""}]'
# --- one daemon ------------------------------------------------------------------
daemon rsipd rsipd '{
 "status": {"verdict": "serving 1 host", "version": "0.1", "uptime": 75, "limits": {"clients": 100, "leases": {"each": 4, "shut": true}}, "pools": ["198.51.100.1", "198.51.100.2"], "none": []},
 "leases": {'"$lease_columns"', "rows": [
  {"client_id": 7, "bind_id": 1, "host": "10.0.0.11", "fqdn": "x1.lab", "authenticated": true, "address": "198.51.100.1", "ports": ["20000-20063"], "spis": ["0x00000101", "0x00000102", "0x00000103", "0x00000104"], "method": "RSIPSEC", "remote": "", "tunnel": "ipip", "expires": 3599},
  {"client_id": 12345, "bind_id": 2, "host": "10.0.0.12", "address": "198.51.100.1", "ports": ["20064-20127"], "spis": [], "method": "RSAP-IP", "remote": "", "tunnel": "gre", "expires": 5}]},
 "flows": {"rows": []},
 "reload": {},
 "watch": [{"daemon": "rsipd", "event": "lease", "host": "10.0.0.11", "ports": ["1-2", "4"], "reason": "its key is known", "peer": ""},
           {"daemon": "rsipd", "event": "evil", "id": "@\u001b[2Jx\n.lab"}]}'
run 0 $ctl -s "$dir/rsipd" leases
out_is 'CLIENT-ID  HOST       PORTS        SPIS                      METHOD   EXPIRES
        7  10.0.0.11  20000-20063  0x00000101,0x00000102,+2  RSIPSEC   59m59s
    12345  10.0.0.12  20064-20127  -                         RSAP-IP       5s'
run 0 $ctl -s "$dir/rsipd" -v leases
out_has '10.0.0.11  x1.lab  20000-20063'
run 0 $ctl -s "$dir/rsipd" status
out_is 'rsipd: serving 1 host
version             0.1
uptime              75
limits.leases.shut  yes
pools               198.51.100.1, 198.51.100.2
none                -
daemon              rsipd'
run 0 $ctl -s "$dir/rsipd" -v status
out_is 'rsipd: serving 1 host
version             0.1
uptime              75
limits.clients      100
limits.leases.each  4
limits.leases.shut  yes
pools               198.51.100.1, 198.51.100.2
none                -
daemon              rsipd'
run 0 $ctl -s "$dir/rsipd" flows
out_is 'no flows'
run 0 $ctl -s "$dir/rsipd" reload
out_is 'rsipd: reloaded'
run 0 $ctl -s "$dir/rsipd" --json leases
python3 - "$dir/out" <<'P' || fault "not the daemon's JSON"
import json, sys
o = json.load(open(sys.argv[1]))
assert o["daemon"] == "rsipd" and len(o["rows"][0]["spis"]) == 4
P
run 1 $ctl -s "$dir/rsipd" spd
err_has "rsipd: unknown command"
# Watching goes on when the daemon is back, and what a peer chose drives no terminal.
run 124 timeout 2 $ctl -s "$dir/rsipd" watch
[ "$(grep -c ' rsipd lease ' "$dir/out")" -ge 2 ] ||
    fault "a daemon that came back is not watched again"
out_has ' rsipd lease host=10.0.0.11 ports=1-2,4 reason="its key is known"'
out_has ' rsipd evil id=@\x1b[2Jx\x0a.lab'
err_has "went away"
err_has "is back"
run 124 timeout 1 $ctl --json -s "$dir/rsipd" watch
python3 - "$dir/out" <<'P' || fault "not the daemon's JSON events"
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
assert [e["event"] for e in events][:2] == ["lease", "evil"]
P

# --- two daemons at once -----------------------------------------------------------
daemon rsipc rsipc '{
 "status": {"version": "0.1"},
 "leases": {'"$lease_columns"', "rows": [{"client_id": 7, "bind_id": 1, "host": "10.0.0.11", "gateway": "10.0.0.1", "address": "198.51.100.1", "expires": 90061}]},
 "why": {"line": "198.51.100.10: encrypted to 198.51.100.10", "src": "198.51.100.1", "dst": "198.51.100.10", "policy": "encrypt", "class": "permissive", "state": "keyed", "peer": "198.51.100.10", "auth": "dnssec", "cipher": "AES-256-CBC/HMAC-SHA2-256-128"},
 "spd": {'"$spd_columns"', "rows": [{"src": "198.51.100.1", "dst": "198.51.100.10", "policy": "encrypt", "class": "permissive", "state": "keyed", "reason": "TXT record", "peer": "198.51.100.10", "auth": "dnssec", "spi_in": "0x00000101", "spi_out": "0xcafe0001", "cipher": "AES-256-CBC/HMAC-SHA2-256-128", "packets": 7321, "bytes": 10485760, "age": 61, "next": 1139}]}}'
run 0 $ctl -s "$dir/rsipd" -s "$dir/rsipc" leases
out_has 'rsipd:'
out_has 'rsipc:'
out_has '1d01h'
run 0 $ctl -s "$dir/rsipd" -s "$dir/rsipc" -j leases
[ "$(wc -l <"$dir/out")" -eq 2 ] || fault "not one line a daemon"
run 1 $ctl -s "$dir/rsipd" -s "$dir/none" leases
out_has '20000-20063'
err_lines 1
run 0 $ctl -s "$dir/rsipc" why 198.51.100.10
out_is '198.51.100.10: encrypted to 198.51.100.10'
asked rsipc command=why address=198.51.100.10 ||
    fault "the request has not the address"
run 0 $ctl -s "$dir/rsipc" spd
out_has '10.5M'
out_has '18m59s  TXT record'

# --- top: on a screen, and as text ---------------------------------------------------
daemon live rsipd '{
 "status": {"verdict": "serving 1 host"},
 "metrics": {"metrics": {"rsip_packet_bytes": {"type": "counter", "unit": "bytes", "help": "x", "samples": [
  {"labels": {"path": "nfqueue", "direction": "in"}, "value": 123456789},
  {"labels": {"path": "\u001b[2Jevil"}, "value": 5}]}}},
 "leases": {'"$lease_columns"', "rows": [{"client_id": 7, "host": "10.0.0.11", "expires": 9}], "more": 3}}'
run 2 $ctl top now
curses=0
grep -q '^#define HAVE_CURSES 1' config.h && curses=1
run 0 python3 "$src/tests/unit/top.py" $ctl "$dir/live" $curses
cat "$dir/out"

# --- daemons that misbehave ----------------------------------------------------------
daemon bad - '{"garbage": "no json\n"}'
run 1 $ctl -s "$dir/bad" status
err_lines 1
daemon five - '{"garbage": "5\n"}'
run 1 $ctl -s "$dir/five" status
err_lines 1
run 1 $ctl -s "$dir/five" leases
run 124 timeout 1 $ctl -s "$dir/five" watch
daemon odd - '{"leases": {"rows": 7}, "spd": {"columns": [7, {"key": 5}, {"key": "src", "type": 3, "wide": {}}, {"key": "packets", "type": "counter"}], "rows": [7, {"src": {"a": 1}, "packets": "many"}]}, "why": {"line": 5}, "status": {"a": null, "b": [null], "error": null}, "flows": [1], "sa": 5, "reload": "x"}'
run 0 $ctl -s "$dir/odd" leases
out_is 'no leases'
run 0 $ctl -s "$dir/odd" spd
run 0 $ctl -s "$dir/odd" why 1.2.3.4
run 0 $ctl -s "$dir/odd" status
run 1 $ctl -s "$dir/odd" flows
run 1 $ctl -s "$dir/odd" sa
run 1 $ctl -s "$dir/odd" reload

# --- the C call ----------------------------------------------------------------------------
ex=./ctl/example
run 0 $ex 127.0.0.1 9 "$dir/rsipc"
out_has 'encrypted peer=198.51.100.10 auth=dnssec cipher=AES-256-CBC/HMAC-SHA2-256-128 required=0'
asked rsipc command=why address=127.0.0.1 source=127.0.0.1 || fault "the request has not the connection's addresses"
run 1 $ex 127.0.0.1 9 "$dir/none"
err_has "No such file"
run 1 $ex 127.0.0.1 9 "$dir/bad"
err_has "Protocol error"
run 1 $ex 127.0.0.1 9 "$dir/odd"
run 1 $ex 127.0.0.1 9 "$dir/rsipd"
daemon clear oed '{"why": {"policy": "pass", "class": "permissive", "state": "clear-text", "auth": "", "peer": "x", "cipher": "y", "reason": "no key", "line": "in the clear"}}'
run 0 $ex 127.0.0.1 9 "$dir/clear"
out_is 'clear peer= auth=none cipher= required=0 right=none
in the clear'
daemon deny oed '{"why": {"policy": "deny", "class": "OE-paranoid", "auth": "", "line": "denied"}}'
run 0 $ex 127.0.0.1 9 "$dir/deny"
out_has 'dropped peer= auth=none cipher= required=1'
daemon idle oed '{"why": {"line": "no traffic now"}}'
run 0 $ex 127.0.0.1 9 "$dir/idle"
out_has 'none peer= auth=none cipher= required=0'
daemon tunnel oed '{"why": {"line": "x", "policy": "encrypt", "class": "configured tunnel", "auth": "configured key", "peer": "@a.b", "cipher": "AES-128-GCM"}}'
run 0 $ex 127.0.0.1 9 "$dir/tunnel"
out_has 'encrypted peer=@a.b auth=key cipher=AES-128-GCM required=1'
daemon new oed '{"why": {"line": "x", "policy": "quantum", "auth": ""}}'
run 1 $ex 127.0.0.1 9 "$dir/new"

# --- keys and records -------------------------------------------------------------------------
key=$dir/etc/private.pem
run 1 $ctl keygen -o "$key" --id "@not a name"
run 1 $ctl keygen -o "$key" --id @a..b
run 1 $ctl keygen -o "$key" --id @.a
run 1 $ctl keygen -o "$key" --id @
run 1 $ctl keygen -o "$key" --id @.
[ ! -e "$key" ] || fault "made a key for an identity that is none"
run 0 $ctl keygen -o "$key" --id 198.51.100.10
[ "$(stat -c %a "$key")" = 600 ] || fault "mode of the key"
cp "$dir/out" "$dir/records"
cp "$key" "$dir/old.pem"
run 1 $ctl keygen -o "$key"
err_has "exists"
cmp -s "$key" "$dir/old.pem" || fault "overwrote a key"
run 0 $ctl dns-records -k "$key" --id 198.51.100.10
cmp -s "$dir/out" "$dir/records" || fault "records differ from keygen's"
run 0 $ctl dns-records -k "$key" --id 198.51.100.10 --type txt
[ "$(wc -l <"$dir/out")" -eq 1 ] || fault "--type gives others too"
run 0 $ctl dns-records -k "$key" --id @X1.lab. --for 198.51.100.1 --precedence 3
cp "$dir/out" "$dir/named"
run 0 $ctl --json dns-records -k "$key" --id @x1.lab
cp "$dir/out" "$dir/named.json"
python3 - "$key" "$dir/records" "$dir/named" "$dir/named.json" <<'P' || fault "records"
import base64, json, re, subprocess, sys
pem, records, named, named_json = sys.argv[1:]
text = subprocess.run(["openssl", "rsa", "-in", pem, "-noout", "-modulus"],
                      capture_output=True, text=True, check=True).stdout
modulus = bytes.fromhex(text.strip().split("=")[1])
# RFC 3110 section 2: length of the exponent, exponent, modulus.
key = base64.b64encode(b"\3\1\0\1" + modulus).decode()
def zone(path):
    found = {}
    for line in open(path):
        name, _, kind, data = line.rstrip("\n").split(" ", 3)
        # Others take an IPSECKEY for the owner itself only: it comes first.
        found[kind + " delegated" if kind in found else kind] = (name, data)
    return found
def txt(data):
    strings = re.findall(r'"([^"]*)"', data)
    assert all(len(s) <= 255 for s in strings)
    return "".join(strings)
z = zone(records)
assert z["KEY"] == ("10.100.51.198.in-addr.arpa.", "16896 4 1 " + key), z
assert z["IPSECKEY"] == ("10.100.51.198.in-addr.arpa.", "10 0 2 . " + key)
assert "IPSECKEY delegated" not in z
assert txt(z["TXT"][1]) == "X-IPsec-Server(10)=198.51.100.10 " + key
z = zone(named)
assert z["KEY"] == ("x1.lab.", "16896 4 1 " + key)
assert z["IPSECKEY"] == ("x1.lab.", "3 0 2 . " + key)
assert z["IPSECKEY delegated"] == ("1.100.51.198.in-addr.arpa.", "3 3 2 x1.lab. " + key)
assert z["TXT"][0] == "1.100.51.198.in-addr.arpa."
assert txt(z["TXT"][1]) == "X-IPsec-Server(3)=@x1.lab " + key
o = json.load(open(named_json))
assert o["bits"] == 2048 and o["key"] == key
assert {r["name"] for r in o["records"]} == {"x1.lab."}
P
if command -v nsd-checkzone >/dev/null; then
	{
		printf '$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS ns.lab.\n'
		grep -h '^1' "$dir/records" "$dir/named"
	} >"$dir/zone"
	run 0 nsd-checkzone 100.51.198.in-addr.arpa "$dir/zone"
fi
# The other types: IPSECKEY alone (RFC 4025; algorithms 3 and 4), of OpenSSL's bytes.
for type in "ecdsa 256 3 64" "ecdsa 384 3 96" "ed25519 256 4 32"; do
	set -- $type
	run 0 $ctl keygen -f -o "$dir/other.pem" --type "$1" -b "$2" \
	    --id 198.51.100.10 --for 198.51.100.66
	cp "$dir/out" "$dir/other"
	err_has "IKEv1"
	openssl pkey -in "$dir/other.pem" -pubout -outform DER |
	    python3 -c '
import base64, sys
size, algorithm, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
der = sys.stdin.buffer.read()
key = base64.b64encode(der[-size:]).decode()
assert open(path).read() == (
    "10.100.51.198.in-addr.arpa. IN IPSECKEY 10 0 %s . %s\n"
    "66.100.51.198.in-addr.arpa. IN IPSECKEY 10 1 %s 198.51.100.10 %s\n"
    % (algorithm, key, algorithm, key)), open(path).read()
' "$4" "$3" "$dir/other" || fault "records of $type"
	run 0 $ctl --json dns-records -k "$dir/other.pem" --id 2001:db8::1
	out_has '"bits":'"$2"
	out_has 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.
	run 0 $ctl dns-records -k "$dir/other.pem" --id 2001:db8::1 --for 2001:db8::2
	out_has "IN IPSECKEY 10 2 $3 2001:db8::1 "
	run 1 $ctl dns-records -k "$dir/other.pem" --id @x1.lab --type KEY
	err_has "IPSECKEY"
	err_lines 1
	if command -v nsd-checkzone >/dev/null; then
		{
			printf '$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS ns.lab.\n'
			cat "$dir/other"
		} >"$dir/zone"
		run 0 nsd-checkzone 100.51.198.in-addr.arpa "$dir/zone"
	fi
done
run 2 $ctl keygen -o "$dir/x.pem" --type ecdsa -b 2048
run 2 $ctl keygen -o "$dir/x.pem" --type ed25519 -b 384
run 2 $ctl keygen -o "$dir/x.pem" -b 384
run 2 $ctl keygen -o "$dir/x.pem" --type dsa
rm -f "$dir/other.pem"
run 0 $ctl keygen -f -o "$key"
! cmp -s "$key" "$dir/old.pem" || fault "-f made no new key"
[ "$(ls "$dir/etc" | wc -l)" -eq 1 ] || fault "left a file behind"
chmod 644 "$key"
run 1 $ctl dns-records -k "$key" --id @x1.lab
err_has "chmod 600"
run 1 $ctl dns-records -k "$dir/absent" --id @x1.lab
err_lines 1
echo nonsense >"$dir/nonsense" && chmod 600 "$dir/nonsense"
run 1 $ctl dns-records -k "$dir/nonsense" --id @x1.lab
err_lines 1

# A failing output is not success.
if [ -w /dev/full ]; then
	$ctl -s "$dir/rsipd" leases >/dev/full 2>"$dir/err" &&
	    fault "a full disk is no success"
fi
exit $failed
