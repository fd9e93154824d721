# They begin in this order: first those that take longest, or one would run alone at the end.
TESTS += tests/engine/test-sweep tests/bus/test-bus
# Unit tests mirror the source tree; each links only what stands left of its folder.
include tests/base/Makefile.mk
include tests/pci/Makefile.mk
include tests/fuzz/Makefile.mk
include tests/policy/Makefile.mk
include tests/sys/Makefile.mk
include tests/sys/kernel.mk
include tests/engine/Makefile.mk
include tests/worker/Makefile.mk
include tests/claim/Makefile.mk
include tests/auth/Makefile.mk
include tests/judge/Makefile.mk
include tests/service/Makefile.mk
include tests/bus/Makefile.mk
include tests/client/Makefile.mk
include tests/vm/Makefile.mk

check_SCRIPTS += tests/check-layers
TESTS += tests/check-layers
EXTRA_DIST += tests/check-layers
check_SCRIPTS += tests/check-man
TESTS += tests/check-man
EXTRA_DIST += tests/check-man
check_SCRIPTS += tests/check-shell
TESTS += tests/check-shell
EXTRA_DIST += tests/check-shell
check_SCRIPTS += tests/check-promises
TESTS += tests/check-promises
EXTRA_DIST += tests/check-promises SECURITY.md
check_SCRIPTS += tests/test-bench-report.py
TESTS += tests/test-bench-report.py
EXTRA_DIST += tests/test-bench-report.py

# The tests fork by the hundred, and what AddressSanitizer keeps of freed memory is copied each time.
# The log of each program names what has passed, for tests/check-promises. The limits of time are for what hangs, not
# for what is slow on a busy host.
AM_TESTS_ENVIRONMENT = CK_VERBOSITY="$${CK_VERBOSITY-verbose}"; export CK_VERBOSITY; \
	CK_TIMEOUT_MULTIPLIER="$${CK_TIMEOUT_MULTIPLIER-5}"; export CK_TIMEOUT_MULTIPLIER; \
	ASAN_OPTIONS="$${ASAN_OPTIONS-quarantine_size_mb=1}"; export ASAN_OPTIONS; \
	TMPDIR="$${TMPDIR:-$$($(srcdir)/tests/scratch)}"; export TMPDIR; \
	PCASSIGNCTL=$(abs_builddir)/pcassignctl; PCASSIGN_MODULES=$(abs_builddir)/.libs; \
	PCASSIGND=$(abs_builddir)/pcassignd; SRCDIR=$(abs_srcdir); BUILDDIR=$(abs_builddir); \
	export PCASSIGNCTL PCASSIGN_MODULES PCASSIGND SRCDIR BUILDDIR;

# What no other fragment names: the lab, the demo, the runner.
EXTRA_DIST += tests/lab tests/run tests/build.sh tests/scratch tests/packages.build tests/demo tests/demo-story \
	tests/bench tests/bench-rounds tests/bench-report .ci/run

# An archive that lacks a file of the checkout is not made.
dist-hook:
	@test ! -e "$(srcdir)/.git" || (cd "$(srcdir)" && git ls-files) | while read -r file; do \
	    test "$$file" = .gitignore || test -e "$(distdir)/$$file" || \
	        { echo "$$file is not in the archive: name it in EXTRA_DIST" >&2; exit 1; } \
	done

# How much of what decides ran; see tests/coverage.
EXTRA_DIST += tests/coverage
.PHONY: coverage
coverage:
	$(srcdir)/tests/coverage
clean-local:
	rm -rf coverage-build coverage.log
