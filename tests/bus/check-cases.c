/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: every refusal that can be staged on a fake host: Check names it, Claim fails with it,
 * and nothing is touched.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

typedef struct {
    const char *stage; /* commands for the host, separated by ";"; or NULL */
    const char *devices;
    const char *check, *error; /* the first failure */
    const char *culprit;       /* NULL: any */
    const char *unstage;
} Refusal;

#define PORT "0000:00:01.0"
#define ACS PORT " 106 "
#define REGIONS "sys/kernel/iommu_groups/2/reserved_regions"
#define NOIOMMU "sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
#define IRQ "sys/kernel/irq/"
#define INTERRUPTS "sys/module/iommufd/parameters/allow_unsafe_interrupts"

/* What root, who needs no policy, is refused. Each row leaves the host as it was. */
static const Refusal refusals[] = {
    {NULL, "0000:77:00.0", "exists", "NotFound", "0000:77:00.0", NULL},
    {NULL, "77:00.0", "exists", "NotFound", "77:00.0", NULL},
    {NULL, "no-such-name", "exists", "NotFound", "no-such-name", NULL},
    {NULL, "empty-slot", "exists", "NotFound", "empty-slot", NULL},
    {NULL, "01:00.8", "exists", "InvalidArgument", "01:00.8", NULL},
    {NULL, "zz:00.0", "exists", "InvalidArgument", "zz:00.0", NULL},
    {NULL, "0000:01:00.0/../x", "exists", "InvalidArgument", NULL, NULL},
    {NULL, "01:00.0 0000:01:00.0", "exists", "InvalidArgument", "0000:01:00.0", NULL},
    {NULL, "nic 01:00.0", "exists", "InvalidArgument", "01:00.0", NULL},
    {NULL, "04:00.0", "iommu", "NotIsolated", "0000:04:00.0", NULL},
    {"write " NOIOMMU " Y", NIC, "iommu", "NotIsolated", NULL, "delete sys/module/vfio"},
    {NULL, "10:00.0", "policy", "NotPermitted", NULL, NULL},
    {NULL, "exchanged", "identity", "IdentityMismatch", "0000:09:00.0", NULL},
    {NULL, "02:00.0", "in-use", "InUse", NULL, NULL},
    {NULL, "0a:00.0", "in-use", "InUse", NULL, NULL},
    {NULL, "00:01.0", "in-use", "InUse", "0000:00:01.0", NULL},
    {"use 0000:07:00.0", "07:00.0", "in-use", "InUse", NULL, "unuse 0000:07:00.0"},
    {"function 0000:0b:00.0 group=50 reset=flr;disk 0000:0b:00.0 host0/0:0:0:0 sdx 65:112;"
     "fail 'hold_disk 65:112' 16",
     "0b:00.0", "in-use", "InUse", "sdx", "heal;unplug 0000:0b:00.0;delete sys/class/block/sdx"},
    {"function 0000:0b:00.0 group=50 reset=flr;opener 4711 mixer /dev/null;"
     "character 0000:0b:00.0 sound/card0 sound controlC0 1:3",
     "0b:00.0", "in-use", "InUse", NULL, "delete proc/4711"},
    {"deaf", "0b:00.0", "in-use", "InUse", "0000:0b:00.0",
     "listen;unplug 0000:0b:00.0;delete sys/class/sound;delete sys/dev/char"},
    {"set 0000:03:00.0 boot_vga 1", "gpu", "in-use", "InUse", "boot_vga",
     "set 0000:03:00.0 boot_vga 0"},
    {"write " REGIONS " '0x0 0xfff direct'", NIC, "isolation", "NotIsolated", "0000:01:00.0",
     "write " REGIONS " '0x0 0xfff msi'"},
    {"register " ACS "0", NIC, "isolation", "NotIsolated", PORT, "register " ACS "1d"},
    {"register " ACS "1c", NIC, "isolation", "NotIsolated", PORT, "register " ACS "1d"},
    {"register " ACS "0;write proc/cmdline 'quiet pcie_acs_override=downstream'", NIC, "isolation",
     "NotIsolated", "pcie_acs_override", "register " ACS "1d;delete proc/cmdline"},
    {"register " PORT " 100 0;register " ACS "2;"
     "write proc/cmdline 'pci=nommconf,config_acs=x@" PORT "'",
     NIC, "isolation", "NotIsolated", "config_acs",
     "register " PORT " 100 d;register " ACS "1d;delete proc/cmdline"},
    {NULL, "03:00.0", "group", "GroupIncomplete", "0000:03:00.1", NULL},
    {NULL, "03:00.1", "group", "GroupIncomplete", "0000:03:00.0", NULL},
    {"set 0000:03:00.1 vendor unreadable", "03:00.0", "group", "GroupIncomplete", "0000:03:00.1",
     "set 0000:03:00.1 vendor 0x10de"},
    {"function 0000:0b:00.0 group=50 reset=flr;delete sys/kernel/iommu_groups/50/devices",
     "0b:00.0", "group", "GroupIncomplete", NULL, "unplug 0000:0b:00.0"},
    {"write " INTERRUPTS " Y", NIC, "interrupts", "NotIsolated", "allow_unsafe_interrupts",
     "delete sys/module/iommufd"},
    {"write " IRQ "0/chip_name IO-APIC", NIC, "interrupts", "NotIsolated", "interrupt remapping",
     "delete " IRQ "0"},
    {"function 0000:0b:00.0 id=10ec:8169 pin=1 group=50 driver=r8169 reset=flr;"
     "set 0000:0b:00.0 enable 1;set 0000:0b:00.0 irq 16;write " IRQ "16/actions ahci,r8169",
     "0b:00.0", "interrupts", "InUse", "ahci", "unplug 0000:0b:00.0;delete " IRQ "16"},
    {"delete sys/class/misc/iommu;delete sys/class/misc/vfio", NIC, "driver", "Unsupported",
     "/dev/iommu", "write sys/class/misc/iommu/dev 10:126;write sys/class/misc/vfio/dev 10:196"},
    {NULL, "06:00.0", "driver", "Busy", "othertool", NULL},
    {"function 0000:0b:00.0 group=50 reset=flr total-vfs=2;"
     "function 0000:0b:00.1 group=51 pf=0000:0b:00.0 reset=flr",
     "0b:00.0", "sriov", "InUse", "0000:0b:00.0", "unplug 0000:0b:00.1;unplug 0000:0b:00.0"},
    {"function 0000:0b:00.0 group=50 driver=vfio-pci reset=flr total-vfs=2;"
     "function 0000:0b:00.1 group=51 pf=0000:0b:00.0 driver=vfio-pci reset=flr",
     "0b:00.1", "sriov", "InUse", "0000:0b:00.0", "unplug 0000:0b:00.1;unplug 0000:0b:00.0"},
    {NULL, "05:00.0", "reset", "NoReset", "0000:05:00.0", NULL},
    {"function 0000:11:00.0 header=80 group=50 reset=bus;function 0000:11:00.1 group=51", "11:00.0",
     "reset", "NoReset", "0000:11:00.1", "unplug 0000:11:00.0;unplug 0000:11:00.1"},
    {NULL, "01:00.0 05:00.0", "reset", "NoReset", "0000:05:00.0", NULL},
    {NULL, "05:00.0 01:00.0", "reset", "NoReset", "0000:05:00.0", NULL},
    {NULL, "01:00.0 0000:77:00.0", "exists", "NotFound", "0000:77:00.0", NULL},
};

