/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the one ioctl of /dev/iommu that the daemon makes, for machines whose kernel headers
 * are older than iommufd (Linux 6.2). Numbers and layout: Linux, include/uapi/linux/iommufd.h,
 * struct iommu_option; they are ABI and do not change.
 * Thread: any. Ownership: plain values.
 */
#pragma once

#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>
#else

#include <linux/ioctl.h>
#include <linux/types.h>

#define IOMMU_OPTION_RLIMIT_MODE 0
#define IOMMU_OPTION_OP_SET 0
#define IOMMU_OPTION_OP_GET 1

struct iommu_option {
    __u32 size;
    __u32 option_id;
    __u16 op;
    __u16 __reserved;
    __u32 object_id;
    __aligned_u64 val64;
};
#define IOMMU_OPTION _IO(';', 0x87)

#endif
