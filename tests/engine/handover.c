/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: handing descriptors over: what is in the list, and what keeps it back.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/support.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "engine/handover.h"
#include "engine/locked.h"
#include "engine/run.h"

#define GIB (G_GUINT64_CONSTANT(1) << 30)

static const char *const pair[] = {NIC, BARE, NULL};

static const PcaHandoverDevice devices[] = {{NIC, "8086:10d3 0000:0000", "net"},
                                            {BARE, "8086:10d3 0000:0000", "bare"}};

#define CLIENT(...) (&(PcaHandoverClient){__VA_ARGS__, NULL})

static void claim_set(const char *const *set) {
    g_autoptr(GPtrArray) functions = machine_functions(set);
    g_autoptr(PcaPlan) plan = pca_plan_claim(functions, on_vfio);
    g_autoptr(GPtrArray) residues = pca_residues_new();
    PCA_AUTO_FD journal = open_journal();
    ck_assert(pca_run(kernel, plan, journal, residues, NULL));
}

static void claim_pair(void) {
    claim_set(pair);
}

static void assert_fd(PcaFds *fds, guint index, const char *role, const char *name,
                      const char *address, const char *what) {
    const PcaNamedFd *named = pca_fds_get(fds, index);
    g_autofree char *found = pca_fake_kernel_describe_fd(fake, named->fd);
    ck_assert_str_eq(named->role, role);
    ck_assert_str_eq(named->name, name);
    ck_assert_str_eq(named->address, address);
    ck_assert_pstr_eq(found, what);
}

START_TEST(an_iommufd_and_each_device_by_name) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    claim_pair();
    ck_assert(pca_handover_cdev(kernel, devices, 2, CLIENT(FALSE, 0, -1), fds, NULL));
    ck_assert_uint_eq(fds->len, 3);
    assert_fd(fds, 0, "iommufd", "", "", "node " PCA_FAKE_IOMMU_NUMBER);
    assert_fd(fds, 1, "device", "net", NIC, "cdev " NIC);
    assert_fd(fds, 2, "device", "bare", BARE, "cdev " BARE);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "set_rlimit_mode"), 1);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "raise_memlock *"), 0);
}
END_TEST

START_TEST(who_joins_gets_no_iommufd) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    claim_pair();
    pca_tree_delete(tree, "sys/class/misc/iommu");
    ck_assert(pca_handover_cdev(kernel, devices, 2, CLIENT(TRUE, 0, -1), fds, NULL));
    ck_assert_uint_eq(fds->len, 2);
    assert_fd(fds, 0, "device", "net", NIC, "cdev " NIC);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "set_rlimit_mode"), 0);
}
END_TEST

START_TEST(memory_raises_the_callers_limit) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    PCA_AUTO_FD pidfd = self_pidfd();
    claim_pair();
    ck_assert(pca_handover_cdev(kernel, devices, 2, CLIENT(FALSE, 4096, pidfd), fds, NULL));
    ck_assert(fake->memlock > 0 && fake->memlock <= GIB + 4096);
}
END_TEST

static const struct {
    guint64 memory, ram, limit;
} limits[] = {
    {0, 8 * GIB, GIB},
    {4 * GIB, 8 * GIB, 5 * GIB},
    {8 * GIB, 8 * GIB, 8 * GIB},
    {G_MAXUINT64, 8 * GIB, 8 * GIB},
    {G_MAXUINT64 - GIB + 1, G_MAXUINT64, G_MAXUINT64},
};

START_TEST(memlock_is_memory_and_a_gibibyte_at_most_ram) {
    ck_assert(pca_memlock_limit(limits[_i].memory, limits[_i].ram) == limits[_i].limit);
}
END_TEST

/* 128 KiB, an I/O port range, 1 GiB, nothing, ROM, and what SR-IOV has: 0x40020000 bytes count. */
static const char regions[] = "0x00000000fe000000 0x00000000fe01ffff 0x0000000000040200\n"
                              "0x000000000000c000 0x000000000000c01f 0x0000000000040101\n"
                              "0x0000004000000000 0x000000403fffffff 0x000000000014220c\n"
                              "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                              "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                              "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                              "0x00000000fe040000 0x00000000fe07ffff 0x0000000000046200\n"
                              "0x0000000000000000 0x000000ffffffffff 0x000000000014220c";
#define BARS 0x40020000

static const struct {
    guint64 memory;
    guint spaces;
    const char *mapped[3];
    guint64 locked;
} sums[] = {
    {0, 3, {NIC, BARE}, 0},
    {4 * GIB, 1, {NULL}, 4 * GIB},
    {4 * GIB, 3, {NULL}, 12 * GIB},
    {4 * GIB, 1, {NIC}, 4 * GIB + BARS},
    {4 * GIB, 2, {NIC, BARE}, 8 * GIB + BARS},
    {4 * GIB, 1, {"0000:7f:00.0", "rubbish"}, 4 * GIB},
    {G_MAXUINT64, 2, {NIC}, G_MAXUINT64},
    {G_MAXUINT64, 1, {NIC}, G_MAXUINT64},
};

