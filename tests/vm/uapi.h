/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: of Linux's include/uapi/linux/vfio.h and iommufd.h what headers older than 6.6 lack, and
 * the one call of it that needs patience.
 * Thread: any; no state. Ownership: none.
 */
#pragma once

#include <errno.h>
#include <linux/types.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct bind_iommufd {
    __u32 argsz, flags;
    __s32 iommufd;
    __u32 out_devid;
};
struct attach_pt {
    __u32 argsz, flags, pt_id;
};
struct ioas_alloc {
    __u32 size, flags, out_ioas_id;
};
struct ioas_map {
    __u32 size, flags, ioas_id, reserved;
    __u64 user_va, length, iova;
};
#define DEVICE_BIND_IOMMUFD _IO(';', 118)
#define DEVICE_ATTACH_IOMMUFD_PT _IO(';', 119)
#define IOAS_ALLOC _IO(';', 0x81)
#define IOAS_MAP _IO(';', 0x85)
#define IOAS_MAP_FLAGS 7u /* at that address; the device may write; it may read */

/* The kernel says EAGAIN when somebody, udev for one, holds the device's lock to read an attribute
 * just when the device is opened and wants to be reset (pci_try_reset_function()). */
static inline int ioctl_patiently(int fd, unsigned long request, void *argument) {
    int result = -1;
    for (int i = 0; i < 50; i++) {
        result = ioctl(fd, request, argument);
        if (result >= 0 || errno != EAGAIN)
            break;
        usleep(20000);
    }
    return result;
}
