#!/bin/sh
# oe_alive_six.sh - oe_alive.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_alive.sh"
