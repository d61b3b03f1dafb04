#!/bin/sh
# oe_transport_six.sh - oe_transport.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_transport.sh"
