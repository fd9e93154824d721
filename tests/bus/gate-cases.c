/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: who may call which method: every method of the interface by every kind of caller, with a
 * polkit that says yes, says no, or is not there; and what the journal is told of it.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"
#include "mock-polkit.h"
#include "support/interface.h"

#define FREE_PATH ROOT_PATH "/device/0000_07_00_0"

/* ---- Every method and every caller ---- */

typedef enum { PUBLIC, BY_POLICY, OWNERS, OWNERS_OR_ADMINS, ADMINS } Who;
typedef enum { UNLISTED, LISTED_ELSEWHERE, LISTED, THE_ROOT, N_CALLERS } Caller;
typedef enum { ABSENT, SAYS_NO, SAYS_YES, N_POLKITS } Polkit;

/* `args` make a call that does nothing to devices, where there are such. */
static const struct {
    const char *method, *args;
    Who who;
} rows[] = {
    {"Manager.Claim", "([('gpu', @a{sv} {})], @a{sv} {})", BY_POLICY},
    {"Manager.Check", "([('gpu', @a{sv} {})], @a{sv} {})", PUBLIC},
    {"Manager.Plan", "([('gpu', @a{sv} {})], @a{sv} {})", PUBLIC},
    {"Manager.ListClaims", NULL, PUBLIC},
    {"Manager.ReloadPolicy", NULL, ADMINS},
    {"Manager.DescribePolicy", NULL, ADMINS},
    {"Manager.ExplainPolicy", "('gpu', '')", PUBLIC},
    {"Manager.ExplainPolicy", "('gpu', '1')", ADMINS},
    {"Manager.Check", "([('gpu', @a{sv} {})], {'as': <'1'>})", ADMINS},
    {"Device.Explain", NULL, PUBLIC},
    {"Device.Reserve", "({'x': <1>},)", ADMINS},
    {"Device.Unreserve", "(@a{sv} {},)", ADMINS},
    {"Device.Reset", "({'method': <'none'>},)", ADMINS},
    {"Device.Recover", "(@a{sv} {},)", ADMINS},
    {"Claim.Open", "(handle 0, @a{sv} {})", OWNERS},
    {"Claim.Describe", NULL, OWNERS_OR_ADMINS},
    {"Claim.ReleaseDevices", "(@ao [],)", OWNERS_OR_ADMINS},
    {"Claim.Revoke", "({'x': <1>},)", ADMINS},
    {"Claim.Release", NULL, OWNERS_OR_ADMINS},
};

static gboolean is_allowed(Who who, Caller caller, Polkit polkit) {
    gboolean admin = caller == THE_ROOT || polkit == SAYS_YES;
    switch (who) {
    case PUBLIC:
        return TRUE;
    case BY_POLICY:
    case OWNERS: /* alice is the listed one, and the owner */
        return caller == LISTED || caller == THE_ROOT;
    case OWNERS_OR_ADMINS:
        return caller == LISTED || admin;
    case ADMINS:
        return admin;
    }
    return FALSE;
}

static const char *object_of(const char *method, const PcaHeld *held) {
    if (g_str_has_prefix(method, "Manager."))
        return ROOT_PATH;
    return g_str_has_prefix(method, "Device.") ? FREE_PATH : held->path;
}

/* Allowed is whatever is refused for another reason as well. */
static void try_row(gsize row, GDBusConnection *c, Caller caller, Polkit polkit,
                    const PcaHeld *held) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GUnixFDList) fds = NULL;
    const char *args = rows[row].args;
    g_autoptr(GVariant) reply =
        pca_call_fds(c, object_of(rows[row].method, held), rows[row].method,
                     args ? g_variant_new_parsed(args) : NULL, held->lease, &fds, &error);
    gboolean refused = error && pca_is_error(error, "NotPermitted");
    ck_assert_msg(refused != is_allowed(rows[row].who, caller, polkit),
                  "%s, caller %d, polkit %d: %s", rows[row].method, caller, polkit,
                  error ? error->message : "no error");
    ck_assert_msg(!error || !pca_is_error(error, "org.freedesktop.DBus.Error.UnknownMethod"),
                  "%s: %s", rows[row].method, error->message);
}

