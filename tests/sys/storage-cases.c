/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which disks the in-use guard keeps from being taken.
 * Thread: one. Ownership: each test frees what it makes.
 */
#include "sys/cases.h"

#include <sys/stat.h>
#include <unistd.h>

#include "sys/guard.h"
#include "sys/in-use-internal.h"
#include "sys/scan.h"

#define NVME "0000:01:00.0"
#define OTHER "0000:02:00.0"

static PcaTree *machine(void) {
    PcaTree *tree = pca_tree_new();
    pca_tree_add_port(tree, "0000:00:01.0", 1);
    pca_tree_add(tree, &(PcaTreeFunction){.address = NVME,
                                          .below = "0000:00:01.0",
                                          .class = 0x010802,
                                          .group = 2,
                                          .driver = "nvme"});
    return tree;
}

/* The machine with one disk of two partitions. */
static PcaTree *machine_with_disk(void) {
    PcaTree *tree = machine();
    pca_tree_add_disk(tree, NVME, "nvme/nvme0", "nvme0n1", "259:0");
    pca_tree_add_partition(tree, "nvme0n1", "nvme0n1p1", "259:1");
    pca_tree_add_partition(tree, "nvme0n1", "nvme0n1p2", "259:2");
    return tree;
}

START_TEST(idle_disks_are_free) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_mount(tree, 1, "8:1", "/", "ext4", "/dev/sda1");
    pca_tree_mount(tree, 1, "0:21", "/proc", "proc", "proc");
    pca_tree_add_swap(tree, "/dev/sda2");
    pca_tree_add_swap(tree, "/swapfile");
    pca_expect_uses(tree, NVME, "");
}
END_TEST

START_TEST(mounted_partitions) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_mount(tree, 1, "259:1", "/boot/efi", "vfat", "/dev/nvme0n1p1");
    pca_tree_mount(tree, 1, "259:2", "/", "ext4", "/dev/root");
    pca_tree_mount(tree, 1, "259:2", "/", "ext4", "/dev/root");
    pca_expect_uses(tree, NVME,
                    "/boot/efi: disk nvme0n1p1 of 0000:01:00.0 is mounted on /boot/efi\n"
                    "/: disk nvme0n1p2 of 0000:01:00.0 is mounted on /\n");
    pca_expect_words(tree, NVME, 2, "umount /boot/efi", "runs from it", NULL);
}
END_TEST

START_TEST(mount_points_with_spaces) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_mount(tree, 1, "259:1", "/mnt/my\\040disk", "ext4", "/dev/nvme0n1p1");
    pca_expect_words(tree, NVME, 1, "mounted on /mnt/my disk", NULL);
}
END_TEST

static PcaTree *mounted_elsewhere(void) {
    PcaTree *tree = machine_with_disk();
    pca_tree_mount(tree, 1, "8:1", "/", "ext4", "/dev/sda1");
    pca_tree_mount(tree, 700, "8:1", "/", "ext4", "/dev/sda1");
    pca_tree_mount(tree, 812, "8:1", "/", "ext4", "/dev/sda1");
    pca_tree_mount(tree, 812, "259:2", "/data", "xfs", "/dev/nvme0n1p2");
    pca_tree_add_process(tree, 813, 812);
    return tree;
}

START_TEST(mounted_in_another_namespace) {
    g_autoptr(PcaTree) tree = mounted_elsewhere();
    pca_expect_uses_of_held(tree, NVME,
                            "/data: disk nvme0n1p2 of 0000:01:00.0 is mounted on /data in the "
                            "mount namespace of process 812\n");
    /* A disk that can be had exclusively is mounted nowhere, so nobody is asked. */
    pca_expect_uses(tree, NVME, "");
}
END_TEST

START_TEST(held_by_what_is_no_mount) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_mount(tree, 1, "8:1", "/", "ext4", "/dev/sda1");
    pca_tree_mount(tree, 812, "8:1", "/", "ext4", "/dev/sda1");
    pca_expect_uses_of_held(tree, NVME,
                            "nvme0n1: disk nvme0n1 of 0000:01:00.0 is opened exclusively by "
                            "something that could not be found\n");
}
END_TEST

