/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the in-use guard's frame: what every function is asked, and bridges and displays.
 * Thread: any. Ownership: see the headers.
 */
#include "sys/in-use-internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fds.h"

#define CONFIG_SECONDARY_BUS 0x19
#define CLASS_DISPLAY 0x03
#define CLASS_HOST_BRIDGE 0x0600
#define CLASS_ISA_BRIDGE 0x0601
#define CLASS_IOMMU 0x0806

/* ---- What the files of the guard share ---- */

gboolean pca_root_is_live(const PcaRoot *root) {
    struct statfs info;
    return statfs(root->sysfs, &info) == 0 && info.f_type == SYSFS_MAGIC;
}

void pca_use_fail(const PcaUse *use, const char *culprit, const char *fix, const char *format,
                  ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    pca_findings_fail(use->findings, "in-use", PCA_ERROR_IN_USE, culprit, fix, "%s", text);
}

static gint compare_names(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* 0 or the errno that ended the reading early. */
static int read_entries(DIR *directory, GPtrArray *names) {
    struct dirent *entry;
    while (errno = 0, (entry = readdir(directory)))
        if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
            g_ptr_array_add(names, g_strdup(entry->d_name));
    return errno;
}

char **pca_list(const char *path, GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    DIR *directory = opendir(path);
    int result = directory ? read_entries(directory, names) : errno;
    if (directory)
        closedir(directory);
    if (result != 0 && result != ENOENT) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, result, "cannot read %s", path);
        return NULL;
    }
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_steal(names, NULL);
}

char **pca_use_list(const PcaUse *use, const char *path) {
    g_autoptr(GError) error = NULL;
    char **names = pca_list(path, &error);
    if (!names)
        pca_use_fail(use, path, NULL, "cannot tell whether the host uses %s: %s", use->address,
                     error->message);
    return names;
}

