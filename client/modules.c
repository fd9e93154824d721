/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: functions that few calls need, and whose libraries would take longer to load than all
 * others together. Each stands in for its namesake in a module, which is loaded when it is called;
 * the one of sys/ too, whose file the linker does not take as these are there.
 * Thread: main. Ownership: modules stay loaded; see the headers for the rest.
 */
#include "journal.h"
#include "libvirt.h"
#include "output.h"
#include "base/error.h"
#include "sys/variants.h"

#include <dlfcn.h>
#include <stdlib.h>

/* Tests run pcassignctl before it is installed. */
static char *module_path(const char *module) {
    const char *directory = secure_getenv("PCASSIGN_MODULES");
    return g_strdup_printf("%s/%s.so", directory ? directory : PCA_MODULES, module);
}

static gpointer find(const char *module, const char *function, GError **error) {
    g_autofree char *path = module_path(module);
    /* Whatever is loaded already is only looked up. */
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    gpointer found = handle ? dlsym(handle, function) : NULL;
    if (!found)
        g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED, "cannot load a part of pcassign: %s",
                    dlerror());
    return found;
}

#define NAMESAKE(module, function, error) ((typeof(&function))find(module, #function, error))

/* ---- By libvirt-gconfig ---- */

gboolean pca_libvirt_check(GError **error) {
    return NAMESAKE("libvirt", pca_libvirt_check, error) != NULL;
}

char *pca_hostdev_format(const PcaHostdev *hostdev, GError **error) {
    typeof(&pca_hostdev_format) format = NAMESAKE("libvirt", pca_hostdev_format, error);
    return format ? format(hostdev, error) : NULL;
}

PcaDomain *pca_domain_read(const char *file, GError **error) {
    typeof(&pca_domain_read) read = NAMESAKE("libvirt", pca_domain_read, error);
    return read ? read(file, error) : NULL;
}

void pca_domain_free(PcaDomain *domain) {
    NAMESAKE("libvirt", pca_domain_free, NULL)(domain);
}

/* ---- By libsystemd ---- */

GPtrArray *pca_journal_last(const char *claim, const char *const *devices, guint max) {
    g_autoptr(GError) error = NULL;
    typeof(&pca_journal_last) last = NAMESAKE("journal", pca_journal_last, &error);
    if (last)
        return last(claim, devices, max);
    pca_complain("the journal is not shown: %s", error->message);
    return g_ptr_array_new();
}

/* ---- By libkmod ---- */

PcaVariants *pca_variants_new(const PcaRoot *root) {
    g_autoptr(GError) error = NULL;
    typeof(&pca_variants_new) new = NAMESAKE("variants", pca_variants_new, &error);
    if (new)
        return new (root);
    pca_complain("VFIO drivers are not known: %s", error->message);
    return NULL;
}

void pca_variants_free(PcaVariants *variants) {
    if (variants)
        NAMESAKE("variants", pca_variants_free, NULL)(variants);
}

gboolean pca_variants_are_current(PcaVariants *variants) {
    return NAMESAKE("variants", pca_variants_are_current, NULL)(variants);
}

char *pca_variants_find(PcaVariants *variants, const PcaFunction *function) {
    return variants ? NAMESAKE("variants", pca_variants_find, NULL)(variants, function) : NULL;
}
