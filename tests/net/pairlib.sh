# pairlib.sh - two gateways N and M, a store that both share, and keepalived, sourced after lib.sh
#
#   lan:  N .2  M .3  Na 10.0.0.1      wire: N .2  M .3  Nb 198.51.100.1
#   back: N 10.9.0.2  M 10.9.0.3  s 10.9.0.5 (the store)
#
# Na and Nb are where keepalived puts them; nothing else tells a gateway that it is
# active.
# shellcheck shell=sh
PAIR_STORE=10.9.0.5

pair_needs()
{
	net_needs keepalived "$NET_STORE_SERVER" "$NET_STORE_CLI" "$@"
	net_needs_built rsipd/rsipd ctl/rsipctl
	grep -q '^#define HAVE_HIREDIS' "$NET_TOP/config.h" ||
	    net_skip "built without hiredis"
}

pair_picture()
{
	net_links lan wire back
	net_namespaces N M x1 x2 y1 y2 dns s
	net_cable y1 eth0 "$NET_Y1" wire && net_cable y2 eth0 "$NET_Y2" wire &&
	    net_cable dns eth0 "$NET_DNS" wire &&
	    net_cable x1 eth0 "$NET_X1" lan && net_cable x2 eth0 "$NET_X2" lan &&
	    net_cable s eth0 "$PAIR_STORE" back || net_fail "the picture's cables"
	pair_n=2
	for pair_g in N M; do
		net_cable $pair_g eth0 "198.51.100.$pair_n" wire &&
		    net_cable $pair_g eth1 "10.0.0.$pair_n" lan &&
		    net_cable $pair_g eth2 "10.9.0.$pair_n" back &&
		    net_on $pair_g sysctl -qw net.ipv4.ip_forward=1 ||
		    net_fail "the cables of $pair_g"
		pair_n=3
	done
	for net_ns in x1 x2; do
		ip -n $net_ns route add default via 10.0.0.1
	done
	for net_ns in N M y1 y2; do
		ip -n "$net_ns" route add default dev eth0
	done
	printf 'nameserver %s\n' "$NET_DNS" >"$NET_RUN/resolv.conf"
	mount -n --bind "$NET_RUN/resolv.conf" "$(readlink -f /etc/resolv.conf)"
}

# [LINES]: the store, with more lines for its configuration.
pair_store()
{
	mkdir -p "$NET_RUN/redis"
	cat >"$NET_RUN/redis.conf" <<-EOF
	bind $PAIR_STORE
	protected-mode no
	dir $NET_RUN/redis
	save ""
	daemonize no
	$1
	EOF
	net_start store s "$NET_STORE_SERVER" "$NET_RUN/redis.conf"
	net_ready store 10 pair_cli ping
}

pair_cli()
{
	net_on s "$NET_STORE_CLI" -h "$PAIR_STORE" "$@" 2>&1
}

# PATTERN: keys of bindings that the store has, without those that were freed.
pair_granted()
{
	pair_cli eval "local out = {}
	    for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
		if redis.call('HGET', key, 'k') ~= 'F' then
			out[#out + 1] = key
		end
	    end
	    return out" 0 "$1"
}

# PATTERN SCRIPT: true if gateways N and M lease the same, and the store's keys of that
# pattern, which the script for sed makes "Na KEY", say so too.
pair_same()
{
	for pair_gateway in N M; do
		net_ctl "rsipd_$pair_gateway" leases --json \
		    >"leases_$pair_gateway" || return 1
	done
	pair_granted "$1" | sed "$2" >keys
	python3 "$NET_HERE/pair_split.py" same leases_N leases_M keys
}

pair_rsipd_config()
{
	cat <<-EOF
	public-interface = "eth0"
	private-interface = "eth1"
	gateway = "10.0.0.1"
	control = "$NET_RUN/rsipd_$1.sock"
	pool "${PAIR_POOL:-$NET_NB}" { ports = {"${NET_PORTS:-20000-49999}"} $PAIR_POOL_LINES }
	lease-time = ${NET_LEASE:-600}
	registration-time = ${NET_REGISTRATION:-600}
	shared {
		servers = {"$PAIR_STORE"}
		$PAIR_SHARED
	}
	$2
	EOF
}

# N|M [LINES]: a gateway there, and what tells keepalived when it ends, as
# track_process does where it may look at processes.
pair_rsipd()
{
	pair_rsipd_config "$1" "$2" >"$NET_RUN/rsipd_$1.conf"
	net_start "rsipd_$1" "$1" "$NET_TOP/rsipd/rsipd" -f \
	    -c "$NET_RUN/rsipd_$1.conf"
	net_ready "rsipd_$1" 10 net_ctl "rsipd_$1" status
	echo 0 >"$NET_RUN/dead_$1"
	net_start "watch_$1" "$1" sh -c "while kill -0 $(net_pid "rsipd_$1"); do
	    sleep 0.05; done; echo 1 >$NET_RUN/dead_$1"
}

# ID PRIORITY NA NB|"" [LINE]: addresses that move together, PAIR_ADVERT seconds apart
# is said that they are here.
pair_vrrp()
{
	cat <<-EOF
	vrrp_instance rsip_$1 {
		version 3
		state BACKUP
		interface eth1
		track_interface {
			eth0
		}
		track_file {
			rsipd
		}
		virtual_router_id $1
		priority $2
		$5
		advert_int ${PAIR_ADVERT:-0.1}
		virtual_ipaddress {
			$3/24 dev eth1
			${4:+$4/24 dev eth0}
		}
	}
	EOF
}

# N|M PRIORITY: of both addresses, which stay where they are; or with pair_vrrp's
# lines of several.
pair_keepalived()
{
	cat >"$NET_RUN/keepalived_$1.conf" <<-EOF
	global_defs {
		router_id $1
		vrrp_garp_master_refresh 1
	}
	track_file rsipd {
		file $NET_RUN/dead_$1
		weight 0
	}
	${3:-$(pair_vrrp 55 "$2" 10.0.0.1 "$NET_NB" nopreempt)}
	EOF
	net_start "keepalived_$1" "$1" keepalived -n -l -P \
	    -p "$NET_RUN/keepalived_$1.pid" -r "$NET_RUN/vrrp_$1.pid" \
	    -f "$NET_RUN/keepalived_$1.conf"
}

# N|M STATE: what its status says of itself.
pair_is()
{
	net_holds "rsipd_$1" status 'at("shared.state") == words[0]' "$2"
}
