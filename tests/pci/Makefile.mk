check_PROGRAMS += tests/pci/test-pci
TESTS += tests/pci/test-pci
tests_pci_test_pci_SOURCES = tests/support/main.c tests/support/suite.h \
	tests/pci/test-pci.c tests/pci/cases.h \
	tests/pci/board.c tests/pci/board.h \
	tests/pci/capability-cases.c \
	tests/pci/config-cases.c \
	tests/pci/describe-cases.c \
	tests/pci/facts.c tests/pci/facts.h \
	tests/pci/isolation-cases.c \
	tests/pci/quirk-cases.c \
	tests/pci/recorded.c tests/pci/recorded.h \
	tests/pci/recorded-cases.c \
	tests/pci/space.c tests/pci/space.h \
	tests/pci/warning-cases.c
tests_pci_test_pci_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_pci_test_pci_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_pci_test_pci_LDADD = $(LIBS_PCI) $(CHECK_LIBS)

# The kernel's groups of recorded hosts against what is computed for them.
check_PROGRAMS += tests/pci/judge
TESTS += tests/pci/judge
tests_pci_judge_SOURCES = tests/pci/judge.c tests/pci/recorded.c tests/pci/recorded.h
tests_pci_judge_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_pci_judge_LDADD = $(LIBS_PCI)
check_SCRIPTS += tests/pci/test-recorded
TESTS += tests/pci/test-recorded

# lspci reads the same hosts.
check_PROGRAMS += tests/pci/facts-of
tests_pci_facts_of_SOURCES = tests/pci/facts-of.c tests/pci/recorded.c tests/pci/recorded.h
tests_pci_facts_of_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_pci_facts_of_LDADD = $(LIBS_PCI)
check_SCRIPTS += tests/pci/test-lspci.py
TESTS += tests/pci/test-lspci.py
EXTRA_DIST += tests/pci/test-lspci.py tests/pci/test-recorded tests/pci/recorded tests/pci/oracle tests/pci/record \
	tests/pci/record.guest tests/pci/random-host tests/support/recorded.py
