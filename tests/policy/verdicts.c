/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the verdict on a function and a user in one line, and what mends a refusal.
 * Thread: main. Ownership: each test frees its own.
 */
#include "base/error.h"
#include "policy/explanation.h"
#include "policy/support.h"

#include <string.h>

static const char policy_text[] = "[Device gpu]\n"
                                  "Path=01.1/00.0\n"
                                  "Id=10de:2230\n"
                                  "AllowUser=alice\n"
                                  "[Device asked]\n"
                                  "Path=01.1/00.1\n"
                                  "Id=10de:1aef\n"
                                  "AllowUser=1001\n"
                                  "Authorize=polkit\n"
                                  "[Device swapped]\n"
                                  "Path=1c.0/00.0\n"
                                  "Id=8086:ffff\n"
                                  "AllowUser=alice\n"
                                  "[Device twice]\n"
                                  "Path=03.0/00.0\n"
                                  "Id=8086:1889\n"
                                  "AllowUser=alice\n"
                                  "[Device again]\n"
                                  "Path=03.0/00.1\n"
                                  "Id=8086:1889\n"
                                  "Functions=all\n"
                                  "AllowUser=alice\n"
                                  "[Deny disk]\n"
                                  "Id=144d:a808\n"
                                  "[Device gone]\n"
                                  "Path=1e.0/00.0\n"
                                  "Id=8086:1533\n"
                                  "AllowUser=alice\n";

typedef struct {
    const char *device;
    guint32 uid;
    gboolean allowed;
    const char *verdict;
    const char *fix; /* a part of it; NULL: there is none */
} Row;

static const Row rows[] = {
    {"01:00.0", 1000, TRUE, "alice may have 0000:01:00.0: [Device gpu] (a.conf:1)", NULL},
    {"gpu", 1000, TRUE, "alice may have 0000:01:00.0: [Device gpu] (a.conf:1)", NULL},
    {"gpu", 0, TRUE, "root may have 0000:01:00.0: [Device gpu] (a.conf:1)", NULL},
    {"gpu", 1001, FALSE,
     "uid 1001 may not have 0000:01:00.0: [Device gpu] (a.conf:1): AllowUser (line 4) names alice; "
     "the caller is uid 1001",
     "can add AllowUser=1001 or a group of theirs to [Device gpu] (a.conf:1); then pcassignctl"},
    {"asked", 1001, TRUE,
     "uid 1001 may have 0000:01:00.1, if polkit agrees: [Device asked] (a.conf:5)", NULL},
    {"asked", 0, TRUE, "root may have 0000:01:00.1: [Device asked] (a.conf:5)", NULL},
    {"swapped", 1000, FALSE,
     "nobody may have 0000:02:00.0: [Device swapped] (a.conf:10) is for another device: policy "
     "expects Id 8086:ffff (a.conf:12), found 8086:1533",
     "policy new 0000:02:00.0"},
    {"swapped", 0, FALSE, "nobody may have 0000:02:00.0: [Device swapped]", "policy new"},
    {"03:00.0", 1000, FALSE, "nobody may have 0000:03:00.0: [Device twice] at a.conf:14 and",
     "only one of the two"},
    {"10000:01:00.0", 0, FALSE, "nobody may have 10000:01:00.0: [Deny disk] (a.conf:23)",
     "remove or narrow [Deny disk] (a.conf:23)"},
    {"04:00.0", 1000, FALSE, "alice may not have 0000:04:00.0: no [Device] section names it",
     "as root: pcassignctl policy new 0000:04:00.0 --name=NAME --user=alice --write"},
    {"04:00.0", 0, TRUE, "root may have 0000:04:00.0: root needs no section", NULL},
};

/* Everything that a view borrows. */
typedef struct {
    PcaPolicy *policy;
    PcaSnapshot *snapshot;
    PcaAccounts *accounts;
    PcaPolicyView view;
} World;

static World *world_new(const char *text) {
    World *world = g_new0(World, 1);
    world->policy = text ? parse_good(text) : NULL;
    world->snapshot = make_host();
    world->accounts = pca_accounts_new();
    pca_accounts_add_user(world->accounts, "alice", 1000);
    world->view =
        (PcaPolicyView){world->policy, world->snapshot, world->accounts, read_serial, NULL};
    return world;
}

