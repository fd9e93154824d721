check_PROGRAMS += tests/client/test-run
TESTS += tests/client/test-run tests/client/test-pcassignctl
EXTRA_DIST += tests/client/test-pcassignctl tests/client/mock-pcassignd
tests_client_test_run_SOURCES = tests/support/main.c tests/support/suite.h \
	tests/client/test-run.c
tests_client_test_run_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_client_test_run_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/client
tests_client_test_run_LDADD = $(LIBS_CLIENT) $(CHECK_LIBS)
