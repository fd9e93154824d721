/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reading [ALIAS=]DEVICE.
 * Thread: any. Ownership: see the header.
 */
#include "specs.h"
#include "base/error.h"
#include "pci/address.h"

#include <string.h>

#define MAX_ALIAS 64

static void spec_free(gpointer data) {
    PcaSpec *spec = data;
    g_free(spec->device);
    g_free(spec->alias);
    g_free(spec);
}

const char *pca_spec_name(const PcaSpec *spec) {
    return spec->alias ? spec->alias : spec->device;
}

/* The rule for names of policy sections; besides, an alias must leave the other placeholders alone.
 */
static gboolean alias_is_good(const char *alias) {
    if (!*alias || *alias == '.' || *alias == '-' || strlen(alias) > MAX_ALIAS)
        return FALSE;
    for (const char *p = alias; *p; p++)
        if (!g_ascii_isalnum(*p) && !strchr("-_.", *p))
            return FALSE;
    return !g_strv_contains((const char *const[]){"iommufd", "container", "lease", NULL}, alias);
}

static PcaSpec *parse_one(const char *word, GError **error) {
    const char *equals = strchr(word, '=');
    g_autofree char *alias = equals ? g_strndup(word, (gsize)(equals - word)) : NULL;
    const char *device = equals ? equals + 1 : word;
    if (!*device) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "'%s' names no device", word);
        return NULL;
    }
    if (alias && !alias_is_good(alias)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "'%s' cannot be an alias: letters, digits, '-', '_' and '.', not first '-' or "
                    "'.', and none of 'iommufd', 'container' and 'lease'",
                    alias);
        return NULL;
    }
    PcaSpec *spec = g_new0(PcaSpec, 1);
    spec->device = g_strdup(device);
    spec->alias = g_steal_pointer(&alias);
    return spec;
}

static gboolean is_same(const PcaSpec *a, const PcaSpec *b) {
    PcaAddress x, y;
    if (g_str_equal(pca_spec_name(a), pca_spec_name(b)))
        return TRUE;
    return pca_address_parse(a->device, &x) && pca_address_parse(b->device, &y) &&
           pca_address_equal(&x, &y);
}

GPtrArray *pca_specs_parse(const char *const *words, GError **error) {
    g_autoptr(GPtrArray) specs = g_ptr_array_new_with_free_func(spec_free);
    for (; *words; words++) {
        PcaSpec *spec = parse_one(*words, error);
        if (!spec)
            return NULL;
        g_ptr_array_add(specs, spec);
        for (guint i = 0; i + 1 < specs->len; i++) {
            if (!is_same(g_ptr_array_index(specs, i), spec))
                continue;
            g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                        "'%s' is named twice; of several devices of one name, give each an "
                        "ALIAS=",
                        *words);
            return NULL;
        }
    }
    if (specs->len > 0)
        return g_steal_pointer(&specs);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "no device named");
    return NULL;
}

GVariant *pca_specs_to_variant(GPtrArray *specs) {
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("a(sa{sv})"));
    for (guint i = 0; i < specs->len; i++) {
        const PcaSpec *spec = g_ptr_array_index(specs, i);
        GVariantBuilder options;
        g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
        if (spec->alias)
            g_variant_builder_add(&options, "{sv}", "alias", g_variant_new_string(spec->alias));
        g_variant_builder_add(&builder, "(sa{sv})", spec->device, &options);
    }
    return g_variant_builder_end(&builder);
}

const char *pca_specs_subject(GPtrArray *specs) {
    return specs->len == 1 ? ((PcaSpec *)g_ptr_array_index(specs, 0))->device : NULL;
}

char *pca_specs_describe(GPtrArray *specs) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < specs->len; i++) {
        const PcaSpec *spec = g_ptr_array_index(specs, i);
        const char *before = i == 0 ? "" : i + 1 < specs->len ? ", " : " and ";
        g_string_append_printf(text, "%s%s", before, spec->device);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
