/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of run's pure parts: placeholders, descriptor numbers, VMM arguments, memory
 * sizes. Thread: main. Ownership: each test frees what it makes.
 */
#include "support/suite.h"

#include "options.h"
#include "run-fds.h"
#include "run-vmm.h"
#include "specs.h"
#include "base/error.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *const gpu_nic[] = {"gpu", "01:00.0", NULL};

/* iommufd at 3, gpu at 4, gpu.1 at 5, 01:00.0 at 6, lease at 7, once they are placed. */
static PcaFds *some_fds(void) {
    PcaFds *fds = pca_fds_new();
    pca_fds_consume(fds, "iommufd", "", "", -1);
    pca_fds_consume(fds, "device", "gpu", "0000:02:00.0", -1);
    pca_fds_consume(fds, "device", "gpu", "0000:02:00.1", -1);
    pca_fds_consume(fds, "device", "01:00.0", "0000:01:00.0", -1);
    pca_run_number(fds);
    pca_fds_consume(fds, "lease", "", "", -1);
    return fds;
}

static const struct {
    const char *text, *expanded; /* NULL: an error */
} expansions[] = {
    {"", ""},
    {"plain", "plain"},
    {"{iommufd}", "3"},
    {"fd={gpu},x={gpu.1}", "fd=4,x=5"},
    {"{01:00.0}{0000:01:00.0}", "66"},
    {"{lease}", "7"},
    {"{{gpu}", "{gpu}"},
    {"{{{gpu}}", "{4}"},
    {"{", "{"},
    {"}", "}"},
    {"{}", "{}"},
    {"{gpu", "{gpu"},
    {"{\"driver\":\"vfio-pci\",\"fd\":\"{gpu}\"}", "{\"driver\":\"vfio-pci\",\"fd\":\"4\"}"},
    {"{not a word}", "{not a word}"},
    {"{gpu.2}", NULL},
    {"{gpu.0}", NULL},
    {"{GPU}", NULL},
    {"{nic}", NULL},
    {"{01:00.1}", NULL},
};

START_TEST(expand) {
    g_autoptr(GPtrArray) fds = some_fds();
    g_autoptr(GError) error = NULL;
    const char *arguments[] = {"command", expansions[_i].text, NULL};
    g_auto(GStrv) result = pca_run_expand(arguments, fds, &error);
    ck_assert_pstr_eq(result ? result[1] : NULL, expansions[_i].expanded);
    ck_assert(result != NULL || g_error_matches(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT));
}
END_TEST

static const struct {
    const char *text;
    int used; /* -1: an error */
} early[] = {
    {"none", 0},    {"{iommufd}{gpu}", 2}, {"{gpu.7}", 1},  {"{0000:01:00.0}", 1}, {"{{gpu}", 0},
    {"{lease}", 1}, {"{nic}", -1},         {"{gpu.x}", -1}, {"{gpu.01}", -1},
};

START_TEST(check_early) {
    g_autoptr(GError) error = NULL;
    const char *arguments[] = {early[_i].text, NULL};
    guint used = 0;
    gboolean ok = pca_run_check(arguments, gpu_nic, &used, &error);
    ck_assert_int_eq(ok ? (int)used : -1, early[_i].used);
    if (!ok)
        ck_assert_ptr_nonnull(
            strstr(error->message, "{iommufd} or {container}, {gpu}, {01:00.0} and {lease}"));
}
END_TEST

START_TEST(listen_names) {
    g_autoptr(GPtrArray) fds = some_fds();
    g_autofree char *text = pca_run_listen_names(fds);
    ck_assert_str_eq(text, "iommufd:gpu:gpu.1:01_00.0:lease");
}
END_TEST

START_TEST(sender_numbered) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    pca_fds_consume(fds, "device", "gpu", "", -1);
    pca_fds_consume(fds, "device", "gpu.1", "", -1);
    pca_run_number(fds);
    ck_assert_str_eq(pca_fds_get(fds, 1)->name, "gpu.1");
    ck_assert_int_eq(pca_run_spec_of("gpu.1", gpu_nic), 0);
    ck_assert_int_eq(pca_run_spec_of("gpu.x", gpu_nic), -1);
}
END_TEST

