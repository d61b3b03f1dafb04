# vmlib.sh - a test that needs a distribution's kernel: itself once more in a VM that has one; sourced by lib.sh
# shellcheck shell=sh
# shellcheck disable=SC2154  # who sources it has "here"

# SECONDS [ARG...]: outside, this test in a VM with these arguments, and it is over;
# inside, what the kernel has to load.
vm_enter()
{
	if [ -n "$VM_INSIDE" ]; then
		modprobe -qa esp4 esp6 xfrm_user af_key tun veth bridge \
		    nfnetlink_queue nft_ct nft_queue nft_masq nft_chain_nat \
		    ip_tables iptable_nat xt_NFQUEUE xt_MASQUERADE gcm seqiv \
		    echainiv ghash_generic aes_generic authenc
		return
	fi
	vm_seconds=$1
	shift
	exec "$here/vm.sh" "${TIMEOUT:-$vm_seconds}" env VM_INSIDE=1 NET_SLOW=8 \
	    NET_FETCH_TIME=600 LIBRESWAN="$LIBRESWAN" IKED="$IKED" \
	    WATCH="$WATCH" LOGS="$LOGS" NET_LOG_LINES="${NET_LOG_LINES:-40}" \
	    top_builddir="$NET_TOP" sh "$here/${0##*/}" "$@"
}
