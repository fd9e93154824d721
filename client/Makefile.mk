bin_PROGRAMS += pcassignctl
pcassignctl_SOURCES = client/main.c
pcassignctl_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS) $(SMARTCOLS_CFLAGS) $(JSON_CFLAGS) \
	$(SYSTEMD_CFLAGS)
pcassignctl_LDADD = $(LIBS_CLIENT)

noinst_LIBRARIES += libpca-client.a
LIBS_CLIENT = libpca-client.a libpca-judge.a libpca-claim.a libpca-engine.a $(LIBS_SYS) $(GIO_LIBS) $(SMARTCOLS_LIBS) $(JSON_LIBS) \
	$(SYSTEMD_LIBS)
libpca_client_a_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS) $(SMARTCOLS_CFLAGS) $(JSON_CFLAGS) \
	$(SYSTEMD_CFLAGS)
libpca_client_a_SOURCES = \
	client/advice.c client/advice.h \
	client/agent.c client/agent.h \
	client/connection.c client/connection.h \
	client/device-json.c client/device-json.h \
	client/diagnostics.c client/diagnostics.h \
	client/hierarchy.c client/hierarchy.h \
	client/host-note.c client/host-note.h \
	client/journal.c client/journal.h \
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
	client/check-offline.c client/check-offline.h client/libvirt.h \
	client/verb-xml.c
if LIBVIRT
libpca_client_a_SOURCES += client/libvirt.c
libpca_client_a_CFLAGS += $(LIBVIRT_CFLAGS)
LIBS_CLIENT += $(LIBVIRT_LIBS)
else
libpca_client_a_SOURCES += client/libvirt-none.c
endif

dist_man_MANS += man/pcassignctl.1

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_bashcompletion_DATA = client/completions/pcassignctl.bash
dist_zshcompletion_DATA = client/completions/_pcassignctl
dist_fishcompletion_DATA = client/completions/pcassignctl.fish
