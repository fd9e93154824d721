check_PROGRAMS += tests/policy/test-policy
TESTS += tests/policy/test-policy
tests_policy_test_policy_SOURCES = tests/support/main.c tests/support/suite.h \
	tests/policy/allow.c tests/policy/explain.c \
	tests/policy/host.c tests/policy/host.h tests/policy/malformed.c tests/policy/match.c tests/policy/scale.c tests/policy/scale.h tests/policy/sections.c \
	tests/policy/shuffle.c tests/policy/values.c tests/policy/verdicts.c \
	tests/policy/support.c tests/policy/support.h tests/policy/test-policy.c
tests_policy_test_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_policy_test_policy_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_policy_test_policy_LDADD = $(LIBS_POLICY) $(CHECK_LIBS)

# In a build without sanitizers.
EXTRA_PROGRAMS = tests/policy/bench
CLEANFILES += tests/policy/bench
tests_policy_bench_SOURCES = tests/policy/bench.c tests/policy/scale.c tests/policy/scale.h
tests_policy_bench_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_policy_bench_LDADD = $(LIBS_POLICY)
.PHONY: bench-policy
bench-policy: tests/policy/bench
	tests/policy/bench