static void stage(const char *commands) {
    g_auto(GStrv) list = g_strsplit(commands ? commands : "", ";", -1);
    for (char **command = list; *command; command++)
        pca_world_tell(world, "%s", *command);
}

/* The first check that failed, which must have all its members. */
static GVariant *first_failure(GVariant *reply) {
    g_autoptr(GVariant) checks = g_variant_get_child_value(reply, 1);
    for (gsize i = 0; i < g_variant_n_children(checks); i++) {
        g_autoptr(GVariant) check = g_variant_get_child_value(checks, i);
        gboolean ok = FALSE;
        ck_assert(g_variant_lookup(check, "ok", "b", &ok));
        if (!ok)
            return g_steal_pointer(&check);
    }
    return NULL;
}

static void expect_check(GDBusConnection *c, const Refusal *row) {
    const char *name = "", *error = "", *culprit = "", *text = "";
    gboolean ok = TRUE;
    g_autoptr(GVariant) reply =
        pca_call(c, ROOT_PATH, "Manager.Check", pca_devices(row->devices, NULL), NULL);
    g_variant_get_child(reply, 0, "b", &ok);
    ck_assert_msg(!ok, "%s: nothing is refused", row->devices);
    g_autoptr(GVariant) check = first_failure(reply);
    g_variant_lookup(check, "name", "&s", &name);
    g_variant_lookup(check, "error", "&s", &error);
    g_variant_lookup(check, "culprit", "&s", &culprit);
    g_variant_lookup(check, "text", "&s", &text);
    ck_assert_msg(g_str_equal(name, row->check) && g_str_equal(error, row->error),
                  "%s: %s %s instead of %s %s: %s", row->devices, name, error, row->check,
                  row->error, text);
    ck_assert_msg(!row->culprit || g_str_equal(culprit, row->culprit), "%s: culprit %s, not %s",
                  row->devices, culprit, row->culprit);
    ck_assert_str_ne(text, "");
}

