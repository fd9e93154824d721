# libpcassign: on libdbus alone, so with flags of its own; nothing of the other folders is in its path.
lib_LTLIBRARIES += libpcassign.la
include_HEADERS += client/lib/pcassign.h
pkgconfig_DATA += client/lib/pcassign.pc
EXTRA_DIST += client/lib/pcassign.map
libpcassign_la_SOURCES = \
	client/lib/call.c \
	client/lib/channel.c \
	client/lib/claim.c \
	client/lib/connect.c \
	client/lib/error.c \
	client/lib/fds.c \
	client/lib/open.c \
	client/lib/request.c \
	client/lib/pcassign.h client/lib/private.h
# Another function: revision up, age up, first number up. A changed one is a new name.
libpcassign_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-Wl,--version-script=$(srcdir)/client/lib/pcassign.map
libpcassign_la_DEPENDENCIES = client/lib/pcassign.map
libpcassign_la_CPPFLAGS = -include config.h -D_GNU_SOURCE
libpcassign_la_CFLAGS = -std=gnu17 $(WARN_CFLAGS) $(SANITIZER_FLAGS) $(DBUS_CFLAGS) -fvisibility=hidden
libpcassign_la_LIBADD = $(DBUS_LIBS)

# As a VMM would be built; -no-install makes a program instead of a script, which a test can copy.
check_PROGRAMS += client/lib/example
client_lib_example_SOURCES = client/lib/example.c client/lib/example-vfio.h
client_lib_example_CPPFLAGS = -I$(srcdir)/client/lib
client_lib_example_CFLAGS = -std=gnu17 $(WARN_CFLAGS) $(SANITIZER_FLAGS)
client_lib_example_LDFLAGS = $(AM_LDFLAGS) -no-install
client_lib_example_LDADD = libpcassign.la

dist_man_MANS += \
	man/libpcassign.3 \
	man/pcassign_claim.3 \
	man/pcassign_claim_adopt.3 \
	man/pcassign_claim_free.3 \
	man/pcassign_claim_id.3 \
	man/pcassign_claim_lease.3 \
	man/pcassign_claim_release_requested.3 \
	man/pcassign_claim_status.3 \
	man/pcassign_claim_steal_lease.3 \
	man/pcassign_close.3 \
	man/pcassign_connect.3 \
	man/pcassign_connect_bus.3 \
	man/pcassign_error.3 \
	man/pcassign_error_name.3 \
	man/pcassign_fds_count.3 \
	man/pcassign_fds_find.3 \
	man/pcassign_fds_free.3 \
	man/pcassign_fds_get.3 \
	man/pcassign_fds_steal.3 \
	man/pcassign_get_fd.3 \
	man/pcassign_last_error.3 \
	man/pcassign_open.3 \
	man/pcassign_release.3 \
	man/pcassign_release_devices.3 \
	man/pcassign_set_timeout.3 \
	man/pcassign_strerror.3