START_TEST(what_another_namespace_has_cannot_be_read) {
    g_autoptr(PcaTree) tree = mounted_elsewhere();
    pca_tree_write(tree, "proc/77/mountinfo", "rubbish\n");
    g_autofree char *expected = g_strdup_printf(
        "mountinfo: cannot tell where disk nvme0n1 of 0000:01:00.0 is mounted: cannot read "
        "%s/77/mountinfo: Bad message\n",
        pca_tree_root(tree)->proc);
    pca_expect_uses_of_held(tree, NVME, expected);
}
END_TEST

/* A process of the host's namespace with another root sees a part of the same mounts. */
START_TEST(each_namespace_is_read_once) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    g_autoptr(GError) error = NULL;
    pca_tree_mount(tree, 1, "8:1", "/", "ext4", "/dev/sda1");
    pca_tree_add_process(tree, 2, 1);
    pca_tree_mount(tree, 30, "8:1", "/", "ext4", "/dev/sda1");
    pca_tree_mount(tree, 30, "8:2", "/home", "ext4", "/dev/sda2");
    pca_tree_add_process(tree, 31, 30);
    pca_tree_mkdir(tree, "proc/99"); /* has gone */
    pca_tree_write(tree, "proc/98/mountinfo", "%s", "");
    g_autoptr(GPtrArray) others = pca_mounts_of_others(pca_tree_root(tree), &error);
    ck_assert_msg(others != NULL, "%s", error ? error->message : "");
    ck_assert_uint_eq(others->len, 2);
}
END_TEST

static char *told_of(PcaUseLook *look, PcaSnapshot *snapshot, const char *text) {
    g_autoptr(GPtrArray) findings = pca_findings_new();
    PcaAddress address;
    ck_assert(pca_address_parse(text, &address));
    pca_in_use(look, pca_snapshot_find(snapshot, &address), findings);
    return pca_print_uses(findings);
}

START_TEST(a_look_is_at_one_moment_for_several_functions) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_add_port(tree, "0000:00:02.0", 2);
    pca_tree_add(tree, &(PcaTreeFunction){.address = OTHER,
                                          .below = "0000:00:02.0",
                                          .class = 0x010802,
                                          .group = 3,
                                          .driver = "nvme"});
    pca_tree_add_disk(tree, OTHER, "nvme/nvme1", "nvme1n1", "259:4");
    pca_tree_mount(tree, 1, "259:1", "/srv", "ext4", "/dev/nvme0n1p1");
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    g_autoptr(PcaUseLook) look = pca_use_look_new(pca_tree_root(tree));
    g_autofree char *first = told_of(look, snapshot, NVME);
    pca_tree_mount(tree, 1, "259:4", "/late", "ext4", "/dev/nvme1n1");
    g_autofree char *second = told_of(look, snapshot, OTHER);
    ck_assert_str_eq(first, "/srv: disk nvme0n1p1 of 0000:01:00.0 is mounted on /srv\n");
    ck_assert_str_eq(second, "");
    pca_expect_uses(tree, OTHER, "/late: disk nvme1n1 of 0000:02:00.0 is mounted on /late\n");
}
END_TEST

START_TEST(sources_that_name_the_disk) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_mount(tree, 1, "0:40", "/pool", "btrfs", "/dev/nvme0n1p1");
    pca_expect_words(tree, NVME, 1, "mounted on /pool", NULL);
    pca_tree_mount(tree, 1, "0:41", "/cache", "bcachefs", "/dev/sda:/dev/nvme0n1p2");
    pca_expect_words(tree, NVME, 2, "mounted on /cache", NULL);
}
END_TEST

START_TEST(sources_by_link) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_write(tree, "dev/nvme0n1p1", "%s", "");
    pca_tree_link(tree, "dev/disk/by-uuid/1234", "dev/nvme0n1p1");
    pca_tree_mount(tree, 1, "0:40", "/pool", "btrfs", "/dev/disk/by-uuid/1234");
    pca_tree_add_swap(tree, "/dev/disk/by-uuid/1234");
    pca_expect_words(tree, NVME, 2, "mounted on /pool", "swapoff /dev/disk/by-uuid/1234", NULL);
}
END_TEST

