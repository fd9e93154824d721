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

static const struct {
    const char *interface, *method;
    PcaRule rule;
} rules[] = {
    {"org.pcassign1.Manager", "Claim", PCA_RULE_POLICY},
    {"org.pcassign1.Manager", "Check", PCA_RULE_ANYONE},
    {"org.pcassign1.Manager", "Plan", PCA_RULE_ANYONE},
    {"org.pcassign1.Manager", "ListClaims", PCA_RULE_ANYONE},
    {"org.pcassign1.Manager", "ReloadPolicy", PCA_RULE_ROOT},
    {"org.pcassign1.Device", "Reserve", PCA_RULE_ROOT},
    {"org.pcassign1.Device", "Unreserve", PCA_RULE_ROOT},
    {"org.pcassign1.Device", "Reset", PCA_RULE_ROOT},
    {"org.pcassign1.Device", "Recover", PCA_RULE_ROOT},
    {"org.pcassign1.Claim", "Open", PCA_RULE_OWNER},
    {"org.pcassign1.Claim", "Describe", PCA_RULE_OWNER},
    {"org.pcassign1.Claim", "Release", PCA_RULE_OWNER},
    /* What is not in the table is denied, and only the exact names are in it. */
    {"org.pcassign1.Manager", "claim", PCA_RULE_DENY},
    {"org.pcassign1.Manager", "Claim ", PCA_RULE_DENY},
    {"org.pcassign1.Manager", "Open", PCA_RULE_DENY},
    {"org.pcassign1.Claim", "Claim", PCA_RULE_DENY},
    {"org.pcassign1.Claim", "Releas", PCA_RULE_DENY},
    {"org.pcassign1.Device", "reset", PCA_RULE_DENY},
    {"org.pcassign1.Manager", "Reset", PCA_RULE_DENY},
    {"org.pcassign1", "Claim", PCA_RULE_DENY},
    {"", "", PCA_RULE_DENY},
};

START_TEST(rule_of) {
    ck_assert_int_eq(pca_gate_rule(rules[_i].interface, rules[_i].method), rules[_i].rule);
}
END_TEST

static GDBusNodeInfo *read_interface(void) {
    const char *source = g_getenv("SRCDIR");
    g_autofree char *path =
        g_build_filename(source ? source : ".", "daemon/bus/org.pcassign1.xml", NULL);
    g_autofree char *xml = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert_msg(g_file_get_contents(path, &xml, NULL, &error), "%s", error ? error->message : "");
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, &error);
    ck_assert_msg(node != NULL, "%s", error ? error->message : "");
    return node;
}

/* A method that is added to the interface without a thought of who may call it fails here. */
START_TEST(every_method) {
    g_autoptr(GDBusNodeInfo) node = read_interface();
    guint n = 0;
    for (guint i = 0; node->interfaces[i]; i++) {
        GDBusInterfaceInfo *interface = node->interfaces[i];
        for (guint j = 0; interface->methods && interface->methods[j]; j++, n++)
            ck_assert_msg(pca_gate_rule(interface->name, interface->methods[j]->name) !=
                              PCA_RULE_DENY,
                          "%s.%s has no rule", interface->name, interface->methods[j]->name);
    }
    ck_assert_uint_ge(n, 12);
}
END_TEST

/* A table of rules against callers: stranger, owner, owner with another label, root. */
static const struct {
    PcaRule rule;
    guint32 uid;
    const char *label;
    guint32 owner;
    const char *owner_label;
    gboolean allowed;
} callers[] = {
    {PCA_RULE_ANYONE, 1001, NULL, 1000, NULL, TRUE},
    {PCA_RULE_POLICY, 1001, NULL, G_MAXUINT32, NULL, TRUE},
    {PCA_RULE_OWNER, 1000, NULL, 1000, NULL, TRUE},
    {PCA_RULE_OWNER, 1000, "a", 1000, "a", TRUE},
    {PCA_RULE_OWNER, 1000, "a", 1000, "b", FALSE},
    {PCA_RULE_OWNER, 1000, NULL, 1000, "b", FALSE},
    {PCA_RULE_OWNER, 1000, "a", 1000, NULL, FALSE},
    {PCA_RULE_OWNER, 1001, NULL, 1000, NULL, FALSE},
    {PCA_RULE_OWNER, 1001, "a", 1000, "a", FALSE},
    {PCA_RULE_OWNER, 1001, NULL, 0, NULL, FALSE},
    {PCA_RULE_OWNER, 1001, NULL, G_MAXUINT32, NULL, FALSE},
    {PCA_RULE_OWNER, G_MAXUINT32 - 1, NULL, 1000, NULL, FALSE},
    {PCA_RULE_OWNER, 0, "x", 1000, "a", TRUE},
    {PCA_RULE_ROOT, 0, NULL, 0, NULL, TRUE},
    {PCA_RULE_ROOT, 1000, NULL, 1000, NULL, FALSE},
    {PCA_RULE_ROOT, G_MAXUINT32, NULL, 0, NULL, FALSE},
    {PCA_RULE_DENY, 0, NULL, 0, NULL, FALSE},
    {PCA_RULE_DENY, 1000, NULL, 1000, NULL, FALSE},
    {(PcaRule)99, 0, NULL, 0, NULL, FALSE},
};

START_TEST(lets_through) {
    g_autoptr(GError) error = NULL;
    gboolean allowed = pca_gate_allows(callers[_i].rule, callers[_i].uid, callers[_i].label,
                                       callers[_i].owner, callers[_i].owner_label, &error);
    ck_assert_int_eq(allowed, callers[_i].allowed);
    ck_assert_int_eq(g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED), !allowed);
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
    tcase_add_test(whole, every_method);
    tcase_add_test(whole, errors);
    suite_add_tcase(suite, whole);
    PCA_TABLE(suite, "rules", rule_of, rules);
    PCA_TABLE(suite, "callers", lets_through, callers);
    suite_add_tcase(suite, pca_subject_cases());
    return suite;
}
