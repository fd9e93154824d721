/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: values of keys: malformed ones, each with the byte that is blamed, and good ones.
 * Thread: main. Ownership: each test frees its own.
 */
#include "base/finding.h"
#include "policy/support.h"

#include <string.h>

/* A value, in a section that has all else it needs; the column counts from the value. */
static const struct {
    const char *key, *value;
    guint column;
    const char *says;
} values[] = {
    {"Path", "01:00.0", 1, "an address, not a path"},
    {"Path", "0000:01:", 9, "two hex digits of a device, found the end"},
    {"Path", "000:01:00.0", 4, "four to eight hex digits"},
    {"Path", "000000000:01:00.0", 9, "':'"},
    {"Path", "0000:1:00.0", 7, "root bus"},
    {"Path", "0000:001:00.0", 8, "':'"},
    {"Path", "0000:01/00.0", 8, "':'"},
    {"Path", "gpu", 1, "two hex digits of a device, found 'g'"},
    {"Path", "1.0", 2, "two hex digits of a device"},
    {"Path", "01", 3, "'.'"},
    {"Path", "001.0", 3, "'.'"},
    {"Path", "20.0", 1, "a device from 00 to 1f"},
    {"Path", "01.8", 4, "a function from 0 to 7"},
    {"Path", "01.", 4, "a function from 0 to 7"},
    {"Path", "01.0/", 6, "two hex digits"},
    {"Path", "/01.0", 1, "two hex digits"},
    {"Path", "01.0//00.0", 6, "two hex digits"},
    {"Path", "01.0\\00.0", 5, "'/'"},
    {"Path", "01.00/00.0", 5, "'/'"},
    {"Path", "01.0 02.0", 5, "'/', found ' '"},
    {"Path", "01.0\xc3\xa9", 5, "found '\xc3\xa9'"},
    {"Path", "vf1", 1, "two hex digits"},
    {"Path", "01.0/vf", 8, "virtual function"},
    {"Path", "01.0/vf01", 8, "virtual function"},
    {"Path", "01.0/vf65536", 8, "virtual function"},
    {"Path", "01.0/vf99999999999999999999", 8, "virtual function"},
    {"Path", "01.0/vf1/00.0", 9, "the end of the line"},
    {"Path", "01.0/vfx", 8, "virtual function"},
    {"Path", "\"01.0\"", 1, "two hex digits"},
    {"Id", "10de", 5, "four hex digits each"},
    {"Id", "10de:", 6, "four hex digits each"},
    {"Id", "10de:223", 9, "four hex digits each"},
    {"Id", "10de:22300", 10, "four hex digits each"},
    {"Id", "0x10de:2230", 2, "four hex digits each"},
    {"Id", "10de-2230", 5, "four hex digits each"},
    {"Id", "10dg:2230", 4, "four hex digits each"},
    {"Id", "10de:2230,10de:1aef", 10, "not by ','"},
    {"Id", "10de:2230 10DE:2230", 11, "twice"},
    {"Id", "10de:2230 x", 11, "'x' is not an id"},
    {"AllowUser", "alice\tbob", 6, "not by tabs"},
    {"Functions", "ALL", 1, "'ALL' is not a value of Functions"},
    {"Functions", "all one", 1, "expected 'one' or 'all'"},
    {"Functions", "0", 1, "expected 'one' or 'all'"},
    {"Functions", "one#", 1, "did you mean 'one'"},
    {"AllowUser", "0day", 1, "'0day' is not a user"},
    {"AllowUser", "0x0", 1, "'0x0' is not a user"},
    {"AllowUser", "-1", 1, "'-1' is not a user"},
    {"AllowUser", "+1", 1, "'+1' is not a user"},
    {"AllowUser", "4294967295", 1, "from 0 to 4294967294"},
    {"AllowUser", "4294967296", 1, "from 0 to 4294967294"},
    {"AllowUser", "18446744073709551616", 1, "from 0 to 4294967294"},
    {"AllowUser", "00", 1, "leading zeros"},
    {"AllowUser", "01000", 1, "leading zeros"},
    {"AllowUser", "1000k", 1, "'1000k' is not a user"},
    {"AllowUser", "-alice", 1, "'-alice' is not a user"},
    {"AllowUser", "ali:ce", 4, "names have letters"},
    {"AllowUser", "al$ce", 3, "names have letters"},
    {"AllowUser", "$", 1, "names have letters"},
    {"AllowUser", "*", 1, "names have letters"},
    {"AllowUser", "al\xc3\xa9", 3, "names have letters"},
    {"AllowUser", "alice,bob", 6, "not by ','"},
    {"AllowUser", "alice;bob", 6, "not by ';'"},
    {"AllowUser", "alice bob alice", 11, "twice"},
    {"AllowUser", "alice  bob", 7, "single spaces"},
    {"AllowGroup", "0day", 1, "'0day' is not a group"},
    {"AllowGroup", "@kvm", 1, "'@kvm' is not a group"},
    {"AllowGroup", "7 8 7", 5, "twice"},
    {"Address", "01:00", 1, "is not an address"},
    {"Address", "01.1/00.0", 1, "is not an address"},
    {"Address", "0000:01:00.8", 1, "is not an address"},
    {"Address", "01:00.0 02:00.0", 1, "is not an address"},
    {"Subsystem", "1028", 5, "four hex digits each"},
    {"Subsystem", "1028:0001 1028:0001", 11, "twice"},
    {"Class", "3", 1, "2, 4 or 6 hex digits"},
    {"Class", "030", 1, "2, 4 or 6 hex digits"},
    {"Class", "0300000", 1, "2, 4 or 6 hex digits"},
    {"Class", "0x03", 1, "2, 4 or 6 hex digits"},
    {"Class", "03 vga", 4, "'vga' is not a class"},
    {"Class", "03,04", 3, "not by ','"},
    {"Class", "0a 0A", 4, "twice"},
    {"Serial", "00-1b-21-ff-ff-ab-cd", 21, "eight bytes in hex"},
    {"Serial", "00-1b-21-ff-ff-ab-cd-ef-01", 24, "eight bytes in hex"},
    {"Serial", "001b21ffffabcdef", 3, "eight bytes in hex"},
    {"Serial", "00:1b:21:ff:ff:ab:cd:ef", 3, "eight bytes in hex"},
    {"Serial", "0g-1b-21-ff-ff-ab-cd-ef", 2, "eight bytes in hex"},
    {"Serial", "00-00-00-00-00-00-00-00", 1, "names no device"},
    {"AllowUnit", "qemu", 1, ".service, .scope or .slice"},
    {"AllowUnit", "vm-*", 1, ".service, .scope or .slice"},
    {"AllowUnit", "a.socket", 1, ".service, .scope or .slice"},
    {"AllowUnit", ".service", 1, ".service, .scope or .slice"},
    {"AllowUnit", "a.service b", 11, "'b' is not a unit"},
    {"AllowUnit", "a/b.service", 2, "names of units"},
    {"AllowUnit", "vm-?.service", 4, "names of units"},
    {"AllowUnit", "vm[1].service", 3, "names of units"},
    {"AllowUnit", "a.service,b.service", 10, "not by ','"},
    {"AllowUnit", "a.service a.service", 11, "twice"},
    {"RequireUnit", "caf\xc3\xa9.service", 4, "names of units"},
    {"RequireLabel", "a\tb", 2, "not by tabs"},
    {"RequireLabel", "a b a", 5, "twice"},
    {"Authorize", "yes", 1, "expected 'none' or 'polkit'"},
    {"Authorize", "Polkit", 1, "did you mean 'polkit'"},
    {"PerUser", "0", 1, "from 1 to 4294967294"},
    {"PerUser", "-1", 1, "from 1 to 4294967294"},
    {"PerUser", "01", 1, "without leading zeros"},
    {"PerUser", "4294967295", 1, "from 1 to 4294967294"},
    {"PerUser", "99999999999999999999", 1, "from 1 to 4294967294"},
    {"PerUser", "4K", 1, "from 1 to 4294967294"},
    {"PerUser", "1 2", 1, "from 1 to 4294967294"},
    {"MaxMemory", "0", 1, "is not a size"},
    {"MaxMemory", "G", 1, "is not a size"},
    {"MaxMemory", "16g", 1, "is not a size"},
    {"MaxMemory", "16GB", 1, "is not a size"},
    {"MaxMemory", "16 G", 1, "is not a size"},
    {"MaxMemory", "1.5G", 1, "is not a size"},
    {"MaxMemory", "016G", 1, "is not a size"},
    {"MaxMemory", "16777216T", 1, "is not a size"},
    {"MaxMemory", "18446744073709551616", 1, "is not a size"},
    {"MaxMemory", "infinity", 1, "is not a size"},
    {"Reset", "FLR", 1, "did you mean 'flr'"},
    {"Reset", "flr slot", 5, "'slot' is not a value of Reset"},
    {"Reset", "flr any", 5, "'any' stands alone"},
    {"Reset", "none flr", 1, "'none' stands alone"},
    {"Reset", "flr bus flr", 9, "twice"},
    {"Reset", "flr,bus", 4, "not by ','"},
    {"Driver", "nouveau", 1, "a variant of vfio-pci"},
    {"Driver", "vfio_pci", 1, "a variant of vfio-pci"},
    {"Driver", "-vfio-pci", 1, "a variant of vfio-pci"},
    {"Driver", "../x-vfio-pci", 1, "a variant of vfio-pci"},
    {"Driver", "a b-vfio-pci", 1, "a variant of vfio-pci"},
    {"Driver", "NVGRACE_vfio_pci", 1, "a variant of vfio-pci"},
    {"Driver", "a123456789a123456789a123456789a123456789a123456-vfio-pci", 1, "a variant"},
    {"OnRelease", "hsot", 1, "did you mean 'host'"},
    {"OnRelease", "reserve", 1, "did you mean 'reserved'"},
    {"Siblings", "all", 1, "expected 'refuse', 'stub' or 'claim'"},
    {"AllowInUse", "disk", 1, "a disk in use is never taken away"},
    {"AllowInUse", "sound storage", 7, "a disk in use is never taken away"},
    {"AllowInUse", "graphics", 1, "'graphics' is not a value of AllowInUse"},
    {"AllowInUse", "netwrok", 1, "did you mean 'network'"},
    {"AllowInUse", "sound none", 7, "'none' stands alone"},
    {"AllowInUse", "sound sound", 7, "twice"},
    {"AllowInUse", "all", 1, "is not a value of AllowInUse"},
    {"SysfsFiles", "true", 1, "expected 'no' or 'yes'"},
    {"Reserve", "yes", 1, "expected 'no' or 'boot'"},
};

