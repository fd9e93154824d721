/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: show: everything that is known of one function.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "device-json.h"
#include "output.h"
#include "source.h"
#include "base/error.h"
#include "pci/config.h"

#include <stdio.h>

static void print_json(const PcaOptions *options, GVariant *description, const char *claim) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    pca_json_device_brief(builder, description, claim);
    pca_json_device_rest(builder, description);
    json_builder_end_object(builder);
    pca_json_print(options, builder);
}

/* ---- Lines ---- */

static void line(const char *label, const char *value) {
    g_autofree char *text = pca_printable(value && *value ? value : "-");
    printf("%16s%s %s\n", label, *label ? ":" : " ", text);
}

static void format_line(const char *label, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void format_line(const char *label, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    line(label, text);
}

static const char *text_of(GVariant *dictionary, const char *key) {
    return pca_lookup_string(dictionary, key);
}

static void string_line(GVariant *dictionary, const char *label, const char *key) {
    line(label, text_of(dictionary, key));
}

static void number_line(GVariant *dictionary, const char *label, const char *key) {
    gint32 value = -1;
    if (g_variant_lookup(dictionary, key, "i", &value) && value >= 0)
        format_line(label, "%d", value);
    else
        line(label, NULL);
}

static void words_line(GVariant *dictionary, const char *label, const char *key) {
    g_autofree const char **words = NULL;
    g_variant_lookup(dictionary, key, "^a&s", &words);
    g_autofree char *text = words ? g_strjoinv(" ", (char **)words) : NULL;
    line(label, words && !*words ? "none" : text);
}

static GVariant *part_of(GVariant *description, const char *key) {
    GVariant *part = g_variant_lookup_value(description, key, G_VARIANT_TYPE_VARDICT);
    if (part && g_variant_n_children(part) == 0)
        g_clear_pointer(&part, g_variant_unref);
    return part;
}

/* ---- Parts ---- */

static void identity_lines(GVariant *d) {
    g_autofree char *subsystem = NULL;
    if (text_of(d, "SubsystemVendor") && text_of(d, "SubsystemDevice"))
        subsystem =
            g_strdup_printf("%s:%s", text_of(d, "SubsystemVendor"), text_of(d, "SubsystemDevice"));
    string_line(d, "Address", "Address");
    string_line(d, "What", "Description");
    format_line("Ids", "%s:%s, subsystem %s, class %s, revision %s", text_of(d, "Vendor"),
                text_of(d, "Device"), subsystem ? subsystem : "-", text_of(d, "Class"),
                text_of(d, "Revision"));
    string_line(d, "Path", "Path");
}

static const char *header_name(int type) {
    static const char *const names[] = {"endpoint", "bridge", "CardBus bridge"};
    return type >= 0 && type < (int)G_N_ELEMENTS(names) ? names[type] : "not known";
}

static void type_line(GVariant *d) {
    gint32 header = -1, type = -1;
    gboolean multifunction = FALSE;
    g_variant_lookup(d, "HeaderType", "i", &header);
    g_variant_lookup(d, "PcieType", "i", &type);
    if (header >= 0)
        g_variant_lookup(d, "Multifunction", "b", &multifunction);
    const char *name = type >= 0 ? pca_pcie_type_name((guint)type) : NULL;
    format_line("Type", "%s%s%s%s", header_name(header), name ? ", PCIe " : "", name ? name : "",
                multifunction ? ", multifunction" : "");
}

static void bridge_line(GVariant *d) {
    g_autoptr(GVariant) bridge = part_of(d, "Bridge");
    guint32 secondary = 0, subordinate = 0;
    if (!bridge || !g_variant_lookup(bridge, "secondary", "u", &secondary) ||
        !g_variant_lookup(bridge, "subordinate", "u", &subordinate))
        return;
    format_line("Buses below", "%02x to %02x", secondary, subordinate);
}

static void link_line(GVariant *d) {
    g_autoptr(GVariant) link = part_of(d, "Link");
    guint32 width = 0, max_width = 0;
    if (!link)
        return;
    const char *speed = text_of(link, "speed"), *max_speed = text_of(link, "max_speed");
    g_variant_lookup(link, "width", "u", &width);
    g_variant_lookup(link, "max_width", "u", &max_width);
    format_line("Link", "%s x%u, at most %s x%u", speed ? speed : "no speed", width,
                max_speed ? max_speed : "?", max_width);
}

static void driver_lines(GVariant *d, const char *claim) {
    string_line(d, "Driver", "Driver");
    string_line(d, "Driver override", "DriverOverride");
    string_line(d, "VFIO driver", "VfioDriver");
    string_line(d, "Name", "Name");
    string_line(d, "State", "State");
    if (claim)
        line("Claim", claim);
}

static void isolation_lines(GVariant *d) {
    g_autoptr(GVariant) acs = part_of(d, "Acs");
    number_line(d, "IOMMU group", "IommuGroup");
    number_line(d, "NUMA node", "NumaNode");
    if (!acs)
        return;
    words_line(acs, "ACS can", "capabilities");
    words_line(acs, "ACS does", "control");
}

static void region_lines(GVariant *d) {
    g_autoptr(GVariant) list =
        g_variant_lookup_value(d, "ReservedRegions", G_VARIANT_TYPE("aa{sv}"));
    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) region = g_variant_get_child_value(list, i);
        guint64 start = 0, end = 0;
        g_variant_lookup(region, "start", "t", &start);
        g_variant_lookup(region, "end", "t", &end);
        format_line(i == 0 ? "Reserved" : "",
                    "0x%" G_GINT64_MODIFIER "x to 0x%" G_GINT64_MODIFIER "x, %s", start, end,
                    text_of(region, "type"));
    }
}

