# Tests on real VFIO: they run in the lab's machines, never in `make check`.
#   make vm-check                        all of them
#   make vm-check VM_TESTS="life guard"  some of them
check_PROGRAMS += tests/vm/vfio-client tests/vm/kill-at tests/vm/measure tests/vm/vmm tests/vm/opener
tests_vm_vfio_client_SOURCES = tests/vm/vfio-client.c tests/vm/uapi.h
tests_vm_kill_at_SOURCES = tests/vm/kill-at.c tests/vm/state-calls.c tests/vm/state-calls.h
tests_vm_measure_SOURCES = tests/vm/measure.c tests/vm/by-hand.c tests/vm/by-hand.h
check_PROGRAMS += tests/vm/owner
tests_vm_owner_SOURCES = tests/vm/owner.c tests/vm/uapi.h
tests_vm_owner_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/client/lib
tests_vm_owner_LDFLAGS = $(AM_LDFLAGS) -no-install
tests_vm_owner_LDADD = libpcassign.la
# -no-install makes a program instead of a script, which can be copied.
tests_vm_measure_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/client/lib -I$(top_srcdir)/tests
tests_vm_measure_LDFLAGS = $(AM_LDFLAGS) -no-install
tests_vm_measure_LDADD = libpcassign.la $(GLIB_LIBS)
check_PROGRAMS += tests/vm/bench
tests_vm_bench_SOURCES = tests/vm/bench.c tests/vm/by-hand.c tests/vm/by-hand.h
tests_vm_bench_CPPFLAGS = $(tests_vm_measure_CPPFLAGS)
tests_vm_bench_LDFLAGS = $(AM_LDFLAGS) -no-install
tests_vm_bench_LDADD = libpcassign.la $(LIBS_SYS)
check_PROGRAMS += tests/vm/join-client
tests_vm_join_client_SOURCES = tests/vm/join-client.c tests/vm/uapi.h
tests_vm_join_client_CPPFLAGS = -I$(srcdir)/client/lib -D_GNU_SOURCE
tests_vm_join_client_CFLAGS = -std=gnu17 $(WARN_CFLAGS) $(SANITIZER_FLAGS)
tests_vm_join_client_LDFLAGS = $(AM_LDFLAGS) -no-install
tests_vm_join_client_LDADD = libpcassign.la

check_PROGRAMS += tests/vm/unit-of
tests_vm_unit_of_SOURCES = tests/vm/unit-of.c
tests_vm_unit_of_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS)
tests_vm_unit_of_LDADD = $(LIBS_AUTH)

tests_vm_vmm_SOURCES = tests/vm/vmm.c tests/vm/vmm.h tests/vm/vmm-open.c tests/vm/vmm-device.c \
	tests/vm/vmm-interrupts.c tests/vm/vmm-leave.c tests/vm/uapi.h
tests_vm_opener_SOURCES = tests/vm/opener.c
tests_vm_opener_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/client/lib
tests_vm_opener_LDFLAGS = $(AM_LDFLAGS) -no-install
tests_vm_opener_LDADD = libpcassign.la

check_PROGRAMS += tests/vm/latency
tests_vm_latency_SOURCES = tests/vm/latency.c
tests_vm_latency_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS)
tests_vm_latency_LDADD = $(GIO_LIBS)

VM_HELPERS = tests/vm/kernel-contract tests/vm/vfio-client tests/vm/kill-at tests/vm/measure \
	tests/vm/bench tests/vm/join-client tests/vm/vmm tests/vm/opener tests/vm/owner \
	client/lib/example tests/vm/unit-of tests/vm/latency
VM_PAYLOAD = $(abs_builddir)/vm-payload
EXTRA_DIST += tests/vm/run-all tests/vm/in-turn tests/vm/common.sh tests/vm/handoff.sh tests/vm/node.sh tests/vm/service.sh tests/vm/fixture.sh \
	tests/vm/sanitized.conf \
	$(VM_FILES)
VM_FILES = tests/vm/admin.test tests/vm/badluck.test tests/vm/broker.test tests/vm/contract.test tests/vm/guard.test \
	tests/vm/handoff.test tests/vm/handoff-stock.test tests/vm/hardware.test tests/vm/idle.test tests/vm/interrupts.test \
	tests/vm/join.test tests/vm/library.test tests/vm/life.test tests/vm/nested.test tests/vm/node.test tests/vm/node-stock.test \
	tests/vm/noiommu.test tests/vm/nointremap.test tests/vm/numbers.test tests/vm/polkit.test tests/vm/power.test tests/vm/restart.test tests/vm/revoke.test \
	tests/vm/look.test tests/vm/service.test tests/vm/sriov.test tests/vm/status.test tests/vm/testpmd.test
VM_FILES += tests/vm/pinned.test
VM_FILES += tests/vm/selinux.test tests/vm/selinux-full.test
EXTRA_DIST += tests/vm/selinux.py tests/vm/selinux.sh
VM_FILES += tests/vm/evict.test tests/vm/fixture.test tests/vm/poweroff.test tests/vm/secret.test
VM_FILES += tests/vm/together.test
VM_FILES += tests/vm/broadcast.test tests/vm/memory.test tests/vm/needed.test tests/vm/sandbox.test
EXTRA_DIST += tests/vm/sweep.sh tests/vm/sweep-trace.sh
VM_FILES += tests/vm/sweep-daemon.test tests/vm/sweep-worker.test

# The lab's Debian has its own prefix: configure with --prefix=/usr --sysconfdir=/etc --localstatedir=/var.
.PHONY: vm-payload vm-check
# The helpers after the rest: "all" is a make of its own, and two beside each other compile the same files.
vm-payload: all
	$(MAKE) $(AM_MAKEFLAGS) $(VM_HELPERS)
	rm -rf $(VM_PAYLOAD)
	$(MAKE) $(AM_MAKEFLAGS) install DESTDIR=$(VM_PAYLOAD) >/dev/null
	$(MKDIR_P) $(VM_PAYLOAD)/usr/libexec/pcassign-tests
	cp $(VM_HELPERS) $(VM_PAYLOAD)/usr/libexec/pcassign-tests/
if SANITIZERS
	for unit in pcassignd pcassign-worker; do \
	    $(INSTALL_DATA) -D $(srcdir)/tests/vm/sanitized.conf \
	        $(VM_PAYLOAD)$(systemdsystemunitdir)/$$unit.service.d/sanitized.conf || exit; \
	done
endif
vm-check: vm-payload
	$(srcdir)/tests/vm/run-all $(VM_PAYLOAD) $(VM_TESTS)
