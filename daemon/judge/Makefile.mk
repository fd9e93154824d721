noinst_LIBRARIES += libpca-judge.a
libpca_judge_a_SOURCES = \
	daemon/judge/bus-reset.c daemon/judge/bus-reset.h \
	daemon/judge/check-in-use.c daemon/judge/check-in-use.h \
	daemon/judge/check-interrupts.c daemon/judge/check-interrupts.h \
	daemon/judge/check-isolation.c daemon/judge/check-isolation.h \
	daemon/judge/check-limits.c daemon/judge/check-limits.h \
	daemon/judge/check-reset.c daemon/judge/check-reset.h \
	daemon/judge/check-sriov.c daemon/judge/check-sriov.h \
	daemon/judge/checks.c daemon/judge/checks.h \
	daemon/judge/names.c daemon/judge/names.h \
	daemon/judge/request.c daemon/judge/request.h \
	daemon/judge/sources.c daemon/judge/sources.h \
	daemon/judge/terms.c daemon/judge/terms.h
