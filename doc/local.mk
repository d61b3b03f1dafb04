# doc/local.mk - what is written about the whole; each room lists its own manual pages
EXTRA_DIST += doc/README.md doc/architecture.md doc/ipsec-profile.md \
	doc/control.md doc/ike2.md doc/ike2-wire.md doc/oe.md doc/peers.md doc/performance.md doc/pictures.md doc/robustness.md doc/threats.md \
	doc/tour.md doc/wire.md doc/words.md
EXTRA_DIST += doc/guides/laptop.md doc/guides/pair.md \
	doc/guides/first.md doc/guides/router.md doc/guides/server.md doc/guides/why.md
