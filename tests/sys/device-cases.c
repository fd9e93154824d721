/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which displays, input devices, TPMs, consoles and open nodes the in-use guard keeps from
 * being taken.
 * Thread: one. Ownership: each test frees what it makes.
 */
#include "sys/cases.h"

#include <errno.h>
#include <sys/sysmacros.h>

#include "sys/guard.h"
#include "sys/in-use.h"
#include "sys/scan.h"

#define VGA "0000:00:04.0"
#define USB "0000:00:05.0"
#define DISK "0000:00:06.0"
#define SOUND "0000:00:07.0"

/* ---- Displays ---- */

static PcaTree *machine_with_display(void) {
    PcaTree *tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = VGA, .class = 0x030000, .driver = "amdgpu"});
    const char *card = "sys/devices/pci0000:00/" VGA "/drm/card1";
    g_autofree char *connector = g_build_filename(card, "card1-DP-1", NULL);
    g_autofree char *enabled = g_build_filename(connector, "enabled", NULL);
    pca_tree_write(tree, enabled, "disabled\n");
    pca_tree_link(tree, "sys/class/drm/card1", card);
    pca_tree_link(tree, "sys/class/drm/card1-DP-1", connector);
    return tree;
}

START_TEST(displays) {
    g_autoptr(PcaTree) tree = machine_with_display();
    pca_expect_uses(tree, VGA, "");
    pca_tree_write(tree, "sys/class/drm/card1-DP-1/enabled", "enabled\n");
    pca_expect_words(tree, VGA, 1, "shows a picture on card1-DP-1", NULL);
    pca_tree_set(tree, VGA, "boot_vga", "1");
    pca_expect_words(tree, VGA, 2, "machine started on", NULL);
    pca_tree_mkdir(tree, "sys/devices/pci0000:00/" VGA "/graphics/fb0");
    pca_tree_link(tree, "sys/class/graphics/fb0", "sys/devices/pci0000:00/" VGA "/graphics/fb0");
    pca_expect_uses(tree, VGA,
                    "boot_vga (display): 0000:00:04.0 is the display that the machine started on, "
                    "and shows its console\n"
                    "fb0 (display): the console can be on framebuffer fb0 of 0000:00:04.0\n"
                    "card1-DP-1 (display): the host shows a picture on card1-DP-1 of "
                    "0000:00:04.0\n");
}
END_TEST

/* Written at 0x0f, 0x18, 0x36 and 0x3a: kind, base, whether that is 64 bits wide, upper half. */
static void set_screen(PcaTree *tree, guint8 type, guint8 wide) {
    guint8 bytes[0x1000] = {[0x0f] = type, [0x1b] = 0xc0, [0x36] = wide, [0x3a] = 0x40};
    g_autofree char *path =
        g_build_filename(pca_tree_root(tree)->sysfs, "kernel/boot_params/data", NULL);
    pca_tree_mkdir(tree, "sys/kernel/boot_params");
    ck_assert(g_file_set_contents(path, (const char *)bytes, sizeof bytes, NULL));
}

static void set_region(PcaTree *tree, const char *start, const char *end) {
    pca_tree_set(tree, VGA, "resource", "%s %s 0x0000000000140200", start, end);
}

START_TEST(the_framebuffer_of_the_firmware) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = VGA, .class = 0x038000});
    pca_tree_mkdir(tree, "sys/bus/platform/drivers/simple-framebuffer");
    pca_tree_link(tree, "sys/bus/platform/devices/simple-framebuffer.0/driver",
                  "sys/bus/platform/drivers/simple-framebuffer");
    set_screen(tree, 0x70, 2);
    set_region(tree, "0x00000040c0000000", "0x00000040cfffffff");
    pca_expect_uses(tree, VGA,
                    "simple-framebuffer.0 (display): the console can be on framebuffer "
                    "simple-framebuffer.0 of 0000:00:04.0\n");
    set_region(tree, "0x00000000c0000000", "0x00000000cfffffff");
    pca_expect_uses(tree, VGA, "");
    set_screen(tree, 0x70, 0);
    pca_expect_words(tree, VGA, 1, "framebuffer", NULL);
    set_screen(tree, 0x22, 0);
    pca_expect_uses(tree, VGA, "");
    set_screen(tree, 0x23, 0);
    pca_expect_words(tree, VGA, 1, "framebuffer", NULL);
    pca_tree_delete(tree, "sys/bus/platform/devices/simple-framebuffer.0/driver");
    pca_expect_uses(tree, VGA, "");
}
END_TEST