static ino_t inode(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* Three pipes' ends at 5, 4 and 3, which belong at 3, 4 and 5. */
static gboolean open_reversed(PcaFds *fds, ino_t *inodes) {
    for (int i = 0; i < 3; i++) {
        int pair[2];
        if (pipe2(pair, O_CLOEXEC) < 0 || dup3(pair[1], 5 - i, O_CLOEXEC) < 0)
            return FALSE;
        close(pair[0]);
        close(pair[1]);
        inodes[i] = inode(5 - i);
        pca_fds_consume(fds, "device", "x", "", 5 - i);
    }
    return TRUE;
}

/* 0, or which step failed. */
static int place_reversed(void) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    ino_t inodes[3];
    if (!pca_run_reserve(NULL) || !open_reversed(fds, inodes))
        return 1;
    if (!pca_run_place(fds, NULL))
        return 2;
    for (int i = 0; i < 3; i++)
        if (pca_fds_get(fds, (guint)i)->fd != 3 + i || inode(3 + i) != inodes[i] ||
            fcntl(3 + i, F_GETFD) != 0)
            return 3;
    return fcntl(6, F_GETFD) == FD_CLOEXEC ? 0 : 4;
}

/* In a process of its own: the runner has descriptors at these numbers. */
START_TEST(place) {
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(place_reversed());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(place_fails) {
    g_autoptr(GPtrArray) fds = some_fds();
    g_autoptr(GError) error = NULL;
    ck_assert(!pca_run_place(fds, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "iommufd"));
}
END_TEST

static const struct {
    const char *addresses[3];
    const char *joined;
} slots[] = {
    {{"0000:02:00.0", NULL},
     "-object iommufd,id=pcassign,fd=3 -device vfio-pci,id=pcassign0,iommufd=pcassign,fd=4"},
    {{"0000:02:00.1", "0000:02:00.0", NULL},
     "-object iommufd,id=pcassign,fd=3 "
     "-device vfio-pci,id=pcassign0,iommufd=pcassign,fd=4,addr=0x10.0x1 "
     "-device vfio-pci,id=pcassign1,iommufd=pcassign,fd=5,addr=0x10.0x0,multifunction=on"},
    {{"0000:02:00.2", "0000:02:00.3", NULL},
     "-object iommufd,id=pcassign,fd=3 "
     "-device vfio-pci,id=pcassign0,iommufd=pcassign,fd=4,addr=0x10.0x0,multifunction=on "
     "-device vfio-pci,id=pcassign1,iommufd=pcassign,fd=5,addr=0x10.0x1"},
    {{"0000:02:00.0", "0000:03:00.0", NULL},
     "-object iommufd,id=pcassign,fd=3 "
     "-device vfio-pci,id=pcassign0,iommufd=pcassign,fd=4 "
     "-device vfio-pci,id=pcassign1,iommufd=pcassign,fd=5"},
};

START_TEST(qemu_slots) {
    g_autoptr(GPtrArray) fds = pca_fds_new();
    pca_fds_consume(fds, "iommufd", "", "", -1);
    for (int i = 0; slots[_i].addresses[i]; i++)
        pca_fds_consume(fds, "device", "gpu", slots[_i].addresses[i], -1);
    pca_run_number(fds);
    g_auto(GStrv) arguments = pca_vmm_arguments(PCA_VMM_QEMU, fds, gpu_nic);
    g_autofree char *joined = g_strjoinv(" ", arguments);
    ck_assert_str_eq(joined, slots[_i].joined);
}
END_TEST

START_TEST(cloud_hypervisor) {
    g_autoptr(GPtrArray) fds = some_fds();
    g_auto(GStrv) arguments = pca_vmm_arguments(PCA_VMM_CLOUD_HYPERVISOR, fds, gpu_nic);
    g_autofree char *joined = g_strjoinv(" ", arguments);
    ck_assert_str_eq(joined, "--platform iommufd=on,iommufd_fd=3,vfio_p2p_dma=off "
                             "--device fd=4 fd=5 fd=6");
}
END_TEST

static const struct {
    PcaVmm vmm;
    const char *joined;
} by_path[] = {
    {PCA_VMM_QEMU, "-device vfio-pci,id=pcassign0,host=0000:02:00.0,addr=0x10.0x0,multifunction=on "
                   "-device vfio-pci,id=pcassign1,host=0000:02:00.1,addr=0x10.0x1 "
                   "-device vfio-pci,id=pcassign2,host=0000:01:00.0"},
    {PCA_VMM_CLOUD_HYPERVISOR, "--device path=/sys/bus/pci/devices/0000:02:00.0 "
                               "path=/sys/bus/pci/devices/0000:02:00.1 "
                               "path=/sys/bus/pci/devices/0000:01:00.0"},
    {PCA_VMM_UNKNOWN, ""},
};

START_TEST(devices_by_path) {
    static const char *const addresses[] = {"0000:02:00.0", "0000:02:00.1", "0000:01:00.0"};
    static const char *const names[] = {"device", NULL};
    g_autoptr(GPtrArray) fds = pca_fds_new();
    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++)
        pca_fds_consume(fds, PCA_RUN_NODE, "device", addresses[i], -1);
    g_auto(GStrv) arguments = pca_vmm_arguments(by_path[_i].vmm, fds, names);
    g_autofree char *joined = g_strjoinv(" ", arguments);
    ck_assert_str_eq(joined, by_path[_i].joined);
}
END_TEST

