noinst_LIBRARIES += libpca-sys.a
libpca_sys_a_CFLAGS = $(AM_CFLAGS) $(UDEV_CFLAGS) $(MNL_CFLAGS) $(KMOD_CFLAGS) $(CAPNG_CFLAGS)
libpca_sys_a_SOURCES = \
	daemon/sys/accounts.c daemon/sys/accounts.h \
	daemon/sys/drivers.c daemon/sys/drivers.h \
	daemon/sys/hardware.c daemon/sys/hardware.h \
	daemon/sys/hot-reset.c daemon/sys/hot-reset.h \
	daemon/sys/holders.c daemon/sys/holders.h \
	daemon/sys/in-use.c daemon/sys/in-use.h daemon/sys/in-use-internal.h \
	daemon/sys/in-use-addresses.c \
	daemon/sys/in-use-devices.c \
	daemon/sys/in-use-display.c \
	daemon/sys/in-use-look.c \
	daemon/sys/in-use-mounts.c \
	daemon/sys/in-use-netlink.c \
	daemon/sys/in-use-network.c \
	daemon/sys/in-use-nodes.c \
	daemon/sys/in-use-pools.c \
	daemon/sys/in-use-routes.c \
	daemon/sys/in-use-storage.c \
	daemon/sys/iommu-hint.c daemon/sys/iommu-hint.h \
	daemon/sys/interrupts.c daemon/sys/interrupts.h \
	daemon/sys/kernel.c daemon/sys/kernel.h daemon/sys/uapi-iommufd.h \
	daemon/sys/label.c daemon/sys/label.h \
	daemon/sys/memlock.c daemon/sys/memlock.h \
	daemon/sys/models.c daemon/sys/models.h \
	daemon/sys/owner.c daemon/sys/owner.h \
	daemon/sys/policy-files.c daemon/sys/policy-files.h \
	daemon/sys/rights.c daemon/sys/rights.h \
	daemon/sys/root.c daemon/sys/root.h \
	daemon/sys/scan.c daemon/sys/scan.h \
	daemon/sys/scan-function.c daemon/sys/scan-function.h \
	daemon/sys/side-by-side.c daemon/sys/side-by-side.h \
	daemon/sys/stop.c daemon/sys/stop.h \
	daemon/sys/uevent.c daemon/sys/uevent.h \
	daemon/sys/variants.c daemon/sys/variants.h
