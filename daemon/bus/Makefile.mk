noinst_LIBRARIES += libpca-bus.a
libpca_bus_a_SOURCES = \
	daemon/bus/bus.c daemon/bus/bus.h \
	daemon/bus/call.c \
	daemon/bus/channel.c daemon/bus/channel.h \
	daemon/bus/claim-methods.c \
	daemon/bus/device-methods.c \
	daemon/bus/group.c \
	daemon/bus/hardware.c \
	daemon/bus/listeners.c \
	daemon/bus/manager-methods.c \
	daemon/bus/modules.c \
	daemon/bus/policy-methods.c \
	daemon/bus/private.h \
	daemon/bus/translate.c
nodist_libpca_bus_a_SOURCES = daemon/bus/pcassign-dbus.c daemon/bus/pcassign-dbus.h
libpca_bus_a_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS)

dist_dbusinterface_DATA += daemon/bus/org.pcassign1.xml
BUILT_SOURCES += daemon/bus/pcassign-dbus.c daemon/bus/pcassign-dbus.h
CLEANFILES += daemon/bus/pcassign-dbus.c daemon/bus/pcassign-dbus.h

daemon/bus/pcassign-dbus.c: daemon/bus/org.pcassign1.xml
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(GDBUS_CODEGEN) --interface-prefix org.pcassign1. \
		--c-namespace PcaBus --c-generate-autocleanup all \
		--generate-c-code $(@D)/pcassign-dbus $<
daemon/bus/pcassign-dbus.h: daemon/bus/pcassign-dbus.c
