/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the gate: every method of the interface has a rule, and each rule lets through whom it
 * should, for every kind of caller.
 * Thread: main. Ownership: each test frees what it makes.
 */
#include "cases.h"

#include <gio/gio.h>

#include "auth/gate.h"
#include "base/error.h"
#include "support/interface.h"

static const struct {
    const char *interface, *method;
    PcaRule rule;
    const char *action;
    PcaPermission permission;
} rules[] = {
    {"org.pcassign1.Manager", "Claim", PCA_RULE_POLICY, NULL, PCA_PERMISSION_CLAIM},
    {"org.pcassign1.Manager", "Check", PCA_RULE_ANYONE, NULL, PCA_PERMISSION_NONE},
    {"org.pcassign1.Manager", "Plan", PCA_RULE_ANYONE, NULL, PCA_PERMISSION_NONE},
    {"org.pcassign1.Manager", "ListClaims", PCA_RULE_ANYONE, NULL, PCA_PERMISSION_NONE},
    {"org.pcassign1.Manager", "ReloadPolicy", PCA_RULE_ADMIN, PCA_ACTION_RELOAD,
     PCA_PERMISSION_NONE},
    {"org.pcassign1.Device", "Explain", PCA_RULE_ANYONE, NULL, PCA_PERMISSION_NONE},
    {"org.pcassign1.Device", "Reserve", PCA_RULE_ADMIN, PCA_ACTION_MANAGE, PCA_PERMISSION_RESERVE},
    {"org.pcassign1.Device", "Unreserve", PCA_RULE_ADMIN, PCA_ACTION_MANAGE,
     PCA_PERMISSION_RESERVE},
    {"org.pcassign1.Device", "Reset", PCA_RULE_ADMIN, PCA_ACTION_MANAGE, PCA_PERMISSION_RESET},
    {"org.pcassign1.Device", "Recover", PCA_RULE_ADMIN, PCA_ACTION_MANAGE, PCA_PERMISSION_RECOVER},
    {"org.pcassign1.Claim", "Open", PCA_RULE_OWNER, NULL, PCA_PERMISSION_OPEN},
    {"org.pcassign1.Claim", "Describe", PCA_RULE_OWNER_OR_ADMIN, PCA_ACTION_MANAGE,
     PCA_PERMISSION_NONE},
    {"org.pcassign1.Claim", "Release", PCA_RULE_OWNER_OR_ADMIN, PCA_ACTION_MANAGE,
     PCA_PERMISSION_RELEASE},
    {"org.pcassign1.Claim", "ReleaseDevices", PCA_RULE_OWNER_OR_ADMIN, PCA_ACTION_MANAGE,
     PCA_PERMISSION_RELEASE},
    /* What is not in the table is denied, and only the exact names are in it. */
    {"org.pcassign1.Manager", "claim", PCA_RULE_DENY, NULL, PCA_PERMISSION_NONE},
    {"org.pcassign1.Manager", "Claim ", PCA_RULE_DENY, NULL, PCA_PERMISSION_NONE},
    {"org.pcassign1.Manager", "Open", PCA_RULE_DENY, NULL, PCA_PERMISSION_NONE},
    {"org.pcassign1.Claim", "Claim", PCA_RULE_DENY, NULL, PCA_PERMISSION_NONE},
    {"org.pcassign1.Claim", "Releas", PCA_RULE_DENY, NULL, PCA_PERMISSION_NONE},
    {"org.pcassign1.Device", "reset", PCA_RULE_DENY, NULL, PCA_PERMISSION_NONE},
    {"org.pcassign1.Manager", "Reset", PCA_RULE_DENY, NULL, PCA_PERMISSION_NONE},
    {"org.pcassign1", "Claim", PCA_RULE_DENY, NULL, PCA_PERMISSION_NONE},
    {"", "", PCA_RULE_DENY, NULL, PCA_PERMISSION_NONE},
};

START_TEST(rule_of) {
    PcaGate gate = pca_gate_method(rules[_i].interface, rules[_i].method);
    ck_assert_int_eq(gate.rule, rules[_i].rule);
    ck_assert_pstr_eq(gate.action, rules[_i].action);
    ck_assert_int_eq(gate.permission, rules[_i].permission);
}
END_TEST

