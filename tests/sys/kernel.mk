# The fake kernel, for any test program that wants one.
FAKE_KERNEL_SOURCES = \
	tests/support/fake-kernel.c tests/support/fake-kernel.h \
	tests/support/fake-machine.c tests/support/fake-machine.h tests/support/fake-nodes.c \
	tests/support/tree.c tests/support/tree.h \
	tests/support/tree-devices.c

KERNEL_CONTRACT_SOURCES = \
	tests/support/kernel-contract.c tests/support/kernel-contract.h \
	tests/support/kernel-contract-internal.h \
	tests/support/contract-binding.c tests/support/contract-config.c \
	tests/support/contract-memory.c tests/support/contract-nodes.c

check_PROGRAMS += tests/sys/test-kernel tests/sys/test-fake-kernel
TESTS += tests/sys/test-kernel tests/sys/test-fake-kernel

tests_sys_test_kernel_SOURCES = \
	tests/sys/test-kernel.c tests/sys/kernel-fixture.c tests/sys/kernel-fixture.h \
	tests/sys/kernel-file-cases.c tests/sys/kernel-node-cases.c tests/sys/kernel-process-cases.c \
	tests/support/main.c tests/support/suite.h
tests_sys_test_kernel_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_sys_test_kernel_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_sys_test_kernel_LDADD = $(LIBS_SYS) $(CHECK_LIBS)

tests_sys_test_fake_kernel_SOURCES = \
	tests/sys/test-fake-kernel.c \
	$(KERNEL_CONTRACT_SOURCES) \
	tests/support/main.c tests/support/suite.h \
	$(FAKE_KERNEL_SOURCES)
tests_sys_test_fake_kernel_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_sys_test_fake_kernel_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_sys_test_fake_kernel_LDADD = $(LIBS_SYS) $(CHECK_LIBS)

# The same contract on the running kernel: for the lab, never for `make check`.
check_PROGRAMS += tests/vm/kernel-contract
tests_vm_kernel_contract_SOURCES = \
	tests/vm/kernel-contract.c \
	$(KERNEL_CONTRACT_SOURCES)
tests_vm_kernel_contract_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_vm_kernel_contract_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_vm_kernel_contract_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
