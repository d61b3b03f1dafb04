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

# The kernel's part is compiled for its own machine and carried in the program,
# here, in oe/esp/ and in rsipc/.
EXTRA_DIST += net/bpf_program.h net/bpf_wire.h nat/offload.bpf.c nat/offload_judge.h \
	nat/offload_map.h nat/offload_xdp.bpf.h
BPF_PARTS = nat/offload oe/esp/beside rsipc/pass
if BPF
net_libnet_a_SOURCES += net/ebpf.c net/ebpf.h
nat_libnat_a_SOURCES += nat/offload.c nat/offload.h \
	nat/offload_card.c nat/offload_card.h \
	nat/offload_lease.c nat/offload_lease.h nat/offload_state.h \
	nat/offload_unpack.c nat/offload_unpack.h
nodist_nat_libnat_a_SOURCES = nat/offload_packed.h
BPF_CARRIED = oe/esp/beside_object.h rsipc/pass_object.h
BUILT_SOURCES += nat/offload_packed.h $(BPF_CARRIED)
CLEANFILES += nat/offload_packed.h nat/offload.bpf.o \
	$(BPF_CARRIED) oe/esp/beside.bpf.o rsipc/pass.bpf.o
BASE_LIBS += $(BPF_LIBS) $(ZLIB_LIBS)
nat/offload_unpack.$(OBJEXT): nat/offload_packed.h
nat/offload.bpf.o: $(srcdir)/nat/offload.bpf.c $(srcdir)/nat/offload_judge.h $(srcdir)/nat/offload_xdp.bpf.h $(srcdir)/nat/mark.h $(srcdir)/nat/offload_map.h $(srcdir)/net/bpf_program.h $(srcdir)/net/decap.h
oe/esp/beside.bpf.o: $(srcdir)/oe/esp/beside.bpf.c $(srcdir)/oe/esp/beside_map.h $(srcdir)/net/bpf_program.h $(srcdir)/net/bpf_wire.h
rsipc/pass.bpf.o: $(srcdir)/rsipc/pass.bpf.c $(srcdir)/rsipc/pass_map.h $(srcdir)/net/bpf_program.h $(srcdir)/net/bpf_wire.h
if BPF_CLANG
BPF_COMPILE = $(BPF_CLANG) -O2 -g -Wall \
	-I`$(CC) -print-sysroot 2>/dev/null`/usr/include/`$(CC) \
	    -print-multiarch 2>/dev/null` -I$(srcdir)
BPF_STRIP = $(BPF_OBJCOPY) --strip-debug --discard-all --remove-section=.BTF.ext \
	--remove-section=.rel.BTF.ext
nat/offload.bpf.o oe/esp/beside.bpf.o rsipc/pass.bpf.o:
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(BPF_COMPILE) -target $(BPF_TARGET) \
	    -c $(srcdir)/`echo $@ | sed 's/o$$/c/'` -o $@
	$(AM_V_at)$(BPF_STRIP) $@
# A release carries the objects for both byte orders: it is built without clang.
bpf-dist:
	for part in $(BPF_PARTS); do for order in bpfel bpfeb; do \
		to=$(distdir)/$$part.$$order.o && $(BPF_COMPILE) -target $$order \
		    -c $(srcdir)/$$part.bpf.c -o $$to && \
		$(BPF_STRIP) $$to || exit 1; \
	done; done
else
nat/offload.bpf.o oe/esp/beside.bpf.o rsipc/pass.bpf.o:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp \
	    $(srcdir)/`echo $@ | sed 's/bpf.o$$/$(BPF_TARGET).o/'` $@
bpf-dist:
	for part in $(BPF_PARTS); do \
		cp $(srcdir)/$$part.bpfel.o $(srcdir)/$$part.bpfeb.o \
		    `dirname $(distdir)/$$part` || exit 1; \
	done
endif
nat/offload_packed.h: nat/offload.bpf.o
	$(AM_V_GEN)(echo 'static const unsigned char offload_packed[] = {' && \
	    gzip -9nc nat/offload.bpf.o | od -An -v -tu1 | \
	    sed 's/\([0-9][0-9]*\)/\1,/g' && echo '};') >$@.new && mv $@.new $@
oe/esp/beside_object.h: oe/esp/beside.bpf.o
rsipc/pass_object.h: rsipc/pass.bpf.o
$(BPF_CARRIED):
	$(AM_V_GEN)(echo "static const unsigned char `basename $@ .h`[] = {" && \
	    od -An -v -tu1 `echo $@ | sed 's/_object.h$$/.bpf.o/'` | \
	    sed 's/\([0-9][0-9]*\)/\1,/g' && echo '};') >$@.new && mv $@.new $@
else
nat_libnat_a_SOURCES += nat/offload.h nat/offload_lease.h
bpf-dist:
	@echo "dist: without eBPF's objects: $(PACKAGE) was configured so"
endif

dist-hook: bpf-dist
.PHONY: bpf-dist

EXTRA_DIST += doc/dataplane.md
