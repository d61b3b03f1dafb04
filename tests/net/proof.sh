# proof.sh - the transfers of the picture and what the witness must find, for e2e.sh and demo.sh
# shellcheck shell=sh

# DAEMON: the inbound SPIs it says it has, one a line.
proof_spis()
{
	net_json "$1" sa '[r["spi_in"] for r in rows if r["phase"] == 2]'
}

# All four transfers while both sniffers listen.  Sets no verdict on them.
proof_transfers()
{
	net_sniff
	net_fetch_both "$NET_Y1" y1 || return 1
	net_fetch_both "$NET_Y2" y2 || return 1
	for net_host in x1 x2; do
		net_ctl "rsipc_$net_host" spd --json >"$NET_RUN/$net_host.spd"
		proof_spis "rsipc_$net_host" >"$NET_RUN/$net_host.spis"
	done
	net_ctl oed_y1 spd --json >"$NET_RUN/y1.spd"
	net_ctl rsipd leases --json >"$NET_RUN/leases"
	net_sniff_end
}

# [OPTION...]: what the witness says of the two captures, as JSON; fails with
# its reasons.  The options stand last, so that they win.
proof_check()
{
	proof_owners=
	for net_host in x1 x2; do
		while read -r proof_spi; do
			proof_owners="$proof_owners --owner $proof_spi=$net_host"
		done <"$NET_RUN/$net_host.spis"
	done
	# shellcheck disable=SC2086
	python3 "$NET_HERE/wire.py" check --public "$NET_RUN/wire.pcap" \
	    --private "$NET_RUN/lan.pcap" --file "$NET_RUN/www/file" \
	    --nb "$NET_NB" --y1 "$NET_Y1" --y2 "$NET_Y2" \
	    --x1 "$NET_X1" --x2 "$NET_X2" --least 20000000 --lost 5 \
	    $proof_owners "$@"
}