gboolean pca_path_below(const char *path, const char *directory) {
    gsize length = strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

char *pca_class_directory(const PcaRoot *root, const char *class, const char *name) {
    g_autofree char *link = g_build_filename(root->sysfs, "class", class, name, NULL);
    return pca_resolve_link(link);
}

char **pca_use_class_members(const PcaUse *use, const char *class, const char *directory) {
    g_autofree char *path = g_build_filename(use->root->sysfs, "class", class, NULL);
    g_auto(GStrv) names = pca_use_list(use, path);
    if (!names)
        return NULL;
    g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(g_free);
    for (char **name = names; *name; name++) {
        g_autofree char *real = pca_class_directory(use->root, class, *name);
        if (real && pca_path_below(real, directory))
            g_ptr_array_add(members, g_strdup(*name));
        if (real || errno == ENOENT)
            continue;
        pca_use_fail(use, *name, NULL,
                     "cannot tell whether the host uses %s: cannot follow %s/%s: %s", use->address,
                     path, *name, g_strerror(errno));
        return NULL;
    }
    g_ptr_array_add(members, NULL);
    return (char **)g_ptr_array_steal(members, NULL);
}

/* ---- Bridges and what the machine itself is made of ---- */

/* The bus behind a bridge; -1 when its config space cannot be read. */
static int secondary_bus(const PcaUse *use) {
    g_autofree char *path = g_build_filename(use->directory, "config", NULL);
    PCA_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    guint8 bus;
    return fd >= 0 && pread(fd, &bus, 1, CONFIG_SECONDARY_BUS) == 1 ? bus : -1;
}

static void fail_bridge(const PcaUse *use) {
    int bus = secondary_bus(use);
    const char *fix = "name the functions behind it instead";
    if (bus > 0)
        pca_use_fail(use, use->address, fix,
                     "%s is a bridge: the host reaches bus %04x:%02x through it", use->address,
                     use->function->address.domain, bus);
    else
        pca_use_fail(use, use->address, fix,
                     "%s is a bridge: the host reaches what is behind it through it", use->address);
}

/* TRUE: the function is no endpoint, and that has been said. */
static gboolean is_part_of_host(const PcaUse *use) {
    guint32 class = use->function->class >> 8;
    if (pca_function_is_bridge(use->function))
        fail_bridge(use);
    else if (class == CLASS_HOST_BRIDGE || class == CLASS_ISA_BRIDGE)
        pca_use_fail(use, use->address, NULL, "%s is the host's own %s bridge", use->address,
                     class == CLASS_HOST_BRIDGE ? "host" : "ISA");
    else if (class == CLASS_IOMMU)
        pca_use_fail(use, use->address, NULL, "%s is an IOMMU of the host", use->address);
    else if (use->function->header_type != PCA_HEADER_ENDPOINT)
        pca_use_fail(use, use->address, "if it does not answer, reset or power-cycle it",
                     "cannot tell whether %s is a bridge: its config space cannot be read",
                     use->address);
    else
        return FALSE;
    return TRUE;
}

/* ---- Display ---- */

static void check_boot_vga(const PcaUse *use) {
    g_autofree char *path = g_build_filename(use->directory, "boot_vga", NULL);
    guint64 boot_vga = 0;
    if (!pca_read_number(use->directory, "boot_vga", &boot_vga) && access(path, F_OK) == 0)
        boot_vga = 1;
    if (boot_vga != 0)
        pca_use_fail(use, "boot_vga", "make another card the primary one in the firmware's setup",
                     "%s is the display that the machine started on, and shows its console",
                     use->address);
}

static void check_framebuffers(const PcaUse *use) {
    g_auto(GStrv) names = pca_use_class_members(use, "graphics", use->directory);
    for (char **name = names; name && *name; name++) {
        g_autofree char *fix = g_strdup_printf(
            "unbind its driver first: echo %s > %s/bus/pci/devices/%s/driver/unbind", use->address,
            use->root->sysfs, use->address);
        pca_use_fail(use, *name, fix, "the console can be on framebuffer %s of %s", *name,
                     use->address);
    }
}

/* A connector is "enabled" while something is shown through it; the cards and render nodes of the
 * class have no such attribute (drivers/gpu/drm/drm_sysfs.c). */
static gboolean shows_picture(const PcaUse *use, const char *name) {
    g_autofree char *directory = pca_class_directory(use->root, "drm", name);
    g_autofree char *path = g_build_filename(directory ? directory : "", "enabled", NULL);
    g_autofree char *state = directory ? pca_read_text(directory, "enabled", NULL) : NULL;
    return state ? g_str_equal(state, "enabled") : access(path, F_OK) == 0;
}

static void check_connectors(const PcaUse *use) {
    g_auto(GStrv) names = pca_use_class_members(use, "drm", use->directory);
    for (char **name = names; name && *name; name++)
        if (shows_picture(use, *name))
            pca_use_fail(use, *name, "stop the display server that uses it, or unplug the screen",
                         "the host shows a picture on %s of %s", *name, use->address);
}

static void check_display(const PcaUse *use) {
    if (use->function->class >> 16 != CLASS_DISPLAY)
        return;
    check_boot_vga(use);
    check_framebuffers(use);
    check_connectors(use);
}

void pca_in_use(const PcaRoot *root, const PcaFunction *function, PcaFindings *findings) {
    g_autofree char *address = pca_address_format(&function->address);
    g_autofree char *link = g_build_filename(root->sysfs, "bus/pci/devices", address, NULL);
    g_autofree char *directory = pca_resolve_link(link);
    PcaUse use = {root, function, address, directory, findings};
    if (!directory) {
        pca_use_fail(&use, address, NULL, "cannot tell whether the host uses %s: %s", address,
                     g_strerror(errno));
        return;
    }
    if (is_part_of_host(&use))
        return;
    pca_use_storage(&use);
    pca_use_network(&use);
    check_display(&use);
}
