/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whether the host shows something on a function: the display that the machine started on,
 * framebuffers, also the firmware's, and connectors with a picture. Who has its nodes open is asked
 * elsewhere.
 * Thread: any. Ownership: see in-use-internal.h.
 */
#include "sys/in-use-internal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fds.h"
#include "pci/resource.h"

#define CLASS_DISPLAY 0x03

/* struct screen_info, with which the kernel's boot parameters begin on x86
 * (include/uapi/linux/screen_info.h). */
#define SCREEN_LENGTH 0x40
#define SCREEN_TYPE 0x0f
#define SCREEN_BASE 0x18
#define SCREEN_CAPABILITIES 0x36
#define SCREEN_WIDE_BASE 0x3a
#define TYPE_VESA 0x23
#define TYPE_EFI 0x70
#define CAPABILITY_WIDE_BASE 0x2

static void check_boot_vga(const PcaUse *use) {
    g_autofree char *path = g_build_filename(use->directory, "boot_vga", NULL);
    guint64 boot_vga = 0;
    if (!pca_read_number(use->directory, "boot_vga", &boot_vga)) {
        if (access(path, F_OK) == 0)
            pca_use_fail(use, "boot_vga", NULL, "cannot tell whether the machine started on %s",
                         use->address);
    } else if (boot_vga != 0)
        pca_use_fail_as(use, PCA_USE_DISPLAY, "boot_vga",
                        "make another card the primary one in the firmware's setup",
                        "%s is the display that the machine started on, and shows its console",
                        use->address);
}

static void fail_framebuffer(const PcaUse *use, const char *name) {
    g_autofree char *fix =
        g_strdup_printf("unbind its driver first: echo %s > %s/bus/pci/devices/%s/driver/unbind",
                        use->address, use->root->sysfs, use->address);
    pca_use_fail_as(use, PCA_USE_DISPLAY, name, fix, "the console can be on framebuffer %s of %s",
                    name, use->address);
}

/* ---- The firmware's framebuffer ---- */

static guint32 read32(const guint8 *bytes) {
    guint32 value;
    memcpy(&value, bytes, sizeof value);
    return GUINT32_FROM_LE(value);
}

static guint64 screen_base(const guint8 *screen) {
    guint64 base = read32(screen + SCREEN_BASE);
    if (read32(screen + SCREEN_CAPABILITIES) & CAPABILITY_WIDE_BASE)
        base |= (guint64)read32(screen + SCREEN_WIDE_BASE) << 32;
    return base;
}

/* Where it is; 0: the machine was not started with one, or the kernel does not tell. */
static guint64 read_screen_base(const PcaRoot *root) {
    g_autofree char *path = g_build_filename(root->sysfs, "kernel/boot_params/data", NULL);
    PCA_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    guint8 screen[SCREEN_LENGTH];
    if (fd < 0 || read(fd, screen, sizeof screen) != sizeof screen ||
        (screen[SCREEN_TYPE] != TYPE_VESA && screen[SCREEN_TYPE] != TYPE_EFI))
        return 0;
    return screen_base(screen);
}

static gboolean has_address(const PcaUse *use, guint64 address) {
    g_autofree char *text = pca_read_text(use->directory, "resource", NULL);
    g_autoptr(GArray) resources = text ? pca_resources_parse(text, NULL) : NULL;
    for (guint i = 0; resources && i < resources->len; i++) {
        const PcaResource *resource = &g_array_index(resources, PcaResource, i);
        if (resource->flags & PCA_RESOURCE_MEM && resource->start <= address &&
            address <= resource->end)
            return TRUE;
    }
    return FALSE;
}

/* Older kernels do not put its device (simple-framebuffer, efi-framebuffer, vesa-framebuffer) below
 * the function whose memory it is; one that a driver of the function's own has replaced is gone. */
static void check_firmware(const PcaUse *use) {
    g_autofree char *path = g_build_filename(use->root->sysfs, "bus/platform/devices", NULL);
    g_auto(GStrv) names = pca_use_list(use, path);
    for (char **name = names; name && *name; name++) {
        g_autofree char *device = g_build_filename(path, *name, NULL);
        g_autofree char *driver =
            strstr(*name, "-framebuffer.") ? pca_read_link_name(device, "driver") : NULL;
        guint64 base = driver ? read_screen_base(use->root) : 0;
        if (base != 0 && has_address(use, base))
            fail_framebuffer(use, *name);
    }
}

/* ---- Framebuffers and connectors of its driver ---- */

static void check_framebuffers(const PcaUse *use) {
    g_auto(GStrv) names = pca_use_class_members(use, "graphics", use->directory);
    for (char **name = names; name && *name; name++)
        fail_framebuffer(use, *name);
    if (names && !names[0])
        check_firmware(use);
}

/* A connector is "enabled" while something is shown through it; the cards and render nodes of the
 * class have no such attribute (drivers/gpu/drm/drm_sysfs.c). */
static void check_connector(const PcaUse *use, const char *name) {
    g_autofree char *directory = pca_class_directory(use->root, "drm", name);
    g_autofree char *path = g_build_filename(directory ? directory : "", "enabled", NULL);
    g_autofree char *state = directory ? pca_read_text(directory, "enabled", NULL) : NULL;
    if (!state && access(path, F_OK) == 0)
        pca_use_fail(use, name, NULL, "cannot tell whether the host shows a picture on %s of %s",
                     name, use->address);
    else if (g_strcmp0(state, "enabled") == 0)
        pca_use_fail_as(use, PCA_USE_DISPLAY, name,
                        "stop the display server that uses it, or unplug the screen",
                        "the host shows a picture on %s of %s", name, use->address);
}

void pca_use_display(const PcaUse *use) {
    if (use->function->class >> 16 != CLASS_DISPLAY)
        return;
    check_boot_vga(use);
    check_framebuffers(use);
    g_auto(GStrv) names = pca_use_class_members(use, "drm", use->directory);
    for (char **name = names; name && *name; name++)
        check_connector(use, *name);
}
