#!/bin/sh
# oe_loss_workers.sh - oe_loss.sh where threads encrypt beside the one of IKE, which hears of answers when it asks for them
export OE_WORKERS=2
. "$(dirname "$0")/oe_loss.sh"
# What came went past it.
opened()
{
	[ "$(net_json oed_host status 'it["worker_opened"]')" -gt 0 ]
}
net_until 10 opened || net_fail "no worker has opened a packet"
net_ok "by workers: $(net_json oed_host status 'it["worker_opened"]') answers so far"
