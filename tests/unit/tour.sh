#!/bin/sh
# tour.sh - each function that doc/tour.md names is where it says
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
[ "$count" -gt 40 ] || { echo "$count functions only"; failed=1; }
[ "$failed" = 0 ] && echo "$count functions are there"
exit $failed
