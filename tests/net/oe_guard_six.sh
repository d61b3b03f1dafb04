#!/bin/sh
# oe_guard_six.sh - oe_guard.sh over IPv6, where what comes by the TUN is told apart by a mark
export FAMILY=6
. "$(dirname "$0")/oe_guard.sh"
