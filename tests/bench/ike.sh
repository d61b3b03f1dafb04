#!/bin/sh
# ike.sh - what a handshake costs: beside OpenSSL's public-key operations alone, beside charon's end of the same ones, and until the first encrypted reply
#
# Run in the build folder, as root: sh SOURCE/tests/bench/ike.sh.  HANDSHAKES=N for charon's part.
here=$(cd "$(dirname "$0")" && pwd)
tests/bench/ike_bench || exit 1
sh "$here/../interop/charon_ike.sh" bench v2_bench || exit 1
# DNS and two round trips of IKE on a path of 20 ms, and what is more than these.
sh "$here/../net/oe_time.sh"
