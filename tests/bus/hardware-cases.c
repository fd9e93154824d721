/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the objects on the bus say of config spaces, and Explain, with and without a worker
 * that opens them.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

#define NIC_PATH ROOT_PATH "/device/0000_01_00_0"
#define PORT "0000:00:01.0"
#define PORT_PATH ROOT_PATH "/device/0000_00_01_0"
#define GPU_PATH ROOT_PATH "/device/0000_03_00_0"
#define PATIENCE (5 * G_TIME_SPAN_SECOND)

static GVariant *explain(const char *path) {
    g_autoptr(GVariant) reply = pca_call(bus, path, "Device.Explain", NULL, NULL);
    return g_variant_get_child_value(reply, 0);
}

static char *print(GVariant *dictionary, const char *key) {
    g_autoptr(GVariant) value = g_variant_lookup_value(dictionary, key, NULL);
    return value ? g_variant_print(value, FALSE) : NULL;
}

#define expect_entry(dictionary, key, expected)                                                    \
    do {                                                                                           \
        g_autofree char *pca_value = print(dictionary, key);                                       \
        ck_assert_pstr_eq(pca_value, expected);                                                    \
    } while (0)

#define expect_property(path, name, expected)                                                      \
    do {                                                                                           \
        g_autofree char *pca_value = pca_property(bus, path, DEVICE, name);                        \
        ck_assert_pstr_eq(pca_value, expected);                                                    \
    } while (0)

/* Waits until the property is so. */
static void await_property(const char *path, const char *name, const char *expected) {
    gint64 end = g_get_monotonic_time() + PATIENCE;
    for (;;) {
        g_autofree char *value = pca_property(bus, path, DEVICE, name);
        if (g_strcmp0(value, expected) == 0 || g_get_monotonic_time() > end) {
            ck_assert_pstr_eq(value, expected);
            return;
        }
        g_usleep(20000);
    }
}

/* The verdict "isolation" of a check. */
static char *check_isolation(const char *devices) {
    g_autoptr(GVariant) reply =
        pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(devices, NULL), NULL);
    g_autoptr(GVariant) checks = g_variant_get_child_value(reply, 1);
    for (gsize i = 0; i < g_variant_n_children(checks); i++) {
        const char *name = NULL, *text = NULL;
        g_autoptr(GVariant) check = g_variant_get_child_value(checks, i);
        if (g_variant_lookup(check, "name", "&s", &name) && g_str_equal(name, "isolation") &&
            g_variant_lookup(check, "text", "&s", &text))
            return g_strdup(text);
    }
    return NULL;
}

/* ---- Properties ---- */

START_TEST(port_properties) {
    expect_property(PORT_PATH, "HeaderType", "1");
    expect_property(PORT_PATH, "PcieType", "4");
    expect_property(PORT_PATH, "Multifunction", "false");
    expect_property(PORT_PATH, "CapabilitiesComplete", "true");
    expect_property(PORT_PATH, "Acs",
                    "{'capabilities': <['SV', 'RR', 'CR', 'UF']>, "
                    "'control': <['SV', 'RR', 'CR', 'UF']>}");
    expect_property(PORT_PATH, "Capabilities",
                    "[{'id': <uint32 16>, 'offset': <uint32 64>, 'name': <'PCIe'>, "
                    "'extended': <false>}, {'id': <uint32 13>, 'offset': <uint32 256>, 'name': "
                    "<'ACS'>, 'extended': <true>}]");
}
END_TEST

START_TEST(endpoint_properties) {
    expect_property(NIC_PATH, "PcieType", "-1");
    expect_property(NIC_PATH, "CapabilitiesComplete", "true");
    expect_property(NIC_PATH, "Capabilities", "[]");
    expect_property(NIC_PATH, "Acs", "{}");
    expect_property(NIC_PATH, "Sriov", "{}");
    expect_property(NIC_PATH, "Bars", "[]");
    expect_property(GPU_PATH, "Multifunction", "true");
    /* The fake host has no modules. */
    expect_property(NIC_PATH, "VfioDriver", "");
}
END_TEST

