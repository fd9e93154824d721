# Tests on real VFIO: they run in the lab's machines, never in `make check`.
#   make vm-check                        all of them
#   make vm-check VM_TESTS="life guard"  some of them
check_PROGRAMS += tests/vm/vfio-client tests/vm/kill-at tests/vm/measure tests/vm/vmm tests/vm/opener
tests_vm_vfio_client_SOURCES = tests/vm/vfio-client.c
tests_vm_kill_at_SOURCES = tests/vm/kill-at.c
tests_vm_measure_SOURCES = tests/vm/measure.c
tests_vm_measure_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS)
tests_vm_measure_LDADD = $(GIO_LIBS)

tests_vm_vmm_SOURCES = tests/vm/vmm.c tests/vm/vmm.h tests/vm/vmm-open.c tests/vm/vmm-device.c \
	tests/vm/vmm-interrupts.c
tests_vm_opener_SOURCES = tests/vm/opener.c
tests_vm_opener_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/client/lib
tests_vm_opener_LDFLAGS = $(AM_LDFLAGS) -no-install
tests_vm_opener_LDADD = libpcassign.la

VM_HELPERS = tests/vm/kernel-contract tests/vm/vfio-client tests/vm/kill-at tests/vm/measure \
	tests/vm/vmm tests/vm/opener client/lib/example
VM_PAYLOAD = $(abs_builddir)/vm-payload
EXTRA_DIST += tests/vm/run-all tests/vm/common.sh $(VM_FILES)
VM_FILES = tests/vm/contract.test tests/vm/life.test tests/vm/restart.test tests/vm/guard.test \
	tests/vm/badluck.test tests/vm/noiommu.test tests/vm/nointremap.test tests/vm/numbers.test tests/vm/library.test \
	tests/vm/handoff.sh tests/vm/handoff.test tests/vm/handoff-stock.test \
	tests/vm/interrupts.test tests/vm/nested.test

# The lab's Debian has its own prefix: configure with --prefix=/usr --sysconfdir=/etc --localstatedir=/var.
.PHONY: vm-payload vm-check
vm-payload: all $(VM_HELPERS)
	rm -rf $(VM_PAYLOAD)
	$(MAKE) $(AM_MAKEFLAGS) install DESTDIR=$(VM_PAYLOAD) >/dev/null
	$(MKDIR_P) $(VM_PAYLOAD)/usr/libexec/pcassign-tests
	cp $(VM_HELPERS) $(VM_PAYLOAD)/usr/libexec/pcassign-tests/
vm-check: vm-payload
	$(srcdir)/tests/vm/run-all $(VM_PAYLOAD) $(VM_TESTS)
