bin_PROGRAMS += pcassignctl
pcassignctl_SOURCES = client/main.c
pcassignctl_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS) $(SMARTCOLS_CFLAGS) $(JSON_CFLAGS)
pcassignctl_LDADD = $(LIBS_CLIENT)

noinst_LIBRARIES += libpca-client.a
LIBS_CLIENT = libpca-client.a $(LIBS_PCI) $(GIO_LIBS) $(SMARTCOLS_LIBS) $(JSON_LIBS)
libpca_client_a_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS) $(SMARTCOLS_CFLAGS) $(JSON_CFLAGS)
libpca_client_a_SOURCES = \
	client/connection.c client/connection.h \
	client/objects.c client/objects.h \
	client/options.c client/options.h \
	client/output.c client/output.h \
	client/run-fds.c client/run-fds.h \
	client/run-vmm.c client/run-vmm.h \
	client/specs.c client/specs.h \
	client/verb-admin.c \
	client/verb-check.c client/verb-claims.c client/verb-list.c client/verb-policy.c \
	client/verb-run.c client/verbs.h

dist_man_MANS += man/pcassignctl.1

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_bashcompletion_DATA = client/completions/pcassignctl.bash
dist_zshcompletion_DATA = client/completions/_pcassignctl
dist_fishcompletion_DATA = client/completions/pcassignctl.fish
