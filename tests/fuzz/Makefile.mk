# Fuzz targets. `make check` replays their corpora; `make fuzz-config fuzz-sysfs` builds the fuzzers,
# which needs clang, and then:
#   ./fuzz-config -runs=1000000 -max_len=4104 NEW_DIRECTORY tests/fuzz/corpus-config
#   ./fuzz-sysfs -runs=1000000 -max_len=2048 NEW_DIRECTORY tests/fuzz/corpus-sysfs
check_PROGRAMS += tests/fuzz/replay-config
TESTS += tests/fuzz/replay-config
FUZZ_CONFIG_SOURCES = \
	tests/fuzz/fuzz-config.c tests/fuzz/fuzz.h \
	tests/pci/facts.c tests/pci/facts.h
tests_fuzz_replay_config_SOURCES = tests/fuzz/replay.c $(FUZZ_CONFIG_SOURCES)
tests_fuzz_replay_config_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests \
	-DCORPUS=\"tests/fuzz/corpus-config\"
tests_fuzz_replay_config_LDADD = $(LIBS_PCI)
EXTRA_DIST += tests/fuzz/corpus-config

.PHONY: fuzz-config
fuzz-config:
	cd $(srcdir) && clang -std=gnu17 -O2 -g -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -D_GNU_SOURCE -Idaemon -Itests $(GLIB_CFLAGS) \
		$(filter %.c,$(FUZZ_CONFIG_SOURCES) $(libpca_pci_a_SOURCES) $(libpca_base_a_SOURCES)) \
		$(GLIB_LIBS) -o $(abs_builddir)/fuzz-config

check_PROGRAMS += tests/fuzz/replay-sysfs
TESTS += tests/fuzz/replay-sysfs
FUZZ_SYSFS_SOURCES = \
	tests/fuzz/fuzz-sysfs.c tests/fuzz/fuzz.h \
	tests/pci/facts.c tests/pci/facts.h
tests_fuzz_replay_sysfs_SOURCES = tests/fuzz/replay.c $(FUZZ_SYSFS_SOURCES)
tests_fuzz_replay_sysfs_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests \
	-DCORPUS=\"tests/fuzz/corpus-sysfs\"
tests_fuzz_replay_sysfs_LDADD = $(LIBS_SYS)
EXTRA_DIST += tests/fuzz/corpus-sysfs

.PHONY: fuzz-sysfs
fuzz-sysfs:
	cd $(srcdir) && clang -std=gnu17 -O2 -g -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -D_GNU_SOURCE -Idaemon -Itests $(GLIB_CFLAGS) $(GIO_CFLAGS) \
		$(UDEV_CFLAGS) $(MNL_CFLAGS) $(filter %.c,$(FUZZ_SYSFS_SOURCES) $(libpca_sys_a_SOURCES) \
		$(libpca_policy_a_SOURCES) \
		$(libpca_pci_a_SOURCES) $(libpca_base_a_SOURCES)) \
		$(GLIB_LIBS) $(UDEV_LIBS) $(MNL_LIBS) -o $(abs_builddir)/fuzz-sysfs