static void append_unless(GString *text, const char *key, const char *other, const char *value) {
    if (!g_str_equal(key, other))
        g_string_append_printf(text, "%s=%s\n", other, value);
}

START_TEST(bad_value) {
    const char *key = values[_i].key;
    g_autoptr(GString) text = g_string_new("[Device a]\n");
    g_string_append_printf(text, "%s=%s\n", key, values[_i].value);
    append_unless(text, key, "Path", "01.1/00.0");
    append_unless(text, key, "Id", "10de:2230");
    append_unless(text, key, "AllowUser", "zoe");
    guint column = (guint)strlen(key) + 1 + values[_i].column;
    Complaint row = {text->str, 2, column, E, values[_i].says};
    PcaPolicyFile file = {.name = "a.conf", .text = text->str, .length = text->len};
    expect_complaint(&row, &file);
}
END_TEST

/* What keeps without more ado what it means. */
static const struct {
    const char *key, *value;
} good[] = {
    {"Address", "10000:01:00.0"},
    {"Class", "03 0403 010802"},
    {"Serial", "FF-ff-FF-ff-FF-ff-FF-ff"},
    {"AllowUnit", "a\\x2db.service user@1000.service *.slice machine-qemu\\x2d*.scope"},
    {"RequireUnit", "*.service"},
    {"RequireLabel", "system_u:system_r:svirt_t:s0:c1,c2 libvirt-* unconfined"},
    {"PerUser", "4294967294"},
    {"MaxMemory", "1"},
    {"MaxMemory", "1K"},
    {"MaxMemory", "16777215T"},
    {"MaxMemory", "18446744073709551615"},
    {"Reset", "device_specific acpi flr af_flr pm bus cxl_bus"},
    {"Driver", "vfio-pci"},
    {"Driver", "pci-stub"},
    {"Driver", "hisi-acc-vfio-pci"},
    {"AllowInUse", "network display input sound other"},
    {"Functions", "one"},
    {"Reset", "any"},
    {"Driver", "auto"},
    {"OnRelease", "host"},
    {"Siblings", "refuse"},
    {"SysfsFiles", "no"},
    {"Reserve", "no"},
    {"Authorize", "none"},
    {"AllowInUse", "none"},
};

