exampledir = $(docdir)/examples
dist_example_DATA = policy/10-management.conf policy/50-database-disk.conf policy/50-gpu.conf \
	policy/50-lab.conf

# What root may do, and whom polkit lets.
dist_polkitaction_DATA = policy/org.pcassign1.policy
dist_example_DATA += policy/50-pcassign.rules

# The SELinux module, by the development files of the distribution's policy; see policy/selinux/README.
SELINUX_MODULE = policy/selinux/pcassign.te policy/selinux/pcassign.if policy/selinux/pcassign.fc
EXTRA_DIST += $(SELINUX_MODULE) policy/selinux/pcassign_class.cil
selinuxdocdir = $(docdir)/selinux
dist_selinuxdoc_DATA = policy/selinux/README
.PHONY: selinux-policy
selinux-policy: policy/selinux/build/pcassign.pp
policy/selinux/build/pcassign.pp: $(SELINUX_MODULE)
	$(AM_V_GEN)rm -rf $(@D) && $(MKDIR_P) $(@D) && \
	for file in $(SELINUX_MODULE); do cp "$(srcdir)/$$file" $(@D)/ || exit; done && \
	cd $(@D) && $(MAKE) -f "$(SELINUX_MAKEFILE)" NAME=$(SELINUX_NAME) pcassign.pp && rm -rf tmp
CLEANFILES += policy/selinux/build/pcassign.pp policy/selinux/build/pcassign.te policy/selinux/build/pcassign.if \
	policy/selinux/build/pcassign.fc policy/selinux/build/all_interfaces.conf
SELINUX_NAME = default
if SELINUX_POLICY
selinuxpackagedir = $(datadir)/selinux/packages
nodist_selinuxpackage_DATA = policy/selinux/build/pcassign.pp
dist_selinuxpackage_DATA = policy/selinux/pcassign_class.cil
endif
