/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the service's life: its state directory, what it tells of hardware and policy, checks
 * and claims where no worker answers.
 * Thread: main. Ownership: the fixture owns the host and the service.
 */
#include "cases.h"

#include <sys/stat.h>
#include <unistd.h>

#include "auth/selinux.h"
#include "base/error.h"
#include "service/caller.h"
#include "service/check-label.h"
#include "service/private.h"

#define NIC "0000:02:00.0"

static PcaTree *tree;
static PcaService *service;
static GString *events;
static char *state, *socket_path, *policy_directory, *vendor_directory;

static void note(const char *mark, const PcaFunction *function) {
    g_autofree char *address = pca_address_format(&function->address);
    g_string_append_printf(events, "%s%s ", mark, address);
}

static void on_added(const PcaFunction *function, gpointer data) {
    note("+", function);
}

static void on_changed(const PcaFunction *function, gpointer data) {
    note("~", function);
}

static void on_removed(const PcaFunction *function, gpointer data) {
    note("-", function);
}

static void on_claim(PcaClaim *claim, gpointer data) {
    g_string_append_printf(events, "claim:%s ", pca_claim_state_name(claim->state));
}

static void on_policy(gpointer data) {
    g_string_append(events, "policy ");
}

static PcaService *make_service(GError **error) {
    static const PcaServiceEvents table = {on_added, on_changed, on_changed, on_removed,
                                           on_claim, on_policy,  NULL,       NULL};
    const char *const directories[] = {policy_directory, vendor_directory, NULL, NULL};
    const PcaServiceConfig config = {
        .root = pca_tree_root(tree),
        .state_directory = state,
        .worker_socket = socket_path,
        .policy_directories = directories,
        .policy_owner = geteuid(),
        .unbind_grace = G_TIME_SPAN_SECOND,
        .max_claims = 2,
        .max_devices = 8,
    };
    return pca_service_new(&config, &table, NULL, error);
}

static void set_up(void) {
    g_autoptr(GError) error = NULL;
    tree = pca_small_host();
    events = g_string_new(NULL);
    state = g_build_filename(pca_tree_path(tree), "run", NULL);
    socket_path = g_build_filename(pca_tree_path(tree), "worker", NULL);
    policy_directory = g_build_filename(pca_tree_path(tree), "policy.d", NULL);
    vendor_directory = g_build_filename(pca_tree_path(tree), "vendor.d", NULL);
    pca_tree_write(tree, "policy.d/50-a.conf",
                   "[Device nic]\nPath=02.0/00.0\nId=8086:10d3\nAllowUser=1000\n");
    service = make_service(&error);
    ck_assert_msg(service != NULL, "%s", error ? error->message : "");
}

static void tear_down(void) {
    pca_service_free(service);
    pca_tree_free(tree);
    g_string_free(events, TRUE);
    g_free(state);
    g_free(socket_path);
    g_free(policy_directory);
    g_free(vendor_directory);
}

static void expect_events(const char *wanted) {
    ck_assert_str_eq(events->str, wanted);
    g_string_truncate(events, 0);
}

static const PcaFunction *find(const char *text) {
    PcaAddress address;
    ck_assert(pca_address_parse(text, &address));
    return pca_snapshot_find(pca_service_snapshot(service), &address);
}

START_TEST(hardware) {
    expect_events("+0000:00:01.0 +0000:00:02.0 +0000:01:00.0 +0000:01:00.1 +0000:02:00.0 ");
    pca_service_rescan(service);
    expect_events("");
    pca_tree_bind(tree, NIC, "vfio-pci");
    pca_service_rescan(service);
    expect_events("~" NIC " ");
    ck_assert_str_eq(pca_service_function_state(service, find(NIC)), "free");
    pca_tree_remove(tree, NIC);
    pca_service_rescan(service);
    expect_events("-" NIC " ");
    ck_assert_ptr_null(find(NIC));
}
END_TEST

/* A look that began after a request answers it; an earlier one does not. */
START_TEST(freshness) {
    gint64 arrived = g_get_monotonic_time();
    pca_tree_remove(tree, NIC);
    pca_service_freshen(service, arrived);
    ck_assert_ptr_null(find(NIC));
    pca_tree_remove(tree, "0000:01:00.1");
    pca_service_freshen(service, arrived);
    ck_assert_ptr_nonnull(find("0000:01:00.1"));
    g_usleep(10);
    pca_service_freshen(service, g_get_monotonic_time());
    ck_assert_ptr_null(find("0000:01:00.1"));
}
END_TEST

