/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the journal is told of a decision.
 * Thread: main. Ownership: each test frees what it makes; `fields` is of the last message.
 */
#include "cases.h"

#include <gio/gio.h>

#include "auth/audit.h"
#include "base/error.h"

static GHashTable *fields;
static guint messages;

static GLogWriterOutput take(GLogLevelFlags level, const GLogField *given, gsize n, gpointer data) {
    messages++;
    g_hash_table_remove_all(fields);
    for (gsize i = 0; i < n; i++)
        g_hash_table_insert(fields, g_strdup(given[i].key), g_strdup(given[i].value));
    return G_LOG_WRITER_HANDLED;
}

static void expect(const char *key, const char *value) {
    ck_assert_msg(g_strcmp0(g_hash_table_lookup(fields, key), value) == 0, "%s is %s, not %s", key,
                  (char *)g_hash_table_lookup(fields, key), value);
}

START_TEST(allowed) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", 4294967294, 42);
    subject->pidfd_from_bus = subject->unit_known = TRUE;
    subject->unit = g_strdup("vm@a.service");
    const PcaDecision decision = {
        .verb = "claim", .device = "0000:01:00.0", .rule = "/etc/a.conf:7"};
    pca_audit(subject, &decision, NULL);
    expect("MESSAGE", "claim of 0000:01:00.0 by uid 4294967294 (process 42): allowed, "
                      "/etc/a.conf:7");
    expect("MESSAGE_ID", PCA_MESSAGE_ALLOWED);
    expect("PRIORITY", "5");
    expect("PCASSIGN_VERB", "claim");
    expect("PCASSIGN_VERDICT", "allowed");
    expect("PCASSIGN_DEVICE", "0000:01:00.0");
    expect("PCASSIGN_RULE", "/etc/a.conf:7");
    expect("PCASSIGN_CALLER_UID", "4294967294");
    expect("PCASSIGN_CALLER_PID", "42");
    expect("PCASSIGN_CALLER_UNIT", "vm@a.service");
    expect("PCASSIGN_CLAIM", NULL);
    expect("PCASSIGN_ERROR", NULL);
    ck_assert_uint_eq(messages, 1);
}
END_TEST

/* No client writes lines of its own into the journal. */
START_TEST(refused) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", 0, 1);
    g_autoptr(GError) error = g_error_new(PCA_ERROR, PCA_ERROR_NOT_FOUND, "no \"x\ny\x1b[1m\"");
    pca_audit(subject, &(PcaDecision){.verb = "open", .claim = "abc"}, error);
    expect("MESSAGE", "open of claim abc by uid 0 (process 1): refused: no \"x?y?[1m\"");
    expect("MESSAGE_ID", PCA_MESSAGE_REFUSED);
    expect("PCASSIGN_VERDICT", "refused");
    expect("PCASSIGN_ERROR", "NotFound");
    expect("PCASSIGN_CLAIM", "abc");
    expect("PCASSIGN_CALLER_UID", "0");
    expect("PCASSIGN_CALLER_UNIT", NULL);
    expect("PCASSIGN_DEVICE", NULL);
}
END_TEST

START_TEST(risky) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", 0, 1);
    const PcaDecision decision = {.verb = "recover", .remark = "at a risk", .risky = TRUE};
    pca_audit(subject, &decision, NULL);
    expect("MESSAGE", "recover by uid 0 (process 1): allowed, at a risk");
    expect("PRIORITY", "4");
}
END_TEST

/* Each id is explained, and nothing else is. */
START_TEST(catalog) {
    static const char *const ids[] = {PCA_MESSAGE_ALLOWED, PCA_MESSAGE_REFUSED,
                                      PCA_MESSAGE_POLICY_REFUSED};
    const char *source = g_getenv("SRCDIR");
    g_autofree char *path =
        g_build_filename(source ? source : ".", "systemd/pcassign.catalog", NULL);
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) entries = g_strsplit(text, "\n-- ", -1);
    ck_assert_uint_eq(g_strv_length(entries), 1 + G_N_ELEMENTS(ids));
    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++)
        ck_assert_msg(g_str_has_prefix(entries[i + 1], ids[i]), "%s", ids[i]);
}
END_TEST

static void set_up(void) {
    messages = 0;
    fields = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_log_set_writer_func(take, NULL, NULL);
}

static void tear_down(void) {
    g_hash_table_unref(fields);
}

TCase *pca_audit_cases(void) {
    TCase *tcase = tcase_create("audit");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, allowed);
    tcase_add_test(tcase, refused);
    tcase_add_test(tcase, risky);
    tcase_add_test(tcase, catalog);
    return tcase;
}
