#!/bin/sh
# oe_grid_six.sh - oe_grid.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_grid.sh"