START_TEST(good_value) {
    g_autofree char *text = g_strdup_printf(
        "[Device a]\nPath=01.0\nId=10de:2230\nAllowUser=a\n%s=%s\n", good[_i].key, good[_i].value);
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy = parse_text(text, diagnostics);
    g_autofree char *all = format_all(diagnostics);
    ck_assert_str_eq(all, "");
    ck_assert_ptr_nonnull(policy);
}
END_TEST

static const struct {
    const char *size;
    guint64 bytes;
} sizes[] = {
    {"1", 1},
    {"4096", 4096},
    {"3K", 3072},
    {"2M", 2097152},
    {"16G", G_GUINT64_CONSTANT(17179869184)},
    {"1T", G_GUINT64_CONSTANT(1099511627776)},
    {"18446744073709551615", G_MAXUINT64},
};

START_TEST(size) {
    g_autofree char *text =
        g_strdup_printf("[Device a]\nPath=01.0\nMaxMemory=%s\n", sizes[_i].size);
    g_autoptr(PcaPolicy) policy = parse_good(text);
    ck_assert_uint_eq(pca_policy_find(policy, "a")->max_memory, sizes[_i].bytes);
}
END_TEST

/* What is not in a section is its default, and a default that is given is the same. */
START_TEST(defaults) {
    static const char *const texts[] = {
        "[Device a]\nPath=01.0\n",
        "[Device a]\nPath=01.0\nFunctions=one\nAuthorize=none\nReset=any\nDriver=auto\n"
        "OnRelease=host\nSiblings=refuse\nAllowInUse=none\nSysfsFiles=no\nReserve=no\n"};
    g_autoptr(PcaPolicy) policy = parse_good(texts[_i]);
    const PcaSection *section = pca_policy_find(policy, "a");
    ck_assert(!section->all_functions && !section->polkit && !section->has_serial);
    ck_assert(!section->reserve_on_release && !section->sysfs_files);
    ck_assert_uint_eq(section->per_user, 0);
    ck_assert_uint_eq(section->max_memory, 0);
    ck_assert_uint_eq(section->allow_in_use, 0);
    ck_assert_int_eq(section->siblings, PCA_SIBLINGS_REFUSE);
    ck_assert_ptr_null(section->reset);
    ck_assert_ptr_null(section->driver);
    ck_assert_ptr_null(*section->allow_units);
}
END_TEST

