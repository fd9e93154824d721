check_PROGRAMS += tests/sys/test-sys
TESTS += tests/sys/test-sys
tests_sys_test_sys_SOURCES = \
	tests/sys/test-sys.c tests/sys/cases.h \
	tests/sys/account-cases.c \
	tests/sys/hardware-cases.c \
	tests/sys/hint-cases.c \
	tests/sys/scan-cases.c \
	tests/sys/storage-cases.c \
	tests/sys/device-cases.c \
	tests/sys/network-cases.c \
	tests/sys/interrupt-cases.c \
	tests/sys/policy-file-cases.c \
	tests/sys/variant-cases.c \
	tests/support/policy.c tests/support/policy.h \
	tests/support/modules.c tests/support/modules.h \
	tests/sys/guard.c tests/sys/guard.h \
	tests/support/main.c tests/support/suite.h \
	tests/support/tree.c tests/support/tree.h \
	tests/support/tree-devices.c
tests_sys_test_sys_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MNL_CFLAGS)
tests_sys_test_sys_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_sys_test_sys_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
