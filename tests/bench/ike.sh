#!/bin/sh
# ike.sh - what a handshake costs: beside OpenSSL's public-key operations alone, and beside charon's end of the same ones
#
# Run in the build folder, as root: sh SOURCE/tests/bench/ike.sh.  HANDSHAKES=N for charon's part.
here=$(cd "$(dirname "$0")" && pwd)
tests/bench/ike_bench || exit 1
sh "$here/../interop/charon_ike.sh" bench v2_bench
