dist_man_MANS += man/pcassignd.8 man/pcassign-policy.5

# The manual of the D-Bus interface, from the comments in its description.
dist_man_MANS += man/pcassign-dbus.7
EXTRA_DIST += man/dbus-man
MAINTAINERCLEANFILES += man/pcassign-dbus.7
man/pcassign-dbus.7: daemon/bus/org.pcassign1.xml man/dbus-man
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PYTHON3) $(srcdir)/man/dbus-man \
		$(srcdir)/daemon/bus/org.pcassign1.xml >$@.tmp && mv $@.tmp $@
