#!/bin/sh
# attack_table_six.sh - attack_table.sh over IPv6, where a stranger has addresses without end
export FAMILY=6
. "$(dirname "$0")/attack_table.sh"
