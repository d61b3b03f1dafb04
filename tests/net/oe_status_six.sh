#!/bin/sh
# oe_status_six.sh - oe_status.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_status.sh"
