/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of the test VMM share.
 * Thread: main. Ownership: a struct vmm keeps descriptors and mappings until the process ends, as a
 * VMM does.
 *
 * Functions return 0, or -1 after they have said on standard error what failed.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define VMM_IOVA 0x100000ull /* where the device sees the guest's memory */
#define VMM_MEMORY (1u << 20)

struct vmm_arguments {
    const char *mode;           /* cdev, group, node */
    int iommu;                  /* iommufd or container; -1: not given */
    int device;                 /* VFIO character device, or group; -1: not given */
    const char *address, *node; /* of the function; of its group; NULL: not given */
    unsigned count;             /* how often each interrupt is raised */
};

struct vmm {
    const struct vmm_arguments *arguments;
    bool has_ioas; /* cdev: memory goes into an IOAS of the iommufd, otherwise into the container */
    int iommu, device;
    __u32 ioas;
    __u64 config; /* offset of the config region */
    __u16 vendor, id;
    __u32 class;
    volatile __u8 *bar; /* BAR 0 */
    __u64 bar_offset;   /* of its region */
    size_t bar_size;
    __u8 *memory; /* at VMM_IOVA; NULL: not mapped yet */
};

int vmm_fail(const char *what); /* with errno */
int vmm_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* vmm-open.c: from what was given to a device that works: memory space and bus master on. */
int vmm_open(struct vmm *vmm);
int vmm_map(struct vmm *vmm);

/* vmm-device.c: the two devices that the VMM has drivers for. */
__u32 vmm_read(const struct vmm *vmm, __u32 offset);
void vmm_write(const struct vmm *vmm, __u32 offset, __u32 value);
bool vmm_is_nic(const struct vmm *vmm); /* 82574L, QEMU's e1000e: it can raise any interrupt */
int vmm_dma(struct vmm *vmm);

/* vmm-interrupts.c: "intx", "msi" or "msix". */
int vmm_interrupts(struct vmm *vmm, const char *kind);

/* vmm-leave.c: lets everything go, the lease too, but for one thing, which keeps the device from
 * whoever wants it back; says who has it, and stays. "leave-node": what was handed out, in a child;
 * "leave-device": the device's descriptor, in a child; "leave-mapping": BAR 0; "leave-queue": the
 * descriptor, on its way through a socket. */
int vmm_leave(struct vmm *vmm, const char *what);
