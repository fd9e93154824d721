/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the example needs of VFIO's character devices; kernel headers older than 6.6 lack
 * it. Facts: include/uapi/linux/vfio.h, iommufd.h. Thread: any. Ownership: none.
 */
#pragma once

#include <linux/ioctl.h>
#include <linux/types.h>

struct example_bind {
    __u32 argsz;
    __u32 flags;
    __s32 iommufd;
    __u32 out_devid;
};

struct example_region {
    __u32 argsz;
    __u32 flags;
    __u32 index;
    __u32 cap_offset;
    __u64 size;   /* bytes */
    __u64 offset; /* where it begins in the device's descriptor */
};

#define EXAMPLE_BIND_IOMMUFD _IO(';', 100 + 18)
#define EXAMPLE_GET_REGION_INFO _IO(';', 100 + 8)
#define EXAMPLE_CONFIG_REGION 7