static void expect_untouched(const char *devices) {
    g_autofree char *log = pca_world_log(world);
    ck_assert_msg(*log == '\0', "%s: %s", devices, log);
}

static void expect_refusal(GDBusConnection *c, const Refusal *row) {
    stage(row->stage);
    expect_check(c, row);
    pca_refused(c, ROOT_PATH, "Manager.Claim", pca_devices(row->devices, NULL), row->error);
    stage(row->unstage);
}

START_TEST(refused) {
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++)
        expect_refusal(bus, &refusals[i]);
    expect_untouched("all");
    pca_world_await_no_claim(world);
}
END_TEST

/* What the policy refuses to Alice. */
static const Refusal denials[] = {
    {NULL, NIC_2, "policy", "NotPermitted", "second-nic", NULL},
    {NULL, "second-nic", "policy", "NotPermitted", "second-nic", NULL},
    {NULL, "09:00.0", "identity", "IdentityMismatch", "0000:09:00.0", NULL},
    {NULL, "05:00.0", "policy", "NotPermitted", "0000:05:00.0", NULL},
    {NULL, "10:00.0", "policy", "NotPermitted", NULL, NULL},
    {NULL, "nic second-nic", "policy", "NotPermitted", "second-nic", NULL},
    /* The first refusal is the policy's: others are not asked for what they may not have. */
    {NULL, "02:00.0", "policy", "NotPermitted", "0000:02:00.0", NULL},
};

START_TEST(denied) {
    if (!pca_become(ALICE))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect(world);
    for (gsize i = 0; i < G_N_ELEMENTS(denials); i++)
        expect_refusal(alice, &denials[i]);
    expect_untouched("all");
}
END_TEST

START_TEST(passed) {
    static const char *const good[] = {
        NIC, "nic", "01:00.0", "gpu", "03:00.0 03:00.1", "07:00.0", "nic 0000:08:00.0"};
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        gboolean ok = FALSE;
        g_autoptr(GVariant) reply =
            pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(good[i], NULL), NULL);
        g_autoptr(GVariant) checks = g_variant_get_child_value(reply, 1);
        g_variant_get_child(reply, 0, "b", &ok);
        g_autofree char *text = g_variant_print(checks, FALSE);
        ck_assert_msg(ok, "%s: %s", good[i], text);
        /* One verdict for each check of the interface. */
        ck_assert_uint_eq(g_variant_n_children(checks), 12);
    }
    expect_untouched("all");
}
END_TEST

/* A kernel with one way only of handing over. */
START_TEST(handoffs) {
    static const char cdev[] = "{'handoff': <'cdev'>}", group[] = "{'handoff': <'group'>}";
    static const char node[] = "{'handoff': <'node'>}";
    pca_world_tell(world, "delete sys/class/misc/iommu");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, cdev), "Unsupported");
    pca_world_tell(world, "write sys/class/misc/iommu/dev 10:126");
    pca_world_tell(world, "delete sys/class/misc/vfio");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, group), "Unsupported");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, node), "Unsupported");
    pca_world_tell(world, "write sys/class/misc/vfio/dev 10:196");
    expect_untouched("handoffs");
}
END_TEST

