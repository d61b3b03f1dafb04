# nat/local.mk - the gateway's data plane
noinst_LIBRARIES += nat/libnat.a
nat_libnat_a_SOURCES = \
	nat/address.c nat/address.h \
	nat/dataplane.c nat/dataplane.h nat/dataplane_config.h \
	nat/demux.c nat/demux.h \
	nat/binding.h nat/demux_answer.c nat/demux_answer.h \
	nat/demux_hash.c nat/demux_hash.h \
	nat/demux_inbound.c nat/demux_inbound.h \
	nat/demux_key.c nat/demux_key.h \
	nat/demux_learn.c nat/demux_learn.h \
	nat/demux_outbound.c nat/demux_outbound.h \
	nat/demux_owner.c nat/demux_owner.h \
	nat/demux_reader.c nat/demux_reader.h nat/demux_table.h \
	nat/demux_verdict.h \
	nat/forward.c nat/forward.h \
	nat/mark.h \
	nat/refusal.c nat/refusal.h \
	nat/plan.c nat/plan.h \
	nat/queue.c nat/queue.h \
	nat/reassemble.c nat/reassemble.h \
	nat/rules.c nat/rules.h \
	nat/rules_backend.h nat/rules_iptables.c nat/rules_nftables.c \
	nat/rules_put.c nat/rules_put.h nat/rules_judge.c nat/rules_judge.h \
	nat/rules_run.c nat/rules_run.h \
	nat/rules_settings.c nat/rules_settings.h

# The kernel's part is compiled for its own machine and carried in the program.
EXTRA_DIST += nat/offload.bpf.c nat/offload_map.h
if BPF
nat_libnat_a_SOURCES += nat/offload.c nat/offload.h \
	nat/offload_lease.c nat/offload_lease.h nat/offload_state.h \
	nat/offload_unpack.c nat/offload_unpack.h
nodist_nat_libnat_a_SOURCES = nat/offload_packed.h
BUILT_SOURCES += nat/offload_packed.h
CLEANFILES += nat/offload_packed.h nat/offload.bpf.o
BASE_LIBS += $(BPF_LIBS) $(ZLIB_LIBS)
nat/offload_unpack.$(OBJEXT): nat/offload_packed.h
if BPF_CLANG
BPF_COMPILE = $(BPF_CLANG) -O2 -g -Wall \
	-I`$(CC) -print-sysroot 2>/dev/null`/usr/include/`$(CC) \
	    -print-multiarch 2>/dev/null` \
	-I$(srcdir)/nat -c $(srcdir)/nat/offload.bpf.c
BPF_STRIP = $(BPF_OBJCOPY) --strip-debug --discard-all --remove-section=.BTF.ext \
	--remove-section=.rel.BTF.ext
nat/offload.bpf.o: $(srcdir)/nat/offload.bpf.c $(srcdir)/nat/mark.h $(srcdir)/nat/offload_map.h
	$(AM_V_CC)$(MKDIR_P) nat && $(BPF_COMPILE) -target $(BPF_TARGET) -o $@
	$(AM_V_at)$(BPF_STRIP) $@
# A release carries the object for both byte orders: it is built without clang.
offload-dist: $(srcdir)/nat/offload.bpf.c $(srcdir)/nat/offload_map.h
	for order in bpfel bpfeb; do \
		$(BPF_COMPILE) -target $$order -o $(distdir)/nat/offload.$$order.o && \
		$(BPF_STRIP) $(distdir)/nat/offload.$$order.o || exit 1; \
	done
else
nat/offload.bpf.o: $(srcdir)/nat/offload.$(BPF_TARGET).o
	$(AM_V_GEN)$(MKDIR_P) nat && cp $(srcdir)/nat/offload.$(BPF_TARGET).o $@
offload-dist:
	cp $(srcdir)/nat/offload.bpfel.o $(srcdir)/nat/offload.bpfeb.o $(distdir)/nat/
endif
nat/offload_packed.h: nat/offload.bpf.o
	$(AM_V_GEN)(echo 'static const unsigned char offload_packed[] = {' && \
	    gzip -9nc nat/offload.bpf.o | od -An -v -tu1 | \
	    sed 's/\([0-9][0-9]*\)/\1,/g' && echo '};') >$@.new && mv $@.new $@
else
nat_libnat_a_SOURCES += nat/offload.h nat/offload_lease.h
offload-dist:
	@echo "dist: without eBPF's object: $(PACKAGE) was configured so"
endif

dist-hook: offload-dist
.PHONY: offload-dist

EXTRA_DIST += doc/dataplane.md
