/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims on disk: what comes back, and what is refused.
 * Thread: main. Ownership: each test's own.
 */
#include "claim/store.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

#include "claim/support.h"

static PcaClaim *store(void) {
    PcaClaim *claim = claim_new((const char *[]){DISK, SPARE, BARE, NULL});
    pca_claim_device(claim, 1)->function->node_owner = g_strdup("0:107:0660");
    pca_claim_device(claim, 0)->function->power = g_strdup("auto,1");
    pca_claim_device(claim, 1)->function->is_vf = TRUE;
    pca_address_parse("0000:02:00.7", &pca_claim_device(claim, 1)->function->pf);
    pca_claim_device(claim, 0)->methods = g_strdup("flr");
    pca_claim_device(claim, 1)->methods = g_strdup("");
    pca_claim_device(claim, 1)->keep = TRUE;
    pca_claim_device(claim, 2)->with_bus = TRUE;
    pca_claim_device(claim, 2)->files = g_strdup("1000 config=0:0:0644 rom=0:0:0600");
    claim->pid = 4242;
    claim->memory = G_MAXUINT64;
    claim->viommu = TRUE;
    claim->user = g_strdup("alice");
    claim->label = g_strdup("system_u:system_r:vmm_t:s0:c1,c2");
    claim->node_label = g_strdup("system_u:object_r:pcassign_device_t:s0:c1,c2");
    claim->unit = g_strdup("vm@one.service");
    g_array_append_vals(claim->gids, (guint32[]){0, 100, 4294967294u}, 3);
    claim->title = g_strdup("  two\nlines; and = more\\ ");
    claim->policy = g_strdup("/etc/pcassign/a.conf:7");
    claim->handoff = g_strdup("cdev");
    claim->joined = g_strdup("00112233445566778899aabbccddeeff");
    claim->split_from = g_strdup("ffeeddccbbaa99887766554433221100");
    ck_assert(pca_store_create(state_directory, claim, BOOT_ID, NULL));
    return claim;
}

static void assert_same_function(const PcaFunction *a, const PcaFunction *b) {
    ck_assert(pca_address_equal(&a->address, &b->address));
    ck_assert_uint_eq(a->vendor, b->vendor);
    ck_assert_uint_eq(a->device, b->device);
    ck_assert_uint_eq(a->subsystem_vendor, b->subsystem_vendor);
    ck_assert_uint_eq(a->subsystem_device, b->subsystem_device);
    ck_assert_int_eq(a->iommu_group, b->iommu_group);
    ck_assert_pstr_eq(a->driver, b->driver);
    ck_assert_pstr_eq(a->driver_override, b->driver_override);
    ck_assert_pstr_eq(a->slot_path, b->slot_path);
    ck_assert_pstr_eq(a->node_owner, b->node_owner);
    ck_assert_pstr_eq(a->power, b->power);
    ck_assert_int_eq(a->is_vf, b->is_vf);
    ck_assert(pca_address_equal(&a->pf, &b->pf));
    ck_assert(
        g_strv_equal((const char *const *)a->reset_methods, (const char *const *)b->reset_methods));
}

static void assert_same_device(const PcaClaimDevice *a, const PcaClaimDevice *b) {
    assert_same_function(a->function, b->function);
    ck_assert_str_eq(a->name, b->name);
    ck_assert_str_eq(a->driver, b->driver);
    ck_assert_pstr_eq(a->methods, b->methods);
    ck_assert_pstr_eq(a->files, b->files);
    ck_assert_int_eq(a->keep, b->keep);
    ck_assert_int_eq(a->with_bus, b->with_bus);
}

START_TEST(a_claim_comes_back_whole) {
    g_autoptr(PcaClaim) claim = store();
    g_autoptr(PcaClaim) again = pca_store_load(state_directory, claim->id, BOOT_ID, NULL);
    ck_assert_ptr_nonnull(again);
    ck_assert_str_eq(again->id, claim->id);
    ck_assert_int_eq(again->state, PCA_CLAIM_PREPARING);
    ck_assert_uint_eq(again->uid, claim->uid);
    ck_assert_uint_eq(again->pid, claim->pid);
    ck_assert(again->memory == claim->memory && again->viommu && again->since == claim->since);
    ck_assert_str_eq(pca_claim_device(again, 0)->driver, VFIO);
    ck_assert_pstr_eq(again->user, claim->user);
    ck_assert_pstr_eq(again->label, claim->label);
    ck_assert_pstr_eq(again->node_label, claim->node_label);
    ck_assert_pstr_eq(again->unit, claim->unit);
    ck_assert_uint_eq(again->gids->len, 3);
    ck_assert_mem_eq(again->gids->data, claim->gids->data, 3 * sizeof(guint32));
    ck_assert_pstr_eq(again->title, claim->title);
    ck_assert_pstr_eq(again->policy, claim->policy);
    ck_assert_pstr_eq(again->handoff, claim->handoff);
    ck_assert_pstr_eq(again->joined, claim->joined);
    ck_assert_pstr_eq(again->split_from, claim->split_from);
    ck_assert_uint_eq(again->devices->len, 3);
    for (guint i = 0; i < 3; i++)
        assert_same_device(pca_claim_device(again, i), pca_claim_device(claim, i));
}
END_TEST

