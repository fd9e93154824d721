check_PROGRAMS += tests/service/test-service
TESTS += tests/service/test-service
tests_service_test_service_SOURCES = tests/support/main.c tests/support/suite.h \
	tests/service/test-service.c tests/service/cases.h \
	tests/service/life-cases.c \
	tests/service/directory-cases.c \
	tests/support/policy.c tests/support/policy.h \
	tests/support/tree.c tests/support/tree.h \
	tests/support/tree-devices.c
tests_service_test_service_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(GIO_CFLAGS)
tests_service_test_service_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_service_test_service_LDADD = $(LIBS_SERVICE) $(CHECK_LIBS)
