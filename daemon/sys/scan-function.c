/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of one function's directory say, whatever else there is.
 * Thread: any. Ownership: see the header.
 */
#include "sys/scan-function.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fds.h"
#include "sys/root.h"

#define CONFIG_HEADER_TYPE 0x0e
#define HEADER_TYPE_MASK 0x7f /* bit 7 says multifunction */

/* ---- Position ---- */

static gboolean is_root_bus(const char *element) {
    unsigned domain, bus;
    char rest;
    return sscanf(element, "pci%x:%x%c", &domain, &bus, &rest) == 2;
}

/* The index of the first function below the innermost root bus (a VMD controller is a function that
 * has a root bus below it); 0 when there is none. */
static guint first_function(char **elements) {
    guint first = 0;
    for (guint i = 0; elements[i]; i++)
        if (is_root_bus(elements[i]))
            first = i + 1;
    return first;
}

char *pca_scan_slot_path(const char *real, PcaAddress *upstream, gboolean *has_upstream) {
    g_auto(GStrv) elements = g_strsplit(real, "/", -1);
    GString *path = g_string_new(NULL);
    PcaAddress address;
    guint first = first_function(elements);
    for (guint i = first; first != 0 && elements[i]; i++) {
        if (!pca_address_parse(elements[i], &address)) {
            g_string_truncate(path, 0);
            break;
        }
        if (i == first)
            g_string_append(path, elements[i]);
        else
            g_string_append_printf(path, "/%02x.%x", address.device, address.function);
        if (elements[i + 1])
            *has_upstream = pca_address_parse(elements[i], upstream);
    }
    return g_string_free(path, FALSE);
}

/* ---- Identity ---- */

static gboolean read_id(int directory, const char *name, guint64 max, guint64 *value) {
    g_autofree char *text = pca_read_attribute(directory, name);
    return text && pca_parse_number(text, value) && *value <= max;
}

static guint64 read_or_zero(int directory, const char *name, guint64 max) {
    guint64 value;
    return read_id(directory, name, max, &value) ? value : 0;
}

gboolean pca_scan_ids(PcaFunction *function, int directory) {
    guint64 vendor, device, class;
    if (!read_id(directory, "vendor", G_MAXUINT16, &vendor) ||
        !read_id(directory, "device", G_MAXUINT16, &device) ||
        !read_id(directory, "class", 0xffffff, &class))
        return FALSE;
    function->vendor = vendor;
    function->device = device;
    function->class = class;
    function->subsystem_vendor = read_or_zero(directory, "subsystem_vendor", G_MAXUINT16);
    function->subsystem_device = read_or_zero(directory, "subsystem_device", G_MAXUINT16);
    function->revision = read_or_zero(directory, "revision", G_MAXUINT8);
    return TRUE;
}

int pca_scan_header_type(int directory) {
    PCA_AUTO_FD fd = openat(directory, "config", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    guint8 value;
    /* One byte: each access is a slow cycle on the bus, or an exit to the hypervisor. */
    if (fd < 0 || pread(fd, &value, sizeof value, CONFIG_HEADER_TYPE) != sizeof value)
        return PCA_HEADER_UNKNOWN;
    int type = value & HEADER_TYPE_MASK;
    return type <= PCA_HEADER_CARDBUS ? type : PCA_HEADER_UNKNOWN;
}

gboolean pca_scan_is_same(const PcaFunction *function, int directory) {
    guint64 vendor;
    return read_id(directory, "vendor", G_MAXUINT16, &vendor) && vendor == function->vendor;
}

/* ---- Driver and reset ---- */

void pca_scan_driver(PcaFunction *function, int directory, gboolean evicting) {
    function->driver = pca_read_link_name_at(directory, "driver");
    if (evicting)
        return;
    g_autofree char *override = pca_read_attribute(directory, "driver_override");
    if (override && override[0] != '\0' && !g_str_equal(override, "(null)"))
        function->driver_override = g_steal_pointer(&override);
}

void pca_scan_reset_methods(PcaFunction *function, int directory) {
    g_autofree char *text = pca_read_attribute(directory, "reset_method");
    if (!text)
        return;
    g_auto(GStrv) words = g_strsplit_set(text, " \t\n", -1);
    GPtrArray *methods = g_ptr_array_new();
    for (char **word = words; *word; word++)
        if (**word != '\0')
            g_ptr_array_add(methods, g_strdup(*word));
    g_ptr_array_add(methods, NULL);
    g_strfreev(function->reset_methods);
    function->reset_methods = (char **)g_ptr_array_free(methods, FALSE);
}

/* ---- SR-IOV ---- */

guint16 pca_scan_total_vfs(int directory) {
    return read_or_zero(directory, "sriov_totalvfs", G_MAXUINT16);
}

/* ---- Power ---- */

static const char *one_of(const char *text, const char *a, const char *b) {
    return g_strcmp0(text, a) == 0 ? a : g_strcmp0(text, b) == 0 ? b : "";
}

void pca_scan_power(PcaFunction *function, int directory) {
    g_autofree char *control = pca_read_attribute(directory, "power/control");
    g_autofree char *d3cold = pca_read_attribute(directory, "d3cold_allowed");
    const char *known = one_of(control, "auto", "on"), *cold = one_of(d3cold, "0", "1");
    if (*known || *cold)
        function->power = g_strdup_printf("%s,%s", known, cold);
}
