bin_PROGRAMS += pcassignctl
pcassignctl_SOURCES = client/main.c
pcassignctl_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS) $(SMARTCOLS_CFLAGS) $(JSON_CFLAGS)
# What LIBS_SYS names for others is not loaded at each start.
pcassignctl_LDFLAGS = $(AM_LDFLAGS) -Wl,--as-needed
pcassignctl_LDADD = $(LIBS_CLIENT)

noinst_LIBRARIES += libpca-client.a
LIBS_CLIENT = libpca-client.a libpca-judge.a libpca-claim.a libpca-engine.a $(LIBS_SYS) $(GIO_LIBS) \
	$(SMARTCOLS_LIBS) $(JSON_LIBS)
libpca_client_a_CPPFLAGS = $(AM_CPPFLAGS) -DPCA_MODULES=\"$(pkglibdir)\"
libpca_client_a_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS) $(SMARTCOLS_CFLAGS) $(JSON_CFLAGS)
libpca_client_a_SOURCES = \
	client/advice.c client/advice.h \
	client/agent.c client/agent.h \
	client/connection.c client/connection.h \
	client/device-json.c client/device-json.h \
	client/diagnostics.c client/diagnostics.h \
	client/hierarchy.c client/hierarchy.h \
	client/host-note.c client/host-note.h \
	client/journal.h \
	client/libvirt.h \
	client/modules.c \
	client/monitor-print.c client/monitor-print.h \
	client/monitor-seen.c client/monitor-seen.h \
	client/objects.c client/objects.h \
	client/offline.c client/offline.h \
	client/options.c client/options.h \
	client/output.c client/output.h \
	client/policy-check.c client/policy-explain.c client/policy-new.c client/policy-show.c \
	client/policy-state.c client/policy-state.h client/policy-view.c client/policy-view.h \
	client/policy-write.c client/policy.h \
	client/run-fds.c client/run-fds.h \
	client/run-vmm.c client/run-vmm.h \
	client/section.c client/section.h \
	client/source.c client/source.h \
	client/specs.c client/specs.h \
	client/status.c client/status.h \
	client/status-offline.c client/status-offline.h \
	client/verb-admin.c \
	client/verb-check.c client/verb-claims.c client/verb-explain.c client/verb-list.c \
	client/verb-policy.c client/verb-show.c client/verb-tree.c \
	client/verb-monitor.c client/verb-release.c client/verb-run.c client/verb-status.c client/verbs.h

libpca_client_a_SOURCES += client/check-domain.c client/check-domain.h \
	client/check-offline.c client/check-offline.h client/verb-xml.c

# What pcassignctl loads when it is needed (client/modules.c). Each has what it uses of daemon/ for itself.
MODULE_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared
pkglib_LTLIBRARIES += journal.la variants.la
journal_la_SOURCES = client/journal.c client/journal.h
journal_la_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
journal_la_LDFLAGS = $(MODULE_LDFLAGS)
journal_la_LIBADD = $(GLIB_LIBS) $(SYSTEMD_LIBS)
variants_la_SOURCES = daemon/sys/variants.c daemon/sys/root.c daemon/base/error.c
variants_la_CFLAGS = $(AM_CFLAGS) $(KMOD_CFLAGS)
variants_la_LDFLAGS = $(MODULE_LDFLAGS)
variants_la_LIBADD = $(GLIB_LIBS) $(KMOD_LIBS)
if LIBVIRT
pkglib_LTLIBRARIES += libvirt.la
libvirt_la_SOURCES = client/libvirt.c client/libvirt.h \
	daemon/sys/root.c daemon/pci/address.c daemon/base/error.c
libvirt_la_CFLAGS = $(AM_CFLAGS) $(LIBVIRT_CFLAGS)
libvirt_la_LDFLAGS = $(MODULE_LDFLAGS)
libvirt_la_LIBADD = $(GLIB_LIBS) $(LIBVIRT_LIBS)
endif

dist_man_MANS += man/pcassignctl.1

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_bashcompletion_DATA = client/completions/pcassignctl.bash
dist_zshcompletion_DATA = client/completions/_pcassignctl
dist_fishcompletion_DATA = client/completions/pcassignctl.fish
