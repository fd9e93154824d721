check_PROGRAMS += tests/claim/test-claim
TESTS += tests/claim/test-claim
tests_claim_test_claim_SOURCES = tests/support/main.c tests/support/suite.h \
	tests/claim/admin.c tests/claim/async.c tests/claim/blocked.c tests/claim/daemon.c tests/claim/daemon.h tests/claim/death.c tests/claim/handed-out.c tests/claim/keep.c \
	tests/claim/keeping.c tests/claim/keeping.h tests/claim/taint.c \
	tests/claim/lease.c tests/claim/life.c tests/claim/queue.c tests/claim/recover.c \
	tests/claim/left.c tests/claim/left.h tests/claim/recover-foreign.c tests/claim/recover-workers.c \
	tests/claim/split.c tests/claim/store.c tests/claim/support.h tests/claim/test-claim.c \
	tests/engine/machine.c tests/engine/machine.h \
	$(FAKE_KERNEL_SOURCES)
tests_claim_test_claim_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_claim_test_claim_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_claim_test_claim_LDADD = $(LIBS_CLAIM) $(CHECK_LIBS)
