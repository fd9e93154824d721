/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: xml: devices as <hostdev> elements of libvirt.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "connection.h"
#include "libvirt.h"
#include "output.h"
#include "run-vmm.h"
#include "source.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    PcaHostdev hostdev;
    gboolean vf; /* no part of a slot: it only has a number there */
} Entry;

static Entry *entry_at(GArray *entries, guint i) {
    return &g_array_index(entries, Entry, i);
}

/* ---- What is known of them ---- */

static gboolean is_vf(GVariant *description) {
    g_autoptr(GVariant) sriov =
        g_variant_lookup_value(description, "Sriov", G_VARIANT_TYPE_VARDICT);
    const char *pf = NULL;
    return sriov && g_variant_lookup(sriov, "pf", "&s", &pf) && *pf != '\0';
}

static PcaTri has_rom(GVariant *description) {
    g_autoptr(GVariant) bars =
        g_variant_lookup_value(description, "Bars", G_VARIANT_TYPE("aa{sv}"));
    PcaTri found = bars ? PCA_TRI_NO : PCA_TRI_UNKNOWN;
    for (gsize i = 0; bars && i < g_variant_n_children(bars); i++) {
        g_autoptr(GVariant) bar = g_variant_get_child_value(bars, i);
        const char *type = NULL;
        if (g_variant_lookup(bar, "type", "&s", &type) && g_str_equal(type, "rom"))
            found = PCA_TRI_YES;
    }
    return found;
}

static gboolean add_device(GArray *entries, const PcaSource *source, const PcaDeviceView *device,
                           GError **error) {
    g_autoptr(GVariant) description = pca_source_describe(source, device);
    g_autofree char *address = pca_address_format(&device->address);
    for (guint i = 0; i < entries->len; i++)
        if (pca_address_equal(&entry_at(entries, i)->hostdev.source, &device->address)) {
            g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "%s is named twice", address);
            return FALSE;
        }
    if (pca_device_number(device, "HeaderType") > 0) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "%s is a bridge, which cannot be given to a guest", address);
        return FALSE;
    }
    const Entry entry = {
        .hostdev = {.source = device->address, .rom = has_rom(description)},
        .vf = is_vf(description),
    };
    g_array_append_val(entries, entry);
    return TRUE;
}

/* All that bear the name: several functions of a slot can. */
static gboolean add_word(GArray *entries, const PcaSource *source, const char *word,
                         GError **error) {
    GPtrArray *devices = pca_source_devices(source);
    if (!pca_source_find(source, word, error))
        return FALSE;
    for (guint i = 0; i < devices->len; i++) {
        const PcaDeviceView *device = g_ptr_array_index(devices, i);
        if (pca_device_is(device, word) && !add_device(entries, source, device, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- Guest slots ---- */

static gboolean are_siblings(const Entry *a, const Entry *b) {
    return !a->vf && !b->vf && pca_address_same_slot(&a->hostdev.source, &b->hostdev.source);
}

/* As run does it for QEMU: several functions of a slot stay in one. */
static void place_slot(GArray *entries, guint first, guint8 slot) {
    guint siblings = 0, rank = 0;
    gboolean has_zero = FALSE;
    for (guint i = first; i < entries->len; i++) {
        const Entry *entry = entry_at(entries, i);
        if (!are_siblings(entry_at(entries, first), entry))
            continue;
        siblings++;
        has_zero |= entry->hostdev.source.function == 0;
    }
    for (guint i = first; siblings > 1 && i < entries->len; i++) {
        PcaHostdev *hostdev = &entry_at(entries, i)->hostdev;
        if (!are_siblings(entry_at(entries, first), entry_at(entries, i)))
            continue;
        hostdev->placed = TRUE;
        hostdev->slot = slot;
        hostdev->function = has_zero ? hostdev->source.function : (guint8)rank;
        hostdev->multifunction = hostdev->function == 0;
        rank++;
    }
}

static void place(GArray *entries) {
    guint8 slot = PCA_FIRST_GUEST_SLOT;
    for (guint i = 0; i < entries->len && slot <= PCA_LAST_GUEST_SLOT; i++) {
        if (entry_at(entries, i)->hostdev.placed)
            continue;
        place_slot(entries, i, slot);
        slot += entry_at(entries, i)->hostdev.placed;
    }
}

/* ---- The verb ---- */

static gboolean print(const PcaOptions *options, GArray *entries, GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_array(builder);
    for (guint i = 0; i < entries->len; i++) {
        const PcaHostdev *hostdev = &entry_at(entries, i)->hostdev;
        g_autofree char *address = pca_address_format(&hostdev->source);
        g_autofree char *xml = pca_hostdev_format(hostdev, error);
        if (!xml)
            return FALSE;
        g_string_append(text, xml);
        json_builder_begin_object(builder);
        pca_json_string(builder, "address", address);
        pca_json_string(builder, "xml", xml);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    if (options->json != PCA_JSON_OFF)
        pca_json_print(options, builder);
    else
        fputs(text->str, stdout);
    return TRUE;
}

static gboolean names_addresses(const PcaOptions *options) {
    PcaAddress address;
    for (guint i = 0; i < pca_options_n_words(options); i++)
        if (!pca_address_parse(pca_options_word(options, i), &address))
            return FALSE;
    return TRUE;
}

/* Only names need the daemon. */
static PcaSource *open_source(const PcaOptions *options, GError **error) {
    PcaSource *source = pca_source_open(options, PCA_SOURCE_ONE, error);
    if (source || options->offline || !names_addresses(options))
        return source;
    PcaOptions here = *options;
    here.offline = TRUE;
    g_clear_error(error);
    return pca_source_open(&here, PCA_SOURCE_ONE, error);
}

static gboolean write_all(const PcaOptions *options, GError **error) {
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    if (pca_options_n_words(options) == 0) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "no device named");
        return FALSE;
    }
    if (!pca_libvirt_check(error))
        return FALSE;
    g_autoptr(PcaSource) source = open_source(options, error);
    for (guint i = 0; source && i < pca_options_n_words(options); i++)
        if (!add_word(entries, source, pca_options_word(options, i), error))
            return FALSE;
    place(entries);
    return source && print(options, entries, error);
}

int pca_verb_xml(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    return write_all(options, &error) ? 0 : pca_fail(NULL, error);
}