static void world_free(World *world) {
    g_clear_pointer(&world->policy, pca_policy_unref);
    pca_snapshot_unref(world->snapshot);
    pca_accounts_unref(world->accounts);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static GVariant *explain(const World *world, const char *device, guint32 uid) {
    g_autoptr(GError) error = NULL;
    const PcaFunction *function = pca_policy_view_find(&world->view, device, &error);
    const PcaCaller caller = {.uid = uid};
    ck_assert_msg(function != NULL, "%s", error ? error->message : "");
    const char *user = uid == 1000 ? "alice" : uid == 0 ? "root" : NULL;
    return g_variant_ref_sink(pca_policy_view_explain(&world->view, function, &caller, user));
}

START_TEST(verdicts) {
    const Row *row = &rows[_i];
    g_autoptr(World) world = world_new(policy_text);
    g_autoptr(GVariant) told = explain(world, row->device, row->uid);
    const char *verdict = "", *fix = NULL, *user = NULL;
    gboolean allowed = FALSE;
    guint32 uid = G_MAXUINT32;
    g_variant_lookup(told, "allowed", "b", &allowed);
    g_variant_lookup(told, "verdict", "&s", &verdict);
    g_variant_lookup(told, "fix", "&s", &fix);
    g_variant_lookup(told, "uid", "u", &uid);
    ck_assert_int_eq(allowed, row->allowed);
    ck_assert_uint_eq(uid, row->uid);
    ck_assert_int_eq(g_variant_lookup(told, "user", "&s", &user), row->uid != 1001);
    ck_assert_msg(g_str_has_prefix(verdict, row->verdict), "%s", verdict);
    ck_assert_msg(row->fix ? fix && strstr(fix, row->fix) : !fix, "%s", fix ? fix : "no fix");
    g_autoptr(GVariant) sections =
        g_variant_lookup_value(told, "sections", G_VARIANT_TYPE("aa{sv}"));
    ck_assert_ptr_nonnull(sections);
}
END_TEST

START_TEST(no_policy) {
    g_autoptr(World) world = world_new(NULL);
    g_autoptr(GVariant) told = explain(world, "01:00.0", 0);
    g_autoptr(GVariant) sections = g_variant_ref_sink(pca_policy_view_sections(&world->view));
    const char *verdict = "";
    g_variant_lookup(told, "verdict", "&s", &verdict);
    ck_assert_str_eq(verdict, "nobody may have 0000:01:00.0: no policy is in force");
    ck_assert_uint_eq(g_variant_n_children(sections), 0);
}
END_TEST

static const struct {
    const char *word, *says;
} unknown[] = {
    {"77:00.0", "there is no PCI function 77:00.0"},
    {"gone", "nothing is there now that [Device gone] means (a.conf:25)"},
    {"disk", "\"disk\" is neither a PCI address nor the name of a [Device] section"},
    {"", "\"\" is neither"},
};

START_TEST(not_found) {
    g_autoptr(World) world = world_new(policy_text);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(pca_policy_view_find(&world->view, unknown[_i].word, &error));
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_FOUND));
    ck_assert_msg(g_str_has_prefix(error->message, unknown[_i].says), "%s", error->message);
}
END_TEST

static char *devices_of(GVariant *sections, gsize index) {
    g_autoptr(GVariant) section = g_variant_get_child_value(sections, index);
    g_autofree const char **devices = NULL;
    g_variant_lookup(section, "Devices", "^a&s", &devices);
    return devices ? g_strjoinv(" ", (char **)devices) : NULL;
}

START_TEST(sections_with_devices) {
    static const char *const expected[] = {
        "0000:01:00.0", "0000:01:00.1", "0000:02:00.0", "0000:03:00.0", "0000:03:00.0 0000:03:00.1",
        "10000:01:00.0"};
    g_autoptr(World) world = world_new(policy_text);
    g_autoptr(GVariant) sections = g_variant_ref_sink(pca_policy_view_sections(&world->view));
    ck_assert_uint_eq(g_variant_n_children(sections), 7);
    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_autofree char *devices = devices_of(sections, i);
        ck_assert_str_eq(devices, expected[i]);
    }
    g_autofree char *gone = devices_of(sections, 6);
    ck_assert_str_eq(gone, "");
}
END_TEST

void add_verdicts(Suite *suite) {
    TCase *c = tcase_create("views");
    PCA_TABLE(suite, "verdicts", verdicts, rows);
    PCA_TABLE(suite, "not-found", not_found, unknown);
    tcase_add_test(c, no_policy);
    tcase_add_test(c, sections_with_devices);
    suite_add_tcase(suite, c);
}
