/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: arguments for QEMU (9.0 or later) and cloud-hypervisor (one that knows iommufd_fd).
 * Thread: any. Ownership: see the header.
 */
#include "run-vmm.h"
#include "options.h"
#include "run-fds.h"
#include "base/error.h"
#include "pci/address.h"

#include <string.h>

#define MIB ((guint64)1 << 20)

static const struct {
    PcaVmm vmm;
    const char *name;
} vmms[] = {{PCA_VMM_QEMU, "qemu"}, {PCA_VMM_CLOUD_HYPERVISOR, "cloud-hypervisor"}};

gboolean pca_vmm_parse(const char *name, PcaVmm *vmm, GError **error) {
    static const char *const names[] = {"qemu", "cloud-hypervisor", NULL};
    for (guint i = 0; i < G_N_ELEMENTS(vmms); i++) {
        if (g_str_equal(name, vmms[i].name)) {
            *vmm = vmms[i].vmm;
            return TRUE;
        }
    }
    g_autofree char *hint = pca_suggestion(name, names);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "--vmm: unknown '%s'%s", name, hint);
    return FALSE;
}

PcaVmm pca_vmm_guess(const char *command) {
    g_autofree char *name = g_path_get_basename(command);
    if (g_str_has_prefix(name, "qemu-system-") || g_str_equal(name, "qemu-kvm"))
        return PCA_VMM_QEMU;
    return g_str_equal(name, "cloud-hypervisor") ? PCA_VMM_CLOUD_HYPERVISOR : PCA_VMM_UNKNOWN;
}

/* The value of KEY=VALUE among the comma-separated parts, as a size; 0 without one. */
static guint64 size_of(char **parts, const char *key, guint64 unit) {
    guint64 bytes = 0;
    for (; *parts; parts++) {
        const char *equals = strchr(*parts, '=');
        gsize length = equals ? (gsize)(equals - *parts) : 0;
        if (equals && strlen(key) == length && strncmp(*parts, key, length) == 0)
            pca_parse_size(equals + 1, unit, &bytes);
    }
    return bytes;
}

/* QEMU: -m [size=]SIZE[,slots=N][,maxmem=SIZE], a bare number in MiB. */
static guint64 qemu_memory(const char *value) {
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    guint64 size = size_of(parts, "size", MIB);
    if (size == 0 && parts[0] && !strchr(parts[0], '='))
        pca_parse_size(parts[0], MIB, &size);
    return MAX(size, size_of(parts, "maxmem", MIB));
}

/* cloud-hypervisor: --memory size=SIZE[,hotplug_size=SIZE]..., a bare number in bytes. */
static guint64 cloud_hypervisor_memory(const char *value) {
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    return size_of(parts, "size", 1) + size_of(parts, "hotplug_size", 1);
}

/* The value of an option that is one argument (--memory=V) or two (--memory V); NULL if it is not
 * that option. */
static const char *option_value(const char *const *argument, const char *option) {
    gsize length = strlen(option);
    if (g_str_equal(*argument, option))
        return argument[1];
    return g_str_has_prefix(*argument, option) && (*argument)[length] == '='
               ? *argument + length + 1
               : NULL;
}

guint64 pca_vmm_memory(PcaVmm vmm, const char *const *arguments) {
    if (vmm == PCA_VMM_UNKNOWN || !*arguments)
        return 0;
    guint64 bytes = (vmm == PCA_VMM_QEMU ? 128 : 512) * MIB;
    for (const char *const *a = arguments + 1; *a; a++) {
        const char *value = NULL;
        if (vmm == PCA_VMM_CLOUD_HYPERVISOR)
            value = option_value(a, "--memory");
        else if (g_str_equal(*a, "-m") || g_str_equal(*a, "--m"))
            value = a[1];
        if (value)
            bytes = vmm == PCA_VMM_QEMU ? qemu_memory(value) : cloud_hypervisor_memory(value);
    }
    return bytes;
}

