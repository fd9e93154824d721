check_PROGRAMS += tests/worker/test-worker
TESTS += tests/worker/test-worker
tests_worker_test_worker_SOURCES = tests/support/main.c tests/support/suite.h tests/worker/test-worker.c
tests_worker_test_worker_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_worker_test_worker_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_worker_test_worker_LDADD = $(LIBS_ENGINE) $(CHECK_LIBS)
