/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: labels of nodes and SELinux's decisions, before a libselinux of our own.
 * Thread: main. Ownership: each test frees what it makes.
 */
#include "cases.h"

#include "auth/libselinux.h"
#include "auth/selinux.h"
#include "base/error.h"

/* A policy: on, with which types, classes and rules. */
static struct {
    gboolean on, own_type, own_class;
    const char *image;   /* of virtual_image_context */
    const char *allowed; /* "SUBJECT OBJECT CLASS PERMISSION" as a glob */
    GString *asked;
} policy;

static gboolean fake_is_on(void) {
    return policy.on;
}

static gboolean fake_is_valid(const char *label) {
    return (policy.own_type && strstr(label, ":pcassign_device_t:s0")) ||
           (!strstr(label, "pcassign") && !strstr(label, ":s1"));
}

static char *fake_image_label(void) {
    return g_strdup(policy.image);
}

static gboolean fake_has_class(const char *class) {
    return !g_str_equal(class, PCA_SELINUX_CLASS) || policy.own_class;
}

static gboolean fake_may(const char *subject, const char *object, const char *class,
                         const char *permission, const char *remark) {
    g_autofree char *line = g_strjoin(" ", subject, object, class, permission, NULL);
    g_string_append_printf(policy.asked, "%s %s (%s)\n", class, permission, remark ? remark : "-");
    return g_pattern_match_simple(policy.allowed, line);
}

static const PcaSelinuxOps fake_ops = {fake_is_on, fake_is_valid, fake_image_label, fake_has_class,
                                       fake_may};

static void set_up(void) {
    policy.on = policy.own_type = policy.own_class = TRUE;
    policy.image = "system_u:object_r:svirt_image_t:s0";
    policy.allowed = "*";
    policy.asked = g_string_new(NULL);
    pca_selinux_use(&fake_ops);
}

static void tear_down(void) {
    g_string_free(policy.asked, TRUE);
    pca_selinux_use(NULL);
}

static const struct {
    const char *client;
    gboolean own_type;
    const char *image, *label; /* NULL: refused */
} labels[] = {
    {"system_u:system_r:svirt_t:s0:c1,c2", TRUE, NULL,
     "system_u:object_r:pcassign_device_t:s0:c1,c2"},
    {"system_u:system_r:svirt_t:s0:c1,c2", FALSE, "system_u:object_r:svirt_image_t:s0",
     "system_u:object_r:svirt_image_t:s0:c1,c2"},
    {"unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023", TRUE, NULL,
     "system_u:object_r:pcassign_device_t:s0"},
    {"u:r:t:s0:c3.c5,c9-s0:c0.c1023", TRUE, NULL,
     "system_u:object_r:pcassign_device_t:s0:c3.c5,c9"},
    {"u:r:t", FALSE, "u:object_r:image_t", "u:object_r:image_t"},
    {"u:r:t:s0", FALSE, NULL, NULL},
    {"u:r:t:s0", FALSE, "nonsense", NULL},
    {"u:r:t:s1", TRUE, "system_u:object_r:svirt_image_t:s0", NULL},
    {"unconfined", TRUE, NULL, NULL},
    {"u::t:s0", TRUE, NULL, NULL},
    {"", TRUE, NULL, NULL},
    {NULL, TRUE, NULL, NULL},
};

START_TEST(node_label) {
    g_autofree char *label = NULL;
    g_autoptr(GError) error = NULL;
    policy.own_type = labels[_i].own_type;
    policy.image = labels[_i].image;
    gboolean ok = pca_selinux_node_label(labels[_i].client, &label, &error);
    ck_assert_int_eq(ok, labels[_i].label != NULL);
    ck_assert_pstr_eq(label, labels[_i].label);
    ck_assert(ok || error->domain == PCA_ERROR);
}
END_TEST

START_TEST(off_means_nothing) {
    g_autofree char *label = NULL;
    policy.on = FALSE;
    policy.allowed = "";
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.1", 1000, 1);
    ck_assert(pca_selinux_node_label(NULL, &label, NULL));
    ck_assert_ptr_null(label);
    ck_assert(pca_selinux_allows(subject, PCA_PERMISSION_CLAIM, NULL, NULL, NULL));
    g_autofree char *categories = pca_selinux_categories("system_u:system_r:svirt_t:s0:c1,c2");
    ck_assert_str_eq(categories, "");
    ck_assert_str_eq(policy.asked->str, "");
}
END_TEST

START_TEST(categories_are_those_of_the_low_level) {
    static const char *const rows[][2] = {{"u:r:t:s0:c1,c2", "c1,c2"},
                                          {"u:r:t:s0:c1-s0:c1.c5", "c1"},
                                          {"u:r:t:s0-s0:c0.c1023", ""},
                                          {"u:r:t:s0", ""},
                                          {"u:r:t", ""},
                                          {"unconfined", ""}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *found = pca_selinux_categories(rows[i][0]);
        ck_assert_str_eq(found, rows[i][1]);
    }
}
END_TEST

