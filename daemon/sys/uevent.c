/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the kernel's own uevents of PCI functions, by a libudev monitor.
 * Thread: the default main context's. Ownership: see the header.
 */
#include "sys/uevent.h"

#include <errno.h>
#include <glib-unix.h>
#include <libudev.h>
#include <sys/socket.h>

#include "base/error.h"

/* Enabling 256 VFs sends some 1,000 events of less than 1 KiB, each charged a few KiB. */
#define RECEIVE_BUFFER (16 * 1024 * 1024)

struct PcaUevents {
    struct udev *udev;
    struct udev_monitor *monitor;
    guint source;
    PcaUeventFunc func;
    gpointer data;
};

/* TRUE when one more may be waiting. */
static gboolean receive_one(PcaUevents *uevents) {
    errno = 0;
    struct udev_device *device = udev_monitor_receive_device(uevents->monitor);
    if (!device) {
        if (errno == ENOBUFS)
            uevents->func(PCA_UEVENT_RESCAN, NULL, uevents->data);
        return errno == ENOBUFS || errno == EINTR;
    }
    const char *action = udev_device_get_action(device);
    /* Whoever writes to `uevent` can say so of what is there (kobject_synth_uevent() in
     * lib/kobject_uevent.c). */
    if (udev_device_get_property_value(device, "SYNTH_UUID"))
        action = "change";
    const char *sysname = udev_device_get_sysname(device);
    if (action && sysname)
        uevents->func(action, sysname, uevents->data);
    udev_device_unref(device);
    return TRUE;
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data) {
    PcaUevents *uevents = data;
    if (condition & (G_IO_HUP | G_IO_NVAL)) {
        g_warning("the kernel's uevent socket broke: changes of PCI functions go unnoticed");
        uevents->source = 0;
        return G_SOURCE_REMOVE;
    }
    while (receive_one(uevents))
        continue;
    return G_SOURCE_CONTINUE;
}

/* Without CAP_NET_ADMIN the buffer is capped at net.core.rmem_max; an overrun is only a rescan. */
static void enlarge_buffer(struct udev_monitor *monitor) {
    int size = RECEIVE_BUFFER;
    int fd = udev_monitor_get_fd(monitor);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

/* 0 or -errno. */
static int start(PcaUevents *uevents) {
    uevents->udev = udev_new();
    if (!uevents->udev)
        return -ENOMEM;
    errno = 0;
    uevents->monitor = udev_monitor_new_from_netlink(uevents->udev, "kernel");
    if (!uevents->monitor)
        return errno > 0 ? -errno : -EIO;
    int result = udev_monitor_filter_add_match_subsystem_devtype(uevents->monitor, "pci", NULL);
    if (result < 0)
        return result;
    enlarge_buffer(uevents->monitor);
    return udev_monitor_enable_receiving(uevents->monitor);
}

PcaUevents *pca_uevents_new(PcaUeventFunc func, gpointer data, GError **error) {
    g_autoptr(PcaUevents) uevents = g_new0(PcaUevents, 1);
    uevents->func = func;
    uevents->data = data;
    int result = start(uevents);
    if (result < 0) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, -result, "cannot listen to kernel uevents");
        return NULL;
    }
    uevents->source =
        g_unix_fd_add(udev_monitor_get_fd(uevents->monitor), G_IO_IN, on_readable, uevents);
    return g_steal_pointer(&uevents);
}

void pca_uevents_free(PcaUevents *uevents) {
    if (!uevents)
        return;
    if (uevents->source != 0)
        g_source_remove(uevents->source);
    udev_monitor_unref(uevents->monitor);
    udev_unref(uevents->udev);
    g_free(uevents);
}
