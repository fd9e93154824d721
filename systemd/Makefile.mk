nodist_systemdsystemunit_DATA += systemd/pcassignd.service systemd/pcassign-worker.service
nodist_dbusservice_DATA += systemd/org.pcassign1.service
dist_dbuspolicy_DATA += systemd/org.pcassign1.conf
dist_systemdsystemunit_DATA = systemd/pcassign-worker.socket
dist_catalog_DATA = systemd/pcassign.catalog
CLEANFILES += systemd/pcassignd.service systemd/pcassign-worker.service systemd/org.pcassign1.service
EXTRA_DIST += systemd/pcassignd.service.in systemd/pcassign-worker.service.in \
	systemd/org.pcassign1.service.in

GENERATE_UNIT = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(SUBSTITUTE) $(srcdir)/$@.in >$@

systemd/pcassignd.service: systemd/pcassignd.service.in Makefile
	$(GENERATE_UNIT)
systemd/pcassign-worker.service: systemd/pcassign-worker.service.in Makefile
	$(GENERATE_UNIT)
systemd/org.pcassign1.service: systemd/org.pcassign1.service.in Makefile
	$(GENERATE_UNIT)

# A virtual machine as a service: read, copied and adapted, so it goes where documentation goes.
vmexampledir = $(docdir)/examples/vm
nodist_vmexample_DATA = systemd/examples/vm@.service
dist_vmexample_DATA = systemd/examples/README systemd/examples/vm@-dynamic.conf \
	systemd/examples/vm-example.conf systemd/examples/50-vm.conf
CLEANFILES += systemd/examples/vm@.service
EXTRA_DIST += systemd/examples/vm@.service.in
systemd/examples/vm@.service: systemd/examples/vm@.service.in Makefile
	$(GENERATE_UNIT)