START_TEST(locked_is_memory_for_each_space_and_bars) {
    pca_tree_set(tree, NIC, "resource", regions);
    pca_tree_set(tree, BARE, "resource", "not a table");
    for (guint i = 0; i < G_N_ELEMENTS(sums); i++)
        ck_assert(pca_locked_memory(kernel->root, sums[i].memory, sums[i].spaces, sums[i].mapped) ==
                  sums[i].locked);
}
END_TEST

static void assert_refused(PcaError expected, const char *text) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    g_autoptr(GError) error = NULL;
    ck_assert(!pca_handover_cdev(kernel, devices, 2, CLIENT(FALSE, 0, -1), fds, &error));
    assert_error(error, expected);
    ck_assert_msg(strstr(error->message, text), "%s", error->message);
}

START_TEST(another_driver_is_rebound_by_somebody) {
    claim_pair();
    pca_tree_bind(tree, BARE, "other");
    assert_refused(PCA_ERROR_BUSY, "its driver is other");
}
END_TEST

START_TEST(another_override_is_rebound_by_somebody) {
    claim_pair();
    pca_tree_set(tree, BARE, "driver_override", "(null)");
    assert_refused(PCA_ERROR_BUSY, "its driver_override empty");
}
END_TEST

START_TEST(not_prepared_is_refused) {
    assert_refused(PCA_ERROR_BUSY, NIC);
}
END_TEST

START_TEST(another_identity_is_refused) {
    claim_pair();
    machine_replace(NIC);
    assert_refused(PCA_ERROR_IDENTITY_MISMATCH, "10de:2204");
}
END_TEST

START_TEST(a_device_that_went_is_refused) {
    claim_pair();
    pca_fake_kernel_unplug(fake, NIC);
    assert_refused(PCA_ERROR_NOT_FOUND, NIC);
}
END_TEST

START_TEST(without_its_node_it_is_refused) {
    claim_pair();
    pca_tree_unset(tree, NIC, "vfio-dev");
    assert_refused(PCA_ERROR_FAILED, "opening its VFIO");
}
END_TEST

START_TEST(a_kernel_without_iommufd_is_unsupported) {
    claim_pair();
    pca_tree_delete(tree, "sys/class/misc/iommu");
    assert_refused(PCA_ERROR_UNSUPPORTED, "/dev/iommu");
}
END_TEST

/* ---- The group interface ---- */

static const PcaHandoverDevice slot[] = {{DISK, "144d:a808 144d:a801", "disk"},
                                         {TWIN, "8086:10d3 0000:0000", "twin"},
                                         {NIC, "8086:10d3 0000:0000", "net"}};

static void claim_slot(void) {
    claim_set((const char *[]){DISK, TWIN, NIC, NULL});
}

static gboolean hand_groups_over(PcaFds *fds, guint64 memory, int pidfd, GError **error) {
    return pca_handover_group(kernel, slot, G_N_ELEMENTS(slot), CLIENT(FALSE, memory, pidfd), fds,
                              error);
}

START_TEST(a_container_and_each_group_once) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    PCA_AUTO_FD pidfd = self_pidfd();
    claim_slot();
    ck_assert(hand_groups_over(fds, 4096, pidfd, NULL));
    ck_assert_uint_eq(fds->len, 3);
    assert_fd(fds, 0, "container", "", "", "node " PCA_FAKE_CONTAINER_NUMBER);
    assert_fd(fds, 1, "group", "disk", DISK, "group 3");
    assert_fd(fds, 2, "group", "net", NIC, "group 2");
    ck_assert(fake->memlock > 0);
}
END_TEST

START_TEST(who_joins_gets_no_container) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    claim_slot();
    pca_tree_delete(tree, "sys/class/misc/vfio");
    ck_assert(pca_handover_group(kernel, slot, 3, CLIENT(TRUE, 0, -1), fds, NULL));
    ck_assert_uint_eq(fds->len, 2);
    assert_fd(fds, 0, "group", "disk", DISK, "group 3");
}
END_TEST

static void assert_no_groups(PcaError expected, const char *text) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    g_autoptr(GError) error = NULL;
    ck_assert(!hand_groups_over(fds, 0, -1, &error));
    assert_error(error, expected);
    ck_assert_msg(strstr(error->message, text), "%s", error->message);
}

START_TEST(a_group_in_use_is_busy) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    claim_slot();
    ck_assert(hand_groups_over(fds, 0, -1, NULL));
    assert_no_groups(PCA_ERROR_BUSY, "opening its VFIO");
}
END_TEST

