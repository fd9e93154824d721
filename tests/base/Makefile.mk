check_PROGRAMS += tests/base/test-base
TESTS += tests/base/test-base
tests_base_test_base_SOURCES = tests/support/main.c tests/support/suite.h \
	tests/base/test-base.c
tests_base_test_base_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_base_test_base_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_base_test_base_LDADD = $(LIBS_BASE) $(CHECK_LIBS)
