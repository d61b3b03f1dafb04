#!/bin/sh
# unpack.sh - a package of the distribution, and what it depends on and is not installed, in a folder of its own and not installed; prints the folder's name
#
# usage: unpack.sh PACKAGE    (Debian's libreswan and strongSwan conflict, for example)
#
# The folder is below UNPACKED (rsip-interop in the user's cache), and made once.
set -e
folder=${UNPACKED:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/rsip-interop}/$1
if [ ! -e "$folder/complete" ]; then
	rm -rf "$folder"
	mkdir -p "$folder/deb"
	cd "$folder/deb"
	names=$(apt-get install --print-uris -y --no-install-recommends "$1" |
	    sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p")
	# shellcheck disable=SC2086	# several
	apt-get download ${names:-"$1"} >&2
	for deb in *.deb; do
		dpkg -x "$deb" "$folder"
	done
	rm -r "$folder/deb"
	touch "$folder/complete"
fi
echo "$folder"