START_TEST(every_method_and_caller) {
    static const guint32 uids[] = {CAROL, BOB, ALICE, 0};
    if (!pca_become(0))
        return;
    Polkit polkit = (Polkit)_i;
    PcaPolkitMock *mock = polkit == ABSENT ? NULL : pca_polkit_mock_new(world);
    if (mock)
        pca_polkit_mock_answer(mock, polkit == SAYS_YES ? PCA_POLKIT_YES : PCA_POLKIT_NO);
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    for (int caller = 0; caller < N_CALLERS; caller++) {
        g_auto(PcaHeld) held = pca_claim_words(alice, "nic");
        ck_assert(pca_become(uids[caller]));
        g_autoptr(GDBusConnection) c = pca_world_connect(world);
        for (gsize row = 0; row < G_N_ELEMENTS(rows); row++)
            try_row(row, c, (Caller)caller, polkit, &held);
        ck_assert(pca_become(0));
        pca_held_clear(&held);
        pca_world_await_no_claim(world);
    }
    g_clear_pointer(&mock, pca_polkit_mock_free);
}
END_TEST

static gboolean has_row(const char *interface, const char *method) {
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *full = g_strconcat("org.pcassign1.", rows[i].method, NULL);
        g_autofree char *wanted = g_strconcat(interface, ".", method, NULL);
        if (g_str_equal(full, wanted))
            return TRUE;
    }
    return FALSE;
}

START_TEST(the_table_has_every_method) {
    g_autoptr(GDBusNodeInfo) node = pca_read_interface();
    for (guint i = 0; node->interfaces[i]; i++)
        for (guint j = 0; node->interfaces[i]->methods && node->interfaces[i]->methods[j]; j++)
            ck_assert_msg(has_row(node->interfaces[i]->name, node->interfaces[i]->methods[j]->name),
                          "%s is not tried", node->interfaces[i]->methods[j]->name);
}
END_TEST

/* What everybody may read of another user's claim is what ListClaims tells everybody. */
START_TEST(properties_of_anothers_claim) {
    if (!pca_become(0))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autoptr(GDBusConnection) carol = pca_world_connect_as(world, CAROL, CAROL);
    g_auto(PcaHeld) held = pca_claim_with(alice, "nic", "{'title': <'secret'>}");
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        carol, "org.pcassign1", held.path, "org.freedesktop.DBus.Properties", "GetAll",
        g_variant_new("(s)", CLAIM), G_VARIANT_TYPE("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, -1, NULL,
        NULL);
    g_autoptr(GVariant) all = g_variant_get_child_value(reply, 0);
    g_autofree char *text = g_variant_print(all, FALSE);
    ck_assert_msg(strstr(text, "'State': <'ready'>") && !strstr(text, "secret") &&
                      !strstr(text, "65534") && !strstr(text, "50-test"),
                  "%s", text);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) set = g_dbus_connection_call_sync(
        alice, "org.pcassign1", held.path, "org.freedesktop.DBus.Properties", "Set",
        g_variant_new("(ssv)", CLAIM, "State", g_variant_new_string("ended")), NULL,
        G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
    ck_assert_ptr_null(set);
}
END_TEST

/* A refusal does not depend on what the claim is like, and comes before any argument is looked at.
 */