static const char *const bad_options[] = {
    "{'unknown': <1>}",
    "{'title': <1>}",
    "{'title': <''>}",
    "{'memory': <'4G'>}",
    "{'memory': <uint32 4>}",
    "{'wait': <-1>}",
    "{'wait': <uint64 18446744073709551615>}",
    "{'title': <'x'>, 'asynchronous': <true>}",
    "{'async': <1>}",
    "{'join': <'" ROOT_PATH "/claim/00112233445566778899aabbccddeeff'>}",
    "{'join': <objectpath '" ROOT_PATH "/claim/00112233445566778899aabbccddeeff'>}",
    "{'join-lease': <handle 0>}",
    "{'join': <objectpath '" ROOT_PATH "'>, 'join-lease': <handle 0>}",
    "{'join': <objectpath '" ROOT_PATH "/claim/x/y'>, 'join-lease': <handle 0>}",
};

/* Options that Claim alone knows. */
static const char *const claim_options[] = {
    "{'async': <true>}",
    "{'join': <objectpath '" ROOT_PATH "/claim/00112233445566778899aabbccddeeff'>, "
    "'join-lease': <handle 0>}",
};

/* What a check that passes tells of interrupts. */
static const struct {
    const char *stage, *text, *unstage;
} facts[] = {
    {NULL, "vfio does not accept interrupts that are not remapped; no INTx", NULL},
    {"write " IRQ "0/chip_name IR-IO-APIC", "remapped; no INTx", NULL},
    {"function 0000:0b:00.0 pin=1 group=50 reset=flr",
     "remapped; INTx not routed yet, DisINTx untested", NULL},
    {"set 0000:0b:00.0 max_link_speed 8GT", "remapped; INTx not routed yet, masked by DisINTx",
     NULL},
    {"set 0000:0b:00.0 enable 1;set 0000:0b:00.0 irq 16;write " IRQ "16/actions ''",
     "remapped; INTx not shared, masked by DisINTx", NULL},
    {"write " IRQ "16/actions ahci,eth1",
     "remapped; INTx shared with ahci, eth1, masked by DisINTx",
     "unplug 0000:0b:00.0;delete sys/kernel/irq"},
};

static void expect_fact(const char *device, const char *check_name, const char *text) {
    guint found = 0;
    g_autoptr(GVariant) reply =
        pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(device, NULL), NULL);
    g_autoptr(GVariant) checks = g_variant_get_child_value(reply, 1);
    for (gsize i = 0; i < g_variant_n_children(checks); i++) {
        g_autoptr(GVariant) check = g_variant_get_child_value(checks, i);
        const char *name = "", *said = "";
        g_variant_lookup(check, "name", "&s", &name);
        g_variant_lookup(check, "text", "&s", &said);
        if (!g_str_equal(name, check_name))
            continue;
        ck_assert_str_eq(said, text);
        found++;
    }
    ck_assert_uint_eq(found, 1);
}

START_TEST(interrupts) {
    for (gsize i = 0; i < G_N_ELEMENTS(facts); i++) {
        stage(facts[i].stage);
        expect_fact(i < 2 ? NIC : "0b:00.0", "interrupts", facts[i].text);
        stage(facts[i].unstage);
    }
    expect_untouched("interrupts");
}
END_TEST

/* The section lets network and input pass, and nothing else. */
START_TEST(allowed_uses) {
    stage("function 0000:0b:00.0 group=50 reset=flr;interface 0000:0b:00.0 eth7 7;"
          "write proc/1/net/if_inet6 '0 07 40 00 80 eth7'");
    expect_fact("0b:00.0", "in-use", "the host does not use it");
    stage("write sys/class/net/eth7/flags 0x1003");
    expect_fact("0b:00.0", "in-use",
                "used as network, which the policy lets be ended: interface eth7 of 0000:0b:00.0 "
                "is up and has an address");
    stage("route eth7");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices("0b:00.0", NULL), "InUse");
    expect_untouched("uses");
    stage("unplug 0000:0b:00.0;delete sys/class/net/eth7");
}
END_TEST