static void sriov_lines(GVariant *d) {
    g_autoptr(GVariant) sriov = part_of(d, "Sriov");
    guint32 total = 0, enabled = 0;
    if (!sriov)
        return;
    if (text_of(sriov, "pf")) {
        string_line(sriov, "Virtual of", "pf");
        return;
    }
    g_variant_lookup(sriov, "total_vfs", "u", &total);
    g_variant_lookup(sriov, "num_vfs", "u", &enabled);
    format_line("SR-IOV", "%u of %u virtual functions", enabled, total);
    words_line(sriov, "VFs", "vfs");
}

static void vectors(GString *text, GVariant *interrupts, const char *key, const char *name) {
    guint32 n = 0;
    if (!interrupts || !g_variant_lookup(interrupts, key, "u", &n))
        g_string_append_printf(text, ", %s not known", name);
    else if (n > 0)
        g_string_append_printf(text, ", %s of %u vector%s", name, n, n == 1 ? "" : "s");
}

static void interrupt_lines(GVariant *d) {
    g_autoptr(GVariant) interrupts = part_of(d, "Interrupts");
    g_autoptr(GString) text = g_string_new(NULL);
    guint32 pin = 0;
    gboolean maskable = FALSE;
    gboolean known = interrupts && g_variant_lookup(interrupts, "pin", "u", &pin);
    if (known && pin > 0)
        g_string_append_printf(text, "INT%c", (int)('A' + pin - 1));
    else
        g_string_append(text, known ? "no INTx" : "INTx not known");
    if (known && pin > 0 && g_variant_lookup(interrupts, "intx_maskable", "b", &maskable))
        g_string_append(text, maskable ? " (can be masked)" : " (cannot be masked)");
    vectors(text, interrupts, "msi_vectors", "MSI");
    vectors(text, interrupts, "msix_vectors", "MSI-X");
    line("Interrupts", text->str);
    g_autofree const char **others = NULL;
    if (interrupts && g_variant_lookup(interrupts, "intx_shared_with", "^a&s", &others) && *others)
        words_line(interrupts, "INTx shared with", "intx_shared_with");
}

static char *size_text(guint64 size) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    guint unit = 0;
    while (unit + 1 < G_N_ELEMENTS(units) && size >= 1024 && size % 1024 == 0) {
        size /= 1024;
        unit++;
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT " %s", size, units[unit]);
}

static void bar_line(GVariant *bar) {
    guint32 index = 0;
    guint64 address = 0, size = 0;
    gboolean prefetchable = FALSE;
    gboolean sized = g_variant_lookup(bar, "size", "t", &size);
    g_autofree char *amount = sized ? size_text(size) : g_strdup("size not known");
    g_variant_lookup(bar, "index", "u", &index);
    g_variant_lookup(bar, "address", "t", &address);
    g_variant_lookup(bar, "prefetchable", "b", &prefetchable);
    g_autofree char *label = g_str_equal(text_of(bar, "type"), "rom")
                                 ? g_strdup("ROM")
                                 : g_strdup_printf("BAR %u", index);
    format_line(label, "%s at 0x%" G_GINT64_MODIFIER "x, %s%s", text_of(bar, "type"), address,
                amount, prefetchable ? ", prefetchable" : "");
}

static void bar_lines(GVariant *d) {
    g_autoptr(GVariant) list = g_variant_lookup_value(d, "Bars", G_VARIANT_TYPE("aa{sv}"));
    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) bar = g_variant_get_child_value(list, i);
        if (text_of(bar, "type"))
            bar_line(bar);
    }
}

static void capability_lines(GVariant *d) {
    g_autoptr(GVariant) list = g_variant_lookup_value(d, "Capabilities", G_VARIANT_TYPE("aa{sv}"));
    gboolean complete = FALSE;
    gsize n = list ? g_variant_n_children(list) : 0;
    g_variant_lookup(d, "CapabilitiesComplete", "b", &complete);
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) capability = g_variant_get_child_value(list, i);
        guint32 offset = 0;
        g_variant_lookup(capability, "offset", "u", &offset);
        format_line(i == 0 ? "Capabilities" : "", "[%03x] %s", offset, text_of(capability, "name"));
    }
    if (!complete)
        line(n == 0 ? "Capabilities" : "",
             n == 0 ? "not known: an ordinary user may read 64 bytes of config space"
                    : "further ones are not known: config space could not be read to its end");
}

static void print_text(GVariant *d, const char *claim) {
    identity_lines(d);
    type_line(d);
    bridge_line(d);
    link_line(d);
    driver_lines(d, claim);
    isolation_lines(d);
    region_lines(d);
    sriov_lines(d);
    interrupt_lines(d);
    words_line(d, "Reset methods", "ResetMethods");
    bar_lines(d);
    capability_lines(d);
}

int pca_verb_show(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    guint n = pca_options_n_words(options);
    if (n != 1) {
        pca_complain("show takes one device, not %u", n);
        return PCA_EXIT_USAGE;
    }
    g_autoptr(PcaSource) source = pca_source_open(options, PCA_SOURCE_ONE, &error);
    const PcaDeviceView *device =
        source ? pca_source_find(source, pca_options_word(options, 0), &error) : NULL;
    if (!device)
        return pca_fail(NULL, error);
    g_autoptr(GVariant) description = pca_source_describe(source, device);
    const PcaClaimView *claim = pca_source_claim(source, device);
    if (options->json != PCA_JSON_OFF)
        print_json(options, description, claim ? claim->id : NULL);
    else
        print_text(description, claim ? claim->id : NULL);
    return 0;
}
