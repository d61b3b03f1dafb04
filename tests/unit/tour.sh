#!/bin/sh
# tour.sh - each function that doc/tour.md names is where it says, and no other reads headers
cd "${srcdir:-.}" || exit 99
failed=0 count=0
list=$(sed -n 's/^    \([a-z_/0-9]*\.c\)  *\([a-z_0-9]*\)().*/\1 \2/p' doc/tour.md)
while read -r file function; do
	count=$((count + 1))
	grep -q "^$function(" "$file" || {
		echo "$file: no $function()"
		failed=1
	}
done <<LIST
$list
LIST
for function in $(grep -o '`[a-z_0-9]*()`' doc/tour.md | tr -d '`()' | sort -u); do
	count=$((count + 1))
	grep -q "^$function(" net/*.c nat/*.c rsipd/*.c rsipc/*.c oe/*.c oe/*/*.c || {
		echo "no $function()"
		failed=1
	}
done
# Who calls packet_parse*() is named in the last section.
readers=$(awk '/^[a-z_0-9]+\(/ { name = $0; sub(/\(.*/, "", name) }
	/packet_parse[a-z0-9_]*\(/ && name !~ /^packet_parse/ { print name }' \
	base/*.c net/*.c proto/*.c nat/*.c rsipd/*.c rsipc/*.c oe/*.c oe/*/*.c ctl/*.c |
	sort -u | tr '\n' ' ')
for function in $readers; do
	sed -n '/^## Where headers are read/,$p' doc/tour.md |
	    grep -qF "\`$function()\`" || {
		echo "$function() reads a header, and doc/tour.md does not say so"
		failed=1
	}
done
[ "$(echo "$readers" | wc -w)" -gt 5 ] || { echo "readers: $readers"; failed=1; }
[ "$count" -gt 40 ] || { echo "$count functions only"; failed=1; }
[ "$failed" = 0 ] && echo "$count functions are there;" \
    "headers are read by $readers"
exit $failed
