check_PROGRAMS += tests/client/test-run
TESTS += tests/client/test-run tests/client/test-pcassignctl tests/client/test-snippets.py \
	tests/client/test-offline.py tests/client/test-verdicts.py tests/client/test-policy.py \
	tests/client/test-completions
EXTRA_DIST += tests/client/test-pcassignctl tests/client/mock-pcassignd \
	tests/client/test-snippets.py \
	tests/client/schemas/admin.json tests/client/schemas/check.json tests/client/schemas/claims.json \
	tests/client/schemas/list.json tests/client/schemas/monitor.json \
	tests/client/schemas/plan.json tests/client/schemas/policy-check.json \
	tests/client/schemas/policy-explain.json tests/client/schemas/policy-new.json \
	tests/client/schemas/policy-show.json \
	tests/client/schemas/status.json tests/client/schemas/xml.json \
	tests/client/schemas/explain.json tests/client/schemas/show.json tests/client/schemas/tree.json \
	tests/client/sysfstree.py tests/client/offline.py tests/client/test-offline.py tests/client/test-verdicts.py \
	tests/client/test-policy.py tests/client/test-completions tests/client/bench-offline
tests_client_test_run_SOURCES = tests/support/main.c tests/support/suite.h \
	tests/client/test-run.c
tests_client_test_run_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_client_test_run_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/client
tests_client_test_run_LDADD = $(LIBS_CLIENT) $(CHECK_LIBS)

check_PROGRAMS += tests/client/library
if !SANITIZERS
check_PROGRAMS += tests/client/library-memory
endif
TESTS += tests/client/test-libpcassign
EXTRA_DIST += tests/client/test-libpcassign tests/client/mock-library tests/client/hostile-bus
tests_client_library_SOURCES = tests/client/library.c tests/client/library.h \
	tests/client/library-calls.c tests/client/library-errors.c tests/client/library-failures.c \
	tests/client/library-handles.c
tests_client_library_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(DBUS_CFLAGS)
tests_client_library_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/client/lib
tests_client_library_LDFLAGS = $(AM_LDFLAGS) -no-install
tests_client_library_LDADD = libpcassign.la $(LIBS_BASE) $(CHECK_LIBS) $(DBUS_LIBS)
tests_client_library_memory_SOURCES = tests/client/library-memory.c
tests_client_library_memory_CFLAGS = -std=gnu17 $(WARN_CFLAGS) -Wno-missing-prototypes
tests_client_library_memory_CPPFLAGS = -I$(top_srcdir)/client/lib -D_GNU_SOURCE
tests_client_library_memory_LDFLAGS = $(AM_LDFLAGS) -no-install
tests_client_library_memory_LDADD = libpcassign.la

# What list takes on a big machine, beside lspci; for a build without sanitizers.
.PHONY: bench-offline
bench-offline: pcassignctl
	$(srcdir)/tests/client/bench-offline ./pcassignctl
