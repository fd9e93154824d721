# Fuzz targets. `make check` replays their corpora; `make fuzz-config fuzz-policy fuzz-sysfs` builds the
# fuzzers, which needs clang, and then, for instance:
#   ./fuzz-config -runs=1000000 -max_len=4104 NEW_DIRECTORY tests/fuzz/corpus-config
#   ./fuzz-policy -runs=1000000 -max_len=2048 -dict=tests/fuzz/policy.dict NEW_DIRECTORY tests/fuzz/corpus-policy
#   ./fuzz-sysfs -runs=1000000 -max_len=2048 NEW_DIRECTORY tests/fuzz/corpus-sysfs
# A new one is a FUZZER more, a program replay-NAME, and a directory corpus-NAME.
FUZZERS = fuzz-config fuzz-policy fuzz-sysfs
FUZZ_REPLAYS = tests/fuzz/replay-config tests/fuzz/replay-policy tests/fuzz/replay-sysfs
check_PROGRAMS += $(FUZZ_REPLAYS)
TESTS += $(FUZZ_REPLAYS)
EXTRA_DIST += tests/fuzz/corpus-config tests/fuzz/corpus-policy tests/fuzz/corpus-sysfs \
	tests/fuzz/policy.dict

# What they have in common: more than each needs, so that there is one of it.
FUZZ_SOURCES = tests/fuzz/fuzz.h tests/pci/facts.c tests/pci/facts.h tests/policy/host.c \
	tests/policy/host.h
FUZZ_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_fuzz_replay_config_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz-config.c $(FUZZ_SOURCES)
tests_fuzz_replay_config_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_replay_config_LDADD = $(LIBS_SYS)
tests_fuzz_replay_policy_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz-policy.c $(FUZZ_SOURCES)
tests_fuzz_replay_policy_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_replay_policy_LDADD = $(LIBS_SYS)
tests_fuzz_replay_sysfs_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz-sysfs.c $(FUZZ_SOURCES)
tests_fuzz_replay_sysfs_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_replay_sysfs_LDADD = $(LIBS_SYS)

.PHONY: $(FUZZERS)
$(FUZZERS):
	cd $(srcdir) && clang -std=gnu17 -O2 -g -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -D_GNU_SOURCE -Idaemon -Itests $(GLIB_CFLAGS) $(GIO_CFLAGS) \
		$(UDEV_CFLAGS) $(MNL_CFLAGS) $(KMOD_CFLAGS) tests/fuzz/$@.c $(filter %.c,$(FUZZ_SOURCES) \
		$(libpca_sys_a_SOURCES) $(libpca_policy_a_SOURCES) $(libpca_pci_a_SOURCES) \
		$(libpca_base_a_SOURCES)) \
		$(GLIB_LIBS) $(UDEV_LIBS) $(MNL_LIBS) $(KMOD_LIBS) -o $(abs_builddir)/$@