static const struct {
    PcaVmm vmm;
    const char *const arguments[4];
    gboolean named;
} own_devices[] = {
    {PCA_VMM_QEMU, {"qemu", "-m", "1G"}, FALSE},
    {PCA_VMM_QEMU, {"qemu", "-device", "vfio-pci,host=02:00.0"}, TRUE},
    {PCA_VMM_QEMU, {"qemu", "-device", "{\"driver\":\"vfio-pci\",\"host\":\"02:00.0\"}"}, TRUE},
    {PCA_VMM_CLOUD_HYPERVISOR, {"ch", "--disk", "path=x"}, FALSE},
    {PCA_VMM_CLOUD_HYPERVISOR, {"ch", "--device", "path=x"}, TRUE},
    {PCA_VMM_CLOUD_HYPERVISOR, {"ch", "--device=path=x"}, TRUE},
};

START_TEST(own_devices_are_seen) {
    ck_assert_int_eq(pca_vmm_names_devices(own_devices[_i].vmm, own_devices[_i].arguments),
                     own_devices[_i].named);
}
END_TEST

static const struct {
    const char *text;
    gboolean good;
} without_fds[] = {
    {"plain", TRUE},      {"{lease}", TRUE}, {"{{iommufd}", TRUE},
    {"{iommufd}", FALSE}, {"{gpu}", FALSE},
};

START_TEST(only_the_lease_where_paths_are_opened) {
    const char *arguments[] = {"command", without_fds[_i].text, NULL};
    g_autoptr(GError) error = NULL;
    ck_assert_int_eq(pca_run_check_without_fds(arguments, &error), without_fds[_i].good);
    ck_assert(without_fds[_i].good || strstr(error->message, "--handoff=node"));
}
END_TEST

#define MIB ((guint64)1 << 20)

static const struct {
    PcaVmm vmm;
    const char *option, *value;
    guint64 mib;
} memories[] = {
    {PCA_VMM_QEMU, "-m", "64", 64},
    {PCA_VMM_QEMU, "-m", "64M", 64},
    {PCA_VMM_QEMU, "-m", "2G", 2048},
    {PCA_VMM_QEMU, "-m", "1.5g", 1536},
    {PCA_VMM_QEMU, "-m", "2G,slots=2,maxmem=4G", 4096},
    {PCA_VMM_QEMU, "-m", "size=2G,slots=2,maxmem=4G", 4096},
    {PCA_VMM_QEMU, "-m", "size=2G", 2048},
    {PCA_VMM_QEMU, "-m", "rubbish", 0},
    {PCA_VMM_QEMU, "-m", "", 0},
    {PCA_VMM_QEMU, "-m", NULL, 128},
    {PCA_VMM_QEMU, "-smp", "4", 128},
    {PCA_VMM_CLOUD_HYPERVISOR, "--memory", "size=1G", 1024},
    {PCA_VMM_CLOUD_HYPERVISOR, "--memory=size=1G,hotplug_size=2G", NULL, 3072},
    {PCA_VMM_CLOUD_HYPERVISOR, "--kernel", "x", 512},
    {PCA_VMM_UNKNOWN, "-m", "64", 0},
};

START_TEST(memory) {
    const char *arguments[] = {"vmm", memories[_i].option, memories[_i].value, NULL};
    guint64 bytes = pca_vmm_memory(memories[_i].vmm, arguments);
    ck_assert_uint_eq(bytes / MIB, memories[_i].mib);
}
END_TEST

