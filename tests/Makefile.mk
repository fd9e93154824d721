# Unit tests mirror the source tree; each links only what stands left of its folder.
include tests/base/Makefile.mk
include tests/pci/Makefile.mk
include tests/fuzz/Makefile.mk
include tests/policy/Makefile.mk
include tests/sys/Makefile.mk
include tests/sys/kernel.mk
include tests/engine/Makefile.mk
include tests/claim/Makefile.mk
include tests/auth/Makefile.mk
include tests/service/Makefile.mk
include tests/bus/Makefile.mk
include tests/client/Makefile.mk
include tests/vm/Makefile.mk

check_SCRIPTS += tests/check-layers
TESTS += tests/check-layers
EXTRA_DIST += tests/check-layers

AM_TESTS_ENVIRONMENT = PCASSIGNCTL=$(abs_builddir)/pcassignctl; \
	PCASSIGND=$(abs_builddir)/pcassignd; SRCDIR=$(abs_srcdir); BUILDDIR=$(abs_builddir); \
	export PCASSIGNCTL PCASSIGND SRCDIR BUILDDIR;
