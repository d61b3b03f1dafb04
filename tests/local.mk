# tests/local.mk - whether it builds and starts elsewhere: other machines, another libc, a new user's
PORT_TESTS = tests/cross.sh tests/openwrt.sh
dist_check_SCRIPTS += $(PORT_TESTS)
TESTS += $(PORT_TESTS)
EXTRA_DIST += tests/portlib.sh
