noinst_LIBRARIES += libpca-policy.a
libpca_policy_a_SOURCES = \
	daemon/policy/check.c daemon/policy/check.h \
	daemon/policy/diagnostic.c daemon/policy/diagnostic.h \
	daemon/policy/keys.c daemon/policy/keys.h \
	daemon/policy/match.c \
	daemon/policy/parser.c \
	daemon/policy/policy.c daemon/policy/policy.h daemon/policy/private.h \
	daemon/policy/values.c daemon/policy/values.h