START_TEST(refusals_tell_nothing) {
    if (!pca_become(0))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autoptr(GDBusConnection) carol = pca_world_connect_as(world, CAROL, CAROL);
    g_auto(PcaHeld) held = pca_claim_words(alice, "nic");
    g_auto(PcaHeld) roots = pca_claim_words(bus, "08:00.0");
    g_autofree char *first =
        g_strdup(pca_refused(carol, held.path, "Claim.Describe", NULL, "NotPermitted"));
    const char *second = pca_refused(carol, roots.path, "Claim.Describe", NULL, "NotPermitted");
    ck_assert_pstr_eq(first, second);
    second = pca_refused(carol, held.path, "Claim.ReleaseDevices",
                         g_variant_new_parsed("([objectpath '/nonsense'],)"), "NotPermitted");
    ck_assert_pstr_eq(first, second);
}
END_TEST

/* ---- What polkit is asked ---- */

static PcaPolkitMock *mock;
static GDBusConnection *carol;

static gboolean begin(PcaPolkitAnswer answer) {
    if (!pca_become(0))
        return FALSE;
    mock = pca_polkit_mock_new(world);
    pca_polkit_mock_answer(mock, answer);
    carol = pca_world_connect_as(world, CAROL, CAROL);
    return TRUE;
}

static void end(void) {
    g_clear_object(&carol);
    g_clear_pointer(&mock, pca_polkit_mock_free);
}

static void expect_question(const char *wanted) {
    g_autofree char *last = pca_polkit_mock_last(mock);
    g_autofree char *full =
        g_strdup_printf("%s %s", g_dbus_connection_get_unique_name(carol), wanted);
    ck_assert_pstr_eq(last, full);
}

static void reset_interactively(GDBusConnection *c) {
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        c, "org.pcassign1", FREE_PATH, DEVICE, "Reset", g_variant_new("(a{sv})", NULL), NULL,
        G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, -1, NULL, NULL);
    ck_assert_ptr_null(reply);
}

START_TEST(questions) {
    if (!begin(PCA_POLKIT_NO))
        return;
    pca_refused(carol, FREE_PATH, "Device.Reset", g_variant_new("(a{sv})", NULL), "NotPermitted");
    expect_question("org.pcassign1.manage 0 {'method': 'Reset', 'device': '0000:07:00.0', 'path': "
                    "'0000:00:07.0/00.0', 'id': '8086:10d3', 'name': '-'}");
    reset_interactively(carol);
    expect_question("org.pcassign1.manage 1 {'method': 'Reset', 'device': '0000:07:00.0', 'path': "
                    "'0000:00:07.0/00.0', 'id': '8086:10d3', 'name': '-'}");
    pca_refused(carol, ROOT_PATH, "Manager.ReloadPolicy", NULL, "NotPermitted");
    expect_question("org.pcassign1.reload-policy 0 {'method': 'ReloadPolicy'}");
    g_auto(PcaHeld) held = pca_claim_words(bus, "gpu");
    pca_refused(carol, held.path, "Claim.Release", NULL, "NotPermitted");
    expect_question("org.pcassign1.manage 0 {'method': 'Release', 'device': '0000:03:00.0 "
                    "0000:03:00.1', 'path': '0000:00:03.0/00.0 0000:00:03.0/00.1', 'id': "
                    "'10de:2230 10de:1aef', 'name': 'gpu gpu'}");
    /* Root is never asked about. */
    guint asked = pca_polkit_mock_asked(mock);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    ck_assert_uint_eq(pca_polkit_mock_asked(mock), asked);
    end();
}
END_TEST

static const struct {
    PcaPolkitAnswer answer;
    const char *words;
} noes[] = {
    {PCA_POLKIT_NO, "only root may do this; polkit does not authorise it (org.pcassign1.manage)"},
    {PCA_POLKIT_CHALLENGE, "the message does not allow to ask"},
    {PCA_POLKIT_DISMISSED, "was dismissed"},
    {PCA_POLKIT_ERROR, "polkit cannot be asked about org.pcassign1.manage: out of order"},
    {PCA_POLKIT_MALFORMED, "polkit's answer is malformed"},
};

