noinst_LIBRARIES += libpca-policy.a
libpca_policy_a_SOURCES = \
	daemon/policy/accounts.c \
	daemon/policy/allow.c daemon/policy/allow.h \
	daemon/policy/assign.c daemon/policy/assign.h \
	daemon/policy/attribute.c daemon/policy/attribute.h \
	daemon/policy/check.c daemon/policy/check.h \
	daemon/policy/describe.c daemon/policy/describe.h \
	daemon/policy/diagnostic.c daemon/policy/diagnostic.h \
	daemon/policy/explain.c \
	daemon/policy/explanation.c daemon/policy/explanation.h \
	daemon/policy/index.c daemon/policy/index.h \
	daemon/policy/keys.c daemon/policy/keys.h \
	daemon/policy/lists.c \
	daemon/policy/match.c \
	daemon/policy/parser.c \
	daemon/policy/policy.c daemon/policy/policy.h daemon/policy/private.h \
	daemon/policy/values.c daemon/policy/values.h
