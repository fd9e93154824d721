check_PROGRAMS += tests/auth/test-auth
TESTS += tests/auth/test-auth
tests_auth_test_auth_SOURCES = tests/support/main.c tests/support/suite.h \
	tests/auth/test-auth.c tests/auth/audit-cases.c tests/auth/pending-cases.c \
	tests/auth/selinux-cases.c tests/auth/subject-cases.c tests/auth/cases.h \
	tests/support/interface.c tests/support/interface.h
tests_auth_test_auth_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(GIO_CFLAGS) $(SYSTEMD_CFLAGS)
tests_auth_test_auth_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_auth_test_auth_LDADD = $(LIBS_AUTH) $(CHECK_LIBS)

# The build itself refuses a member without a rule, and a rule without a member.
TESTS += tests/auth/test-gate-build
EXTRA_DIST += tests/auth/test-gate-build