/* ---- What the kernel uses by itself ---- */

START_TEST(input_devices) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = USB, .class = 0x0c0330, .driver = "xhci_hcd"});
    pca_expect_uses(tree, USB, "");
    pca_tree_add_input(tree, USB, "usb1/1-1/1-1:1.0/0003:046D:C31C.0001", "input5", "Keyboard");
    pca_tree_add_input(tree, USB, "usb1/1-1/1-1:1.1/0003:046D:C31C.0002", "input6", "Keyboard");
    pca_tree_add_character(tree, USB, "usb1/1-1/input5", "input", "event5", "13:69");
    pca_expect_uses(tree, USB,
                    "Keyboard (input): 0000:00:05.0 lets the host's input device \"Keyboard\" "
                    "speak\n");
}
END_TEST

START_TEST(sockets_of_a_sound_card_are_no_keyboards) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = SOUND, .class = 0x040300});
    pca_tree_add_input(tree, SOUND, "sound/card0", "input9", "HDA Intel Headphone");
    pca_expect_uses(tree, SOUND, "");
}
END_TEST

START_TEST(a_tpm) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = USB, .class = 0x100000});
    pca_tree_add_character(tree, USB, NULL, "tpm", "tpm0", "10:224");
    pca_expect_uses(tree, USB, "tpm0 (other): 0000:00:05.0 is the host's TPM tpm0\n");
}
END_TEST

START_TEST(a_serial_console) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = USB, .class = 0x070002, .driver = "serial"});
    pca_tree_add_character(tree, USB, "0000:00:05.0:0.0", "tty", "ttyS4", "4:68");
    pca_expect_uses(tree, USB, "");
    pca_tree_write(tree, "proc/consoles", "tty0                 -WU (EC  p  )    4:7\n");
    pca_expect_uses(tree, USB, "");
    pca_tree_append(tree, "proc/consoles", "ttyS4                -W- (EC  p a)    4:68\n");
    pca_expect_uses(tree, USB,
                    "ttyS4 (other): the host has its console on ttyS4 of 0000:00:05.0\n");
    pca_tree_delete(tree, "proc/consoles");
    pca_tree_mkdir(tree, "proc/consoles");
    pca_expect_words(tree, USB, 1, "cannot tell whether the host has its console", NULL);
}
END_TEST

/* ---- Nodes ---- */

static PcaFunction *scan(const PcaTree *tree, const char *text) {
    PcaAddress address;
    ck_assert(pca_address_parse(text, &address));
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    return pca_function_ref(pca_snapshot_find(snapshot, &address));
}

/* A disk with a partition, and a sound card; each with the nodes that other functions have. */
static PcaTree *machine_with_nodes(void) {
    PcaTree *tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = DISK, .class = 0x010802, .driver = "nvme"});
    pca_tree_add(tree, &(PcaTreeFunction){.address = SOUND, .class = 0x040300});
    pca_tree_add_disk(tree, DISK, "nvme/nvme0", "nvme0n1", "259:0");
    pca_tree_add_partition(tree, "nvme0n1", "nvme0n1p1", "259:1");
    pca_tree_add_character(tree, DISK, NULL, "nvme", "nvme0", "240:0");
    pca_tree_add_character(tree, SOUND, "sound/card0", "sound", "controlC0", "116:2");
    pca_tree_add_character(tree, SOUND, "sound/card0", "sound", "pcmC0D0p", "116:3");
    pca_tree_add_character(tree, SOUND, NULL, "vfio-dev", "vfio0", "511:0");
    return tree;
}

static PcaUseNodes *nodes_of(const PcaTree *tree, const char *address) {
    g_autoptr(PcaFunction) function = scan(tree, address);
    g_autoptr(PcaUseLook) look = pca_use_look_new(pca_tree_root(tree));
    return pca_in_use_nodes(look, function);
}

static void expect_nodes(const PcaTree *tree, const char *address, const char *expected) {
    g_autoptr(GPtrArray) nodes = nodes_of(tree, address);
    g_autoptr(GString) told = g_string_new(NULL);
    for (guint i = 0; i < nodes->len; i++) {
        const PcaUseNode *node = g_ptr_array_index(nodes, i);
        g_string_append_printf(told, "%s %u:%u%s%s\n", node->name, major(node->number),
                               minor(node->number), node->is_disk ? " disk" : "",
                               node->whole ? " whole" : "");
    }
    ck_assert_str_eq(told->str, expected);
}

