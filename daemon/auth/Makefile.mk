noinst_LIBRARIES += libpca-auth.a
libpca_auth_a_SOURCES = \
	daemon/auth/credentials.c daemon/auth/credentials.h \
	daemon/auth/gate.c daemon/auth/gate.h \
	daemon/auth/subject.c daemon/auth/subject.h
libpca_auth_a_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS)
