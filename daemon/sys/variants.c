/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: VFIO drivers by the modules' index.
 * Thread: one. Ownership: see the header.
 */
#include "sys/variants.h"

#include <fnmatch.h>
#include <libkmod.h>
#include <string.h>

#define PREFIX "vfio_pci:"
#define GENERAL_MODULE "vfio_pci"
#define GENERAL_DRIVER "vfio-pci"

struct PcaVariants {
    struct kmod_ctx *kmod;
};

static char *find_directory(const PcaRoot *root) {
    g_autofree char *kernel = g_build_filename(root->proc, "sys/kernel", NULL);
    g_autofree char *release = pca_read_text(kernel, "osrelease", NULL);
    if (!release || *release == '\0' || strchr(release, '/') || *release == '.')
        return NULL;
    return g_build_filename(root->modules, release, NULL);
}

static void ignore_log(void *data, int priority, const char *file, int line, const char *function,
                       const char *format, va_list args) {
}

PcaVariants *pca_variants_new(const PcaRoot *root) {
    static const char *const no_configuration[] = {NULL};
    g_autofree char *directory = find_directory(root);
    g_autofree char *index =
        directory ? g_build_filename(directory, "modules.alias.bin", NULL) : NULL;
    if (!index || !g_file_test(index, G_FILE_TEST_IS_REGULAR))
        return NULL;
    struct kmod_ctx *kmod = kmod_new(directory, no_configuration);
    if (!kmod)
        return NULL;
    kmod_set_log_fn(kmod, ignore_log, NULL);
    /* A try: without it each look-up opens the files itself. */
    kmod_load_resources(kmod);
    PcaVariants *variants = g_new0(PcaVariants, 1);
    variants->kmod = kmod;
    return variants;
}

void pca_variants_free(PcaVariants *variants) {
    if (!variants)
        return;
    kmod_unload_resources(variants->kmod);
    kmod_unref(variants->kmod);
    g_free(variants);
}

gboolean pca_variants_are_current(PcaVariants *variants) {
    return kmod_validate_resources(variants->kmod) == KMOD_RESOURCES_OK;
}

/* ---- One of several ---- */

static guint count_wildcards(const char *alias) {
    guint count = 0;
    for (; *alias; alias++)
        count += *alias == '*' || *alias == '?' || *alias == '[';
    return count;
}

/* Of the module's alias that matches best; G_MAXUINT when its file cannot be read. */
static guint vagueness(struct kmod_module *module, const char *modalias) {
    struct kmod_list *info = NULL, *item;
    guint least = G_MAXUINT;
    if (kmod_module_get_info(module, &info) < 0)
        return least;
    kmod_list_foreach(item, info) {
        const char *value = kmod_module_info_get_value(item);
        if (g_str_equal(kmod_module_info_get_key(item), "alias") &&
            g_str_has_prefix(value, PREFIX) && fnmatch(value, modalias, 0) == 0)
            least = MIN(least, count_wildcards(value));
    }
    kmod_module_info_free_list(info);
    return least;
}

/* The files are looked into only where there is a choice. */
static char *choose(struct kmod_list *modules, const char *modalias) {
    g_autofree char *best = NULL;
    guint least = G_MAXUINT, count = 0;
    struct kmod_list *item;
    kmod_list_foreach(item, modules) {
        struct kmod_module *module = kmod_module_get_module(item);
        const char *name = kmod_module_get_name(module);
        if (!g_str_equal(name, GENERAL_MODULE)) {
            guint now = kmod_list_next(modules, modules) ? vagueness(module, modalias) : 0;
            if (count++ == 0 || now < least) {
                g_free(best);
                best = g_strdup(name);
                least = now;
            }
        }
        kmod_module_unref(module);
    }
    return g_steal_pointer(&best);
}

char *pca_variants_find(PcaVariants *variants, const PcaFunction *f) {
    char modalias[80];
    struct kmod_list *modules = NULL;
    if (!variants || f->header_type != PCA_HEADER_ENDPOINT)
        return NULL;
    g_snprintf(modalias, sizeof modalias, PREFIX "v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X",
               f->vendor, f->device, f->subsystem_vendor, f->subsystem_device, f->class >> 16,
               (f->class >> 8) & 0xff, f->class & 0xff);
    char *best = kmod_module_new_from_lookup(variants->kmod, modalias, &modules) < 0
                     ? NULL
                     : choose(modules, modalias);
    kmod_module_unref_list(modules);
    return best ? best : g_strdup(GENERAL_DRIVER);
}