START_TEST(nodes_below_a_function) {
    g_autoptr(PcaTree) tree = machine_with_nodes();
    expect_nodes(tree, DISK, "nvme0n1 259:0 disk whole\nnvme0n1p1 259:1 disk\nnvme0 240:0\n");
    expect_nodes(tree, SOUND, "controlC0 116:2\npcmC0D0p 116:3\n");
    pca_tree_add(tree, &(PcaTreeFunction){.address = USB});
    expect_nodes(tree, USB, "");
    pca_tree_add_character(tree, USB, NULL, "tty", "ttyS0", "4:64");
    expect_nodes(tree, USB, "ttyS0 4:64\n");
}
END_TEST

static const struct {
    const char *address;
    int refused; /* of the first node */
    int opened;  /* the node that one process has open; -1: none */
    gboolean writes;
    const char *expected;
} answers[] = {
    {DISK, 0, -1, FALSE, ""},
    {DISK, 0, 0, FALSE, ""},
    {DISK, 0, 0, TRUE,
     "qemu (process 7 of uid 64055): nvme0n1 of 0000:00:06.0 is open for writing in qemu (process "
     "7 "
     "of uid 64055)\n"},
    {DISK, 0, 1, TRUE,
     "qemu (process 7 of uid 64055): nvme0n1p1 of 0000:00:06.0 is open for writing in qemu "
     "(process "
     "7 of uid 64055)\n"},
    {DISK, 0, 2, FALSE,
     "qemu (process 7 of uid 64055): nvme0 of 0000:00:06.0 is open in qemu (process 7 of uid "
     "64055)\n"},
    {DISK, EBUSY, 0, FALSE,
     "qemu (process 7 of uid 64055): disk nvme0n1 of 0000:00:06.0 is opened exclusively by qemu "
     "(process 7 of uid 64055)\n"},
    {DISK, EBUSY, 1, FALSE,
     "qemu (process 7 of uid 64055): disk nvme0n1 of 0000:00:06.0 is opened exclusively by qemu "
     "(process 7 of uid 64055)\n"},
    {DISK, EBUSY, -1, FALSE,
     "nvme0n1: disk nvme0n1 of 0000:00:06.0 is opened exclusively by something that could not be "
     "found\n"},
    {DISK, ENOMEDIUM, -1, FALSE, ""},
    {DISK, EACCES, -1, FALSE,
     "nvme0n1: cannot tell whether disk nvme0n1 of 0000:00:06.0 is in use: opening it: Permission "
     "denied\n"},
    {SOUND, 0, 1, FALSE,
     "qemu (process 7 of uid 64055) (sound): pcmC0D0p of 0000:00:07.0 is open in qemu (process 7 "
     "of "
     "uid 64055)\n"},
};

START_TEST(what_is_open) {
    g_autoptr(PcaTree) tree = machine_with_nodes();
    g_autoptr(PcaFunction) function = scan(tree, answers[_i].address);
    g_autoptr(GPtrArray) nodes = nodes_of(tree, answers[_i].address);
    g_autoptr(GPtrArray) findings = pca_findings_new();
    ((PcaUseNode *)g_ptr_array_index(nodes, 0))->refused = answers[_i].refused;
    if (answers[_i].opened >= 0)
        pca_use_node_add_opener(g_ptr_array_index(nodes, (guint)answers[_i].opened), 7, 64055,
                                "qemu", answers[_i].writes);
    g_autoptr(PcaUseLook) look = pca_use_look_new(pca_tree_root(tree));
    pca_in_use_opened(look, function, nodes, findings);
    g_autofree char *told = pca_print_uses(findings);
    ck_assert_str_eq(told, answers[_i].expected);
}
END_TEST