START_TEST(values_that_differ) {
    g_autoptr(PcaPolicy) policy =
        parse_good("[Device a]\nPath=01.0\nReset=none\nDriver=pci-stub\nOnRelease=reserved\n"
                   "Siblings=claim\nAllowInUse=display input\nSysfsFiles=yes\nPerUser=7\n"
                   "Serial=01-23-45-67-89-ab-cd-ef\nClass=0C03\nAuthorize=polkit\n");
    const PcaSection *section = pca_policy_find(policy, "a");
    ck_assert(section->reset && !*section->reset);
    ck_assert_str_eq(section->driver, "pci-stub");
    ck_assert(section->reserve_on_release && section->sysfs_files && section->polkit);
    ck_assert_int_eq(section->siblings, PCA_SIBLINGS_CLAIM);
    ck_assert_uint_eq(section->allow_in_use, PCA_USE_DISPLAY | PCA_USE_INPUT);
    ck_assert_uint_eq(section->per_user, 7);
    ck_assert(section->has_serial);
    ck_assert_uint_eq(section->serial, G_GUINT64_CONSTANT(0x0123456789abcdef));
    const PcaClassMatch *class = &g_array_index(section->classes, PcaClassMatch, 0);
    ck_assert(class->value == 0x0c03 && class->digits == 4);
    ck_assert_uint_eq(pca_section_line(section, PCA_KEY_RESET), 3);
    ck_assert_uint_eq(pca_section_line(section, PCA_KEY_ALLOW_USER), 0);
    g_autofree char *serial = pca_serial_format(section->serial);
    ck_assert_str_eq(serial, "01-23-45-67-89-ab-cd-ef");
}
END_TEST

void add_values(Suite *suite) {
    PCA_TABLE(suite, "bad values", bad_value, values);
    PCA_TABLE(suite, "good values", good_value, good);
    PCA_TABLE(suite, "sizes", size, sizes);
    TCase *rest = tcase_create("values, the rest");
    tcase_add_loop_test(rest, defaults, 0, 2);
    tcase_add_test(rest, values_that_differ);
    suite_add_tcase(suite, rest);
}
