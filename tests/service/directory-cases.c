/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: names of users and groups, with a directory server that is silent when told to.
 * Thread: main; `user_of` and its kin run in the directory's threads, and share what the mutex
 * guards. Ownership: each test frees what it makes.
 */
#include "cases.h"

#include <unistd.h>

#include "service/private.h"
#include "support/policy.h"

#define TEXT(users, groups)                                                                        \
    "[Device nic]\nPath=02.0/00.0\nId=8086:10d3\nAllowUser=" users "\nAllowGroup=" groups "\n"

/* ---- The server ---- */

static GMutex mutex;
static GCond changed;
static gboolean silent, broken;
static guint asked, running, most; /* look-ups begun; threads at it now, and at most */
static guint32 moved;              /* by how much every user's number is another than it was */

static void set_server(gboolean is_silent, gboolean is_broken) {
    g_mutex_lock(&mutex);
    silent = is_silent;
    broken = is_broken;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&mutex);
}

static void visit_server(void) {
    g_mutex_lock(&mutex);
    asked++;
    running++;
    most = MAX(most, running);
    while (silent)
        g_cond_wait(&changed, &mutex);
    running--;
    g_mutex_unlock(&mutex);
}

/* "u1007" has 1007. */
static PcaLookup number_of(char kind, const char *name, guint32 *number) {
    visit_server();
    *number = (guint32)g_ascii_strtoull(name + 1, NULL, 10);
    if (broken)
        return PCA_LOOKUP_FAILED;
    return *name == kind && *number ? PCA_LOOKUP_FOUND : PCA_LOOKUP_ABSENT;
}

static PcaLookup user_of(const char *name, guint32 *uid) {
    PcaLookup found = number_of('u', name, uid);
    *uid += moved;
    return found;
}

static PcaLookup group_of(const char *name, guint32 *gid) {
    return number_of('g', name, gid);
}

static char *name_of(guint32 uid) {
    visit_server();
    return uid < 2000 ? g_strdup_printf("u%u", uid - moved) : NULL;
}

static const PcaLookups server = {user_of, group_of, name_of};

/* ---- The directory ---- */

static void on_result(GObject *source, GAsyncResult *result, gpointer data) {
    *(GAsyncResult **)data = g_object_ref(result);
}

static void await(GAsyncResult *const *result) {
    while (!*result)
        g_main_context_iteration(NULL, TRUE);
}

/* Whether it was done within so many milliseconds. */
static gboolean resolve(PcaDirectory *directory, PcaPolicy *policy, gint64 patience_ms) {
    g_autoptr(GAsyncResult) result = NULL;
    pca_directory_resolve_async(directory, policy, patience_ms * 1000, on_result, &result);
    await(&result);
    g_autoptr(PcaAccounts) accounts = pca_directory_resolve_finish(result);
    return accounts != NULL;
}

static char *name(PcaDirectory *directory, guint32 uid, gint64 *took_ms) {
    gint64 start = g_get_monotonic_time();
    g_autoptr(GAsyncResult) result = NULL;
    pca_directory_name_async(directory, uid, on_result, &result);
    await(&result);
    *took_ms = (g_get_monotonic_time() - start) / 1000;
    return pca_directory_name_finish(result);
}

static void expect_user(const PcaDirectory *directory, const char *user, guint32 wanted) {
    guint32 uid = 0;
    gboolean found = pca_accounts_user(pca_directory_accounts(directory), user, &uid);
    ck_assert_int_eq(found, wanted != 0);
    ck_assert_uint_eq(uid, wanted);
}

