noinst_LIBRARIES += libpca-pci.a
libpca_pci_a_SOURCES = \
	daemon/pci/address.c daemon/pci/address.h \
	daemon/pci/bytes.h \
	daemon/pci/capability.c daemon/pci/capability.h \
	daemon/pci/capability-length.c \
	daemon/pci/config.c daemon/pci/config.h daemon/pci/config-internal.h \
	daemon/pci/config-bars.c \
	daemon/pci/config-decode.c \
	daemon/pci/config-ranges.c \
	daemon/pci/describe.c daemon/pci/describe.h \
	daemon/pci/explain.c \
	daemon/pci/function.c daemon/pci/function.h \
	daemon/pci/isolation.c daemon/pci/isolation.h daemon/pci/isolation-internal.h \
	daemon/pci/quirks.c daemon/pci/quirks.h \
	daemon/pci/resource.c daemon/pci/resource.h \
	daemon/pci/snapshot.c daemon/pci/snapshot.h \
	daemon/pci/topology.c \
	daemon/pci/verdict.c \
	daemon/pci/warnings.c daemon/pci/warnings.h