START_TEST(every_no_is_named) {
    if (!begin(noes[_i].answer))
        return;
    const char *message = pca_refused(carol, FREE_PATH, "Device.Reset",
                                      g_variant_new("(a{sv})", NULL), "NotPermitted");
    ck_assert_msg(strstr(message, noes[_i].words) != NULL, "%s", message);
    end();
}
END_TEST

START_TEST(an_administrator_by_polkit) {
    if (!begin(PCA_POLKIT_YES))
        return;
    g_variant_unref(
        pca_call(carol, FREE_PATH, "Device.Reset", g_variant_new("(a{sv})", NULL), NULL));
    g_auto(PcaHeld) held = pca_claim_words(bus, "nic");
    g_autoptr(GVariant) described = pca_call(carol, held.path, "Claim.Describe", NULL, NULL);
    g_variant_unref(pca_call(carol, held.path, "Claim.Release", NULL, NULL));
    pca_world_await_driver(world, NIC, "e1000e");
    end();
}
END_TEST

/* ---- A device for which polkit is asked ---- */

static void write_policy(const char *text) {
    g_autofree char *path = g_build_filename(world->tree, "policy.d/60-more.conf", NULL);
    if (text)
        ck_assert(
            g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
    else
        ck_assert_int_eq(unlink(path), 0);
    g_autoptr(GVariant) reply = pca_call(bus, ROOT_PATH, "Manager.ReloadPolicy", NULL, NULL);
    g_autofree char *diagnostics = g_variant_print(reply, FALSE);
    ck_assert_msg(!strstr(diagnostics, "'error'"), "%s", diagnostics);
}

#define FREE_SECTION "[Device asked]\nPath=07.0/00.0\nAllowUser=2\nAuthorize=polkit\n"
#define QUESTION                                                                                   \
    "org.pcassign1.claim 0 {'method': 'Claim', 'device': '0000:07:00.0', 'path': "                 \
    "'0000:00:07.0/00.0', 'id': '8086:10d3', 'name': 'asked'}"

START_TEST(claim_by_polkit) {
    if (!begin(PCA_POLKIT_NO))
        return;
    g_autoptr(GDBusConnection) bob = pca_world_connect_as(world, BOB, BOB);
    write_policy(FREE_SECTION);
    pca_refused(carol, ROOT_PATH, "Manager.Claim", pca_devices("asked", NULL), "NotPermitted");
    expect_question(QUESTION);
    /* Who is not allowed is not asked about, nor is root; and a check asks nobody. */
    guint asked = pca_polkit_mock_asked(mock);
    pca_refused(bob, ROOT_PATH, "Manager.Claim", pca_devices("asked", NULL), "NotPermitted");
    g_autoptr(GVariant) checked =
        pca_call(carol, ROOT_PATH, "Manager.Check", pca_devices("asked", NULL), NULL);
    g_autofree char *verdicts = g_variant_print(checked, FALSE);
    ck_assert_msg(strstr(verdicts, "allowed, if polkit says yes") != NULL, "%s", verdicts);
    g_auto(PcaHeld) roots = pca_claim_words(bus, "asked");
    g_variant_unref(pca_call(bus, roots.path, "Claim.Release", NULL, NULL));
    ck_assert_uint_eq(pca_polkit_mock_asked(mock), asked);
    pca_polkit_mock_answer(mock, PCA_POLKIT_YES);
    g_auto(PcaHeld) held = pca_claim_words(carol, "asked");
    ck_assert_uint_eq(pca_polkit_mock_asked(mock), asked + 1);
    g_variant_unref(pca_call(carol, held.path, "Claim.Release", NULL, NULL));
    write_policy(NULL);
    end();
}
END_TEST

static void on_claimed(GObject *source, GAsyncResult *result, gpointer data) {
    GError **error = data;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), NULL, result, error);
    ck_assert_ptr_null(reply);
}

