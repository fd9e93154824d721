noinst_LIBRARIES += libpca-claim.a
libpca_claim_a_SOURCES = \
	daemon/claim/claim.c daemon/claim/claim.h \
	daemon/claim/claims.c daemon/claim/claims.h daemon/claim/internal.h \
	daemon/claim/describe.c \
	daemon/claim/entry.c \
	daemon/claim/failed.c \
	daemon/claim/foreign.c daemon/claim/foreign-record.c \
	daemon/claim/keep.c \
	daemon/claim/lease.c daemon/claim/lease.h \
	daemon/claim/lookup.c \
	daemon/claim/queue.c daemon/claim/queue.h \
	daemon/claim/records.c daemon/claim/records.h \
	daemon/claim/recover.c \
	daemon/claim/release.c \
	daemon/claim/reserve.c \
	daemon/claim/split.c daemon/claim/stuck.c \
	daemon/claim/store.c daemon/claim/store.h \
	daemon/claim/taint.c daemon/claim/taint.h