START_TEST(states_and_names) {
    g_autofree char *nic = pca_service_function_name(service, find(NIC));
    g_autofree char *gpu = pca_service_function_name(service, find("0000:01:00.0"));
    ck_assert_pstr_eq(nic, "nic");
    ck_assert_ptr_null(gpu);
    ck_assert_str_eq(pca_service_function_state(service, find(NIC)), "host");
    pca_tree_unbind(tree, NIC);
    pca_service_rescan(service);
    ck_assert_str_eq(pca_service_function_state(service, find(NIC)), "free");
}
END_TEST

static void on_result(GObject *source, GAsyncResult *result, gpointer data) {
    *(GAsyncResult **)data = g_object_ref(result);
}

static void await(GAsyncResult *const *result) {
    while (!*result)
        g_main_context_iteration(NULL, TRUE);
}

/* Root has the policy read again. */
static PcaDiagnostics *reload(void) {
    g_autoptr(PcaSubject) root = pca_subject_new(":1.1", 0, 0);
    g_autoptr(GAsyncResult) result = NULL;
    pca_service_reload_policy_async(service, root, NULL, on_result, &result);
    await(&result);
    return pca_service_reload_policy_finish(result);
}

START_TEST(policy) {
    ck_assert_uint_eq(pca_service_policy_generation(service), 1);
    ck_assert(!pca_service_policy_stale(service));
    g_string_truncate(events, 0);
    pca_tree_write(tree, "policy.d/60-b.conf", "rubbish\n");
    g_autoptr(GPtrArray) broken = reload();
    ck_assert(pca_diagnostics_have_errors(broken));
    ck_assert(pca_service_policy_stale(service));
    ck_assert_uint_eq(pca_service_policy_generation(service), 1);
    g_autofree char *name = pca_service_function_name(service, find(NIC));
    ck_assert_pstr_eq(name, "nic");
    expect_events("policy ");
    pca_tree_delete(tree, "policy.d/60-b.conf");
    pca_tree_delete(tree, "policy.d/50-a.conf");
    g_autoptr(GPtrArray) good = reload();
    ck_assert(!pca_service_policy_stale(service));
    ck_assert_uint_eq(pca_service_policy_generation(service), 2);
    g_autofree char *none = pca_service_function_name(service, find(NIC));
    ck_assert_ptr_null(none);
}
END_TEST

static PcaRequest *request_for(const char *word) {
    PcaRequest *request = pca_request_new();
    pca_request_add(request, word, NULL);
    return request;
}

/* Whether a user gets through, and which check says no. */
static const struct {
    guint32 uid;
    const char *word, *failed; /* NULL: none */
} callers[] = {
    {0, NIC, NULL},
    {0, "nic", NULL},
    {0, "0000:01:00.0", "group"},
    {1000, NIC, NULL},
    {1001, NIC, "policy"},
    {G_MAXUINT32 - 1, NIC, "policy"},
    {1000, "0000:01:00.0", "policy"},
    {1000, "0000:00:01.0", "policy"},
    {0, "0000:00:01.0", "in-use"},
    {1000, "gpu", "exists"},
};

START_TEST(check) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", callers[_i].uid, 0);
    g_autoptr(PcaRequest) request = request_for(callers[_i].word);
    g_autoptr(GAsyncResult) result = NULL;
    pca_service_check_async(service, subject, request, on_result, &result);
    await(&result);
    g_autoptr(GPtrArray) findings = pca_service_check_finish(result, NULL);
    ck_assert_int_eq(pca_findings_failed(findings, NULL), callers[_i].failed != NULL);
    for (guint i = 0; i < findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(findings, i);
        if (finding->ok)
            continue;
        ck_assert_pstr_eq(finding->name, callers[_i].failed);
        break;
    }
}
END_TEST

START_TEST(plan) {
    g_autoptr(PcaRequest) request = request_for("nic");
    g_autoptr(PcaRequest) nothing = request_for("03:00.0");
    g_autoptr(GError) error = NULL;
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", 1000, 0);
    g_autoptr(PcaPlan) made = pca_service_plan(service, subject, request, NULL);
    g_autoptr(PcaPlan) none = pca_service_plan(service, subject, nothing, &error);
    ck_assert_uint_eq(made->steps->len, 4);
    request->handoff = g_strdup("node");
    g_autoptr(PcaPlan) by_node = pca_service_plan(service, subject, request, NULL);
    ck_assert_uint_eq(by_node->steps->len, 5);
    const PcaStep *give = g_ptr_array_index(by_node->steps, 4);
    ck_assert_ptr_nonnull(strstr(give->detail, "1000:0:0600"));
    ck_assert_ptr_null(none);
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_FOUND));
}
END_TEST

