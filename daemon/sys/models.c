/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: descriptions by the hardware database of udev.
 * Thread: any, one at a time. Ownership: see the header.
 */
#include "sys/models.h"

#include <libudev.h>

struct PcaModels {
    GHashTable *names;      /* modalias -> description, or NULL when there is none */
    struct udev *udev;      /* NULL until it is needed */
    struct udev_hwdb *hwdb; /* the same; and NULL when the host has none */
};

PcaModels *pca_models_new(void) {
    PcaModels *models = g_new0(PcaModels, 1);
    models->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return models;
}

void pca_models_free(PcaModels *models) {
    g_hash_table_unref(models->names);
    udev_hwdb_unref(models->hwdb);
    udev_unref(models->udev);
    g_free(models);
}

static const char *hwdb_value(struct udev_list_entry *entries, const char *key) {
    return udev_list_entry_get_value(udev_list_entry_get_by_name(entries, key));
}

static gboolean open_hwdb(PcaModels *models) {
    if (!models->udev) {
        models->udev = udev_new();
        models->hwdb = models->udev ? udev_hwdb_new(models->udev) : NULL;
    }
    return models->hwdb != NULL;
}

static char *look_up_description(PcaModels *models, const PcaFunction *f, const char *modalias) {
    if (!open_hwdb(models))
        return NULL;
    struct udev_list_entry *entries =
        udev_hwdb_get_properties_list_entry(models->hwdb, modalias, 0);
    const char *vendor = hwdb_value(entries, "ID_VENDOR_FROM_DATABASE");
    const char *model = hwdb_value(entries, "ID_MODEL_FROM_DATABASE");
    if (!vendor && !model)
        return NULL;
    if (!model)
        return g_strdup_printf("%s Device %04x", vendor, f->device);
    return g_strdup_printf("%s%s%s", vendor ? vendor : "", vendor ? " " : "", model);
}

/* A look into the database matches patterns; of virtual functions there are many alike. */
char *pca_models_describe(PcaModels *models, const PcaFunction *f) {
    char modalias[64];
    gpointer known;
    g_snprintf(modalias, sizeof modalias, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", f->vendor,
               f->device, f->subsystem_vendor, f->subsystem_device, f->class >> 16,
               (f->class >> 8) & 0xff, f->class & 0xff);
    if (!g_hash_table_lookup_extended(models->names, modalias, NULL, &known)) {
        known = look_up_description(models, f, modalias);
        g_hash_table_insert(models->names, g_strdup(modalias), known);
    }
    return g_strdup(known);
}
