/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the directories of functions, and what is read there.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/context.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "base/error.h"
#include "base/fds.h"
#include "engine/plan.h"

static void close_directory(gpointer fd) {
    close(GPOINTER_TO_INT(fd));
}

PcaStepContext *pca_step_context_new(PcaKernel *kernel) {
    PcaStepContext *context = g_new0(PcaStepContext, 1);
    context->kernel = kernel;
    context->directories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_directory);
    context->staged = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return context;
}

void pca_step_context_free(PcaStepContext *context) {
    g_hash_table_unref(context->directories);
    g_hash_table_unref(context->staged);
    g_clear_pointer(&context->buses, g_hash_table_unref);
    g_free(context);
}

static gboolean read_hex_at(int directory, const char *name, guint *value) {
    g_autofree char *text = pca_read_attribute(directory, name);
    guint64 wide;
    if (!text || !g_ascii_string_to_unsigned(g_str_has_prefix(text, "0x") ? text + 2 : text, 16, 0,
                                             G_MAXUINT32, &wide, NULL))
        return FALSE;
    *value = (guint)wide;
    return TRUE;
}

gboolean pca_step_is_gone(int directory) {
    PCA_AUTO_FD fd = openat(directory, "vendor", O_RDONLY | O_CLOEXEC);
    char byte;
    return (fd < 0 || read(fd, &byte, 1) < 0) && (errno == ENOENT || errno == ENODEV);
}

static gboolean check_identity(int directory, const char *device, const char *identity,
                               GError **error) {
    PcaFunction now = {0};
    guint ids[4];
    static const char *const names[] = {"vendor", "device", "subsystem_vendor", "subsystem_device"};
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
        if (!read_hex_at(directory, names[i], &ids[i])) {
            gboolean gone = pca_step_is_gone(directory);
            g_set_error(error, PCA_ERROR, gone ? PCA_ERROR_NOT_FOUND : PCA_ERROR_FAILED,
                        gone ? "%s is gone (its %s)" : "%s: cannot read its %s", device, names[i]);
            return FALSE;
        }
    now.vendor = (guint16)ids[0];
    now.device = (guint16)ids[1];
    now.subsystem_vendor = (guint16)ids[2];
    now.subsystem_device = (guint16)ids[3];
    g_autofree char *found = pca_function_identity(&now);
    if (g_str_equal(found, identity))
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_IDENTITY_MISMATCH, "%s is now %s, no longer %s", device,
                found, identity);
    return FALSE;
}

int pca_step_directory(PcaStepContext *context, const char *device, const char *identity,
                       GError **error) {
    gpointer known;
    /* A held directory means one function for good: another at the same address has another. */
    if (g_hash_table_lookup_extended(context->directories, device, NULL, &known)) {
        if (!pca_step_is_gone(GPOINTER_TO_INT(known)))
            return GPOINTER_TO_INT(known);
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "%s is gone", device);
        return -1;
    }
    PCA_AUTO_FD fd = pca_open_function(context->kernel->root, device);
    if (fd < 0) {
        pca_error_set_errno(error, fd == -ENOENT ? PCA_ERROR_NOT_FOUND : PCA_ERROR_FAILED, -fd,
                            "%s", device);
        return -1;
    }
    if (!check_identity(fd, device, identity, error))
        return -1;
    int held = pca_fd_steal(&fd);
    g_hash_table_insert(context->directories, g_strdup(device), GINT_TO_POINTER(held));
    return held;
}

char *pca_step_driver(int directory) {
    return pca_read_link_name_at(directory, "driver");
}

char *pca_step_group(int directory) {
    return pca_read_link_name_at(directory, "iommu_group");
}

char *pca_step_override(int directory) {
    char *text = pca_read_attribute(directory, "driver_override");
    if (text && (*text == '\0' || g_str_equal(text, "(null)")))
        g_clear_pointer(&text, g_free);
    return text;
}

dev_t pca_step_vfio_number(int directory) {
    int fd = openat(directory, "vfio-dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    unsigned major = 0, minor = 0;
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        g_autofree char *name = g_strdup_printf("%s/dev", entry->d_name);
        g_autofree char *text =
            g_str_has_prefix(entry->d_name, "vfio") ? pca_read_attribute(fd, name) : NULL;
        if (text && sscanf(text, "%u:%u", &major, &minor) == 2)
            break;
    }
    if (entries)
        closedir(entries);
    return makedev(major, minor);
}