START_TEST(one_process_is_told_once) {
    g_autoptr(PcaTree) tree = machine_with_nodes();
    g_autoptr(PcaFunction) function = scan(tree, SOUND);
    g_autoptr(GPtrArray) nodes = nodes_of(tree, SOUND);
    g_autoptr(GPtrArray) findings = pca_findings_new();
    for (guint i = 0; i < nodes->len; i++)
        for (guint32 pid = 7; pid < 9; pid++)
            pca_use_node_add_opener(g_ptr_array_index(nodes, i), pid, 0, "mixer", TRUE);
    g_autoptr(PcaUseLook) look = pca_use_look_new(pca_tree_root(tree));
    pca_in_use_opened(look, function, nodes, findings);
    ck_assert_uint_eq(findings->len, 2);
}
END_TEST

START_TEST(of_disks_whose_names_begin_alike) {
    g_autoptr(PcaTree) tree = machine_with_nodes();
    pca_tree_add_disk(tree, DISK, "nvme/nvme0", "nvme0n10", "259:2");
    pca_tree_mount(tree, 1, "8:1", "/", "ext4", "/dev/sda1");
    g_autoptr(PcaFunction) function = scan(tree, DISK);
    g_autoptr(GPtrArray) nodes = nodes_of(tree, DISK), findings = pca_findings_new();
    PcaUseNode *first = g_ptr_array_index(nodes, 0), *tenth = g_ptr_array_index(nodes, 1);
    ck_assert_str_eq(tenth->name, "nvme0n10");
    first->refused = EBUSY;
    pca_use_node_add_opener(tenth, 7, 0, "smartd", FALSE);
    g_autoptr(PcaUseLook) look = pca_use_look_new(pca_tree_root(tree));
    pca_in_use_opened(look, function, nodes, findings);
    g_autofree char *told = pca_print_uses(findings);
    ck_assert_str_eq(told, "nvme0n1: disk nvme0n1 of 0000:00:06.0 is opened exclusively by "
                           "something that could not be found\n");
}
END_TEST

/* That a mounted disk cannot be had exclusively says nothing new. */
START_TEST(of_a_mounted_disk_the_mount_is_told) {
    g_autoptr(PcaTree) tree = machine_with_nodes();
    g_autoptr(PcaFunction) function = scan(tree, DISK);
    g_autoptr(GPtrArray) nodes = nodes_of(tree, DISK);
    g_autoptr(GPtrArray) findings = pca_findings_new();
    pca_tree_mount(tree, 1, "259:1", "/srv", "ext4", "/dev/nvme0n1p1");
    ((PcaUseNode *)g_ptr_array_index(nodes, 0))->refused = EBUSY;
    g_autoptr(PcaUseLook) look = pca_use_look_new(pca_tree_root(tree));
    pca_in_use(look, function, findings);
    pca_in_use_opened(look, function, nodes, findings);
    ck_assert_uint_eq(findings->len, 1);
}
END_TEST

static guint count_uses(PcaUseLook *look, const PcaFunction *function) {
    g_autoptr(GPtrArray) findings = pca_findings_new();
    pca_in_use(look, function, findings);
    return findings->len;
}

START_TEST(what_was_found_ahead_is_told_once_and_of_that_function) {
    g_autoptr(PcaTree) tree = machine_with_nodes();
    g_autoptr(PcaFunction) sound = scan(tree, SOUND), same = scan(tree, SOUND);
    g_autoptr(PcaUseLook) look = pca_use_look_new(pca_tree_root(tree));
    pca_tree_remove(tree, SOUND);
    pca_in_use_ahead(look, sound);
    pca_tree_add(tree, &(PcaTreeFunction){.address = SOUND, .class = 0x040300});
    ck_assert_uint_eq(count_uses(look, same), 0);
    ck_assert_uint_eq(count_uses(look, sound), 1);
    ck_assert_uint_eq(count_uses(look, sound), 0);
}
END_TEST

void pca_add_device_cases(Suite *suite) {
    const TTest *const tests[] = {displays,
                                  the_framebuffer_of_the_firmware,
                                  input_devices,
                                  sockets_of_a_sound_card_are_no_keyboards,
                                  a_tpm,
                                  a_serial_console,
                                  nodes_below_a_function,
                                  one_process_is_told_once,
                                  of_disks_whose_names_begin_alike,
                                  of_a_mounted_disk_the_mount_is_told,
                                  what_was_found_ahead_is_told_once_and_of_that_function};
    TCase *devices = tcase_create("devices");
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        tcase_add_test(devices, tests[i]);
    suite_add_tcase(suite, devices);
    PCA_TABLE(suite, "open nodes", what_is_open, answers);
}
