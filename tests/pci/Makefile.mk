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
	tests/pci/recorded-cases.c \
	tests/pci/space.c tests/pci/space.h \
	tests/pci/warning-cases.c
tests_pci_test_pci_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_pci_test_pci_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_pci_test_pci_LDADD = $(LIBS_PCI) $(CHECK_LIBS)
