#!/bin/sh
# oe_loss_six.sh - oe_loss.sh over IPv6
export FAMILY=6
. "$(dirname "$0")/oe_loss.sh"
