# rsip.sh - /etc/config/rsip in the words of rsipd.conf(5) and oed.conf(5), sourced by the init scripts
#
# Needs OpenWrt's /lib/functions.sh and /lib/functions/network.sh.
# shellcheck shell=sh

# SECTION UCI-OPTION TYPE: "option = value", if it is there; _ stands for -.
rsip_option()
{
	config_get rsip_value "$1" "$2"
	[ -n "$rsip_value" ] || return 0
	rsip_name=$(echo "$2" | tr _ -)
	case $3 in
	number)	echo "$rsip_name = $rsip_value" ;;
	bool)
		case $rsip_value in
		tc | xdp) ;;	# of offload
		*)	config_get_bool rsip_value "$1" "$2" 0
			[ "$rsip_value" = 1 ] && rsip_value=true ||
			    rsip_value=false ;;
		esac
		echo "$rsip_name = $rsip_value"
		;;
	*)	echo "$rsip_name = \"$(rsip_quote "$rsip_value")\"" ;;
	esac
}

rsip_quote()
{
	printf '%s' "$1" | sed 's/[\\"]/\\&/g'
}

rsip_list_one()
{
	rsip_items="$rsip_items${rsip_items:+, }\"$(rsip_quote "$1")\""
}

# SECTION UCI-LIST
rsip_list()
{
	rsip_items=
	config_list_foreach "$1" "$2" rsip_list_one
	[ -z "$rsip_items" ] || echo "$(echo "$2" | tr _ -) = {$rsip_items}"
}

# SECTION: what no option here has a word for.
rsip_include()
{
	config_get rsip_value "$1" include
	[ -z "$rsip_value" ] || [ ! -f "$rsip_value" ] || cat "$rsip_value"
}

# SECTION UCI-OPTION NAME: the device of a network, as NAME = "device".
rsip_device()
{
	config_get rsip_net "$1" "$2"
	if [ -z "$rsip_net" ] && [ "$2" = public ]; then
		network_find_wan rsip_net || return 0
	fi
	[ -n "$rsip_net" ] || return 0
	network_get_device rsip_value "$rsip_net" || return 0
	echo "$3 = \"$rsip_value\""
}

# SECTION: rsipd.conf
rsip_rsipd_conf()
{
	echo "# made of /etc/config/rsip: changes here are lost"
	rsip_device "$1" private private-interface
	rsip_device "$1" public public-interface
	for rsip_key in port lease_time lease_max registration_time \
	    max_bindings max_ports max_spis quarantine linger mtu queues queue_first \
	    queue_length; do
		rsip_option "$1" "$rsip_key" number
	done
	for rsip_key in udp napt local_ipsec require_auth listen_allowed \
	    register_allowed ipsec_allowed rsa_ip_allowed private_pools \
	    offload refuse_ike; do
		rsip_option "$1" "$rsip_key" bool
	done
	for rsip_key in local_policy remote_policy firewall gateway \
	    tunnel_endpoint leases durability metrics; do
		rsip_option "$1" "$rsip_key" text
	done
	for rsip_key in ports_default tunnels resolvers addresses \
	    local_networks remote_networks remote_allowed; do
		rsip_list "$1" "$rsip_key"
	done
	rsip_include "$1"
}

# SECTION: oed.conf
rsip_oed_conf()
{
	echo "# made of /etc/config/rsip: changes here are lost"
	rsip_option "$1" address text
	rsip_option "$1" address6 text
	rsip_option "$1" metrics text
	rsip_option "$1" stay_shut bool
	rsip_option "$1" workers number
	echo "oe {"
	for rsip_key in id key dataplane ike anonymous encapsulate \
	    paranoid_anonymous transport validate trust_anchor; do
		rsip_option "$1" "$rsip_key" text
	done
	for rsip_key in require_dnssec self_delegation_only legacy initiate \
	    icmp_deny; do
		rsip_option "$1" "$rsip_key" bool
	done
	for rsip_key in rsa_min_bits lifespan_short lifespan_first lifespan \
	    idle hold hold_dual_stack give_up phase1_lifetime phase2_lifetime dpd \
	    dns_timeout dns_tries connections_max; do
		rsip_option "$1" "$rsip_key" number
	done
	for rsip_key in permissive paranoid clear deny resolvers networks \
	    trusted_resolvers esp pool; do
		rsip_list "$1" "$rsip_key"
	done
	rsip_include "$1"
	echo "}"
}

# DAEMON SECTION: writes its configuration, checks it and hands it to procd.
rsip_start()
{
	config_get_bool rsip_value "$2" enabled 0
	[ "$rsip_value" = 1 ] || return 0
	mkdir -p /var/etc /var/run/rsip /var/lib/rsip
	"rsip_$1_conf" "$2" >"/var/etc/$1.conf"
	"/usr/sbin/$1" -n -c "/var/etc/$1.conf" || return 1
	procd_open_instance
	procd_set_param command "/usr/sbin/$1" -f -c "/var/etc/$1.conf"
	# A reload that changes the file becomes SIGHUP: leases stay.
	procd_set_param file "/var/etc/$1.conf"
	procd_set_param reload_signal HUP
	procd_set_param respawn 3600 5 0
	procd_set_param stderr 1
	procd_close_instance
}
