#!/bin/sh
# test_advice.sh - oed -n warns of what is allowed but unwise (RFC 5406), and of nothing else
set -u

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
failed=0

./ctl/rsipctl keygen -o "$dir/k.pem" 2>/dev/null || exit 99
printf 'a long and random secret\n' >"$dir/long"
printf 'a long and random secret\n' >"$dir/long2"
printf 'another long and random one\n' >"$dir/other"
printf 'short one\n' >"$dir/short"
chmod 600 "$dir/long" "$dir/long2" "$dir/other" "$dir/short"

# check WARNINGS PATTERN OE-SECTION
check() {
	printf 'address = "198.51.100.10"\noe { key = "%s/k.pem"\n%s\n}\n' \
	    "$dir" "$3" >"$dir/oed.conf"
	./oe/oed -n -c "$dir/oed.conf" >"$dir/out" 2>&1 || {
		echo "FAIL: refused: $3"
		cat "$dir/out"
		failed=1
	}
	n=$(grep -c "warning\|tunnel\|paranoid\|rsa-min\|require-dnssec" "$dir/out")
	if [ "$n" -ne "$1" ] || { [ -n "$2" ] && ! grep -q "$2" "$dir/out"; }; then
		echo "FAIL: $n warnings, not $1 with \"$2\", for: $3"
		cat "$dir/out"
		failed=1
	fi
}

tunnel() {
	echo "tunnel $1 { peer = \"192.0.2.$2\" secret = \"$dir/$3\" }"
}

check 0 "" 'resolvers = {"198.51.100.53"}'
check 0 "" 'resolvers = {"127.0.0.1"} require-dnssec = true paranoid = {"192.0.2.0/24"}'
check 0 "" "$(tunnel a 1 long) $(tunnel b 2 other)"
check 1 "tunnels a and b have the same secret" \
    "$(tunnel a 1 long) $(tunnel b 2 long2)"
check 2 "tunnels a and b have the same secret" \
    "$(tunnel a 1 long) $(tunnel b 2 long2) $(tunnel c 3 long)"
check 1 "secret of 9 bytes" "$(tunnel a 1 short)"
check 1 "paranoid without require-dnssec" 'paranoid = {"192.0.2.0/24"}'
check 1 "rsa-min-bits = 1024" 'rsa-min-bits = 1024'
check 1 "believes the resolver 198.51.100.53" \
    'require-dnssec = true trusted-resolvers = {"198.51.100.53"}'
check 1 "no key of any peer counts" \
    'require-dnssec = true validate = "resolver" resolvers = {"198.51.100.53"}'
check 0 "" 'require-dnssec = true validate = "resolver" resolvers = {"127.0.0.1"}'
! grep -q 'HAVE_UNBOUND 1' config.h ||
    check 0 "" 'require-dnssec = true resolvers = {"198.51.100.53"}'
exit $failed
