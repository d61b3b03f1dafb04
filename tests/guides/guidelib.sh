# guidelib.sh - hosts as their owners find them, and a guide of doc/guides typed there, command by command
#
# Sourced after lib.sh.  Each host of the picture has a root of its own: the machine's
# programs, ours where an installation puts them, and empty folders for what they keep.
# shellcheck shell=sh

GUIDE_SRC=$(cd "$NET_HERE/../.." && pwd)
NET_HERE=$GUIDE_SRC/tests/net

# PICTURE HOSTS ARGUMENT...: the script's.  Returns inside, in NET_RUN, with that picture,
# keys and records of nobody, and these hosts with programs and nothing else.
guide_enter()
{
	guide_picture=$1
	guide_hosts=$2
	shift 2
	net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill ping
	net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
	net_enter "$@"
	cd "$NET_RUN" || exit 1
	"$guide_picture"
	guide_base
	for guide_host in $guide_hosts; do
		guide_root "$guide_host"
	done
}

# The folders that this build knows, at the places that the guides name.
guide_places()
{
	"$NET_TOP/ctl/rsipctl" --help >help
	guide_etc=$(sed -n 's/.*the key (\(.*\)\/private.pem).*/\1/p' help)
	guide_run=$(sed -n 's/.*(\(\/.*\)\/NAME.sock).*/\1/p' help)
	guide_var=$("$NET_TOP/rsipc/rsipc" -o |
	    sed -n 's/.*"\(.*\)\/rsipc.lease".*/\1/p')
	[ -n "$guide_etc" ] && [ -n "$guide_run" ] && [ -n "$guide_var" ] ||
	    net_fail "which folders does this build know?"
	for guide_place in "$guide_etc /etc" "$guide_run /run" \
	    "$guide_var /var/lib"; do
		guide_own=${guide_place% *}
		guide_own=${guide_own%/rsip}
		echo "s|$guide_own/rsip|${guide_place#* }/rsip|g" >>places
		[ "$guide_own" != "${guide_place#* }" ] || continue
		mkdir -p "base${guide_own%/*}" &&
		    ln -s "${guide_place#* }" "base$guide_own" ||
		    net_fail "places"
	done
}

guide_base()
{
	mkdir -p base/dev base/proc base/sys base/etc base/usr base/run base/var \
	    base/tmp base/root
	chmod 1777 base/tmp
	for guide_dir in bin sbin lib lib32 lib64 libx32; do
		if [ -h "/$guide_dir" ]; then
			cp -P "/$guide_dir" base/
		elif [ -d "/$guide_dir" ]; then
			mkdir "base/$guide_dir" &&
			    mount -n --rbind "/$guide_dir" "base/$guide_dir"
		fi
	done
	for guide_dir in usr dev proc sys; do
		mount -n --rbind "/$guide_dir" "base/$guide_dir" ||
		    net_skip "cannot mount $guide_dir here"
	done
	# The root of this world.
	: >anchors
	[ ! -e base/usr/share/dns/root.key ] ||
	    mount -n --bind anchors base/usr/share/dns/root.key ||
	    net_skip "cannot mount here"
	cp -a /etc/alternatives /etc/ld.so.c* /etc/passwd /etc/group \
	    /etc/nsswitch.conf /etc/protocols /etc/services base/etc/ 2>/dev/null
	# As systemd-sysusers has made them.
	guide_id=60700
	for guide_user in rsipd rsipc oed; do
		guide_id=$((guide_id + 1))
		grep -q "^$guide_user:" base/etc/passwd ||
		    echo "$guide_user:x:$guide_id:$guide_id::/:/bin/false" \
		    >>base/etc/passwd
	done
	printf 'nameserver %s\n' "$NET_DNS" >base/etc/resolv.conf
	echo '127.0.0.1 localhost' >base/etc/hosts
	# What the machine has installed itself is another version.
	mount -n -t tmpfs -o mode=755 tmpfs base/usr/local
	mkdir -p base/usr/local/bin base/usr/local/sbin
	cp "$NET_TOP/rsipd/rsipd" "$NET_TOP/rsipc/rsipc" "$NET_TOP/oe/oed" \
	    base/usr/local/sbin/ && cp "$NET_TOP/ctl/rsipctl" base/usr/local/bin/ ||
	    net_fail "no room for the programs"
	# Root of these namespaces is all that there is.
	printf '#!/bin/sh\nexec "$@"\n' >base/usr/local/bin/sudo
	chmod 755 base/usr/local/bin/sudo
	guide_places
}