/* No worker answers: the claim fails, and nothing was touched. */
START_TEST(claim_without_worker) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", 1000, 0);
    g_autoptr(PcaRequest) request = request_for("nic");
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;
    pca_service_claim_async(service, subject, request, on_result, &result);
    await(&result);
    g_autoptr(PcaClaim) claim = pca_service_claim_finish(result, &error);
    ck_assert_ptr_null(claim);
    ck_assert_msg(strstr(error->message, "worker") != NULL, "%s", error->message);
    g_autofree char *driver = pca_tree_driver(tree, NIC);
    ck_assert_pstr_eq(driver, "e1000e");
}
END_TEST

static void refuses_claim(const char *told) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", 1000, 0);
    g_autoptr(PcaRequest) request = request_for("nic");
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;
    pca_service_claim_async(service, subject, request, on_result, &result);
    await(&result);
    g_autoptr(PcaClaim) claim = pca_service_claim_finish(result, &error);
    ck_assert_ptr_null(claim);
    ck_assert_msg(g_error_matches(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED) &&
                      strstr(error->message, told),
                  "%s", error->message);
}

START_TEST(limit_of_devices) {
    service->max_devices = 0;
    refuses_claim("1 more would be over the limit of 0");
}
END_TEST

START_TEST(limit_of_claims) {
    service->max_claims = 0;
    refuses_claim("0 claims, which is the limit");
}
END_TEST

/* An administrator's request makes its own checks alone. */
START_TEST(some_checks) {
    static const char *const only[] = {"reset", "busy", NULL};
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", 1001, 0);
    g_autoptr(PcaRequest) request = request_for(NIC);
    g_autoptr(GAsyncResult) result = NULL;
    request->checks = only;
    pca_service_check_async(service, subject, request, on_result, &result);
    await(&result);
    g_autoptr(GPtrArray) findings = pca_service_check_finish(result, NULL);
    ck_assert(!pca_findings_failed(findings, NULL));
    ck_assert_uint_eq(findings->len, 3);
    for (guint i = 0; i < findings->len; i++) {
        static const char *const names[] = {"exists", "busy", "reset"};
        ck_assert_str_eq(((PcaFinding *)g_ptr_array_index(findings, i))->name, names[i]);
    }
}
END_TEST

/* What is refused before a worker is asked, and what comes of it where none answers. */
static const struct {
    PcaAdminRequest request;
    PcaError error;
    const char *words;
} admins[] = {
    {{.verb = PCA_ADMIN_RESERVE, .address = "nic"},
     PCA_ERROR_INVALID_ARGUMENT,
     "not a PCI address"},
    {{.verb = PCA_ADMIN_RESERVE, .address = "0000:1f:00.0"},
     PCA_ERROR_NOT_FOUND,
     "no PCI function"},
    {{.verb = PCA_ADMIN_RESERVE, .address = "0000:00:01.0"}, PCA_ERROR_IN_USE, "is a bridge"},
    {{.verb = PCA_ADMIN_RESERVE, .address = NIC}, PCA_ERROR_FAILED, "worker"},
    {{.verb = PCA_ADMIN_UNRESERVE, .address = NIC}, PCA_ERROR_NOT_FOUND, "is not reserved"},
    {{.verb = PCA_ADMIN_RESET, .address = NIC}, PCA_ERROR_IN_USE, "host driver e1000e"},
    {{.verb = PCA_ADMIN_RECOVER, .address = NIC}, PCA_ERROR_NOT_FOUND, "nothing of " NIC},
    {{.verb = PCA_ADMIN_RECOVER, .address = NIC, .accept_risk = TRUE},
     PCA_ERROR_NOT_FOUND,
     "nothing of " NIC},
};

START_TEST(admin) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", 0, 0);
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;
    pca_service_admin_async(service, subject, &admins[_i].request, on_result, &result);
    await(&result);
    ck_assert(!pca_service_admin_finish(result, &error));
    ck_assert_msg(g_error_matches(error, PCA_ERROR, admins[_i].error), "%s", error->message);
    ck_assert_msg(strstr(error->message, admins[_i].words) != NULL, "%s", error->message);
    g_autofree char *driver = pca_tree_driver(tree, NIC);
    ck_assert_pstr_eq(driver, "e1000e");
}
END_TEST

