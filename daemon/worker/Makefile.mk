pkglibexec_PROGRAMS += pcassign-worker
pcassign_worker_SOURCES = daemon/worker/main.c
pcassign_worker_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
pcassign_worker_LDADD = $(LIBS_ENGINE) $(SYSTEMD_LIBS)