static const struct {
    PcaPermission permission;
    gboolean own_class;
    const char *allowed, *node_label;
    gboolean let;
    const char *asked;
} decisions[] = {
    {PCA_PERMISSION_NONE, TRUE, "", NULL, TRUE, ""},
    {PCA_PERMISSION_CLAIM, TRUE, "u:r:vmm_t:s0:c1 *:pcassign_device_t:s0:c1 pcassign_device claim",
     NULL, TRUE, "pcassign_device claim (claim of 0000:01:00.0 uid=1000 pid=7)\n"},
    {PCA_PERMISSION_CLAIM, TRUE, "*claims", NULL, FALSE,
     "pcassign_device claim (claim of 0000:01:00.0 uid=1000 pid=7)\n"},
    {PCA_PERMISSION_OPEN, TRUE, "* u:object_r:x_t:s0:c9 * open", "u:object_r:x_t:s0:c9", TRUE,
     "pcassign_device open (open of 0000:01:00.0 uid=1000 pid=7)\n"},
    {PCA_PERMISSION_RESET, TRUE, "* *:pcassign_device_t:s0 * reset", NULL, TRUE,
     "pcassign_device reset (reset of 0000:01:00.0 uid=1000 pid=7)\n"},
    {PCA_PERMISSION_RELEASE, TRUE, "", "u:object_r:x_t:s0", FALSE,
     "pcassign_device release (release of 0000:01:00.0 uid=1000 pid=7)\n"},
    {PCA_PERMISSION_CLAIM, FALSE, "* chr_file *", NULL, TRUE,
     "chr_file read (claim of 0000:01:00.0 uid=1000 pid=7)\n"
     "chr_file write (claim of 0000:01:00.0 uid=1000 pid=7)\n"},
    {PCA_PERMISSION_OPEN, FALSE, "* read", NULL, FALSE,
     "chr_file read (open of 0000:01:00.0 uid=1000 pid=7)\n"
     "chr_file write (open of 0000:01:00.0 uid=1000 pid=7)\n"},
    {PCA_PERMISSION_RECOVER, FALSE, "", NULL, TRUE, ""},
    {PCA_PERMISSION_RESERVE, FALSE, "", NULL, TRUE, ""},
};

START_TEST(decision) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.1", 1000, 7);
    g_autoptr(GError) error = NULL;
    subject->label = g_strdup("u:r:vmm_t:s0:c1");
    policy.own_class = decisions[_i].own_class;
    policy.allowed = decisions[_i].allowed;
    ck_assert_int_eq(pca_selinux_allows(subject, decisions[_i].permission, decisions[_i].node_label,
                                        "0000:01:00.0", &error),
                     decisions[_i].let);
    ck_assert_str_eq(policy.asked->str, decisions[_i].asked);
    ck_assert(decisions[_i].let || g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED));
    ck_assert(decisions[_i].let || strstr(error->message, "SELinux refuses it"));
}
END_TEST

static const struct {
    gboolean on, own_class;
    const char *allowed, *label;
    gboolean let;
    const char *asked;
} questions[] = {
    {TRUE, TRUE, "u:r:vmm_t:s0:c1 *:pcassign_device_t:s0:c1 pcassign_device claim",
     "u:r:vmm_t:s0:c1", TRUE, "pcassign_device claim (-)\n"},
    {TRUE, TRUE, "", "u:r:vmm_t:s0:c1", FALSE, "pcassign_device claim (-)\n"},
    {TRUE, FALSE, "* chr_file read", "u:r:vmm_t:s0:c1", FALSE,
     "chr_file read (-)\nchr_file write (-)\n"},
    {TRUE, TRUE, "*", NULL, FALSE, ""},
    {FALSE, TRUE, "", "u:r:vmm_t:s0:c1", TRUE, ""},
};

START_TEST(who_only_wants_to_know) {
    g_autoptr(GError) error = NULL;
    policy.on = questions[_i].on;
    policy.own_class = questions[_i].own_class;
    policy.allowed = questions[_i].allowed;
    ck_assert_int_eq(pca_selinux_would_allow(questions[_i].label, PCA_PERMISSION_CLAIM,
                                             "system_u:object_r:pcassign_device_t:s0:c1", &error),
                     questions[_i].let);
    ck_assert_str_eq(policy.asked->str, questions[_i].asked);
    ck_assert(questions[_i].let || g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED));
    ck_assert(questions[_i].let || !strstr(error->message, "journal"));
}
END_TEST

START_TEST(who_has_no_label_may_nothing) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.1", 0, 7);
    for (int p = PCA_PERMISSION_NONE + 1; p < PCA_N_PERMISSIONS; p++) {
        ck_assert(!pca_selinux_allows(subject, (PcaPermission)p, NULL, NULL, NULL));
        ck_assert(!pca_selinux_allows(subject, (PcaPermission)p, "u:r:t:s0", NULL, NULL));
    }
}
END_TEST

/* What is on is for tests/vm/selinux.test. */
START_TEST(libselinux_where_it_is_off) {
    const PcaSelinuxOps *ops = &pca_libselinux_ops;
    if (ops->is_on())
        return;
    g_autofree char *image = ops->image_label();
    ck_assert(!ops->is_valid("system_u:object_r:" PCA_SELINUX_TYPE ":s0"));
    ck_assert(!ops->has_class(PCA_SELINUX_CLASS));
    ck_assert(ops->may("u:r:t", "u:r:t", "chr_file", "read", "nothing"));
    ck_assert(!image || strchr(image, '\n') == NULL);
}
END_TEST

TCase *pca_selinux_cases(void) {
    TCase *tcase = tcase_create("selinux");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, node_label, 0, G_N_ELEMENTS(labels));
    tcase_add_test(tcase, off_means_nothing);
    tcase_add_test(tcase, categories_are_those_of_the_low_level);
    tcase_add_loop_test(tcase, decision, 0, G_N_ELEMENTS(decisions));
    tcase_add_loop_test(tcase, who_only_wants_to_know, 0, G_N_ELEMENTS(questions));
    tcase_add_test(tcase, who_has_no_label_may_nothing);
    tcase_add_test(tcase, libselinux_where_it_is_off);
    return tcase;
}
