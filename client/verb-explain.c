/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: explain: what shares isolation with a function, why, and what a person can do about it.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "advice.h"
#include "device-json.h"
#include "host-note.h"
#include "output.h"
#include "source.h"
#include "base/error.h"

#include <stdio.h>

static void print_json(const PcaOptions *options, GVariant *explanation, char *const *advice) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    pca_json_isolation(builder, explanation);
    pca_json_strings(builder, "advice", (const char *const *)advice);
    json_builder_end_object(builder);
    pca_json_print(options, builder);
}

/* ---- Text ---- */

static void print_line(const char *before, const char *text) {
    g_autofree char *printable = pca_printable(text);
    printf("%s%s\n", before, printable);
}

/* How many other members are bridges, and how many are not. */
static void count(const PcaSource *source, const char *address, const char *const *members,
                  guint *bridges, guint *others) {
    *bridges = *others = 0;
    for (; *members; members++) {
        if (g_str_equal(*members, address))
            continue;
        if (pca_advice_is_bridge(source, *members))
            (*bridges)++;
        else
            (*others)++;
    }
}

static gboolean is_certain(GVariant *explanation) {
    g_autoptr(GVariant) list =
        g_variant_lookup_value(explanation, "Reasons", G_VARIANT_TYPE("aa{sv}"));
    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) reason = g_variant_get_child_value(list, i);
        if (g_strcmp0(pca_lookup_string(reason, "cause"), "unknown") == 0)
            return FALSE;
    }
    return TRUE;
}

static void print_verdict(guint bridges, guint others, gboolean certain) {
    const char *plural = others == 1 ? "" : "s";
    if (others > 0 && certain)
        printf(
            "It shares its isolation set with %u other device%s: nothing keeps their DMA apart,\n"
            "so they go to one machine, or not at all.\n",
            others, plural);
    else if (others > 0)
        printf(
            "As far as config space could be read, it may share its isolation set with %u other\n"
            "device%s.\n",
            others, plural);
    else if (bridges > 0)
        puts("No other device shares its isolation set, only bridges, which nobody has to assign.");
    else
        puts("It is isolated: nothing shares with it.");
}

static void print_group(GVariant *explanation) {
    gint32 group = -1;
    gboolean agrees = FALSE;
    g_variant_lookup(explanation, "IommuGroup", "i", &group);
    gboolean known = g_variant_lookup(explanation, "Agrees", "b", &agrees);
    g_autofree const char **members = NULL;
    g_variant_lookup(explanation, "KernelGroup", "^a&s", &members);
    if (group < 0 || !members) {
        puts("The kernel has no IOMMU group for it, so it cannot be assigned now.");
        return;
    }
    g_autofree char *list = g_strjoinv(" ", (char **)members);
    if (known && agrees)
        printf("The kernel's IOMMU group %d is the same.\n", group);
    else if (known)
        printf("The kernel's IOMMU group %d is another: %s\n", group, list);
    else
        printf("The kernel's IOMMU group %d, which counts: %s\n", group, list);
}

/* "0000:00:1c.0  root port, pcieport, Intel ..." */
static void print_member(const PcaSource *source, const char *member) {
    PcaAddress address;
    const PcaDeviceView *device =
        pca_address_parse(member, &address) ? pca_source_look_up(source, &address) : NULL;
    g_autofree char *title = device ? pca_device_title(device) : NULL;
    const char *driver = device ? pca_device_string(device, "Driver") : NULL;
    g_autofree char *text =
        g_strdup_printf("%s  %s%s%s%s", member, title ? title : "", driver ? " (driver " : "",
                        driver ? driver : "", driver ? ")" : "");
    print_line("  ", text);
}

static void print_reasons(const PcaSource *source, GVariant *explanation) {
    g_autoptr(GVariant) list =
        g_variant_lookup_value(explanation, "Reasons", G_VARIANT_TYPE("aa{sv}"));
    gboolean headed = FALSE;
    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) reason = g_variant_get_child_value(list, i);
        const char *member = pca_lookup_string(reason, "member");
        const char *text = pca_lookup_string(reason, "text");
        if (!member || !text || g_strcmp0(pca_lookup_string(reason, "cause"), "self") == 0)
            continue;
        if (!headed)
            puts("\nWhat shares with it, and why:");
        headed = TRUE;
        print_member(source, member);
        print_line("      ", text);
    }
}

static void print_list(const char *heading, const char *const *texts) {
    if (texts && *texts)
        printf("\n%s\n", heading);
    for (; texts && *texts; texts++)
        print_line("  - ", *texts);
}

static void print_text(const PcaOptions *options, const PcaSource *source,
                       const PcaDeviceView *device, GVariant *explanation, char *const *advice) {
    g_autofree char *address = pca_address_format(&device->address);
    g_autofree char *title = pca_device_title(device);
    g_autofree char *first = g_strdup_printf("%s  %s", address, title);
    g_autofree const char **set = NULL;
    g_autofree const char **warnings = NULL;
    guint bridges, others;
    g_variant_lookup(explanation, "IsolationSet", "^a&s", &set);
    g_variant_lookup(explanation, "Warnings", "^a&s", &warnings);
    if (!options->no_legend)
        print_line("", first);
    if (set) {
        count(source, address, set, &bridges, &others);
        print_verdict(bridges, others, is_certain(explanation));
    }
    print_group(explanation);
    print_reasons(source, explanation);
    print_list("Beware:", warnings);
    print_list("What can be done:", (const char *const *)advice);
}

int pca_verb_explain(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    guint n = pca_options_n_words(options);
    if (n != 1) {
        pca_complain("explain takes one device, not %u", n);
        return PCA_EXIT_USAGE;
    }
    const char *word = pca_options_word(options, 0);
    g_autoptr(PcaSource) source = pca_source_open(options, PCA_SOURCE_CONFIGS, &error);
    const PcaDeviceView *device = source ? pca_source_find(source, word, &error) : NULL;
    g_autoptr(GVariant) explanation = device ? pca_source_explain(source, device, &error) : NULL;
    if (!explanation)
        return pca_fail(device ? word : NULL, error);
    pca_host_note(source);
    g_auto(GStrv) advice = pca_advice(source, device, explanation);
    if (options->json != PCA_JSON_OFF)
        print_json(options, explanation, advice);
    else
        print_text(options, source, device, explanation, advice);
    return 0;
}
