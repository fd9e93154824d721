/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: stands in for a VMM, or for another tool that uses a device:
 *   vfio-client fds [--drop-lease] IOMMUFD DEVICE...  binds the descriptors that it inherited
 *   vfio-client bound ADDRESS                         opens cdev and iommufd by name and binds
 *   vfio-client open ADDRESS                          opens the cdev and does no more
 *   vfio-client group ADDRESS                         opens the group's node and does no more
 * It maps a BAR of each device that it binds, says "ready" and stays until a signal ends it.
 * Thread: main. Ownership: the process keeps all descriptors until it ends; that is its use.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uapi.h"

/* Linux, include/uapi/linux/vfio.h. */
struct region_info {
    __u32 argsz, flags, index, cap_offset;
    __u64 size, offset;
};
#define DEVICE_GET_REGION_INFO _IO(';', 108)
#define REGION_MMAP 4u
#define N_BARS 6

static int fail(const char *what) {
    perror(what);
    return -1;
}

static int map_bar(int device) {
    for (__u32 i = 0; i < N_BARS; i++) {
        struct region_info info = {.argsz = sizeof info, .index = i};
        if (ioctl(device, DEVICE_GET_REGION_INFO, &info) < 0)
            return fail("GET_REGION_INFO");
        if (!(info.flags & REGION_MMAP) || info.size == 0)
            continue;
        volatile __u32 *bar =
            mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)info.offset);
        if (bar == MAP_FAILED)
            return fail("mmap of a BAR");
        printf("BAR %u reads %08x\n", i, *bar);
        return 0;
    }
    return 0;
}

static int bind_device(int device, int iommufd, __u32 ioas) {
    struct bind_iommufd bind = {.argsz = sizeof bind, .iommufd = iommufd};
    struct attach_pt attach = {.argsz = sizeof attach, .pt_id = ioas};
    if (ioctl_patiently(device, DEVICE_BIND_IOMMUFD, &bind) < 0)
        return fail("BIND_IOMMUFD");
    if (ioctl(device, DEVICE_ATTACH_IOMMUFD_PT, &attach) < 0)
        return fail("ATTACH_IOMMUFD_PT");
    return map_bar(device);
}

static int bind_all(int iommufd, const int *devices, int n) {
    struct ioas_alloc alloc = {.size = sizeof alloc};
    if (ioctl(iommufd, IOAS_ALLOC, &alloc) < 0)
        return fail("IOAS_ALLOC");
    for (int i = 0; i < n; i++)
        if (bind_device(devices[i], iommufd, alloc.out_ioas_id) < 0)
            return -1;
    return 0;
}

/* pcassignctl run numbers the descriptors from 3 in the order of LISTEN_FDNAMES. */
static int drop_lease(void) {
    const char *names = getenv("LISTEN_FDNAMES");
    int fd = 3;
    for (const char *p = names; p; fd++) {
        const char *end = strchr(p, ':');
        if (strncmp(p, "lease", 5) == 0 && (p[5] == ':' || p[5] == '\0'))
            return close(fd);
        p = end ? end + 1 : NULL;
    }
    fprintf(stderr, "no lease among the descriptors: %s\n", names ? names : "none");
    return -1;
}

static int hold_fds(int n, char **words) {
    int devices[16];
    bool drops = n > 0 && strcmp(words[0], "--drop-lease") == 0;
    n -= drops;
    words += drops;
    if (n < 2 || n > 16)
        return fail("number of descriptors");
    for (int i = 1; i < n; i++)
        devices[i - 1] = atoi(words[i]);
    if (bind_all(atoi(words[0]), devices, n - 1) < 0)
        return -1;
    /* Not before: the release that begins then holds the device's lock, and nothing can bind it. */
    return drops ? drop_lease() : 0;
}

static int open_cdev(const char *address) {
    char path[512];
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/vfio-dev", address);
    DIR *directory = opendir(path);
    struct dirent *entry = NULL;
    while (directory && (entry = readdir(directory)) && strncmp(entry->d_name, "vfio", 4) != 0)
        continue;
    if (!entry)
        return fail(path);
    snprintf(path, sizeof path, "/dev/vfio/devices/%s", entry->d_name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    return fd < 0 ? fail(path) : fd;
}

static int hold_bound(const char *address) {
    int iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
    int device = open_cdev(address);
    return iommufd < 0 || device < 0 ? -1 : bind_all(iommufd, &device, 1);
}

static int hold_group(const char *address) {
    char path[512], target[256];
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/iommu_group", address);
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0)
        return fail(path);
    target[n] = '\0';
    snprintf(path, sizeof path, "/dev/vfio/%s", strrchr(target, '/') + 1);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    return fd < 0 ? fail(path) : 0;
}

static int hold(int n, char **words) {
    if (n >= 2 && strcmp(words[0], "fds") == 0)
        return hold_fds(n - 1, words + 1);
    if (n == 2 && strcmp(words[0], "bound") == 0)
        return hold_bound(words[1]);
    if (n == 2 && strcmp(words[0], "open") == 0)
        return open_cdev(words[1]) < 0 ? -1 : 0;
    if (n == 2 && strcmp(words[0], "group") == 0)
        return hold_group(words[1]);
    fprintf(stderr, "usage: vfio-client fds [--drop-lease] IOMMUFD DEVICE... | "
                    "bound|open|group ADDRESS\n");
    return -1;
}

int main(int argc, char **argv) {
    if (hold(argc - 1, argv + 1) < 0)
        return EXIT_FAILURE;
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