START_TEST(external_logs) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_write(tree, "proc/1/mountinfo",
                   "40 1 8:3 / /srv rw - xfs /dev/sda3 rw,attr2,logdev=/dev/nvme0n1p1,noquota\n");
    pca_expect_words(tree, NVME, 1, "mounted on /srv", NULL);
}
END_TEST

START_TEST(swap_space) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_add_swap(tree, "/dev/nvme0n1p2");
    pca_expect_uses(tree, NVME, "/dev/nvme0n1p2: disk nvme0n1p2 of 0000:01:00.0 is swap space\n");
}
END_TEST

START_TEST(device_mapper_and_md) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_add_virtual_disk(tree, "dm-0", "253:0");
    pca_tree_write(tree, "sys/devices/virtual/block/dm-0/dm/name", "vg0-root\n");
    pca_tree_add_virtual_disk(tree, "md127", "9:127");
    pca_tree_add_holder(tree, "nvme0n1p1", "dm-0");
    pca_tree_add_holder(tree, "nvme0n1p2", "md127");
    pca_tree_mount(tree, 1, "253:0", "/", "ext4", "/dev/mapper/vg0-root");
    pca_expect_uses(tree, NVME,
                    "vg0-root: disk nvme0n1p1 of 0000:01:00.0 is part of dm-0 (vg0-root), mounted "
                    "on /\n"
                    "md127: disk nvme0n1p2 of 0000:01:00.0 is part of md127\n");
    pca_expect_words(tree, NVME, 2, "mdadm --stop /dev/md127", NULL);
}
END_TEST

static const struct {
    const char *uuid, *what, *fix;
} mappers[] = {
    {NULL, "", "dmsetup remove vg0-root"},
    {"mpath-1\n", "", "dmsetup remove vg0-root"},
    {"LVM-Fq0a\n", ", a logical volume", "lvchange -a n /dev/mapper/vg0-root"},
    {"CRYPT-LUKS2-1\n", ", encrypted", "cryptsetup close vg0-root"},
};

START_TEST(who_mapped_it_is_told) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_add_virtual_disk(tree, "dm-0", "253:0");
    pca_tree_write(tree, "sys/devices/virtual/block/dm-0/dm/name", "vg0-root\n");
    if (mappers[_i].uuid)
        pca_tree_write(tree, "sys/devices/virtual/block/dm-0/dm/uuid", "%s", mappers[_i].uuid);
    pca_tree_add_holder(tree, "nvme0n1p1", "dm-0");
    g_autofree char *expected =
        g_strdup_printf("vg0-root: disk nvme0n1p1 of 0000:01:00.0 is part of dm-0 (vg0-root%s)\n",
                        mappers[_i].what);
    pca_expect_uses(tree, NVME, expected);
    pca_expect_words(tree, NVME, 1, mappers[_i].fix, NULL);
}
END_TEST

START_TEST(loop_over_the_disk) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_add_virtual_disk(tree, "loop3", "7:3");
    pca_tree_write(tree, "sys/devices/virtual/block/loop3/loop/backing_file", "/dev/nvme0n1\n");
    pca_expect_words(tree, NVME, 1, "behind loop device loop3", "losetup -d /dev/loop3", NULL);
}
END_TEST

START_TEST(second_member_of_a_btrfs) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_mount(tree, 1, "0:40", "/pool", "btrfs", "/dev/sda1");
    pca_tree_write(tree, "sys/fs/btrfs/features/raid56", "0\n");
    pca_tree_link(tree, "sys/fs/btrfs/11-22/devices/nvme0n1p1", "sys/class/block/nvme0n1p1");
    pca_expect_words(tree, NVME, 1, "belongs to the mounted btrfs 11-22", NULL);
}
END_TEST