/* Until no thread is at it any more. */
static void drain(void) {
    gboolean busy = TRUE;
    set_server(FALSE, FALSE);
    while (busy) {
        g_usleep(1000);
        g_mutex_lock(&mutex);
        busy = running > 0;
        g_mutex_unlock(&mutex);
    }
    g_usleep(20000);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

START_TEST(of_libc) {
    PcaDirectory *directory = pca_directory_new(NULL);
    g_autoptr(PcaPolicy) policy = pca_policy_of(TEXT("root nobody-has-this", "root"));
    gint64 took;
    guint32 gid = 1;
    ck_assert(pca_directory_is_due(directory, policy));
    ck_assert(resolve(directory, policy, 30000));
    guint32 uid = 1;
    ck_assert(pca_accounts_user(pca_directory_accounts(directory), "root", &uid) && uid == 0);
    ck_assert(pca_accounts_group(pca_directory_accounts(directory), "root", &gid) && gid == 0);
    ck_assert(!pca_accounts_user(pca_directory_accounts(directory), "nobody-has-this", &uid));
    g_autofree char *root = name(directory, 0, &took);
    g_autofree char *stranger = name(directory, 4000000000, &took);
    ck_assert_pstr_eq(root, "root");
    ck_assert_ptr_null(stranger);
    pca_directory_free(directory);
}
END_TEST

START_TEST(what_is_found) {
    PcaDirectory *directory = pca_directory_new(&server);
    g_autoptr(PcaPolicy) all = pca_policy_of(TEXT("u1007 1008", "g7"));
    g_autoptr(PcaPolicy) some = pca_policy_of(TEXT("u1007 gone", "g7"));
    ck_assert(resolve(directory, all, 30000));
    ck_assert(!pca_directory_is_due(directory, all));
    ck_assert(pca_directory_is_due(directory, some));
    ck_assert(resolve(directory, some, 30000));
    expect_user(directory, "u1007", 1007);
    expect_user(directory, "gone", 0);
    /* It was looked up a moment ago. */
    ck_assert(!pca_directory_is_due(directory, some));
    ck_assert_uint_eq(asked, 5);
    pca_directory_free(directory);
}
END_TEST

/* A server that cannot say takes nobody's number away; one that says no does. */
START_TEST(a_server_s_hiccup) {
    PcaDirectory *directory = pca_directory_new(&server);
    g_autoptr(PcaPolicy) policy = pca_policy_of(TEXT("u1007", "g7"));
    ck_assert(resolve(directory, policy, 30000));
    set_server(FALSE, TRUE);
    ck_assert(resolve(directory, policy, 30000));
    expect_user(directory, "u1007", 1007);
    set_server(FALSE, FALSE);
    g_autoptr(PcaPolicy) other = pca_policy_of(TEXT("u1008", "g7"));
    ck_assert(resolve(directory, other, 30000));
    expect_user(directory, "u1007", 0);
    pca_directory_free(directory);
}
END_TEST

START_TEST(silence) {
    PcaDirectory *directory = pca_directory_new(&server);
    g_autoptr(PcaPolicy) policy = pca_policy_of(TEXT("u1007", "g7"));
    g_autoptr(PcaPolicy) newer = pca_policy_of(TEXT("u1008", "g7"));
    gint64 first, second;
    set_server(TRUE, FALSE);
    ck_assert(!resolve(directory, policy, 50));
    for (int i = 0; i < 5; i++)
        ck_assert(!resolve(directory, newer, 10));
    g_autofree char *none = name(directory, 1007, &first);
    for (int i = 0; i < 5; i++) {
        g_autofree char *never = name(directory, 1000 + (guint32)i, &second);
        ck_assert_ptr_null(never);
        ck_assert_msg(second < 200, "%d ms", (int)second);
    }
    ck_assert_ptr_null(none);
    ck_assert_msg(first >= 900, "%d ms", (int)first);
    /* One for the policy, one for callers, however many asked. */
    ck_assert_uint_eq(asked, 2);
    set_server(FALSE, FALSE);
    ck_assert(resolve(directory, newer, 30000));
    expect_user(directory, "u1008", 1008);
    drain();
    g_autofree char *known = name(directory, 1007, &second);
    ck_assert_pstr_eq(known, "u1007");
    ck_assert_uint_le(most, 2);
    pca_directory_free(directory);
}
END_TEST

/* Whoever waits for it is answered, and the thread comes back to what is still there. */
START_TEST(freed_while_silent) {
    PcaDirectory *directory = pca_directory_new(&server);
    g_autoptr(PcaPolicy) policy = pca_policy_of(TEXT("u1007", "g7"));
    g_autoptr(GAsyncResult) resolved = NULL;
    g_autoptr(GAsyncResult) named = NULL;
    set_server(TRUE, FALSE);
    pca_directory_resolve_async(directory, policy, 100000, on_result, &resolved);
    pca_directory_name_async(directory, 1007, on_result, &named);
    pca_directory_free(directory);
    await(&resolved);
    await(&named);
    ck_assert_ptr_null(pca_directory_resolve_finish(resolved));
    ck_assert_ptr_null(pca_directory_name_finish(named));
    drain();
}
END_TEST

/* Whoever waits for the older one is answered with the newer, which is in force. */
START_TEST(two_policies_at_once) {
    PcaDirectory *directory = pca_directory_new(&server);
    g_autoptr(PcaPolicy) older = pca_policy_of(TEXT("u1007", "g7"));
    g_autoptr(PcaPolicy) newer = pca_policy_of(TEXT("u1008", "g7"));
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GAsyncResult) third = NULL;
    set_server(TRUE, FALSE);
    pca_directory_resolve_async(directory, older, 30000000, on_result, &first);
    pca_directory_resolve_async(directory, older, 30000000, on_result, &second);
    pca_directory_resolve_async(directory, newer, 30000000, on_result, &third);
    set_server(FALSE, FALSE);
    await(&first);
    await(&second);
    await(&third);
    expect_user(directory, "u1007", 0);
    expect_user(directory, "u1008", 1008);
    ck_assert(!pca_directory_is_due(directory, newer));
    GAsyncResult *const results[] = {first, second, third};
    for (gsize i = 0; i < G_N_ELEMENTS(results); i++) {
        g_autoptr(PcaAccounts) accounts = pca_directory_resolve_finish(results[i]);
        ck_assert_ptr_nonnull(accounts);
    }
    pca_directory_free(directory);
}
END_TEST

