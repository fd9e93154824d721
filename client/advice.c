/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: advice, cause by cause, each place once.
 * Thread: main. Ownership: see the header.
 */
#include "advice.h"

#include <string.h>

#include "pci/function.h"

typedef struct {
    const PcaSource *source;
    const char *address; /* of the device */
    GPtrArray *texts;
} Advice;

/* A reason of the explanation; strings are borrowed from it. */
typedef struct {
    const char *member, *cause, *at;
    const char **missing; /* ends with NULL */
} Reason;

static void advise(Advice *advice, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Says nothing twice. */
static void advise(Advice *advice, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (!g_ptr_array_find_with_equal_func(advice->texts, text, g_str_equal, NULL))
        g_ptr_array_add(advice->texts, g_steal_pointer(&text));
}

static const PcaDeviceView *find(const PcaSource *source, const char *text) {
    PcaAddress address;
    return pca_address_parse(text, &address) ? pca_source_look_up(source, &address) : NULL;
}

gboolean pca_advice_is_bridge(const PcaSource *source, const char *member) {
    const PcaDeviceView *device = find(source, member);
    const char *class = device ? pca_device_string(device, "Class") : NULL;
    int header = device ? pca_device_number(device, "HeaderType") : PCA_HEADER_UNKNOWN;
    return header == PCA_HEADER_BRIDGE || header == PCA_HEADER_CARDBUS ||
           (header < 0 && class && g_str_has_prefix(class, "0604"));
}

/* ---- By cause ---- */

static gboolean same_slot(const char *a, const char *b) {
    PcaAddress x, y;
    return pca_address_parse(a, &x) && pca_address_parse(b, &y) && pca_address_same_slot(&x, &y);
}

/* Whether the port has the bits and they are only switched off. */
static gboolean could_have(const Advice *advice, const Reason *reason) {
    const PcaDeviceView *port = find(advice->source, reason->at);
    g_autoptr(GVariant) acs =
        port ? g_variant_lookup_value(port->properties, "Acs", G_VARIANT_TYPE_VARDICT) : NULL;
    g_autofree const char **bits = NULL;
    if (!acs || !g_variant_lookup(acs, "capabilities", "^a&s", &bits))
        return FALSE;
    for (guint i = 0; reason->missing[i]; i++)
        if (!g_strv_contains(bits, reason->missing[i]))
            return FALSE;
    return reason->missing[0] != NULL;
}

static void switched_off(Advice *advice, const Reason *reason) {
    g_autofree char *bits = g_strjoinv(" ", (char **)reason->missing);
    advise(advice,
           "%s has ACS, but %s is off: the kernel switches it on at boot where it uses the IOMMU; "
           "look for disable_acs_redir and config_acs on its command line, and boot anew",
           reason->at, bits);
}

static void below_port(Advice *advice, const Reason *reason) {
    if (could_have(advice, reason)) {
        switched_off(advice, reason);
        return;
    }
    advise(advice,
           "put the card into another slot, one that is not below %s: what is below this port is "
           "not kept apart",
           reason->at);
    advise(advice, "look for ACS (\"PCIe ACS support\") in the firmware setup, and for a newer "
                   "firmware: it decides whether ports have it");
}

static void in_slot(Advice *advice, const Reason *reason) {
    if (could_have(advice, reason))
        switched_off(advice, reason);
    else if (same_slot(reason->at, advice->address))
        advise(advice,
               "the functions of slot %.*s only go together: they are one card, which has no ACS "
               "between them; another slot changes nothing",
               (int)strcspn(reason->at, "."), reason->at);
    else
        advise(advice,
               "put the card into another slot, one that is not below %s and the functions beside "
               "it: they have no ACS between them",
               reason->at);
}

static void behind_bridge(Advice *advice, const Reason *reason) {
    advise(advice,
           "what is behind the bridge %s only goes together: the IOMMU sees the bridge in place of "
           "each; use a PCIe card in a slot of its own instead",
           reason->at);
}

static void by_alias(Advice *advice, const Reason *reason) {
    advise(advice, "%s does DMA in the name of others: assign them together, or use another card",
           reason->at);
}

static void by_table(Advice *advice, const Reason *reason) {
    if (same_slot(reason->at, advice->address))
        advise(advice,
               "the kernel knows of %s that its functions are not apart: assign them "
               "together, or use another card",
               reason->at);
    else
        advise(advice,
               "put the card into another slot, one that is not below %s: the kernel knows that "
               "this port keeps nothing apart, whatever its registers say",
               reason->at);
}

static void not_known(Advice *advice) {
    advise(advice, "parts of config space could not be read, so the set is perhaps too large: ask "
                   "pcassignd (without --offline), or be root; a copied tree has to be copied by "
                   "root");
}

/* A bridge that shares with what is below it, and with nothing else, is in nobody's way. */
static void for_reason(Advice *advice, const Reason *reason) {
    static const struct {
        const char *cause;
        void (*tell)(Advice *advice, const Reason *reason);
    } rows[] = {{"upstream-no-acs", below_port},
                {"multifunction-no-acs", in_slot},
                {"bridge-alias", behind_bridge},
                {"dma-alias", by_alias},
                {"quirk", by_table}};
    if (g_strcmp0(reason->cause, "unknown") == 0) {
        not_known(advice);
        return;
    }
    if (pca_advice_is_bridge(advice->source, reason->member))
        return;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_strcmp0(rows[i].cause, reason->cause) == 0)
            rows[i].tell(advice, reason);
}

/* ---- The whole ---- */

static void for_reasons(Advice *advice, GVariant *explanation) {
    g_autoptr(GVariant) list =
        g_variant_lookup_value(explanation, "Reasons", G_VARIANT_TYPE("aa{sv}"));
    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(list, i);
        Reason reason = {pca_lookup_string(entry, "member"), pca_lookup_string(entry, "cause"),
                         pca_lookup_string(entry, "at"), NULL};
        g_variant_lookup(entry, "missing", "^a&s", &reason.missing);
        if (reason.member && reason.at && reason.missing)
            for_reason(advice, &reason);
        g_free(reason.missing);
    }
}

/* The others of a list that somebody would have to assign as well, with spaces; NULL for none. */
static char *others_of(const Advice *advice, GVariant *explanation, const char *key) {
    g_autofree const char **members = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_variant_lookup(explanation, key, "^a&s", &members);
    for (guint i = 0; members && members[i]; i++)
        if (!g_str_equal(members[i], advice->address) &&
            !pca_advice_is_bridge(advice->source, members[i]))
            g_string_append_printf(text, " %s", members[i]);
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static void never(Advice *advice) {
    advise(advice, "do not boot with pcie_acs_override: it makes smaller groups of devices that "
                   "reach each other all the same, so that a guest can get at devices of the host "
                   "and of other guests, and through them at their memory");
}

char **pca_advice(const PcaSource *source, const PcaDeviceView *device, GVariant *explanation) {
    g_autofree char *address = pca_address_format(&device->address);
    Advice advice = {
        .source = source, .address = address, .texts = g_ptr_array_new_with_free_func(g_free)};
    g_autofree char *in_set = others_of(&advice, explanation, "IsolationSet");
    g_autofree char *in_group = others_of(&advice, explanation, "KernelGroup");
    for_reasons(&advice, explanation);
    if (in_group)
        advise(&advice,
               "assign the whole group to one machine: pcassignctl check %s%s; where that is not "
               "wanted, the others must at least have no driver of the host's",
               address, in_group);
    if (in_set || in_group)
        never(&advice);
    g_ptr_array_add(advice.texts, NULL);
    return (char **)g_ptr_array_free(advice.texts, FALSE);
}
