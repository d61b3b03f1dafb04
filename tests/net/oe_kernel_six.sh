#!/bin/sh
# oe_kernel_six.sh - oe_kernel.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_kernel.sh"
