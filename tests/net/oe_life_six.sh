#!/bin/sh
# oe_life_six.sh - oe_life.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_life.sh"
