noinst_LIBRARIES += libpca-engine.a
libpca_engine_a_SOURCES = \
	daemon/engine/binding.c daemon/engine/binding.h \
	daemon/engine/bus-reset.c daemon/engine/bus-reset.h \
	daemon/engine/client.c daemon/engine/client.h \
	daemon/engine/context.c daemon/engine/context.h \
	daemon/engine/describe.c \
	daemon/engine/disks.c daemon/engine/disks.h \
	daemon/engine/files.c daemon/engine/files.h \
	daemon/engine/handover.c daemon/engine/handover.h \
	daemon/engine/journal.c daemon/engine/journal.h \
	daemon/engine/locked.c daemon/engine/locked.h \
	daemon/engine/methods.c daemon/engine/methods.h \
	daemon/engine/node.c daemon/engine/node.h \
	daemon/engine/plan.c daemon/engine/plan.h \
	daemon/engine/power.c daemon/engine/power.h \
	daemon/engine/run.c daemon/engine/run.h \
	daemon/engine/serve.c daemon/engine/serve.h \
	daemon/engine/serve-users.c daemon/engine/serve-internal.h \
	daemon/engine/step.c daemon/engine/step.h \
	daemon/engine/wire.c daemon/engine/wire.h
