#!/bin/sh
# oe_time_six.sh - oe_time.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_time.sh"