/* A claim that nobody has cannot be joined, whatever the descriptor is. */
START_TEST(join_nothing) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", 1000, 0);
    g_autoptr(PcaRequest) request = request_for("nic");
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;
    request->join = g_strdup("00112233445566778899aabbccddeeff");
    request->join_lease = dup(STDERR_FILENO);
    pca_service_claim_async(service, subject, request, on_result, &result);
    await(&result);
    ck_assert_ptr_null(pca_service_claim_finish(result, &error));
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_FOUND));
    ck_assert_msg(strstr(error->message, request->join) != NULL, "%s", error->message);
    g_autofree char *driver = pca_tree_driver(tree, NIC);
    ck_assert_pstr_eq(driver, "e1000e");
}
END_TEST

/* The answer to an async claim comes before the worker's, that there is none afterwards. */
START_TEST(async_without_worker) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", 1000, 0);
    g_autoptr(PcaRequest) request = request_for("nic");
    g_autoptr(GAsyncResult) result = NULL;
    request->async = TRUE;
    pca_service_claim_async(service, subject, request, on_result, &result);
    await(&result);
    g_autoptr(PcaClaim) claim = pca_service_claim_finish(result, NULL);
    ck_assert_ptr_nonnull(claim);
    int lease = pca_fd_steal(&claim->lease_writer);
    while (claim->state == PCA_CLAIM_PREPARING)
        g_main_context_iteration(NULL, TRUE);
    ck_assert_ptr_nonnull(claim->reason);
    close(lease);
}
END_TEST

/* ---- Labels ---- */

static gboolean on = TRUE;

static gboolean is_on(void) {
    return on;
}

static gboolean is_valid(const char *label) {
    return !strstr(label, ":s1");
}

static gboolean has_class(const char *class) {
    return TRUE;
}

static char *image_label(void) {
    return NULL;
}

static gboolean may(const char *subject, const char *object, const char *class,
                    const char *permission, const char *remark) {
    ck_assert_str_eq(permission, "claim");
    ck_assert_ptr_null(remark);
    return !strstr(subject, ":wrong_t:");
}

static const PcaSelinuxOps selinux = {is_on, is_valid, image_label, has_class, may};

static const struct {
    guint32 uid;
    const char *label, *said; /* NULL: it passes */
} labelled[] = {
    {1000, "u:r:vmm_t:s0:c1,c2", NULL},
    {1000, "u:r:vmm_t:s0:c3,c4", NULL},
    {1001, "u:r:vmm_t:s0:c1", NULL},
    {1001, "u:r:vmm_t:s0", NULL},
    {1000, "u:r:other_t:s0:c1,c2", "c1,c2 of the caller are those of a claim of uid 1000"},
    {1001, "u:r:vmm_t:s0:c1,c2", "c1,c2 of the caller are those of a claim of another user"},
    {0, "u:r:vmm_t:s0:c1,c2-s0:c0.c1023", "are those of a claim of uid 1000"},
    {1001, "u:r:wrong_t:s0:c5", "its policy does not let u:r:wrong_t:s0:c5 claim devices"},
    {1000, "u:r:wrong_t:s0:c1,c2", "its policy does not let"},
    {0, "u:r:wrong_t:s0", "its policy does not let"},
    {1001, "u:r:vmm_t:s1", "neither pcassign_device_t nor"},
    {1001, "unconfined", "the bus tells no label"},
    {1001, NULL, "the bus tells no label"},
};

static void on_nothing(PcaClaim *claim, const GError *error, gpointer data) {
}

/* A claim of uid 1000 with u:r:vmm_t:s0:c1,c2 is there. */
START_TEST(label) {
    g_autoptr(PcaClaim) claim = pca_claim_new();
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", labelled[_i].uid, 0);
    PcaAddress address;
    ck_assert(pca_address_parse(NIC, &address));
    claim->uid = 1000;
    claim->label = g_strdup("u:r:vmm_t:s0:c1,c2");
    pca_claim_add_device(claim, pca_snapshot_find(service->snapshot, &address), "nic", "vfio-pci");
    pca_claims_prepare(service->claims, claim, G_TIME_SPAN_MINUTE, on_nothing, NULL);
    pca_selinux_use(&selinux);
    subject->label = g_strdup(labelled[_i].label);
    g_autoptr(PcaNames) names = pca_names_of(subject);
    PcaCheckContext context = {.sources = &service->sources, .names = names};
    g_autoptr(GPtrArray) findings = pca_findings_new();
    pca_check_label(&context, findings);
    ck_assert_uint_eq(findings->len, 1);
    const PcaFinding *finding = g_ptr_array_index(findings, 0);
    ck_assert_int_eq(finding->ok, labelled[_i].said == NULL);
    const char *said = labelled[_i].said ? labelled[_i].said : "its nodes get the SELinux label";
    ck_assert_msg(strstr(finding->text, said) != NULL, "%s", finding->text);
    pca_selinux_use(NULL);
    pca_check_label(&context, findings);
    ck_assert_uint_eq(findings->len, 1);
}
END_TEST

