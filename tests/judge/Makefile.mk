check_PROGRAMS += tests/judge/test-judge
TESTS += tests/judge/test-judge
tests_judge_test_judge_SOURCES = tests/support/main.c tests/support/suite.h \
	tests/judge/test-judge.c tests/judge/cases.h \
	tests/judge/request-cases.c \
	tests/judge/check-cases.c \
	tests/support/policy.c tests/support/policy.h \
	tests/support/tree.c tests/support/tree.h \
	tests/support/tree-devices.c
tests_judge_test_judge_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_judge_test_judge_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_judge_test_judge_LDADD = $(LIBS_JUDGE) $(CHECK_LIBS)