static const struct {
    PcaVmm vmm;
    const char *option, *value;
    gboolean has;
} viommus[] = {
    {PCA_VMM_QEMU, "-device", "intel-iommu,intremap=on,caching-mode=on", TRUE},
    {PCA_VMM_QEMU, "-device", "virtio-iommu-pci", TRUE},
    {PCA_VMM_QEMU, "-machine", "virt,iommu=smmuv3", TRUE},
    {PCA_VMM_QEMU, "--device", "amd-iommu", TRUE},
    {PCA_VMM_QEMU, "-M", "q35,kernel-irqchip=split", FALSE},
    {PCA_VMM_QEMU, "-device", "virtio-net-pci,iommu_platform=on", FALSE},
    {PCA_VMM_QEMU, "-name", "intel-iommu", FALSE},
    {PCA_VMM_QEMU, "-device", NULL, FALSE},
    {PCA_VMM_CLOUD_HYPERVISOR, "--device", "fd=3,iommu=on", TRUE},
    {PCA_VMM_CLOUD_HYPERVISOR, "--device", "fd=3,iommu=off", FALSE},
    {PCA_VMM_UNKNOWN, "-device", "intel-iommu", FALSE},
};

START_TEST(viommu) {
    const char *arguments[] = {"vmm", viommus[_i].option, viommus[_i].value, NULL};
    ck_assert_int_eq(pca_vmm_has_viommu(viommus[_i].vmm, arguments), viommus[_i].has);
}
END_TEST

static const struct {
    const char *text;
    guint64 bytes; /* 0: refused */
} sizes[] = {
    {"1", 1},         {"4K", 4096}, {"2m", 2 * MIB}, {"1G", 1024 * MIB}, {"1T", 1024 * 1024 * MIB},
    {"0.5K", 512},    {"", 0},      {"0", 0},        {"-1", 0},          {"4X", 0},
    {"4GB", 0},       {"nan", 0},   {"inf", 0},      {" 1", 0},          {"9e99", 0},
    {"99999999T", 0},
};

START_TEST(size) {
    guint64 bytes = 0;
    gboolean ok = pca_parse_size(sizes[_i].text, 1, &bytes);
    ck_assert_int_eq(ok, sizes[_i].bytes != 0);
    ck_assert_uint_eq(bytes, sizes[_i].bytes);
}
END_TEST

static const struct {
    const char *command;
    PcaVmm vmm;
} commands[] = {
    {"qemu-system-x86_64", PCA_VMM_QEMU},
    {"/usr/libexec/qemu-kvm", PCA_VMM_QEMU},
    {"/x/cloud-hypervisor", PCA_VMM_CLOUD_HYPERVISOR},
    {"qemu-img", PCA_VMM_UNKNOWN},
    {"", PCA_VMM_UNKNOWN},
};

START_TEST(guess) {
    ck_assert_int_eq(pca_vmm_guess(commands[_i].command), commands[_i].vmm);
}
END_TEST

static const struct {
    const char *words[3];
    guint n; /* 0: refused */
} specifications[] = {
    {{"01:00.0", NULL}, 1},
    {{"wan=fast-nic", "lan=fast-nic", NULL}, 2},
    {{"fast-nic", "fast-nic"}, 0},
    {{"a=01:00.0", "b=0000:01:00.0"}, 0},
    {{"x=01:00.0", "x=02:00.0"}, 0},
    {{"-x=01:00.0", NULL}, 0},
    {{"=01:00.0", NULL}, 0},
    {{"iommufd=01:00.0", NULL}, 0},
    {{NULL}, 0},
};

START_TEST(specs) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) parsed = pca_specs_parse(specifications[_i].words, &error);
    ck_assert_uint_eq(parsed ? parsed->len : 0, specifications[_i].n);
    ck_assert(parsed != NULL || g_error_matches(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT));
}
END_TEST

Suite *pca_suite(void) {
    Suite *suite = suite_create("run");
    TCase *fds = tcase_create("descriptors");
    tcase_add_test(fds, listen_names);
    tcase_add_test(fds, sender_numbered);
    tcase_add_test(fds, place);
    tcase_add_test(fds, place_fails);
    tcase_add_test(fds, cloud_hypervisor);
    suite_add_tcase(suite, fds);
    PCA_TABLE(suite, "placeholders", expand, expansions);
    PCA_TABLE(suite, "placeholders before the claim", check_early, early);
    PCA_TABLE(suite, "slots of QEMU", qemu_slots, slots);
    PCA_TABLE(suite, "devices by path", devices_by_path, by_path);
    PCA_TABLE(suite, "devices of the command's own", own_devices_are_seen, own_devices);
    PCA_TABLE(suite, "placeholders without descriptors", only_the_lease_where_paths_are_opened,
              without_fds);
    PCA_TABLE(suite, "memory", memory, memories);
    PCA_TABLE(suite, "viommu", viommu, viommus);
    PCA_TABLE(suite, "sizes", size, sizes);
    PCA_TABLE(suite, "VMM by name", guess, commands);
    PCA_TABLE(suite, "specs", specs, specifications);
    return suite;
}
