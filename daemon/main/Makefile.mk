sbin_PROGRAMS += pcassignd
pcassignd_SOURCES = daemon/main/main.c
pcassignd_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS) $(SYSTEMD_CFLAGS)
pcassignd_LDADD = $(LIBS_BUS) $(SYSTEMD_LIBS)
