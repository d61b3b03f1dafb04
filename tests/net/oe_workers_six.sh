#!/bin/sh
# oe_workers_six.sh - oe_workers.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_workers.sh"
