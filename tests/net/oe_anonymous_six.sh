#!/bin/sh
# oe_anonymous_six.sh - oe_anonymous.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_anonymous.sh"
