#!/bin/sh
# pair.sh - doc/guides/pair.md, typed as it stands on two gateways
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/guidelib.sh"
. "$NET_HERE/pairlib.sh"
pair_needs
guide_enter pair_picture "N M x1 s" "$@"

guide_do_store()
{
	pair_store
}

guide_do_copy()
{
	mkdir -p root/M/etc/rsip root/M/etc/keepalived &&
	    cp root/N/etc/rsip/rsipd.conf root/M/etc/rsip/ &&
	    cp root/N/etc/keepalived/keepalived.conf root/M/etc/keepalived/
}

guide_known()
{
	for guide_at in N M; do
		guide_type $guide_at 'rsipctl leases' | grep -q "$NET_X1" ||
		    return 1
	done
}

guide_do_laptop()
{
	guide_type x1 rsipc >rsipc.log 2>&1 && net_until 20 guide_known &&
	    before=$(guide_held N) && [ "$before" = "$(guide_held M)" ]
}

# GATEWAY: who holds what there.
guide_held()
{
	guide_type "$1" 'rsipctl --json leases' |
	    python3 "$NET_HERE/answer.py" '[(r["host"], r["bind_id"], r["ports"],
	    r["spis"]) for r in rows]'
}

# A machine to which nothing goes, and from which nothing comes.
guide_do_dies()
{
	for segment in lan wire back; do
		ip -n $segment link set N nomaster
	done
}

guide_laptop_key
guide_dns
guide_follow pair.md
[ "$(guide_held M)" = "$before" ] || net_fail "held before
$before
and now
$(guide_held M)"
net_ok "the same ports and SPIs after it"

# BLOCK: the lines of a file in that block of the last section, which nobody follows.
lines_of()
{
	awk -v want="$1" '/^## / { here = /Each stands by for the other/ }
	    here && /^```console/ { n++ }
	    n == want && sub(/^> /, "") && $0 != "END"' \
	    "$GUIDE_SRC/doc/guides/pair.md"
}

# FILE BLOCK COMMAND: which takes the file with these lines, and not with a wrong address.
taken()
{
	lines_of "$2" >lines
	[ -s lines ] || net_fail "the guide has no block $2 of $1"
	cp "root/N$1" before
	cat lines >>"root/N$1"
	guide_type N "$3" >said 2>&1 || net_fail "$1 of both: $(cat said)"
	{ cat before && sed 's/10\.0\.0\.5/10.0.0.500/' lines; } >"root/N$1"
	! guide_type N "$3" >said 2>&1 || net_fail "$1, wrong: $(cat said)"
}
taken /etc/rsip/rsipd.conf 1 'rsipd -n'
taken /etc/keepalived/keepalived.conf 2 'keepalived -t'
net_ok "each standing by for the other: both files are taken, and wrong ones are not"
