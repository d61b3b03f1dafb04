# contrib/local.mk - how the programs are started and packaged elsewhere
SYSTEMD_UNITS = contrib/systemd/oed.service contrib/systemd/rsipc.service \
	contrib/systemd/rsipd.service
if SYSTEMD
nodist_systemdsystemunit_DATA = $(SYSTEMD_UNITS)
endif
CLEANFILES += $(SYSTEMD_UNITS)
$(SYSTEMD_UNITS): Makefile $(SYSTEMD_UNITS:.service=.service.in)
	$(AM_V_GEN)$(MKDIR_P) contrib/systemd && $(SED) \
	    -e 's|@sbindir[@]|$(sbindir)|g' \
	    -e 's|@BPF_TRUE[@]|@BPF_TRUE@|g' \
	    -e 's|@bindir[@]|$(bindir)|g' $(srcdir)/$@.in >$@

# The users they change to: "systemd-sysusers" makes them after an installation.
sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = contrib/sysusers.d/rsip.conf

# Who configures a system's network leaves our interfaces alone.
nmconfdir = $(sysconfdir)/NetworkManager/conf.d
dist_nmconf_DATA = contrib/network/90-rsip.conf
networkdir = $(prefix)/lib/systemd/network
dist_network_DATA = contrib/network/10-rsip.network
networkdconfdir = $(prefix)/lib/systemd/networkd.conf.d
dist_networkdconf_DATA = contrib/network/10-rsip.conf

# Every option with its default and what it is for.
examplesdir = $(docdir)/examples
dist_examples_DATA = contrib/grafana.json contrib/oed.conf contrib/rsipc.conf \
	contrib/rsipd.conf

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = contrib/completions/rsipctl

EXTRA_DIST += $(SYSTEMD_UNITS:.service=.service.in) \
	contrib/debian/changelog contrib/debian/control \
	contrib/debian/copyright contrib/debian/librsipstatus-dev.install \
	contrib/debian/oed.install contrib/debian/oed.postrm \
	contrib/debian/rsip-tools.dirs contrib/debian/rsip-tools.install contrib/debian/rsip-tools.postrm \
	contrib/debian/rsipc.install contrib/debian/rsipc.postrm \
	contrib/debian/rsipd.install contrib/debian/rsipd.postrm contrib/debian/rsipd.prerm \
	contrib/debian/rules contrib/debian/source/format \
	contrib/openwrt/Makefile contrib/openwrt/files/oed.init \
	contrib/openwrt/files/rsip.config contrib/openwrt/files/rsip.keep \
	contrib/openwrt/files/rsip.sh contrib/openwrt/files/rsipd.init

# Debian packages of the working tree, in ./debian-packages.
deb: dist
	rm -rf debian-packages && $(MKDIR_P) debian-packages
	cp $(distdir).tar.xz debian-packages/$(PACKAGE)_$(VERSION).orig.tar.xz
	cd debian-packages && tar xf $(PACKAGE)_$(VERSION).orig.tar.xz && \
	    cp -R $(distdir)/contrib/debian $(distdir)/debian && \
	    cd $(distdir) && dpkg-buildpackage -us -uc -b
	@ls debian-packages/*.deb

clean-local:
	rm -rf debian-packages

.PHONY: deb
