check_PROGRAMS += tests/engine/test-engine
TESTS += tests/engine/test-engine
tests_engine_test_engine_SOURCES = tests/support/main.c tests/support/suite.h \
	tests/engine/admin.c tests/engine/bus-reset.c tests/engine/disks.c tests/engine/handover.c tests/engine/journal.c tests/engine/machine.c tests/engine/machine.h \
	tests/engine/node.c tests/engine/plan.c tests/engine/power.c tests/engine/request.c tests/engine/request.h tests/engine/run.c \
	tests/engine/run-failures.c tests/engine/run-journal.c tests/engine/run-support.c tests/engine/run-support.h \
	tests/engine/serve.c tests/engine/serve-users.c tests/engine/support.h \
	tests/engine/support.c tests/engine/terms.c tests/engine/test-engine.c tests/engine/wire.c \
	$(FAKE_KERNEL_SOURCES)
tests_engine_test_engine_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_engine_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_engine_test_engine_LDADD = $(LIBS_ENGINE) $(CHECK_LIBS)

# Every operation fails, and every moment of a death: the longest of the programs.
check_PROGRAMS += tests/engine/test-sweep
tests_engine_test_sweep_SOURCES = tests/support/main.c tests/support/suite.h \
	tests/engine/machine.c tests/engine/machine.h tests/engine/support.c tests/engine/support.h \
	tests/engine/scene.c tests/engine/scene.h tests/engine/sweep.c tests/engine/sweep-deaths.c \
	$(FAKE_KERNEL_SOURCES)
tests_engine_test_sweep_CFLAGS = $(tests_engine_test_engine_CFLAGS)
tests_engine_test_sweep_CPPFLAGS = $(tests_engine_test_engine_CPPFLAGS)
tests_engine_test_sweep_LDADD = $(tests_engine_test_engine_LDADD)