static gboolean contains(char **parts, const char *const *words) {
    for (; *parts; parts++)
        if (g_strv_contains(words, *parts))
            return TRUE;
    return FALSE;
}

/* QEMU: -device intel-iommu,... and the like, -machine virt,iommu=smmuv3. */
static gboolean qemu_viommu(const char *option, char **parts) {
    static const char *const devices[] = {"intel-iommu",        "amd-iommu",  "virtio-iommu-pci",
                                          "virtio-iommu",       "arm-smmuv3", "riscv-iommu-pci",
                                          "driver=intel-iommu", NULL};
    static const char *const machines[] = {"iommu=smmuv3", "iommu=on", NULL};
    const char *name = option + strspn(option, "-");
    if (g_str_equal(name, "device"))
        return contains(parts, devices);
    return (g_str_equal(name, "machine") || g_str_equal(name, "M")) && contains(parts, machines);
}

gboolean pca_vmm_has_viommu(PcaVmm vmm, const char *const *arguments) {
    static const char *const on[] = {"iommu=on", NULL};
    for (const char *const *a = arguments; vmm != PCA_VMM_UNKNOWN && *a; a++) {
        g_auto(GStrv) own = g_strsplit(*a, ",", -1);
        g_auto(GStrv) next = g_strsplit(a[1] ? a[1] : "", ",", -1);
        if (vmm == PCA_VMM_QEMU ? qemu_viommu(*a, next) : contains(own, on))
            return TRUE;
    }
    return FALSE;
}

