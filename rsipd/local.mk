# rsipd/local.mk - the gateway daemon: a pure core in a library, a shell around it
noinst_LIBRARIES += rsipd/librsipd.a
rsipd_librsipd_a_SOURCES = \
	rsipd/endpoint.c rsipd/endpoint.h \
	rsipd/gateway.c rsipd/gateway.h rsipd/gateway_internal.h \
	rsipd/gateway_assign.c rsipd/gateway_auth.c \
	rsipd/gateway_name.c rsipd/gateway_query.c \
	rsipd/gateway_follow.c rsipd/gateway_held.c \
	rsipd/gateway_register.c rsipd/gateway_restore.c \
	rsipd/fence.c rsipd/fence.h \
	rsipd/grant.c rsipd/grant.h \
	rsipd/journal.c rsipd/journal.h \
	rsipd/lease.c rsipd/lease.h \
	rsipd/policy.c rsipd/policy.h \
	rsipd/pool.c rsipd/pool.h \
	rsipd/portset.c rsipd/portset.h \
	rsipd/spiset.c rsipd/spiset.h \
	rsipd/store.c rsipd/store.h rsipd/store_file.c rsipd/store_flush.c rsipd/store_internal.h \
	rsipd/store_record.c rsipd/store_turn.c

sbin_PROGRAMS += rsipd/rsipd
rsipd_rsipd_SOURCES = \
	rsipd/keep.c rsipd/keep.h rsipd/na.c rsipd/na.h rsipd/na_totals.c \
	rsipd/parent.c rsipd/parent.h \
	rsipd/resp.c rsipd/resp.h \
	rsipd/rsipd.c \
	rsipd/shared.c rsipd/shared.h rsipd/shared_internal.h \
	rsipd/shared_batch.c rsipd/shared_batch.h \
	rsipd/shared_keep.c rsipd/shared_read.c rsipd/shared_script.c \
	rsipd/shared_write.c \
	rsipd/server.c rsipd/server.h rsipd/server_internal.h \
	rsipd/settings.h \
	rsipd/settings_machine.c rsipd/settings_machine.h \
	rsipd/settings_plane.c rsipd/settings_plane.h \
	rsipd/settings_policy.c rsipd/settings_policy.h \
	rsipd/settings_read.c rsipd/settings_read.h \
	rsipd/status.c rsipd/status.h \
	rsipd/tcp.c rsipd/udp.c
rsipd_rsipd_LDADD = rsipd/librsipd.a nat/libnat.a proto/libproto.a \
	$(BASE_LIBS) $(NFQ_LIBS) $(CARES_LIBS) $(LMDB_LIBS) $(HIREDIS_LIBS) -lpthread

dist_man_MANS += doc/rsipd.8 doc/rsipd.conf.5
EXTRA_DIST += contrib/rsipd.conf

# The scripts that the shared store runs are carried in the program.
SHARED_LUA = rsipd/begin.lua rsipd/page.lua rsipd/renew.lua rsipd/take.lua \
    rsipd/write.lua
EXTRA_DIST += $(SHARED_LUA)
nodist_rsipd_rsipd_SOURCES = rsipd/shared_lua.h
BUILT_SOURCES += rsipd/shared_lua.h
CLEANFILES += rsipd/shared_lua.h
rsipd/shared_script.$(OBJEXT): rsipd/shared_lua.h
rsipd/shared_lua.h: $(SHARED_LUA)
	$(AM_V_GEN)$(MKDIR_P) rsipd && for f in begin page renew take write; do \
	    echo "static const char shared_lua_$$f[] =" && \
	    $(SED) -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/' \
	        $(srcdir)/rsipd/$$f.lua && echo '    ;' || exit 1; \
	    done >$@.new && mv $@.new $@
