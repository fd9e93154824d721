/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what run knows of virtual machine monitors: their arguments for devices, and how much
 * memory their command line asks for.
 * Thread: any; pure. Ownership: results belong to the caller.
 */
#pragma once

#include "base/fds.h"

typedef enum {
    PCA_VMM_UNKNOWN,
    PCA_VMM_QEMU,
    PCA_VMM_CLOUD_HYPERVISOR,
} PcaVmm;

/* QEMU fills the slots of the guest's root bus from below, and chipsets use the uppermost: what
 * needs a fixed slot starts in between. */
#define PCA_FIRST_GUEST_SLOT 0x10
#define PCA_LAST_GUEST_SLOT 0x1b

/* By the name of --vmm; FALSE with InvalidArgument for any other. */
gboolean pca_vmm_parse(const char *name, PcaVmm *vmm, GError **error);

/* By the last element of the command's name: qemu-system-*, qemu-kvm, cloud-hypervisor. */
PcaVmm pca_vmm_guess(const char *command);

/* The most memory that the guest may have, in bytes, by its arguments (ends with NULL; the
 * command's name comes first), or by the VMM's default; 0 when it cannot be told. */
guint64 pca_vmm_memory(PcaVmm vmm, const char *const *arguments);

/* Whether the arguments give the guest an IOMMU of its own, as far as that can be told. */
gboolean pca_vmm_has_viommu(PcaVmm vmm, const char *const *arguments);

/* Whether arguments can be added to these: not where a second --platform or --device would be
 * wrong. Fails with InvalidArgument. */
gboolean pca_vmm_check(PcaVmm vmm, const char *const *arguments, GError **error);

/* Whether the arguments name a device for VFIO themselves. */
gboolean pca_vmm_names_devices(PcaVmm vmm, const char *const *arguments);

/* The arguments that give the guest the devices: the descriptors get their numbers from their
 * places in the list (run-fds.h); one of role PCA_RUN_NODE is named by its address, for the VMM to
 * open. Several functions of one slot that came by one of `names` share
 * a slot of the guest. Ends with NULL. */
char **pca_vmm_arguments(PcaVmm vmm, PcaFds *fds, const char *const *names);
