# tests/local.mk - whether it builds and starts elsewhere: other machines, another libc, a new user's
PORT_TESTS = tests/configure.sh tests/cross.sh tests/musl.sh tests/openwrt.sh
# A Debian root of their own, minutes: run by name.
dist_check_SCRIPTS += $(PORT_TESTS) tests/debian.sh tests/newcomer.sh \
	tests/without.sh
TESTS += $(PORT_TESTS)
EXTRA_DIST += tests/README.md tests/portlib.sh tests/rooms.py tests/rooms.txt \
	tests/style.py tests/style.txt tests/shapes.py tests/shapes.txt
# Builds packages and boots a machine for them, some minutes: run by hand.
dist_check_SCRIPTS += tests/package/systemd.sh
EXTRA_DIST += tests/package/systemd_inside.sh