START_TEST(options) {
    static const char *const methods[] = {"Manager.Check", "Manager.Claim", "Manager.Plan"};
    g_autofree char *long_name = g_strnfill(300, 'x');
    g_autofree char *title = g_strdup_printf("{'title': <'%s'>}", long_name);
    for (gsize m = 0; m < G_N_ELEMENTS(methods); m++) {
        for (gsize i = 0; i < G_N_ELEMENTS(bad_options); i++)
            pca_refused(bus, ROOT_PATH, methods[m], pca_devices(NIC, bad_options[i]),
                        "InvalidArgument");
        pca_refused(bus, ROOT_PATH, methods[m], pca_devices(NIC, title), "InvalidArgument");
        pca_refused(bus, ROOT_PATH, methods[m], pca_devices(long_name, NULL), "InvalidArgument");
        pca_refused(bus, ROOT_PATH, methods[m], pca_devices("", NULL), "InvalidArgument");
        pca_refused(bus, ROOT_PATH, methods[m], g_variant_new_parsed("(@a(sa{sv}) [], @a{sv} {})"),
                    "InvalidArgument");
        pca_refused(bus, ROOT_PATH, methods[m],
                    g_variant_new_parsed("([('nic', {'what': <1>})], @a{sv} {})"),
                    "InvalidArgument");
        pca_refused(bus, ROOT_PATH, methods[m], pca_devices(NIC, "{'handoff': <'telepathy'>}"),
                    "Unsupported");
    }
    for (gsize i = 0; i < G_N_ELEMENTS(claim_options); i++) {
        pca_refused(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC, claim_options[i]),
                    "InvalidArgument");
        pca_refused(bus, ROOT_PATH, "Manager.Plan", pca_devices(NIC, claim_options[i]),
                    "InvalidArgument");
    }
    /* It comes with no descriptor at all. */
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, claim_options[1]),
                "InvalidArgument");
    expect_untouched("options");
}
END_TEST

START_TEST(too_many) {
    g_autoptr(GString) words = g_string_new("00:00.0");
    for (int i = 1; i < 65; i++)
        g_string_append_printf(words, " %02x:00.0", i);
    pca_refused(bus, ROOT_PATH, "Manager.Check", pca_devices(words->str, NULL), "InvalidArgument");
}
END_TEST

START_TEST(plan) {
    const char *op = NULL, *device = NULL, *undo = NULL;
    g_autoptr(GVariant) reply =
        pca_call(bus, ROOT_PATH, "Manager.Plan", pca_devices("gpu", NULL), NULL);
    g_autoptr(GVariant) steps = g_variant_get_child_value(reply, 0);
    ck_assert_uint_eq(g_variant_n_children(steps), 8);
    g_autoptr(GVariant) override = g_variant_get_child_value(steps, 2);
    ck_assert(g_variant_lookup(override, "op", "&s", &op));
    ck_assert(g_variant_lookup(override, "device", "&s", &device));
    ck_assert(g_variant_lookup(override, "undo", "&s", &undo));
    ck_assert_str_eq(op, "override");
    ck_assert_str_eq(device, "0000:03:00.0");
    ck_assert_str_eq(undo, "bind to nouveau again, clear driver_override");
    g_autoptr(GVariant) by_node =
        pca_call(bus, ROOT_PATH, "Manager.Plan", pca_devices("gpu", "{'handoff': <'node'>}"), NULL);
    g_autoptr(GVariant) more = g_variant_get_child_value(by_node, 0);
    ck_assert_uint_eq(g_variant_n_children(more), 9);
    g_autoptr(GVariant) give = g_variant_get_child_value(more, 8);
    ck_assert(g_variant_lookup(give, "op", "&s", &op));
    ck_assert_str_eq(op, "give");
    pca_refused(bus, ROOT_PATH, "Manager.Plan", pca_devices("77:00.0", NULL), "NotFound");
    expect_untouched("plan");
}
END_TEST

TCase *pca_check_cases(void) {
    TCase *tcase = pca_shared_case_new("checks");
    tcase_add_test(tcase, refused);
    tcase_add_test(tcase, denied);
    tcase_add_test(tcase, passed);
    tcase_add_test(tcase, handoffs);
    tcase_add_test(tcase, interrupts);
    tcase_add_test(tcase, allowed_uses);
    tcase_add_test(tcase, options);
    tcase_add_test(tcase, too_many);
    tcase_add_test(tcase, plan);
    return tcase;
}
