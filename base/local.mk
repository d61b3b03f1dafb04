# base/local.mk - what every program of the project stands on
noinst_LIBRARIES += base/libbase.a
base_libbase_a_SOURCES = \
	base/comment.c base/comment.h \
	base/conf.c base/conf.h \
	base/clock.c base/clock.h \
	base/control.c base/control.h \
	base/cursor.c base/cursor.h \
	base/daemon.c base/daemon.h \
	base/filewatch.c base/filewatch.h \
	base/help.h \
	base/helper.c base/helper.h \
	base/hash.c base/hash.h \
	base/histogram.c base/histogram.h \
	base/listener.c base/listener.h \
	base/lock.c \
	base/log.c base/log.h \
	base/json.c base/json.h base/metrics.c base/metrics.h \
	base/opener.c base/opener.h \
	base/option.c base/option.h base/option_print.c \
	base/priv.c base/priv.h \
	base/queue.h \
	base/ratelimit.c base/ratelimit.h \
	base/report.c base/report.h base/report_rows.h \
	base/sanitized.h \
	base/service.c base/service.h \
	base/slab.c base/slab.h \
	base/statefile.c base/statefile.h \
	base/util.c base/util.h \
	base/wake.c base/wake.h \
	base/watch.c base/watch.h \
	base/web.c base/web.h base/web_request.c

# The page of numbers is carried in the programs.
WEB_PAGE = base/page.css base/page.html base/page.js
EXTRA_DIST += $(WEB_PAGE)
nodist_base_libbase_a_SOURCES = base/web_page.h
BUILT_SOURCES += base/web_page.h
CLEANFILES += base/web_page.h
base/web.$(OBJEXT): base/web_page.h
base/web_page.h: $(WEB_PAGE)
	$(AM_V_GEN)$(MKDIR_P) base && for f in css html js; do \
	    echo "static const char web_page_$$f[] =" && \
	    $(SED) -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/' \
	        $(srcdir)/base/page.$$f && echo '    ;' || exit 1; \
	    done >$@.new && mv $@.new $@
