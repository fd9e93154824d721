noinst_LIBRARIES += libpca-base.a
libpca_base_a_SOURCES = \
	daemon/base/error.c daemon/base/error.h \
	daemon/base/fds.c daemon/base/fds.h \
	daemon/base/finding.c daemon/base/finding.h
