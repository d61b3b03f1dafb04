# tests/guides/local.mk - the guides of doc/guides, each typed as it stands there
GUIDE_TESTS = tests/guides/first.sh tests/guides/laptop.sh tests/guides/pair.sh tests/guides/router.sh \
	tests/guides/server.sh tests/guides/why.sh
dist_check_SCRIPTS += $(GUIDE_TESTS)
TESTS += $(GUIDE_TESTS)
EXTRA_DIST += tests/guides/follow.py tests/guides/guidelib.sh
