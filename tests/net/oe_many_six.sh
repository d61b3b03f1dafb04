#!/bin/sh
# oe_many_six.sh - oe_many.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_many.sh"