/* A claim of carol's that polkit is thinking about. */
static void begin_claim(GError **error) {
    guint asked = pca_polkit_mock_asked(mock);
    g_dbus_connection_call_with_unix_fd_list(
        carol, "org.pcassign1", ROOT_PATH, MANAGER, "Claim", pca_devices("asked", NULL), NULL,
        G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, on_claimed, error);
    g_dbus_connection_flush_sync(carol, NULL, NULL);
    pca_polkit_mock_await(mock, asked + 1);
}

static void expect_refusal(GError **error, const char *name) {
    while (!*error)
        g_main_context_iteration(NULL, TRUE);
    ck_assert_msg(pca_is_error(*error, name), "%s", (*error)->message);
}

static void deny_it(void) {
    write_policy(FREE_SECTION "[Deny asked]\nPath=07.0/00.0\n");
}

static void allow_somebody_else(void) {
    write_policy("[Device asked]\nPath=07.0/00.0\nAllowUser=1\nAuthorize=polkit\n");
}

static void unplug_it(void) {
    pca_world_tell(world, "unplug 0000:07:00.0");
}

static void exchange_it(void) {
    write_policy(FREE_SECTION "Id=8086:1572\n");
}

static PcaHeld taken;

static void take_it(void) {
    taken = pca_claim_words(bus, "asked");
}

static void use_it(void) {
    pca_world_tell(world, "use 0000:07:00.0");
}

/* What changes while polkit thinks about it, and what a yes is worth then. */
static const struct {
    void (*change)(void);
    const char *error;
} changes[] = {
    {deny_it, "NotPermitted"},
    {allow_somebody_else, "NotPermitted"},
    {exchange_it, "IdentityMismatch"},
    {take_it, "Busy"},
    {use_it, "InUse"},
    {unplug_it, "NotFound"},
};

START_TEST(judged_again_after_a_yes) {
    GError *error = NULL;
    if (!begin(PCA_POLKIT_SILENT))
        return;
    taken = (PcaHeld){NULL, -1};
    write_policy(FREE_SECTION);
    begin_claim(&error);
    changes[_i].change();
    pca_polkit_mock_answer(mock, PCA_POLKIT_YES);
    expect_refusal(&error, changes[_i].error);
    g_clear_error(&error);
    pca_held_clear(&taken);
    pca_world_await_no_claim(world);
    end();
}
END_TEST

/* Under another name in the new policy, it is another question. */
START_TEST(asked_again_for_another_policy) {
    GError *error = NULL;
    if (!begin(PCA_POLKIT_SILENT))
        return;
    write_policy(FREE_SECTION);
    begin_claim(&error);
    write_policy("[Device other]\nPath=07.0/00.0\nAllowUser=2\nAuthorize=polkit\n");
    write_policy("[Device asked]\nPath=07.0/00.0\nId=8086:10d3\nAllowUser=2\nAuthorize=polkit\n");
    pca_polkit_mock_answer(mock, PCA_POLKIT_NO);
    expect_refusal(&error, "NotPermitted");
    g_clear_error(&error);
    write_policy(NULL);
    end();
}
END_TEST

START_TEST(caller_gone_while_polkit_thinks) {
    if (!begin(PCA_POLKIT_SILENT))
        return;
    GError *error = NULL, *more = NULL;
    write_policy(FREE_SECTION);
    for (guint i = 1; i <= 3; i++) {
        begin_claim(&error);
        g_dbus_connection_call(carol, "org.pcassign1", FREE_PATH, DEVICE, "Reserve",
                               g_variant_new("(a{sv})", NULL), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
                               NULL, NULL, NULL);
        pca_polkit_mock_await(mock, 2 * i);
        g_dbus_connection_close_sync(carol, NULL, NULL);
        for (int j = 0; j < 5000 && pca_polkit_mock_withdrawn(mock) < 2 * i; j++)
            g_usleep(2000);
        ck_assert_uint_eq(pca_polkit_mock_withdrawn(mock), 2 * i);
        while (!error)
            g_main_context_iteration(NULL, TRUE);
        g_clear_error(&error);
        g_object_unref(carol);
        carol = pca_world_connect_as(world, CAROL, CAROL);
    }
    pca_polkit_mock_answer(mock, PCA_POLKIT_YES);
    g_autofree char *state = pca_property(bus, FREE_PATH, DEVICE, "State");
    ck_assert_pstr_eq(state, "free");
    ck_assert_ptr_null(more);
    write_policy(NULL);
    end();
}
END_TEST