/* ---- The service ---- */

static PcaTree *tree;
static PcaService *service;

static void ignore_function(const PcaFunction *function, gpointer data) {
}

static void ignore_claim(PcaClaim *claim, gpointer data) {
}

static void ignore(gpointer data) {
}

static void make_service(const char *policy) {
    static const PcaServiceEvents events = {ignore_function,
                                            ignore_function,
                                            ignore_function,
                                            ignore_function,
                                            ignore_claim,
                                            ignore,
                                            NULL,
                                            NULL};
    tree = pca_small_host();
    pca_tree_write(tree, "policy.d/50-a.conf", "%s", policy);
    g_autofree char *state = g_build_filename(pca_tree_path(tree), "run", NULL);
    g_autofree char *socket = g_build_filename(pca_tree_path(tree), "worker", NULL);
    g_autofree char *files = g_build_filename(pca_tree_path(tree), "policy.d", NULL);
    g_autofree char *vendor = g_build_filename(pca_tree_path(tree), "vendor.d", NULL);
    const char *const directories[] = {files, vendor, NULL, NULL};
    const PcaServiceConfig config = {.root = pca_tree_root(tree),
                                     .state_directory = state,
                                     .worker_socket = socket,
                                     .policy_directories = directories,
                                     .policy_owner = geteuid(),
                                     .max_claims = 2,
                                     .max_devices = 8,
                                     .lookups = &server};
    service = pca_service_new(&config, &events, NULL, NULL);
    ck_assert_ptr_nonnull(service);
}

static void end_service(void) {
    drain();
    pca_service_free(service);
    pca_tree_free(tree);
}

/* The verdict of check "policy" for the uid; NULL: allowed. */
static char *ask(guint32 uid, gint64 *took_ms) {
    gint64 start = g_get_monotonic_time();
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", uid, 0);
    g_autoptr(PcaRequest) request = pca_request_new();
    g_autoptr(GAsyncResult) result = NULL;
    char *text = NULL;
    pca_request_add(request, "nic", NULL);
    pca_service_check_async(service, subject, request, on_result, &result);
    await(&result);
    *took_ms = (g_get_monotonic_time() - start) / 1000;
    g_autoptr(GPtrArray) findings = pca_service_check_finish(result, NULL);
    for (guint i = 0; i < findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(findings, i);
        if (!finding->ok && g_str_equal(finding->name, "policy"))
            text = g_strdup(finding->text);
    }
    return text;
}

static void expect_allowed(guint32 uid, gint64 within_ms) {
    gint64 took;
    g_autofree char *text = ask(uid, &took);
    ck_assert_msg(!text, "%s", text);
    ck_assert_msg(took < within_ms, "uid %u waited for %d ms", uid, (int)took);
}