#define FILESYSTEMS "nodev\tsysfs\nnodev\tselinuxfs\n\text4\n"

static const struct {
    const char *filesystems, *label; /* NULL: no such file */
    gboolean seen, mounted;
    const char *said; /* NULL: nothing */
} kernels[] = {
    {FILESYSTEMS, "system_u:system_r:pcassignd_t:s0", FALSE, FALSE, "selinux is hidden from it"},
    {FILESYSTEMS, "u:r:t", FALSE, TRUE, "/etc/selinux/config is missing"},
    {FILESYSTEMS, "system_u:system_r:pcassignd_t:s0", TRUE, TRUE, NULL},
    {FILESYSTEMS, "kernel", FALSE, TRUE, NULL}, /* without a policy */
    {FILESYSTEMS, "unconfined\n", FALSE, TRUE, NULL},
    {FILESYSTEMS, NULL, FALSE, TRUE, NULL},
    {"nodev\tsysfs\n", "a:b:c", FALSE, FALSE, NULL}, /* another module's words */
    {NULL, "system_u:system_r:pcassignd_t:s0", FALSE, FALSE, NULL},
};

/* What is read-only is for tests/vm/selinux.test, as that takes a mount. */
START_TEST(on_but_unseen) {
    pca_tree_delete(tree, "proc/self");
    pca_tree_mkdir(tree, "proc/self/attr");
    if (kernels[_i].filesystems)
        pca_tree_write(tree, "proc/filesystems", "%s", kernels[_i].filesystems);
    if (kernels[_i].label)
        pca_tree_write(tree, "proc/self/attr/current", "%s", kernels[_i].label);
    if (kernels[_i].mounted) {
        pca_tree_mkdir(tree, "sys/fs/selinux");
        pca_tree_write(tree, "sys/fs/selinux/enforce", "1");
    }
    on = kernels[_i].seen;
    pca_selinux_use(&selinux);
    const PcaRoot *root = pca_tree_root(tree);
    g_autofree char *said = pca_selinux_unseen(root->sysfs, root->proc);
    pca_selinux_use(NULL);
    on = TRUE;
    ck_assert_int_eq(said != NULL, kernels[_i].said != NULL);
    ck_assert_msg(!said || strstr(said, kernels[_i].said), "%s", said);
}
END_TEST

START_TEST(bad_state_directories) {
    g_autoptr(GError) error = NULL;
    g_autofree char *old = g_steal_pointer(&state);
    g_autofree char *claims = g_build_filename(pca_tree_path(tree), "other/claims", NULL);
    state = g_build_filename(pca_tree_path(tree), "other", NULL);
    pca_tree_mkdir(tree, "other/claims");
    ck_assert_int_eq(chmod(claims, 0750), 0);
    ck_assert_ptr_null(make_service(&error));
    ck_assert_msg(strstr(error->message, claims) != NULL, "%s", error->message);
    g_clear_error(&error);
    pca_tree_delete(tree, "other/claims");
    pca_tree_write(tree, "other/claims", "%s", "");
    ck_assert_ptr_null(make_service(&error));
    g_clear_error(&error);
    pca_tree_delete(tree, "other/claims");
    pca_tree_link(tree, "other/claims", "run/claims");
    ck_assert_ptr_null(make_service(&error));
}
END_TEST

TCase *pca_life_cases(void) {
    TCase *tcase = tcase_create("life");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, hardware);
    tcase_add_test(tcase, freshness);
    tcase_add_test(tcase, states_and_names);
    tcase_add_test(tcase, policy);
    tcase_add_loop_test(tcase, check, 0, G_N_ELEMENTS(callers));
    tcase_add_test(tcase, plan);
    tcase_add_test(tcase, claim_without_worker);
    tcase_add_test(tcase, limit_of_devices);
    tcase_add_test(tcase, limit_of_claims);
    tcase_add_test(tcase, some_checks);
    tcase_add_loop_test(tcase, admin, 0, G_N_ELEMENTS(admins));
    tcase_add_test(tcase, join_nothing);
    tcase_add_test(tcase, async_without_worker);
    tcase_add_loop_test(tcase, label, 0, G_N_ELEMENTS(labelled));
    tcase_add_loop_test(tcase, on_but_unseen, 0, G_N_ELEMENTS(kernels));
    tcase_add_test(tcase, bad_state_directories);
    return tcase;
}
