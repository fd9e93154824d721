noinst_LIBRARIES += libpca-service.a
libpca_service_a_SOURCES = \
	daemon/service/admin.c \
	daemon/service/authorise.c daemon/service/authorise.h \
	daemon/service/caller.c daemon/service/caller.h \
	daemon/service/check-label.c daemon/service/check-label.h \
	daemon/service/claiming.c \
	daemon/service/configs.c daemon/service/configs.h \
	daemon/service/describe.c daemon/service/details.c \
	daemon/service/directory.c daemon/service/directory.h \
	daemon/service/examine.c daemon/service/examine.h \
	daemon/service/gone.c \
	daemon/service/isolations.c daemon/service/isolations.h \
	daemon/service/join.c daemon/service/join.h \
	daemon/service/other-user.c daemon/service/other-user.h \
	daemon/service/policy.c daemon/service/policy-answers.c \
	daemon/service/private.h \
	daemon/service/requests.c \
	daemon/service/revoke.c \
	daemon/service/uses.c daemon/service/uses.h \
	daemon/service/service.c daemon/service/service.h \
	daemon/service/told.c \
	daemon/service/standing.c daemon/service/standing.h
libpca_service_a_CFLAGS = $(AM_CFLAGS) $(GIO_CFLAGS)
