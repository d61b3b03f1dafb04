#!/bin/sh
# oe_blackhole_six.sh - oe_blackhole.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_blackhole.sh"
