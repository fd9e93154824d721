# Each archive may use those before it, and is linked in this order; see ARCHITECTURE.md.
LIBS_BASE = libpca-base.a $(GLIB_LIBS)
LIBS_PCI = libpca-pci.a $(LIBS_BASE)
LIBS_POLICY = libpca-policy.a $(LIBS_PCI)
LIBS_SYS = libpca-sys.a $(LIBS_POLICY) $(UDEV_LIBS) $(MNL_LIBS) $(KMOD_LIBS) $(CAPNG_LIBS)
LIBS_ENGINE = libpca-engine.a $(LIBS_SYS)
LIBS_CLAIM = libpca-claim.a $(LIBS_ENGINE)
LIBS_JUDGE = libpca-judge.a $(LIBS_CLAIM)
LIBS_AUTH = libpca-auth.a $(LIBS_BASE) $(GIO_LIBS) $(SYSTEMD_LIBS) $(SELINUX_LIBS)
LIBS_SERVICE = libpca-service.a libpca-auth.a libpca-judge.a libpca-claim.a libpca-engine.a $(LIBS_SYS) \
	$(GIO_LIBS) $(SYSTEMD_LIBS) $(SELINUX_LIBS)
LIBS_BUS = libpca-bus.a $(LIBS_SERVICE)

include daemon/base/Makefile.mk
include daemon/pci/Makefile.mk
include daemon/policy/Makefile.mk
include daemon/sys/Makefile.mk
include daemon/engine/Makefile.mk
include daemon/worker/Makefile.mk
include daemon/claim/Makefile.mk
include daemon/auth/Makefile.mk
include daemon/judge/Makefile.mk
include daemon/service/Makefile.mk
include daemon/bus/Makefile.mk
include daemon/main/Makefile.mk