/* ---- What the journal is told ---- */

static guint count_lines(const char *words) {
    g_autofree char *path = g_build_filename(world->work, "daemon.log", NULL);
    g_autofree char *text = NULL;
    guint n = 0;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    for (const char *hit = text; (hit = strstr(hit, words)); hit++)
        n++;
    return n;
}

static void expect_told_once(const char *words) {
    ck_assert_msg(count_lines(words) == 1, "%u times: %s", count_lines(words), words);
}

START_TEST(decisions_are_told_once) {
    if (!begin(PCA_POLKIT_NO))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    pca_refused(carol, FREE_PATH, "Device.Reserve", g_variant_new("(a{sv})", NULL), "NotPermitted");
    expect_told_once("reserve of 0000:07:00.0 by uid 2 ");
    pca_refused(carol, ROOT_PATH, "Manager.Claim", pca_devices("nic", NULL), "NotPermitted");
    expect_told_once("claim of 0000:01:00.0 by uid 2 ");
    g_auto(PcaHeld) held = pca_claim_words(alice, "nic");
    expect_told_once("claim of 0000:01:00.0 by uid 65534 ");
    const char *id = strrchr(held.path, '/') + 1;
    g_autofree char *open = g_strdup_printf("open of claim %s by uid 2 ", id);
    g_autofree char *described = g_strdup_printf("describe of claim %s by uid 2 ", id);
    g_autofree char *wrong = g_strdup_printf("open of claim %s by uid 65534 ", id);
    g_autofree char *released = g_strdup_printf("release of claim %s by uid 0 ", id);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(pca_open_held(carol, &held, NULL, &error));
    expect_told_once(open);
    pca_refused(carol, held.path, "Claim.Describe", NULL, "NotPermitted");
    expect_told_once(described);
    const PcaHeld stolen = {held.path, STDIN_FILENO};
    g_clear_error(&error);
    ck_assert_ptr_null(pca_open_held(alice, &stolen, NULL, &error));
    expect_told_once(wrong);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    expect_told_once(released);
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.ReloadPolicy", NULL, NULL));
    expect_told_once("reload-policy by uid 0 ");
    pca_refused(carol, ROOT_PATH, "Manager.Claim", pca_devices("none-such", NULL), "NotFound");
    expect_told_once("claim by uid 2 ");
    ck_assert_uint_eq(count_lines("check"), 0);
    end();
}
END_TEST

TCase *pca_gate_cases(void) {
    TCase *tcase = pca_patient_shared_case_new("gate");
    tcase_add_test(tcase, the_table_has_every_method);
    tcase_add_loop_test(tcase, every_method_and_caller, 0, N_POLKITS);
    tcase_add_test(tcase, properties_of_anothers_claim);
    tcase_add_test(tcase, refusals_tell_nothing);
    tcase_add_test(tcase, questions);
    tcase_add_loop_test(tcase, every_no_is_named, 0, G_N_ELEMENTS(noes));
    tcase_add_test(tcase, an_administrator_by_polkit);
    tcase_add_test(tcase, claim_by_polkit);
    tcase_add_test(tcase, asked_again_for_another_policy);
    tcase_add_test(tcase, caller_gone_while_polkit_thinks);
    return tcase;
}

TCase *pca_audit_cases(void) {
    TCase *tcase = pca_patient_case_new("decisions");
    tcase_add_loop_test(tcase, judged_again_after_a_yes, 0, G_N_ELEMENTS(changes));
    tcase_add_test(tcase, decisions_are_told_once);
    return tcase;
}