START_TEST(interrupts_after_another_driver) {
    pca_world_tell(world, "function 0000:0b:00.0 id=8086:10d3 group=50 driver=e1000e pin=1 "
                          "reset=flr");
    pca_world_tell(world, "set 0000:0b:00.0 enable 1");
    pca_world_tell(world, "set 0000:0b:00.0 irq 16");
    pca_world_tell(world, "write sys/kernel/irq/16/actions eth0");
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices("0b:00.0", NULL), NULL));
    await_property(ROOT_PATH "/device/0000_0b_00_0", "Interrupts",
                   "{'pin': <uint32 1>, 'intx_shared_with': <['eth0']>, 'msi_vectors': <uint32 0>, "
                   "'msix_vectors': <uint32 0>}");
    pca_world_tell(world, "write sys/kernel/irq/16/actions ahci");
    pca_world_tell(world, "unplug 0000:0b:00.0");
    pca_world_tell(world, "function 0000:0b:00.0 id=8086:10d3 group=50 driver=pci-stub pin=1 "
                          "reset=flr");
    pca_world_tell(world, "set 0000:0b:00.0 enable 1");
    pca_world_tell(world, "set 0000:0b:00.0 irq 16");
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices("0b:00.0", NULL), NULL));
    await_property(ROOT_PATH "/device/0000_0b_00_0", "Interrupts",
                   "{'pin': <uint32 1>, 'intx_shared_with': <['ahci']>, 'msi_vectors': <uint32 0>, "
                   "'msix_vectors': <uint32 0>}");
    pca_world_tell(world, "unplug 0000:0b:00.0");
    pca_world_tell(world, "delete sys/kernel/irq/16");
}
END_TEST

/* ---- Isolation ---- */

START_TEST(explains) {
    g_autoptr(GVariant) alone = explain(NIC_PATH);
    expect_entry(alone, "Address", "'" NIC "'");
    expect_entry(alone, "IommuGroup", "2");
    expect_entry(alone, "KernelGroup", "['" NIC "']");
    expect_entry(alone, "IsolationSet", "['" NIC "']");
    expect_entry(alone, "Agrees", "true");
    expect_entry(alone, "Warnings", "[]");
    g_autoptr(GVariant) pair = explain(GPU_PATH);
    expect_entry(pair, "IsolationSet", "['0000:03:00.0', '0000:03:00.1']");
    expect_entry(pair, "Agrees", "true");
    g_autofree char *reasons = print(pair, "Reasons");
    ck_assert_ptr_nonnull(strstr(reasons, "'cause': <'multifunction-no-acs'>"));
    pca_refused(bus, ROOT_PATH "/device/0000_01_00_0", "Device.Reset",
                g_variant_new_parsed("(@a{sv} {'x': <1>},)"), "InvalidArgument");
}
END_TEST

START_TEST(anyone_may_ask) {
    if (!pca_become(ALICE))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect(world);
    g_autoptr(GVariant) reply = pca_call(alice, NIC_PATH, "Device.Explain", NULL, NULL);
    ck_assert_ptr_nonnull(reply);
}
END_TEST

START_TEST(explains_the_registers_as_they_are) {
    pca_world_tell(world, "register " PORT " 106 5");
    g_autoptr(GVariant) open = explain(NIC_PATH);
    expect_entry(open, "IsolationSet", "['" PORT "', '" NIC "']");
    expect_entry(open, "KernelGroup", "['" NIC "']");
    expect_entry(open, "Agrees", "false");
    g_autofree char *reasons = print(open, "Reasons");
    ck_assert_ptr_nonnull(strstr(reasons, "'missing': <['CR', 'UF']>"));
    expect_property(PORT_PATH, "Acs",
                    "{'capabilities': <['SV', 'RR', 'CR', 'UF']>, 'control': <['SV', 'RR']>}");
    pca_world_tell(world, "register " PORT " 106 1d");
    g_autoptr(GVariant) apart = explain(NIC_PATH);
    expect_entry(apart, "Agrees", "true");
}
END_TEST

START_TEST(a_refusal_names_port_bits_and_what_mends_it) {
    pca_world_tell(world, "register " PORT " 106 5");
    g_autofree char *text = check_isolation(NIC);
    ck_assert_str_eq(text, "ACS of " PORT " was switched off (CR UF) since the kernel made IOMMU "
                           "group 2 of " NIC ", which is not isolated any more: " PORT
                           " shares with " NIC " because this port cannot keep apart what is "
                           "below it: it lacks CR UF (switched off)");
    const char *message =
        pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "NotIsolated");
    ck_assert_ptr_nonnull(strstr(message, "setpci -s " PORT " ECAP_ACS+6.w=18:18"));
    pca_world_tell(world, "register " PORT " 106 1d");
    g_autofree char *passed = check_isolation(NIC);
    ck_assert_str_eq(passed, "the kernel's IOMMU group isolates it");
}
END_TEST