START_TEST(second_member_of_a_bcachefs) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_link(tree, "sys/fs/bcachefs/33-44/dev-1/block", "sys/class/block/nvme0n1p2");
    pca_expect_words(tree, NVME, 1, "belongs to the mounted bcachefs 33-44", NULL);
}
END_TEST

/* Without udev's knowledge an imported pool may use any disk. */
START_TEST(zfs_fails_closed) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_add_disk(tree, NVME, "nvme/nvme0", "nvme0n1", "259:0");
    pca_tree_write(tree, "proc/spl/kstat/zfs/arcstats", "%s", "");
    pca_expect_uses(tree, NVME, "");
    pca_tree_write(tree, "proc/spl/kstat/zfs/tank/state", "ONLINE\n");
    pca_expect_words(tree, NVME, 1, "cannot tell whether disk nvme0n1", "ZFS", NULL);
}
END_TEST

START_TEST(native_multipath) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:02:00.0", .class = 0x010802});
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:03:00.0", .class = 0x010802});
    /* Two controllers reach one namespace; a third of the same subsystem has its own. */
    pca_tree_add_multipath_disk(tree, NVME, "nvme0", "nvme0c0n1", "nvme0n1", "259:0");
    pca_tree_add_multipath_disk(tree, "0000:02:00.0", "nvme1", "nvme0c1n1", "nvme0n1", "259:0");
    pca_tree_add_multipath_disk(tree, "0000:03:00.0", "nvme2", "nvme0c2n2", "nvme0n2", "259:9");
    pca_tree_add_partition(tree, "nvme0n1", "nvme0n1p1", "259:1");
    pca_tree_mount(tree, 1, "259:1", "/", "ext4", "/dev/nvme0n1p1");
    const char *both[] = {NVME, "0000:02:00.0"};
    for (gsize i = 0; i < G_N_ELEMENTS(both); i++)
        pca_expect_words(tree, both[i], 1, "disk nvme0n1p1", "mounted on /", NULL);
    pca_expect_uses(tree, "0000:03:00.0", "");
    /* A kernel that leaves hidden disks out of the class. */
    pca_tree_delete(tree, "sys/class/block/nvme0c0n1");
    pca_expect_words(tree, NVME, 1, "disk nvme0n1p1", NULL);
}
END_TEST

START_TEST(disks_behind_other_buses) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:00:02.0", .class = 0x010000});
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:00:02.1", .class = 0x010601});
    pca_tree_add_disk(tree, "0000:00:02.0", "virtio1", "vda", "254:0");
    pca_tree_add_disk(tree, "0000:00:02.1", "ata1/host0/target0:0:0/0:0:0:0", "sda", "8:0");
    pca_tree_mount(tree, 1, "254:0", "/", "ext4", "/dev/vda");
    pca_expect_words(tree, "0000:00:02.0", 1, "disk vda", NULL);
    pca_expect_uses(tree, "0000:00:02.1", "");
    pca_tree_mount(tree, 1, "8:0", "/mnt", "ext4", "/dev/sda");
    pca_expect_words(tree, "0000:00:02.1", 1, "disk sda", NULL);
}
END_TEST

START_TEST(what_cannot_be_read_is_in_use) {
    g_autoptr(PcaTree) tree = machine_with_disk();
    pca_tree_delete(tree, "proc/1");
    pca_expect_words(tree, NVME, 1, "cannot tell whether a disk", "mountinfo", NULL);
    pca_tree_write(tree, "proc/1/mountinfo", "rubbish\n");
    pca_expect_words(tree, NVME, 1, "cannot tell whether a disk", "mountinfo", NULL);
    pca_tree_write(tree, "proc/1/mountinfo", "%s", "");
    pca_tree_delete(tree, "proc/swaps");
    pca_tree_mkdir(tree, "proc/swaps");
    pca_expect_words(tree, NVME, 1, "is swap", NULL);
    pca_tree_delete(tree, "proc/swaps");
    pca_expect_uses(tree, NVME, "");
    pca_tree_delete(tree, "sys/class/block/nvme0n1/dev");
    pca_expect_words(tree, NVME, 1, "device number of disk nvme0n1", NULL);
}
END_TEST

