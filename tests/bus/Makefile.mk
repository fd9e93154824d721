# pcassignd itself on a private bus and a fake host.
check_PROGRAMS += tests/support/fake-worker tests/bus/test-bus
TESTS += tests/bus/test-third-party.py tests/bus/test-pcassignctl-live \
	tests/bus/test-json.py tests/bus/test-monitor.py tests/bus/test-errors.py tests/bus/test-handoff
EXTRA_DIST += tests/bus/fakehost.py tests/bus/test-json.py tests/bus/test-monitor.py \
	tests/bus/test-errors.py
TESTS += tests/bus/test-libvirt.py
EXTRA_DIST += tests/bus/test-libvirt.py
TESTS += tests/bus/test-pcassignd
check_SCRIPTS += tests/bus/test-pcassignd
EXTRA_DIST += tests/bus/test-pcassignd
EXTRA_DIST += tests/bus/test-handoff tests/support/handoff-contract.sh
EXTRA_DIST += tests/bus/test-third-party.py tests/bus/test-pcassignctl-live \
	tests/support/with-fake-host tests/support/fake-host.machine tests/support/fake-host.policy

tests_support_fake_worker_SOURCES = \
	tests/support/fake-worker.c \
	tests/support/fake-commands.c tests/support/fake-commands.h \
	$(FAKE_KERNEL_SOURCES)
tests_support_fake_worker_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_support_fake_worker_CFLAGS = $(AM_CFLAGS)
tests_support_fake_worker_LDADD = $(LIBS_ENGINE)

tests_bus_test_bus_SOURCES = \
	tests/bus/test-bus.c tests/bus/cases.h \
	tests/bus/world.c tests/bus/world.h \
	tests/bus/third-party.c \
	tests/bus/object-cases.c \
	tests/bus/check-cases.c \
	tests/bus/claim-cases.c \
	tests/bus/channel-cases.c \
	tests/bus/join-cases.c \
	tests/bus/sibling-cases.c \
	tests/bus/sriov-cases.c \
	tests/bus/wait-cases.c \
	tests/bus/revoke-cases.c \
	tests/bus/user-cases.c \
	tests/bus/death-cases.c \
	tests/bus/restart-cases.c \
	tests/bus/mock-polkit.c tests/bus/mock-polkit.h tests/bus/gate-cases.c \
	tests/bus/flood-cases.c tests/bus/hardware-cases.c \
	tests/bus/terms-cases.c \
	tests/support/interface.c tests/support/interface.h \
	tests/support/modules.c tests/support/modules.h \
	tests/bus/admin.c tests/bus/admin.h \
	tests/bus/admin-cases.c tests/bus/recover-cases.c \
	tests/support/main.c tests/support/suite.h
tests_bus_test_bus_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/tests/bus
tests_bus_test_bus_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(GIO_CFLAGS)
tests_bus_test_bus_LDADD = $(LIBS_SYS) $(GIO_LIBS) $(CHECK_LIBS)

# What messages become, without a bus.
check_PROGRAMS += tests/bus/test-translate
TESTS += tests/bus/test-translate
tests_bus_test_translate_SOURCES = tests/support/main.c tests/support/suite.h tests/bus/test-translate.c
tests_bus_test_translate_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_bus_test_translate_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(GIO_CFLAGS)
tests_bus_test_translate_LDADD = $(LIBS_BUS) $(CHECK_LIBS)