# HOST
guide_root()
{
	mkdir -p "root/$1" etc && cp -a base/etc "etc/$1" &&
	    mount -n --rbind base "root/$1" &&
	    mount -n --bind "etc/$1" "root/$1/etc" &&
	    mount -n -t tmpfs -o mode=755 tmpfs "root/$1/run" &&
	    mount -n -t tmpfs -o mode=755 tmpfs "root/$1/var" ||
	    net_skip "cannot mount here"
	mkdir -p "root/$1/var/lib" "root/$1/var/log"
}

# The zones again, with the records that there are by now, and who serves them; what is
# not there is remembered for two seconds only.
guide_dns()
{
	: >>x1.records
	: >>x2.records
	: >>y1.records
	net_zones
	sed -i 's/ 86400 10$/ 86400 2/' zone.lab zone.100.51.198.in-addr.arpa
	if [ -n "${net_pid_nsd-}" ]; then
		net_stop nsd
		net_stop unbound
	fi
	net_dns
}

# HOST COMMAND: as typed there.
guide_type()
{
	net_on "$1" chroot "$NET_RUN/root/$1" env -i LC_ALL=C.UTF-8 HOME=/root \
	    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	    sh -c "$2" </dev/null
}

# The laptop's owner has read doc/guides/laptop.md, up to where rsipc is started; its record
# is for guide_dns.
guide_laptop_key()
{
	guide_type x1 'rsipctl keygen --id @x1.lab --type KEY &&
	    echo "oe { id = \"@x1.lab\" }" >/etc/rsip/rsipc.conf' \
	    >x1.records 2>keygen.log || net_fail "the laptop's key"
}

# DAEMON: true once none of that name is there, on whatever host.
guide_gone()
{
	! pgrep -x "$1" >/dev/null
}

# The guides' names of the hosts.
guide_host()
{
	case $1 in
	router | one) echo N ;;
	two)	echo M ;;
	store)	echo s ;;
	laptop) echo x1 ;;
	other)	echo x2 ;;
	server) echo y1 ;;
	*)	net_fail "the guide knows $1, the lab does not" ;;
	esac
}

# HOW HOST NUMBER: true if it went as the guide shows.
guide_once()
{
	guide_rc=0
	guide_type "$2" "$(cat "steps/$3.command")" >"$3.raw" 2>&1 ||
	    guide_rc=1
	sed -f places "$3.raw" >"$3.said"
	[ "$1" = type ] || guide_rc=$((!guide_rc))
	[ "$guide_rc" = 0 ] &&
	    python3 "$GUIDE_SRC/tests/guides/follow.py" said "steps/$3.shown" \
	    "$3.said"
}

# HOW WHERE HOST NUMBER.  Who only asks asks again until things have settled.
guide_step()
{
	guide_at=$(guide_host "$3")
	case $(cat "steps/$4.command") in
	*keygen* | *reload* | *'>'* | *'|'*) guide_patience=0 ;;
	'rsipctl '* | 'sudo rsipctl '*) guide_patience=40 ;;
	*)	guide_patience=0 ;;
	esac
	if [ -n "${GUIDE_SHOW-}" ]; then
		net_say "$(date +%T) $3\$ $(cat "steps/$4.command")"
		sleep "$((guide_patience / 7))"
		guide_once "$1" "$guide_at" "$4" || net_say "(not as shown)"
		cat "$4.said"
		return
	fi
	if [ "$guide_patience" = 0 ]; then
		guide_once "$1" "$guide_at" "$4"
	else
		net_until "$guide_patience" guide_once "$1" "$guide_at" "$4"
	fi || net_fail "$2: $3\$ $(cat "steps/$4.command")
it should say
$(cat "steps/$4.shown")
and said
$(cat "$4.said")"
	# Hands that type are slower than the end of what was killed.
	case $(cat "steps/$4.command") in
	*'pkill '*)
		net_until 2 guide_type "$guide_at" \
		    "! pgrep -x $(sed -n '$s/.* //p' "steps/$4.command")" ;;
	esac
	return 0
}

# GUIDE [NAME=NAME...]: all of it.  What it has the test do is a function guide_do_WORD,
# called with the words after it.
guide_follow()
{
	guide_file=$GUIDE_SRC/doc/guides/$1
	shift
	python3 "$GUIDE_SRC/tests/guides/follow.py" steps "$guide_file" steps \
	    "$@" >steps.log 2>&1 || net_fail "$(cat steps.log)"
	guide_typed=0
	while read -r guide_how guide_where guide_words <&3; do
		# shellcheck disable=SC2086
		if [ "$guide_how" = "do" ]; then
			[ -z "${GUIDE_SHOW-}" ] || net_say "* $guide_words"
			guide_do_$guide_words ||
			    net_fail "$guide_where: $guide_words"
		else
			guide_step "$guide_how" "$guide_where" $guide_words
			guide_typed=$((guide_typed + 1))
		fi
	done 3<steps/list
	net_ok "${guide_file##*/}: $guide_typed commands typed, each went as shown"
}
