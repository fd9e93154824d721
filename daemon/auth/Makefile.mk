noinst_LIBRARIES += libpca-auth.a
libpca_auth_a_SOURCES = \
	daemon/auth/audit.c daemon/auth/audit.h \
	daemon/auth/credentials.c daemon/auth/credentials.h \
	daemon/auth/gate.c daemon/auth/gate.h \
	daemon/auth/libselinux.c daemon/auth/libselinux.h \
	daemon/auth/pending.c daemon/auth/pending.h \
	daemon/auth/polkit.c daemon/auth/polkit.h \
	daemon/auth/selinux.c daemon/auth/selinux.h \
	daemon/auth/subject.c daemon/auth/subject.h \
	daemon/auth/units.c daemon/auth/units.h
nodist_libpca_auth_a_SOURCES = daemon/auth/gate-members.h
libpca_auth_a_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS) $(SYSTEMD_CFLAGS) $(SELINUX_CFLAGS)

# A member of the interface without a rule, and a rule without a member, end the build.
BUILT_SOURCES += daemon/auth/gate-members.h
CLEANFILES += daemon/auth/gate-members.h
EXTRA_DIST += daemon/auth/gate-members
daemon/auth/gate-members.h: daemon/bus/org.pcassign1.xml daemon/auth/gate-members
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PYTHON3) $(srcdir)/daemon/auth/gate-members \
		$(srcdir)/daemon/bus/org.pcassign1.xml >$@.tmp && mv $@.tmp $@