START_TEST(what_is_not_given_stays_unknown) {
    g_autoptr(PcaClaim) claim = claim_new((const char *[]){BARE, NULL});
    ck_assert(pca_store_create(state_directory, claim, BOOT_ID, NULL));
    g_autoptr(PcaClaim) again = pca_store_load(state_directory, claim->id, BOOT_ID, NULL);
    ck_assert_ptr_nonnull(again);
    ck_assert(!again->unit && again->gids->len == 0);
    ck_assert(!again->user && !again->label && !again->title && !again->policy && !again->handoff);
    ck_assert(!again->joined && !again->split_from);
    ck_assert(!pca_claim_device(again, 0)->function->driver);
    ck_assert(!pca_claim_device(again, 0)->function->node_owner);
    ck_assert(!pca_claim_device(again, 0)->function->power);
}
END_TEST

static const struct {
    const char *from, *to;
    PcaError error;
} malformed[] = {
    {"Format=1", "Format=2", PCA_ERROR_UNSUPPORTED},
    {"Format=1", "Format=one", PCA_ERROR_UNSUPPORTED},
    {"BootId=" BOOT_ID, "BootId=another", PCA_ERROR_REVOKED},
    {"BootId=" BOOT_ID, "", PCA_ERROR_FAILED},
    {"Uid=1000", "Uid=4294967295", PCA_ERROR_FAILED},
    {"Uid=1000", "Uid=-1", PCA_ERROR_FAILED},
    {"Uid=1000", "Uid=0day", PCA_ERROR_FAILED},
    {"Uid=1000", "", PCA_ERROR_FAILED},
    {"Pid=4242", "Pid=2147483648", PCA_ERROR_FAILED},
    {"Memory=18446744073709551615", "Memory=lots", PCA_ERROR_FAILED},
    {"BindTo=vfio-pci\n", "", PCA_ERROR_FAILED},
    {"Address=0000:02:00.0", "Address=02", PCA_ERROR_FAILED},
    {"Address=0000:02:00.0", "", PCA_ERROR_FAILED},
    {"Name=dev", "", PCA_ERROR_FAILED},
    {"Vendor=5197", "Vendor=65536", PCA_ERROR_FAILED},
    {"Vendor=5197", "", PCA_ERROR_FAILED},
    {"Device=43016", "Device=0xa808", PCA_ERROR_FAILED},
    {"SubsystemVendor=5197", "SubsystemVendor=x", PCA_ERROR_FAILED},
    {"SubsystemDevice=43009", "", PCA_ERROR_FAILED},
    {"IommuGroup=3", "IommuGroup=three", PCA_ERROR_FAILED},
    {"IommuGroup=3", "", PCA_ERROR_FAILED},
    {"[Device 0]", "[Device 7]", PCA_ERROR_FAILED},
    {"[Claim]", "[Claim", PCA_ERROR_FAILED},
    {"[Claim]", "[Other]", PCA_ERROR_UNSUPPORTED},
};

static void edit(const char *id, const char *from, const char *to) {
    g_autofree char *path = pca_store_path(state_directory, id, "claim");
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "no %s in\n%s", from, text);
    *at = '\0';
    g_autofree char *edited = g_strconcat(text, to, at + strlen(from), NULL);
    ck_assert(g_file_set_contents(path, edited, -1, NULL));
}

/* As the version before wrote it: one driver for all, and nothing of what a section may want. */
START_TEST(an_older_record_is_read) {
    g_autoptr(PcaClaim) claim = claim_new((const char *[]){BARE, NULL});
    ck_assert(pca_store_create(state_directory, claim, BOOT_ID, NULL));
    edit(claim->id, "[Device 0]", "Driver=some-vfio-pci\n[Device 0]");
    edit(claim->id, "BindTo=vfio-pci\n", "");
    edit(claim->id, "ResetMethods=pm\n", "");
    g_autoptr(PcaClaim) again = pca_store_load(state_directory, claim->id, BOOT_ID, NULL);
    ck_assert_ptr_nonnull(again);
    const PcaClaimDevice *device = pca_claim_device(again, 0);
    ck_assert_str_eq(device->driver, "some-vfio-pci");
    ck_assert(!device->methods && !device->keep);
}
END_TEST

START_TEST(a_malformed_claim_is_refused) {
    daemon_set_up();
    {
        g_autoptr(PcaClaim) claim = store();
        g_autoptr(GError) error = NULL;
        edit(claim->id, malformed[_i].from, malformed[_i].to);
        ck_assert_ptr_null(pca_store_load(state_directory, claim->id, BOOT_ID, &error));
        ck_assert_ptr_nonnull(error);
        ck_assert(!g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_FOUND));
        if (error->domain == PCA_ERROR)
            assert_error(error, malformed[_i].error);
    }
    daemon_tear_down();
}
END_TEST