/* That all have a rule the build sees to; that all are denied to somebody, or public, is here. */
START_TEST(every_member) {
    g_autoptr(GDBusNodeInfo) node = pca_read_interface();
    guint n = 0;
    for (guint i = 0; node->interfaces[i]; i++) {
        GDBusInterfaceInfo *interface = node->interfaces[i];
        for (guint j = 0; interface->methods && interface->methods[j]; j++, n++)
            ck_assert_msg(pca_gate_method(interface->name, interface->methods[j]->name).rule !=
                              PCA_RULE_DENY,
                          "%s.%s has no rule", interface->name, interface->methods[j]->name);
        for (guint j = 0; interface->properties && interface->properties[j]; j++, n++) {
            const GDBusPropertyInfo *property = interface->properties[j];
            ck_assert_int_eq(pca_gate_property(interface->name, property->name), PCA_RULE_ANYONE);
            ck_assert_int_eq(property->flags, G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
        }
    }
    ck_assert_uint_ge(n, 50);
    ck_assert_int_eq(pca_gate_property("org.pcassign1.Claim", "Owner"), PCA_RULE_DENY);
    ck_assert_int_eq(pca_gate_property("org.pcassign1.Claim", "state"), PCA_RULE_DENY);
    ck_assert_int_eq(pca_gate_property("org.pcassign1.Device", "Release"), PCA_RULE_DENY);
}
END_TEST

/* A table of rules against callers: stranger, owner, owner with another label, root. */
static const struct {
    PcaRule rule;
    guint32 uid;
    const char *label;
    guint32 owner;
    const char *owner_label;
    PcaVerdict verdict;
} callers[] = {
    {PCA_RULE_ANYONE, 1001, NULL, 1000, NULL, PCA_VERDICT_ALLOWED},
    {PCA_RULE_POLICY, 1001, NULL, G_MAXUINT32, NULL, PCA_VERDICT_ALLOWED},
    {PCA_RULE_OWNER, 1000, NULL, 1000, NULL, PCA_VERDICT_ALLOWED},
    {PCA_RULE_OWNER, 1000, "a", 1000, "a", PCA_VERDICT_ALLOWED},
    {PCA_RULE_OWNER, 1000, "a", 1000, "b", PCA_VERDICT_REFUSED},
    {PCA_RULE_OWNER, 1000, NULL, 1000, "b", PCA_VERDICT_REFUSED},
    {PCA_RULE_OWNER, 1000, "a", 1000, NULL, PCA_VERDICT_REFUSED},
    {PCA_RULE_OWNER, 1001, NULL, 1000, NULL, PCA_VERDICT_REFUSED},
    {PCA_RULE_OWNER, 1001, "a", 1000, "a", PCA_VERDICT_REFUSED},
    {PCA_RULE_OWNER, 1001, NULL, 0, NULL, PCA_VERDICT_REFUSED},
    {PCA_RULE_OWNER, 1001, NULL, G_MAXUINT32, NULL, PCA_VERDICT_REFUSED},
    {PCA_RULE_OWNER, G_MAXUINT32 - 1, NULL, 1000, NULL, PCA_VERDICT_REFUSED},
    {PCA_RULE_OWNER, 0, "x", 1000, "a", PCA_VERDICT_ALLOWED},
    {PCA_RULE_OWNER_OR_ADMIN, 1000, "a", 1000, "a", PCA_VERDICT_ALLOWED},
    {PCA_RULE_OWNER_OR_ADMIN, 1000, "a", 1000, "b", PCA_VERDICT_ASK_POLKIT},
    {PCA_RULE_OWNER_OR_ADMIN, 1001, NULL, 1000, NULL, PCA_VERDICT_ASK_POLKIT},
    {PCA_RULE_OWNER_OR_ADMIN, 1001, NULL, G_MAXUINT32, NULL, PCA_VERDICT_ASK_POLKIT},
    {PCA_RULE_OWNER_OR_ADMIN, 0, "x", 1000, "a", PCA_VERDICT_ALLOWED},
    {PCA_RULE_ADMIN, 0, NULL, 0, NULL, PCA_VERDICT_ALLOWED},
    {PCA_RULE_ADMIN, 1000, NULL, 1000, NULL, PCA_VERDICT_ASK_POLKIT},
    {PCA_RULE_ADMIN, G_MAXUINT32, NULL, 0, NULL, PCA_VERDICT_ASK_POLKIT},
    {PCA_RULE_DENY, 0, NULL, 0, NULL, PCA_VERDICT_REFUSED},
    {PCA_RULE_DENY, 1000, NULL, 1000, NULL, PCA_VERDICT_REFUSED},
    {(PcaRule)99, 0, NULL, 0, NULL, PCA_VERDICT_REFUSED},
};

START_TEST(lets_through) {
    g_autoptr(GError) error = NULL;
    PcaVerdict verdict = pca_gate_judge(callers[_i].rule, callers[_i].uid, callers[_i].label,
                                        callers[_i].owner, callers[_i].owner_label, &error);
    ck_assert_int_eq(verdict, callers[_i].verdict);
    ck_assert_int_eq(g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED),
                     verdict != PCA_VERDICT_ALLOWED);
}
END_TEST

/* Each name of an error is there once, leads back to its code, and has a status of the interface.
 */
START_TEST(errors) {
    static const int statuses[] = {1, 2, 3, 4, 5, 6, 7, 10};
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    for (int code = 0; code < PCA_N_ERRORS; code++) {
        const char *name = pca_error_name(code);
        gboolean known = FALSE;
        ck_assert_msg(name && *name, "error %d has no name", code);
        ck_assert_msg(g_hash_table_add(names, (gpointer)name), "%s is there twice", name);
        ck_assert_int_eq(pca_error_from_name(name), code);
        g_autofree char *full = g_strconcat(PCA_ERROR_PREFIX, name, NULL);
        ck_assert(g_dbus_is_interface_name(full));
        ck_assert_int_eq(pca_error_from_name(full), code);
        for (gsize i = 0; i < G_N_ELEMENTS(statuses); i++)
            known |= pca_error_exit_status(code) == statuses[i];
        ck_assert_msg(known, "%s: status %d", name, pca_error_exit_status(code));
    }
    ck_assert_uint_eq(g_hash_table_size(names), PCA_N_ERRORS);
}
END_TEST

Suite *pca_suite(void) {
    Suite *suite = suite_create("auth");
    TCase *whole = tcase_create("interface");
    tcase_add_test(whole, every_member);
    tcase_add_test(whole, errors);
    suite_add_tcase(suite, whole);
    PCA_TABLE(suite, "rules", rule_of, rules);
    PCA_TABLE(suite, "callers", lets_through, callers);
    suite_add_tcase(suite, pca_pending_cases());
    suite_add_tcase(suite, pca_audit_cases());
    suite_add_tcase(suite, pca_selinux_cases());
    suite_add_tcase(suite, pca_unit_cases());
    suite_add_tcase(suite, pca_subject_cases());
    return suite;
}