START_TEST(groups_are_looked_at_once_more) {
    claim_slot();
    pca_tree_set(tree, TWIN, "driver_override", "other");
    assert_no_groups(PCA_ERROR_BUSY, "its driver_override other");
    pca_tree_delete(tree, "sys/class/misc/vfio");
    assert_no_groups(PCA_ERROR_UNSUPPORTED, "VFIO container");
}
END_TEST

START_TEST(any_fault_keeps_all_groups_back) {
    guint k = 1;
    PCA_AUTO_FD pidfd = self_pidfd();
    claim_slot();
    for (gboolean ok = FALSE; !ok; k++) {
        guint before = count_fds();
        {
            g_autoptr(GPtrArray) fds = pca_fds_new();
            pca_fake_kernel_fail(fake, k, EMFILE);
            ok = hand_groups_over(fds, 4096, pidfd, NULL);
        }
        ck_assert_uint_eq(count_fds(), before);
    }
    ck_assert_uint_eq(k, 6);
}
END_TEST

#define LABEL "system_u:object_r:pcassign_device_t:s0:c1,c2"

static void assert_labelled(PcaFds *fds) {
    for (guint i = 0; i < fds->len; i++) {
        g_autofree char *found = pca_fake_kernel_get_label(fake, pca_fds_get(fds, i)->fd);
        ck_assert_str_eq(found, LABEL);
    }
}

START_TEST(every_node_has_the_label_that_is_wanted) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    claim_pair();
    ck_assert(
        pca_handover_cdev(kernel, devices, 2, &(PcaHandoverClient){.label = LABEL}, fds, NULL));
    ck_assert_uint_eq(fds->len, 3);
    assert_labelled(fds);
    /* Those that were handed out before keep theirs; this one is another node. */
    g_autoptr(GPtrArray) others = pca_fds_new();
    ck_assert(pca_handover_cdev(kernel, devices, 2, CLIENT(FALSE, 0, -1), others, NULL));
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "open_node * " LABEL), 3);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "open_node *"), 6);
}
END_TEST

START_TEST(every_group_node_has_it_too) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    claim_slot();
    ck_assert(pca_handover_group(kernel, slot, 3, &(PcaHandoverClient){.label = LABEL}, fds, NULL));
    ck_assert_uint_eq(fds->len, 3);
    assert_labelled(fds);
}
END_TEST

START_TEST(what_cannot_have_its_label_is_not_opened) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    g_autoptr(GError) error = NULL;
    claim_pair();
    pca_fake_kernel_fail_matching(fake, "open_node 511:* " LABEL, EACCES, 0);
    ck_assert(
        !pca_handover_cdev(kernel, devices, 2, &(PcaHandoverClient){.label = LABEL}, fds, &error));
    assert_error(error, PCA_ERROR_FAILED);
    ck_assert_msg(strstr(error->message, LABEL), "%s", error->message);
}
END_TEST

START_TEST(any_fault_keeps_all_back_and_leaks_none) {
    guint k = 1;
    PCA_AUTO_FD pidfd = self_pidfd();
    claim_pair();
    for (gboolean ok = FALSE; !ok; k++) {
        guint before = count_fds();
        {
            g_autoptr(GPtrArray) fds = pca_fds_new();
            g_autoptr(GError) error = NULL;
            pca_fake_kernel_fail(fake, k, EMFILE);
            ok = pca_handover_cdev(kernel, devices, 2, CLIENT(FALSE, 4096, pidfd), fds, &error);
            ck_assert(ok || error);
        }
        ck_assert_uint_eq(count_fds(), before);
    }
    ck_assert_uint_eq(k, 7);
}
END_TEST

void add_handover(Suite *suite) {
    ADD_CASE(suite, "handover", an_iommufd_and_each_device_by_name, who_joins_gets_no_iommufd,
             memory_raises_the_callers_limit, another_driver_is_rebound_by_somebody,
             another_override_is_rebound_by_somebody, not_prepared_is_refused,
             another_identity_is_refused, a_device_that_went_is_refused,
             without_its_node_it_is_refused, a_kernel_without_iommufd_is_unsupported,
             every_node_has_the_label_that_is_wanted, what_cannot_have_its_label_is_not_opened,
             any_fault_keeps_all_back_and_leaks_none, locked_is_memory_for_each_space_and_bars);
    ADD_CASE(suite, "group handover", a_container_and_each_group_once, who_joins_gets_no_container,
             every_group_node_has_it_too, a_group_in_use_is_busy, groups_are_looked_at_once_more,
             any_fault_keeps_all_groups_back);
    PCA_TABLE(suite, "memlock", memlock_is_memory_and_a_gibibyte_at_most_ram, limits);
}