gboolean pca_vmm_check(PcaVmm vmm, const char *const *arguments, GError **error) {
    static const char *const single[] = {"--platform", "--device"};
    if (vmm != PCA_VMM_CLOUD_HYPERVISOR)
        return TRUE;
    for (; *arguments; arguments++) {
        for (guint i = 0; i < G_N_ELEMENTS(single); i++) {
            if (!option_value(arguments, single[i]))
                continue;
            g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                        "the command has a %s of its own; write placeholders there: "
                        "--platform iommufd=on,iommufd_fd={iommufd} --device fd={NAME}",
                        single[i]);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean pca_vmm_names_devices(PcaVmm vmm, const char *const *arguments) {
    for (; *arguments; arguments++)
        if (vmm == PCA_VMM_QEMU ? strstr(*arguments, "vfio-pci") != NULL
                                : option_value(arguments, "--device") != NULL)
            return TRUE;
    return FALSE;
}

static gboolean is_by_path(const PcaNamedFd *named) {
    return g_str_equal(named->role, PCA_RUN_NODE);
}

static gboolean is_device(const PcaNamedFd *named) {
    return g_str_equal(named->role, "device") || is_by_path(named);
}

/* Whether two devices came by one spec and sit in one slot of the host. */
static gboolean are_siblings(const PcaNamedFd *a, const PcaNamedFd *b, const char *const *names) {
    PcaAddress x, y;
    int spec = pca_run_spec_of(a->name, names);
    return is_device(b) && spec >= 0 && spec == pca_run_spec_of(b->name, names) &&
           pca_address_parse(a->address, &x) && pca_address_parse(b->address, &y) &&
           pca_address_same_slot(&x, &y);
}

/* Where a device stands among its siblings. */
typedef struct {
    guint first;       /* the index in the list of the first of them */
    guint rank;        /* how many stand before it */
    guint siblings;    /* it included */
    gboolean has_zero; /* whether one of them is function 0 of its slot */
} Place;

static guint function_of(const PcaNamedFd *named) {
    PcaAddress address = {0};
    pca_address_parse(named->address, &address);
    return address.function;
}

static Place find_place(PcaFds *fds, guint index, const char *const *names) {
    PcaNamedFd *named = pca_fds_get(fds, index);
    Place place = {.first = index};
    for (guint i = 0; i < fds->len; i++) {
        if (!are_siblings(named, pca_fds_get(fds, i), names))
            continue;
        place.first = MIN(place.first, i);
        place.rank += i < index;
        place.siblings++;
        place.has_zero |= function_of(pca_fds_get(fds, i)) == 0;
    }
    return place;
}

/* The function number in the guest: the host's, so that drivers that look at it are content; but
 * a slot without function 0 would not be found, so they are counted from 0 then. */
static guint guest_function(const PcaNamedFd *named, Place place) {
    return place.has_zero ? function_of(named) : place.rank;
}

static void qemu_device(GPtrArray *result, PcaFds *fds, guint index, guint number, Place place,
                        guint slot) {
    g_autoptr(GString) text = g_string_new(NULL);
    const PcaNamedFd *named = pca_fds_get(fds, index);
    g_string_printf(text, "vfio-pci,id=pcassign%u,", number);
    if (is_by_path(named))
        g_string_append_printf(text, "host=%s", named->address);
    else
        g_string_append_printf(text, "iommufd=pcassign,fd=%u", PCA_RUN_FIRST_FD + index);
    if (place.siblings > 1 && slot <= PCA_LAST_GUEST_SLOT) {
        guint function = guest_function(named, place);
        g_string_append_printf(text, ",addr=0x%x.0x%x%s", slot, function,
                               function == 0 ? ",multifunction=on" : "");
    }
    g_ptr_array_add(result, g_strdup("-device"));
    g_ptr_array_add(result, g_string_free(g_steal_pointer(&text), FALSE));
}

static void qemu_arguments(GPtrArray *result, PcaFds *fds, const char *const *names) {
    g_autofree guint *slots = g_new0(guint, fds->len + 1);
    guint slot = PCA_FIRST_GUEST_SLOT, number = 0;
    for (guint i = 0; i < fds->len; i++) {
        PcaNamedFd *named = pca_fds_get(fds, i);
        if (g_str_equal(named->role, PCA_RUN_IOMMUFD)) {
            g_ptr_array_add(result, g_strdup("-object"));
            g_ptr_array_add(result,
                            g_strdup_printf("iommufd,id=pcassign,fd=%u", PCA_RUN_FIRST_FD + i));
        }
        if (!is_device(named))
            continue;
        Place place = find_place(fds, i, names);
        if (place.siblings > 1 && place.rank == 0)
            slots[i] = slot++;
        qemu_device(result, fds, i, number++, place, slots[place.first]);
    }
}

/* As its own usage text and its issue about iommufd tell: BARs cannot be mapped for peer-to-peer
 * DMA through iommufd on a stock kernel, and with vfio_p2p_dma at its default the VMM then gives
 * up. */
static void cloud_hypervisor_arguments(GPtrArray *result, PcaFds *fds) {
    guint devices = 0;
    for (guint i = 0; i < fds->len; i++) {
        if (!g_str_equal(pca_fds_get(fds, i)->role, PCA_RUN_IOMMUFD))
            continue;
        g_ptr_array_add(result, g_strdup("--platform"));
        g_ptr_array_add(result, g_strdup_printf("iommufd=on,iommufd_fd=%u,vfio_p2p_dma=off",
                                                PCA_RUN_FIRST_FD + i));
    }
    for (guint i = 0; i < fds->len; i++) {
        const PcaNamedFd *named = pca_fds_get(fds, i);
        if (!is_device(named))
            continue;
        if (devices++ == 0)
            g_ptr_array_add(result, g_strdup("--device"));
        g_ptr_array_add(result, is_by_path(named) ? g_strdup_printf("path=/sys/bus/pci/devices/%s",
                                                                    named->address)
                                                  : g_strdup_printf("fd=%u", PCA_RUN_FIRST_FD + i));
    }
}

char **pca_vmm_arguments(PcaVmm vmm, PcaFds *fds, const char *const *names) {
    GPtrArray *result = g_ptr_array_new();
    if (vmm == PCA_VMM_QEMU)
        qemu_arguments(result, fds, names);
    else if (vmm == PCA_VMM_CLOUD_HYPERVISOR)
        cloud_hypervisor_arguments(result, fds);
    g_ptr_array_add(result, NULL);
    return (char **)g_ptr_array_free(result, FALSE);
}
