# lib.sh - the lab of tests/net for tests here, which begin with "here", and the way into a VM; sourced first
# shellcheck shell=sh
# shellcheck disable=SC2154  # who sources it has "here"
. "$here/../net/lib.sh"
# shellcheck disable=SC2034  # that uses it
NET_HERE=$(cd "$here/../net" && pwd)
. "$NET_HERE/oelib.sh"
. "$here/vmlib.sh"
