noinst_LIBRARIES += libpca-pci.a
libpca_pci_a_SOURCES = \
	daemon/pci/address.c daemon/pci/address.h \
	daemon/pci/function.c daemon/pci/function.h \
	daemon/pci/snapshot.c daemon/pci/snapshot.h
