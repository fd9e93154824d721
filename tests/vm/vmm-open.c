/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the test VMM's ways to a device: character device and iommufd, container and group, or
 * the group's node by its path.
 * Thread: main. Ownership: see vmm.h.
 */
#include "vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uapi.h"

/* ---- cdev ---- */

static int open_cdev(struct vmm *vmm) {
    struct bind_iommufd bind = {.argsz = sizeof bind, .iommufd = vmm->arguments->iommu};
    struct ioas_alloc alloc = {.size = sizeof alloc};
    struct attach_pt attach = {.argsz = sizeof attach};
    vmm->iommu = vmm->arguments->iommu;
    vmm->device = vmm->arguments->device;
    if (ioctl_patiently(vmm->device, DEVICE_BIND_IOMMUFD, &bind) < 0)
        return vmm_fail("BIND_IOMMUFD");
    if (ioctl(vmm->iommu, IOAS_ALLOC, &alloc) < 0)
        return vmm_fail("IOAS_ALLOC");
    attach.pt_id = vmm->ioas = alloc.out_ioas_id;
    vmm->has_ioas = true;
    return ioctl(vmm->device, DEVICE_ATTACH_IOMMUFD_PT, &attach) < 0 ? vmm_fail("ATTACH_IOMMUFD_PT")
                                                                     : 0;
}

/* ---- group and node ---- */

static int open_group(struct vmm *vmm, int container, int group) {
    struct vfio_group_status status = {.argsz = sizeof status};
    vmm->iommu = container;
    if (!vmm->arguments->address)
        return vmm_complain("a group needs address= of the device");
    if (ioctl(group, VFIO_GROUP_GET_STATUS, &status) < 0)
        return vmm_fail("GROUP_GET_STATUS");
    if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
        return vmm_complain("the group is not viable");
    if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0)
        return vmm_fail("GROUP_SET_CONTAINER");
    if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
        return vmm_fail("SET_IOMMU");
    vmm->device = ioctl_patiently(group, VFIO_GROUP_GET_DEVICE_FD, (void *)vmm->arguments->address);
    return vmm->device < 0 ? vmm_fail("GROUP_GET_DEVICE_FD") : 0;
}

static int group_node(const struct vmm_arguments *arguments, char *path, size_t size) {
    char link[256], target[256];
    if (arguments->node)
        return snprintf(path, size, "%s", arguments->node) < 0;
    if (!arguments->address)
        return vmm_complain("node needs node= of the group or address= of the device");
    snprintf(link, sizeof link, "/sys/bus/pci/devices/%s/iommu_group", arguments->address);
    ssize_t n = readlink(link, target, sizeof target - 1);
    if (n < 0)
        return vmm_fail(link);
    target[n] = '\0';
    snprintf(path, size, "/dev/vfio/%s", strrchr(target, '/') + 1);
    return 0;
}

static int open_node(struct vmm *vmm) {
    char path[512];
    if (group_node(vmm->arguments, path, sizeof path) < 0)
        return -1;
    int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
    if (container < 0)
        return vmm_fail("/dev/vfio/vfio");
    int group = open(path, O_RDWR | O_CLOEXEC);
    return group < 0 ? vmm_fail(path) : open_group(vmm, container, group);
}

/* ---- The device ---- */

static int region(const struct vmm *vmm, __u32 index, struct vfio_region_info *info) {
    *info = (struct vfio_region_info){.argsz = sizeof *info, .index = index};
    return ioctl(vmm->device, VFIO_DEVICE_GET_REGION_INFO, info) < 0 ? vmm_fail("GET_REGION_INFO")
                                                                     : 0;
}

static int read_config(const struct vmm *vmm, __u32 offset, void *to, size_t size) {
    return pread(vmm->device, to, size, (off_t)(vmm->config + offset)) == (ssize_t)size
               ? 0
               : vmm_fail("reading config space");
}

/* vfio-pci gives the function out with bus mastering off. */
static int switch_on(const struct vmm *vmm) {
    __u16 command;
    if (read_config(vmm, PCI_COMMAND, &command, sizeof command) < 0)
        return -1;
    if (command & PCI_COMMAND_MASTER)
        return vmm_complain("bus mastering is on already");
    command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    return pwrite(vmm->device, &command, sizeof command, (off_t)(vmm->config + PCI_COMMAND)) ==
                   sizeof command
               ? 0
               : vmm_fail("writing config space");
}

static int map_bar(struct vmm *vmm) {
    struct vfio_region_info info;
    if (region(vmm, VFIO_PCI_BAR0_REGION_INDEX, &info) < 0)
        return -1;
    if (!(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
        return vmm_complain("BAR 0 cannot be mapped");
    vmm->bar_offset = info.offset;
    vmm->bar_size = info.size;
    vmm->bar =
        mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, vmm->device, (off_t)info.offset);
    return vmm->bar == MAP_FAILED ? vmm_fail("mmap of BAR 0") : 0;
}

static int set_up(struct vmm *vmm) {
    struct vfio_region_info info;
    __u32 class;
    if (region(vmm, VFIO_PCI_CONFIG_REGION_INDEX, &info) < 0)
        return -1;
    vmm->config = info.offset;
    if (read_config(vmm, PCI_VENDOR_ID, &vmm->vendor, 2) < 0 ||
        read_config(vmm, PCI_DEVICE_ID, &vmm->id, 2) < 0 ||
        read_config(vmm, PCI_CLASS_REVISION, &class, 4) < 0)
        return -1;
    vmm->class = class >> 8;
    return switch_on(vmm) < 0 ? -1 : map_bar(vmm);
}

int vmm_open(struct vmm *vmm) {
    const struct vmm_arguments *a = vmm->arguments;
    int result;
    if (strcmp(a->mode, "cdev") == 0)
        result = open_cdev(vmm);
    else if (strcmp(a->mode, "group") == 0)
        result = open_group(vmm, a->iommu, a->device);
    else
        result = open_node(vmm);
    return result < 0 ? -1 : set_up(vmm);
}

/* ---- Memory ---- */

static int map_ioas(const struct vmm *vmm) {
    struct ioas_map map = {.size = sizeof map,
                           .flags = IOAS_MAP_FLAGS,
                           .ioas_id = vmm->ioas,
                           .user_va = (__u64)(size_t)vmm->memory,
                           .length = VMM_MEMORY,
                           .iova = VMM_IOVA};
    return ioctl(vmm->iommu, IOAS_MAP, &map) < 0 ? vmm_fail("IOAS_MAP") : 0;
}

static int map_type1(const struct vmm *vmm) {
    struct vfio_iommu_type1_dma_map map = {.argsz = sizeof map,
                                           .flags =
                                               VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
                                           .vaddr = (__u64)(size_t)vmm->memory,
                                           .iova = VMM_IOVA,
                                           .size = VMM_MEMORY};
    return ioctl(vmm->iommu, VFIO_IOMMU_MAP_DMA, &map) < 0 ? vmm_fail("MAP_DMA") : 0;
}

int vmm_map(struct vmm *vmm) {
    if (vmm->memory)
        return 0;
    void *memory =
        mmap(NULL, VMM_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return vmm_fail("memory");
    vmm->memory = memory;
    return vmm->has_ioas ? map_ioas(vmm) : map_type1(vmm);
}