/* Without a register that was switched off or an option, the kernel knows better. */
START_TEST(what_the_kernel_knows_better_is_a_remark) {
    pca_world_tell(world, "register " PORT " 100 0");
    pca_world_tell(world, "register " PORT " 106 0");
    g_autofree char *text = check_isolation(NIC);
    ck_assert_msg(g_str_has_prefix(text, "the kernel's IOMMU group isolates it; topology and "
                                         "registers do not bear that out: " PORT),
                  "%s", text);
    pca_world_tell(world, "register " PORT " 100 d");
    pca_world_tell(world, "register " PORT " 106 1d");
    g_autofree char *passed = check_isolation(NIC);
    ck_assert_str_eq(passed, "the kernel's IOMMU group isolates it");
}
END_TEST

START_TEST(a_sibling_is_explained) {
    const char *message = pca_refused(bus, ROOT_PATH, "Manager.Claim",
                                      pca_devices("0000:03:00.0", NULL), "GroupIncomplete");
    ck_assert_ptr_nonnull(strstr(message, "which is on the driver snd_hda_intel: 0000:03:00.1 "
                                          "shares with 0000:03:00.0 because the functions of a "
                                          "slot cannot keep their traffic apart"));
}
END_TEST

/* What another device at the address says is read anew. */
START_TEST(another_device_takes_the_place) {
    pca_world_tell(world, "unplug " NIC_2);
    pca_world_tell(world, "function " NIC_2 " below=0000:00:08.0 id=1af4:1041 group=16 header=80 "
                          "driver=virtio-pci reset=flr");
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC_2, NULL), NULL));
    await_property(ROOT_PATH "/device/0000_08_00_0", "Multifunction", "true");
    pca_world_tell(world, "unplug " NIC_2);
    pca_world_tell(world, "function " NIC_2
                          " below=0000:00:08.0 id=8086:10d3 group=16 driver=e1000e reset=flr");
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC_2, NULL), NULL));
    await_property(ROOT_PATH "/device/0000_08_00_0", "Multifunction", "false");
}
END_TEST

/* ---- Without the worker ---- */

/* Everything starts, what the registers say is unknown, and the kernel's groups count; when the
 * worker is there again, the next look learns the rest. */
START_TEST(without_a_worker) {
    pca_world_end_daemon(world, SIGTERM);
    pca_world_tell(world, "deaf");
    pca_world_start_daemon(world);
    g_autofree char *text = check_isolation(NIC);
    ck_assert_msg(g_str_has_prefix(text, "the kernel's IOMMU group isolates it; whether topology "
                                         "and registers do is unknown: " PORT),
                  "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "could not be read"));
    g_autoptr(GVariant) unknown = explain(NIC_PATH);
    expect_entry(unknown, "Agrees", NULL);
    pca_world_tell(world, "listen");
    g_autoptr(GVariant) again = explain(NIC_PATH);
    await_property(PORT_PATH, "PcieType", "4");
    g_autoptr(GVariant) known = explain(NIC_PATH);
    expect_entry(known, "Agrees", "true");
}
END_TEST

/* The worker opens nothing, or fails on some: that is all there will be. */
START_TEST(what_is_not_opened_stays_unknown) {
    pca_world_end_daemon(world, SIGTERM);
    pca_world_tell(world, "fail 'open_config " PORT "' 13");
    pca_world_start_daemon(world);
    g_autoptr(GVariant) unknown = explain(NIC_PATH);
    expect_entry(unknown, "Agrees", NULL);
    g_autoptr(GVariant) known = explain(ROOT_PATH "/device/0000_08_00_0");
    expect_entry(known, "Agrees", "true");
    pca_world_tell(world, "heal");
}
END_TEST

TCase *pca_hardware_cases(void) {
    TCase *tcase = pca_shared_case_new("hardware");
    tcase_add_test(tcase, port_properties);
    tcase_add_test(tcase, endpoint_properties);
    tcase_add_test(tcase, interrupts_after_another_driver);
    tcase_add_test(tcase, explains);
    tcase_add_test(tcase, anyone_may_ask);
    tcase_add_test(tcase, explains_the_registers_as_they_are);
    tcase_add_test(tcase, a_refusal_names_port_bits_and_what_mends_it);
    tcase_add_test(tcase, what_the_kernel_knows_better_is_a_remark);
    tcase_add_test(tcase, a_sibling_is_explained);
    tcase_add_test(tcase, another_device_takes_the_place);
    return tcase;
}

TCase *pca_unopened_cases(void) {
    TCase *tcase = pca_case_new("config spaces that are not opened");
    tcase_add_test(tcase, without_a_worker);
    tcase_add_test(tcase, what_is_not_opened_stays_unknown);
    return tcase;
}