START_TEST(without_its_file_it_is_not_found) {
    g_autoptr(PcaClaim) claim = store();
    g_autofree char *path = pca_store_path(state_directory, claim->id, "claim");
    g_autoptr(GError) error = NULL;
    ck_assert_int_eq(g_unlink(path), 0);
    ck_assert_ptr_null(pca_store_load(state_directory, claim->id, BOOT_ID, &error));
    assert_error(error, PCA_ERROR_NOT_FOUND);
}
END_TEST

START_TEST(removal_leaves_nothing) {
    g_autoptr(PcaClaim) claim = store();
    g_autofree char *directory = g_build_filename(state_directory, claim->id, NULL);
    g_autofree char *stray = pca_store_path(state_directory, claim->id, "stray");
    ck_assert(g_file_set_contents(stray, "x", 1, NULL));
    pca_store_remove(state_directory, claim->id);
    ck_assert(!g_file_test(directory, G_FILE_TEST_EXISTS));
    /* Nothing to remove is a warning at most. */
    pca_store_remove(state_directory, claim->id);
}
END_TEST

START_TEST(each_journal_is_an_open_file_of_its_own) {
    g_autoptr(PcaClaim) claim = store();
    g_autoptr(GError) error = NULL;
    PCA_AUTO_FD first = pca_store_open_journal(state_directory, claim->id, NULL);
    PCA_AUTO_FD second = pca_store_open_journal(state_directory, claim->id, NULL);
    ck_assert(first >= 0 && second >= 0 && first != second);
    pca_store_remove(state_directory, claim->id);
    ck_assert_int_eq(pca_store_open_journal(state_directory, claim->id, &error), -1);
    assert_error(error, PCA_ERROR_FAILED);
}
END_TEST

START_TEST(only_ids_are_listed) {
    g_autoptr(PcaClaim) first = store();
    g_autoptr(PcaClaim) second = store();
    pca_tree_mkdir(tree, "claims/lost+found");
    pca_tree_mkdir(tree, "claims/0123456789ABCDEF0123456789ABCDEF");
    g_auto(GStrv) ids = pca_store_list(state_directory);
    ck_assert_uint_eq(g_strv_length(ids), 2);
    ck_assert_int_lt(strcmp(ids[0], ids[1]), 0);
    g_auto(GStrv) none = pca_store_list("/nonexistent");
    ck_assert_uint_eq(g_strv_length(none), 0);
}
END_TEST

START_TEST(what_cannot_be_written_leaves_nothing) {
    g_autoptr(PcaClaim) claim = store();
    g_autoptr(GError) twice = NULL, nowhere = NULL;
    ck_assert(!pca_store_create(state_directory, claim, BOOT_ID, &twice));
    assert_error(twice, PCA_ERROR_FAILED);
    /* The first one is still whole. */
    g_autoptr(PcaClaim) again = pca_store_load(state_directory, claim->id, BOOT_ID, NULL);
    ck_assert_ptr_nonnull(again);
    ck_assert(!pca_store_create("/nonexistent", claim, BOOT_ID, &nowhere));
    assert_error(nowhere, PCA_ERROR_FAILED);
}
END_TEST

START_TEST(its_directory_is_for_root_alone) {
    g_autoptr(PcaClaim) claim = store();
    g_autofree char *directory = g_build_filename(state_directory, claim->id, NULL);
    struct stat st;
    ck_assert_int_eq(stat(directory, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
}
END_TEST

static const struct {
    const char *id;
    gboolean valid;
} ids[] = {
    {"0123456789abcdef0123456789abcdef", TRUE},   {"0123456789abcdef0123456789abcde", FALSE},
    {"0123456789abcdef0123456789abcdef0", FALSE}, {"0123456789abcdef0123456789abcdeF", FALSE},
    {"../../../../../../../../../../et", FALSE},  {"", FALSE},
};

START_TEST(an_id_is_32_hex_digits) {
    ck_assert_int_eq(pca_claim_id_valid(ids[_i].id), ids[_i].valid);
}
END_TEST

void add_store(Suite *suite) {
    ADD_DAEMON_CASE(suite, "store", a_claim_comes_back_whole, an_older_record_is_read,
                    what_is_not_given_stays_unknown, without_its_file_it_is_not_found,
                    removal_leaves_nothing, each_journal_is_an_open_file_of_its_own,
                    only_ids_are_listed, what_cannot_be_written_leaves_nothing,
                    its_directory_is_for_root_alone);
    PCA_TABLE(suite, "malformed claims", a_malformed_claim_is_refused, malformed);
    PCA_TABLE(suite, "ids", an_id_is_32_hex_digits, ids);
}