static char *reload(void) {
    g_autoptr(PcaSubject) root = pca_subject_new(":1.1", 0, 0);
    g_autoptr(GAsyncResult) result = NULL;
    GString *text = g_string_new(NULL);
    pca_service_reload_policy_async(service, root, NULL, on_result, &result);
    await(&result);
    g_autoptr(GPtrArray) diagnostics = pca_service_reload_policy_finish(result);
    for (guint i = 0; i < diagnostics->len; i++) {
        g_autofree char *line = pca_diagnostic_format(g_ptr_array_index(diagnostics, i));
        g_string_append_printf(text, "%s\n", line);
    }
    return g_string_free(text, FALSE);
}

static void expect_words(const char *text, const char *words, gboolean wanted) {
    ck_assert_msg((strstr(text, words) != NULL) == wanted, "\"%s\"%s in:\n%s", words,
                  wanted ? " is not" : " is", text);
}

START_TEST(claims_during_silence) {
    gint64 took;
    make_service(TEXT("u1007 1008", "g7"));
    expect_allowed(1007, 20000);
    set_server(TRUE, FALSE);
    g_autofree char *late = reload();
    expect_words(late, "could not be looked up in time", TRUE);
    /* Whose number is known waits at most for the own name, which nobody waits for twice. */
    expect_allowed(1007, 2500);
    expect_allowed(1007, 500);
    expect_allowed(1008, 500);
    g_autofree char *refused = ask(1009, &took);
    expect_words(refused, "could not be looked up in time", TRUE);
    ck_assert_msg(took >= 2500 && took < 10000, "%d ms", (int)took);
    end_service();
}
END_TEST

/* At the start nobody is known yet: the first claim waits for the names, and not for long. */
START_TEST(a_claim_that_comes_early) {
    set_server(TRUE, FALSE);
    make_service(TEXT("u1007 1008", "g7"));
    expect_allowed(1008, 2500);
    gint64 took;
    g_autofree char *refused = ask(1007, &took);
    expect_words(refused, "could not be looked up in time", TRUE);
    set_server(FALSE, FALSE);
    expect_allowed(1007, 20000);
    end_service();
}
END_TEST

/* As systemd does it with users of units, which it makes when these start: nobody waits for the
 * next look-up, and the number of before is another's. */
START_TEST(accounts_made_anew) {
    gint64 took;
    make_service(TEXT("u1007", "g7"));
    expect_allowed(1007, 20000);
    moved = 100;
    expect_allowed(1107, 20000);
    g_autofree char *refused = ask(1007, &took);
    expect_words(refused, "AllowUser (line 4) names u1007; the caller is", TRUE);
    moved = 200;
    g_autofree char *early = ask(1107, &took);
    expect_words(early, "AllowUser (line 4) names u1007; the caller is", TRUE);
    expect_allowed(1207, 20000);
    moved = 0;
    end_service();
}
END_TEST

START_TEST(warnings_of_a_reload) {
    make_service(TEXT("u1007 gone", "g7 missing"));
    g_autofree char *text = reload();
    expect_words(text, "50-a.conf:4:17: warning: there is no user 'gone' now", TRUE);
    expect_words(text, "50-a.conf:5:15: warning: there is no group 'missing' now", TRUE);
    expect_words(text, "u1007", FALSE);
    pca_tree_write(tree, "policy.d/50-a.conf", TEXT("u1007", "g7") "AllowUnit=vm.service\n");
    g_autofree char *units = reload();
    expect_words(units, "50-a.conf:6:1: warning: this message bus gives no process descr", TRUE);
    end_service();
}
END_TEST

TCase *pca_directory_cases(void) {
    TCase *tcase = tcase_create("directory");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, of_libc);
    tcase_add_test(tcase, what_is_found);
    tcase_add_test(tcase, a_server_s_hiccup);
    tcase_add_test(tcase, silence);
    tcase_add_test(tcase, two_policies_at_once);
    tcase_add_test(tcase, freed_while_silent);
    tcase_add_test(tcase, claims_during_silence);
    tcase_add_test(tcase, a_claim_that_comes_early);
    tcase_add_test(tcase, accounts_made_anew);
    tcase_add_test(tcase, warnings_of_a_reload);
    return tcase;
}