START_TEST(unreadable_directories_are_in_use) {
    static const char *const directories[] = {
        "sys/class/block",
        "sys/dev/char",
        "sys/class/nvme",
        "sys/class/net",
        "sys/fs/btrfs",
        "proc/spl/kstat/zfs",
        "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/nvme/nvme0/nvme0n1/"
        "holders"};
    g_autoptr(PcaTree) tree = machine();
    pca_tree_add_disk(tree, NVME, "nvme/nvme0", "nvme0n1", "259:0");
    pca_tree_delete(tree, directories[_i]);
    pca_tree_write(tree, directories[_i], "no directory\n");
    pca_expect_words(tree, NVME, 1, "cannot tell whether the host uses", "Not a directory", NULL);
}
END_TEST

static const struct {
    const char *line;
    const char *where; /* NULL: malformed */
    const char *disks;
} lines[] = {
    {"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/sda rw", "/mnt2", "sda"},
    {"36 35 98:0 / /a\\134b rw shared:1 master:2 unbindable - ext3 /dev/cciss/c0d0p1 rw", "/a\\b",
     "cciss!c0d0p1"},
    {"36 35 0:22 / /x rw - tmpfs  rw", "/x", ""},
    {"36 35 0:22 / /x rw - nfs host:/dev/export rw", "/x", ""},
    {"36 35 0:22 / /x rw - bcachefs /dev/a:/dev/b:/dev/c rw", "/x", "a:!dev!b:!dev!c a b c"},
    {"36 35 98:0 / /x rw - ext3 /dev/sda", NULL, NULL},
    {"36 35 98:0 / /x rw", NULL, NULL},
    {"36 35 98:0 / /x\\ rw - ext3 /dev/sda rw", NULL, NULL},
    {"36 35 98:0 / /x rw - ext3 /dev/sda\\ rw", NULL, NULL},
    {"36 35 98:0 / /x rw - ext3 /dev/sda rw\\", NULL, NULL},
    {"", NULL, NULL},
};

START_TEST(mount_lines) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    PcaMount *mount = pca_mount_parse(pca_tree_root(tree), 1, lines[_i].line);
    ck_assert_int_eq(mount != NULL, lines[_i].where != NULL);
    if (!mount)
        return;
    g_autofree char *disks = g_strjoinv(" ", mount->disks);
    ck_assert_str_eq(mount->where, lines[_i].where);
    ck_assert_str_eq(disks, lines[_i].disks);
    pca_mount_free(mount);
}
END_TEST

void pca_add_storage_cases(Suite *suite) {
    TCase *storage = tcase_create("storage");
    tcase_add_test(storage, idle_disks_are_free);
    tcase_add_test(storage, mounted_partitions);
    tcase_add_test(storage, mount_points_with_spaces);
    tcase_add_test(storage, mounted_in_another_namespace);
    tcase_add_test(storage, held_by_what_is_no_mount);
    tcase_add_test(storage, what_another_namespace_has_cannot_be_read);
    tcase_add_test(storage, each_namespace_is_read_once);
    tcase_add_test(storage, a_look_is_at_one_moment_for_several_functions);
    tcase_add_test(storage, sources_that_name_the_disk);
    tcase_add_test(storage, sources_by_link);
    tcase_add_test(storage, external_logs);
    tcase_add_test(storage, swap_space);
    tcase_add_test(storage, device_mapper_and_md);
    tcase_add_test(storage, loop_over_the_disk);
    tcase_add_test(storage, second_member_of_a_btrfs);
    tcase_add_test(storage, second_member_of_a_bcachefs);
    tcase_add_test(storage, zfs_fails_closed);
    tcase_add_test(storage, native_multipath);
    tcase_add_test(storage, disks_behind_other_buses);
    tcase_add_test(storage, what_cannot_be_read_is_in_use);
    tcase_add_loop_test(storage, unreadable_directories_are_in_use, 0, 6);
    suite_add_tcase(suite, storage);
    PCA_TABLE(suite, "mountinfo", mount_lines, lines);
    PCA_TABLE(suite, "device mapper", who_mapped_it_is_told, mappers);
}
